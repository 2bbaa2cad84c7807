#include "zerotail/exfat/geometry.h"

#include <string>
#include <utility>

namespace zerotail::exfat {

namespace {

sim::Error bad_field(const char* field, uint64_t value, const std::string& why) {
  return sim::Error(sim::Errno::kInval, std::string("boot sector: ") + field + " is " +
                                            std::to_string(value) + ": " + why);
}

sim::Status check_identity(const BootSector& boot) {
  if (boot.boot_signature != kBootSignature) {
    return bad_field("BootSignature", boot.boot_signature, "not 0xAA55");
  }
  if (boot.file_system_name != kFileSystemName) {
    return sim::Error(sim::Errno::kInval, "boot sector: FileSystemName is not EXFAT");
  }
  for (const uint8_t byte : boot.must_be_zero) {
    if (byte != 0) return bad_field("MustBeZero", byte, "not zero");
  }
  const uint16_t revision = boot.file_system_revision;
  if ((revision >> 8) != 1) {
    return bad_field("FileSystemRevision", revision, "the major version is not 1");
  }
  if (boot.number_of_fats != 1 && boot.number_of_fats != 2) {
    return bad_field("NumberOfFats", boot.number_of_fats, "not 1 or 2");
  }
  return {};
}

sim::Status check_shifts(const BootSector& boot) {
  const unsigned sector_shift = boot.bytes_per_sector_shift;
  if (sector_shift < kMinSectorShift || sector_shift > kMaxSectorShift) {
    return bad_field("BytesPerSectorShift", sector_shift, "not 9 to 12");
  }
  const unsigned spc_shift = boot.sectors_per_cluster_shift;
  if (spc_shift > kMaxClusterShift - sector_shift) {
    return bad_field("SectorsPerClusterShift", spc_shift, "clusters would exceed 32 MiB");
  }
  return {};
}

}  // namespace

sim::Result<Geometry> Geometry::from_boot(const BootSector& boot, sim::ByteCount device_size) {
  ZT_TRY(check_identity(boot));
  ZT_TRY(check_shifts(boot));
  Geometry geometry;
  geometry.sector_shift_ = boot.bytes_per_sector_shift;
  geometry.cluster_shift_ = geometry.sector_shift_ + boot.sectors_per_cluster_shift;

  const uint64_t volume_sectors = boot.volume_length;
  if (volume_sectors > device_size.value() >> geometry.sector_shift_) {
    return bad_field("VolumeLength", volume_sectors,
                     "the device has " + std::to_string(device_size.value()) + " bytes");
  }
  geometry.volume_size_ = sim::ByteCount{volume_sectors << geometry.sector_shift_};
  if (geometry.volume_size_.value() < kMinVolumeBytes) {
    return bad_field("VolumeLength", volume_sectors, "less than 1 MiB");
  }

  const uint64_t fat_offset = boot.fat_offset;
  const uint64_t fat_length = boot.fat_length;
  const uint64_t heap_offset = boot.cluster_heap_offset;
  const uint64_t cluster_count = boot.cluster_count;
  if (cluster_count == 0 || cluster_count > kMaxClusterCount) {
    return bad_field("ClusterCount", cluster_count, "not 1 to 4294967285");
  }
  if (fat_offset < 2 * kBootRegionSectors) {
    return bad_field("FatOffset", fat_offset, "inside the boot regions");
  }
  const uint64_t fat_bytes = (cluster_count + kFirstCluster.value()) * kFatEntrySize;
  if (fat_length << geometry.sector_shift_ < fat_bytes) {
    return bad_field("FatLength", fat_length, "too short for the clusters");
  }
  const uint64_t fats = boot.number_of_fats;
  if (fat_offset + fat_length * fats > heap_offset) {
    return bad_field("ClusterHeapOffset", heap_offset, "inside the FAT");
  }
  if (heap_offset > volume_sectors ||
      cluster_count > (volume_sectors - heap_offset) >> boot.sectors_per_cluster_shift) {
    return bad_field("ClusterCount", cluster_count, "the heap ends beyond the volume");
  }
  const sim::DevPos first_fat{fat_offset << geometry.sector_shift_};
  geometry.fat_start_ = first_fat;
  geometry.fat_size_ = sim::ByteCount{fat_length << geometry.sector_shift_};
  if (fats == 2) {
    geometry.mirror_fat_ = first_fat + geometry.fat_size_;
    geometry.active_fat_ = (boot.volume_flags & kActiveFat) != 0 ? 1 : 0;
    if (geometry.active_fat_ == 1) std::swap(geometry.fat_start_, *geometry.mirror_fat_);
  }
  geometry.heap_start_ = sim::DevPos{heap_offset << geometry.sector_shift_};
  geometry.cluster_count_ = sim::ClusterCount{cluster_count};
  geometry.root_cluster_ = sim::Cluster{boot.first_cluster_of_root_directory};
  if (!geometry.valid(geometry.root_cluster_)) {
    return bad_field("FirstClusterOfRootDirectory", geometry.root_cluster_.value(),
                     "outside the cluster heap");
  }
  return geometry;
}

sim::ClusterCount Geometry::clusters_touched(sim::FilePos pos, sim::ByteCount length) const {
  const sim::ClusterCount end = clusters(pos + length - sim::FilePos{});
  return end - (file_cluster(pos) - FileCluster{});
}

}  // namespace zerotail::exfat
