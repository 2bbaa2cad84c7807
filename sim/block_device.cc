#include "zerotail/sim/block_device.h"

namespace zerotail::sim {

Errno check_range(const DeviceInfo& info, const Bio& bio) {
  if (bio.op == BioOp::kFlush) {
    return bio.count == SectorCount{} && bio.segments.empty() ? Errno::kOk : Errno::kIo;
  }
  const SectorCount block = sectors(info.logical_block);
  if (bio.sector.value() % block.value() != 0) return Errno::kIo;
  if (bio.count % block != SectorCount{}) return Errno::kIo;
  // Compared this way round because sector + count may wrap.
  if (bio.count > info.capacity) return Errno::kIo;
  if (bio.sector.value() > (info.capacity - bio.count).value()) return Errno::kIo;
  ByteCount length;
  for (const std::span<std::byte>& segment : bio.segments) length += ByteCount{segment.size()};
  const ByteCount expected = bio.op == BioOp::kDiscard ? ByteCount{} : bytes(bio.count);
  return length == expected ? Errno::kOk : Errno::kIo;
}

}  // namespace zerotail::sim
