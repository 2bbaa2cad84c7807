#include "device_reader.h"

#include <algorithm>
#include <span>

namespace zerotail::harness {

const std::byte* DeviceReader::sector(sim::Sector sector) const {
  ZT_ASSERT(sector.value() < capacity().value());
  const uint64_t index = sector.value() / kBatch.value();
  const auto offset = sim::bytes(sim::SectorCount{sector.value() % kBatch.value()}).value();
  const auto [it, fresh] = blocks_.try_emplace(index);
  if (fresh) {
    it->second.fill(std::byte{0});
    const sim::Sector first{index * kBatch.value()};
    const uint64_t count = std::min(kBatch.value(), capacity().value() - first.value());
    const std::span<std::byte> out =
        std::span(it->second).first(sim::bytes(sim::SectorCount{count}).value());
    const sim::Errno status = sim::read_sectors(world_.scheduler, device_, first, out);
    if (status != sim::Errno::kOk) {
      status_ = status;
      it->second.fill(std::byte{0});
    }
  }
  return it->second.data() + offset;
}

}  // namespace zerotail::harness
