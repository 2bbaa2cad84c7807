#include "zerotail/exfat/boot_region.h"

#include <string>

#include "zerotail/sim/world.h"

namespace zerotail::exfat {

namespace {
constexpr size_t kFlagsOffset = offsetof(BootSector, volume_flags);
constexpr size_t kPercentOffset = offsetof(BootSector, percent_in_use);
constexpr uint16_t kPersistentFlags = kVolumeDirty | kMediaFailure;
}  // namespace

uint32_t boot_checksum_step(uint32_t sum, std::span<const std::byte> sector, bool first) {
  for (size_t i = 0; i < sector.size(); ++i) {
    if (first && (i == kFlagsOffset || i == kFlagsOffset + 1 || i == kPercentOffset)) continue;
    sum = ((sum & 1) != 0 ? 0x80000000U : 0U) + (sum >> 1) + static_cast<uint32_t>(sector[i]);
  }
  return sum;
}

uint32_t boot_checksum(std::span<const std::byte> eleven_sectors) {
  return boot_checksum_step(0, eleven_sectors, true);
}

sim::Result<sim::ByteCount> probe_sector_size(const BootSector& boot) {
  // Geometry knows the checks; a device of the largest size passes those that depend on it.
  ZT_ASSIGN(const Geometry geometry, Geometry::from_boot(boot, sim::ByteCount{UINT64_MAX}));
  return geometry.sector_size();
}

BootRegion::BootRegion(const BootSector& boot, const Geometry& geometry)
    : boot_(boot), geometry_(geometry), flags_at_mount_(boot.volume_flags) {}

bool BootRegion::dirty_at_mount() const { return (flags_at_mount_ & kVolumeDirty) != 0; }
bool BootRegion::media_failure_at_mount() const { return (flags_at_mount_ & kMediaFailure) != 0; }

sim::Result<BootRegion> BootRegion::read(buffer::BufferCache& cache) {
  const sim::IoTag tag = buffer::tag(buffer::IoKind::kBoot);
  ZT_TRY(cache.read_run(buffer::Block{0}, buffer::BlockCount{kBootRegionSectors}, tag));
  ZT_ASSIGN(const buffer::BufferRef first, cache.get(buffer::Block{0}, tag));
  const auto boot = load<BootSector>(first->data());
  const sim::ByteCount device = cache.block_size() * cache.capacity().value();
  ZT_ASSIGN(const Geometry geometry, Geometry::from_boot(boot, device));
  if (geometry.sector_size() != cache.block_size()) {
    return sim::Error(sim::Errno::kInval, "boot sector: BytesPerSectorShift changed under mount");
  }
  uint32_t sum = 0;
  for (unsigned i = 0; i < kBootChecksumSector; ++i) {
    ZT_ASSIGN(const buffer::BufferRef sector, cache.get(buffer::Block{i}, tag));
    sum = boot_checksum_step(sum, sector->data(), i == 0);
  }
  ZT_ASSIGN(const buffer::BufferRef sums, cache.get(buffer::Block{kBootChecksumSector}, tag));
  const std::span<const std::byte> stored = sums->data();
  for (size_t i = 0; i < stored.size(); i += sizeof(Le32)) {
    if (load<Le32>(stored.subspan(i)) != sum) {
      return sim::Error(sim::Errno::kInval, "boot region: checksum sector, word " +
                                                std::to_string(i / sizeof(Le32)) +
                                                ": not the sum of the eleven sectors");
    }
  }
  return BootRegion(boot, geometry);
}

sim::Status BootRegion::set_dirty(buffer::BufferCache& cache, bool dirty) {
  const uint16_t others = static_cast<uint16_t>(flags_at_mount_ & ~kVolumeDirty);
  const uint16_t kept = static_cast<uint16_t>(flags_at_mount_ & kPersistentFlags);
  const uint16_t wanted = static_cast<uint16_t>(others | kept | (dirty ? kVolumeDirty : 0));
  const uint16_t now = boot_.volume_flags;
  if (wanted == now) return {};
  ZT_ASSIGN(const buffer::BufferRef first,
            cache.get(buffer::Block{0}, buffer::tag(buffer::IoKind::kBoot)));
  store(first->data().subspan(kFlagsOffset), Le16(wanted));
  const sim::Status written = cache.write_through(*first, {.preflush = true, .fua = true});
  if (!written.ok()) {
    store(first->data().subspan(kFlagsOffset), Le16(now));
    return written;
  }
  boot_.volume_flags = wanted;
  return {};
}

}  // namespace zerotail::exfat
