#include "zerotail/fault/scratch_disk.h"

#include <algorithm>
#include <cstring>

#include "zerotail/sim/assert.h"

namespace zerotail::fault {

using sim::Sector;
using sim::SectorCount;

ScratchDisk::ScratchDisk(const sim::SectorReader& below, const sim::DeviceInfo& info)
    : below_(below), info_(info) {
  ZT_ASSERT(info.capacity <= below.capacity());
}

const std::byte* ScratchDisk::sector(Sector sector) const {
  ZT_ASSERT(sector.value() < info_.capacity.value());
  if (!written_.empty()) {
    const auto found = written_.find(sector.value());
    if (found != written_.end()) return found->second.get();
  }
  return below_.sector(sector);
}

void ScratchDisk::submit(sim::Bio& bio) {
  const sim::Errno outcome = check_range(info_, bio);
  if (outcome == sim::Errno::kOk) {
    switch (bio.op) {
      case sim::BioOp::kRead:
        read_bio(bio);
        break;
      case sim::BioOp::kWrite:
        write_bio(bio);
        break;
      case sim::BioOp::kDiscard:  // what was there stays: a device may do so
      case sim::BioOp::kFlush:
        break;
    }
  }
  bio.complete(outcome);
}

void ScratchDisk::read_bio(const sim::Bio& bio) {
  sim::DevPos pos = sim::dev_pos(bio.sector);
  for (const std::span<std::byte>& segment : bio.segments) {
    read(pos, segment);
    pos += sim::ByteCount{segment.size()};
  }
  if (reads_ == nullptr) return;
  for (Sector s = bio.sector; s < bio.end(); s += SectorCount{1}) reads_->push_back(s);
}

void ScratchDisk::write_bio(const sim::Bio& bio) {
  sim::DevPos pos = sim::dev_pos(bio.sector);
  for (std::span<const std::byte> data : bio.segments) {
    while (!data.empty()) {
      const uint64_t skip = sim::offset_in(pos, sim::kSectorSize).value();
      const size_t length = std::min<size_t>(data.size(), sim::kSectorSize.value() - skip);
      std::memcpy(writable(sim::sector_at(pos)) + skip, data.data(), length);
      data = data.subspan(length);
      pos += sim::ByteCount{length};
    }
  }
}

std::byte* ScratchDisk::writable(Sector sector) {
  std::unique_ptr<std::byte[]>& content = written_[sector.value()];
  if (content == nullptr) content = std::make_unique<std::byte[]>(sim::kSectorSize.value());
  return content.get();
}

}  // namespace zerotail::fault
