// Writes a fresh volume as plan_volume() laid it out: zeroes from byte 0 to the end of the root
// directory (everywhere, for a full format), then the boot regions, FAT, bitmap, upcase table and
// root directory. No byte behind the zeroed range is touched.
#include "zerotail/exfat/mkfs.h"

#include <algorithm>

#include "mkfs_internal.h"
#include "zerotail/exfat/ondisk.h"

namespace zerotail::exfat {

using sim::ByteCount;
using sim::Cluster;
using sim::ClusterCount;
using sim::DevPos;
using sim::Errno;
using sim::Error;
using sim::Result;
using sim::Status;

namespace {

DevPos cluster_pos(const VolumeLayout& layout, Cluster cluster) {
  return layout.heap + layout.cluster_size * (cluster - kFirstCluster).value();
}

// Entries 0 and 1, then a chain for each structure.
std::vector<std::byte> fat_head(const VolumeLayout& layout) {
  std::vector<std::byte> fat((layout.root.value() + 1) * kFatEntrySize);
  const auto set = [&fat](uint64_t entry, uint32_t value) {
    store(std::span(fat).subspan(entry * kFatEntrySize), Le32(value));
  };
  set(0, kFatMediaEntry);
  set(1, kFatEndOfChain);
  for (Cluster cluster = kFirstCluster; cluster <= layout.root; cluster += ClusterCount{1}) {
    const Cluster next = cluster + ClusterCount{1};
    const bool last = next == layout.second_bitmap || next == layout.upcase ||
                      next == layout.root || cluster == layout.root;
    set(cluster.value(), last ? kFatEndOfChain : static_cast<uint32_t>(next.value()));
  }
  return fat;
}

std::vector<std::byte> bitmap_head(const VolumeLayout& layout) {
  std::vector<std::byte> bits((layout.used.value() + 7) / 8);
  for (uint64_t bit = 0; bit < layout.used.value(); ++bit) {
    bits[bit / 8] |= std::byte{1} << static_cast<int>(bit % 8);
  }
  return bits;
}

// Volume label, allocation bitmaps and upcase table, in the tool's order. The label entry is there
// with no characters, too.
std::vector<std::byte> root_directory(const VolumeLayout& layout, std::span<const uint16_t> label,
                                      uint32_t checksum) {
  LabelDentry name{};
  name.entry_type = static_cast<uint8_t>(EntryType::kVolumeLabel);
  name.character_count = static_cast<uint8_t>(label.size());
  std::copy(label.begin(), label.end(), name.volume_label.begin());
  BitmapDentry bitmap{};
  bitmap.entry_type = static_cast<uint8_t>(EntryType::kAllocationBitmap);
  bitmap.first_cluster = static_cast<uint32_t>(layout.bitmap.value());
  bitmap.data_length = layout.bitmap_length.value();
  UpcaseDentry upcase{};
  upcase.entry_type = static_cast<uint8_t>(EntryType::kUpcaseTable);
  upcase.table_checksum = checksum;
  upcase.first_cluster = static_cast<uint32_t>(layout.upcase.value());
  upcase.data_length = layout.upcase_length.value();

  std::vector<std::byte> entries;
  const auto add = [&entries](const auto& entry) {
    entries.resize(entries.size() + kDentrySize);
    store(std::span(entries).last(kDentrySize), entry);
  };
  add(name);
  add(bitmap);
  if (layout.second_bitmap) {
    bitmap.bitmap_flags = 1;
    bitmap.first_cluster = static_cast<uint32_t>(layout.second_bitmap->value());
    add(bitmap);
  }
  add(upcase);
  return entries;
}

class DiskTarget : public FormatTarget {
 public:
  explicit DiskTarget(sim::MemDisk& disk) : disk_(disk) {}
  [[nodiscard]] ByteCount size() const override { return sim::bytes(disk_.capacity()); }
  Status write(DevPos pos, std::span<const std::byte> data) override {
    disk_.write(pos, data);
    return {};
  }
  Status zero(DevPos pos, ByteCount length) override {
    disk_.zero(pos, length);
    return {};
  }

 private:
  sim::MemDisk& disk_;
};

}  // namespace

Result<VolumeLayout> make_filesystem(FormatTarget& target, const MkfsOptions& options) {
  ZT_ASSIGN(const VolumeLayout layout, plan_volume(target.size(), options));
  ZT_ASSIGN(const std::vector<uint16_t> label, label_units(options.label));
  const std::vector<std::byte> boot = boot_region(layout, options.volume_serial);
  const std::vector<std::byte> upcase = default_upcase_table();
  ZT_ASSERT(ByteCount{upcase.size()} == layout.upcase_length);

  ZT_TRY(target.zero(DevPos{0}, layout.zeroed));
  ZT_TRY(target.write(DevPos{0}, boot));
  ZT_TRY(target.write(DevPos{boot.size()}, boot));
  for (unsigned fat = 0; fat < layout.fat_count; ++fat) {
    ZT_TRY(target.write(layout.fat + layout.fat_length * fat, fat_head(layout)));
  }
  ZT_TRY(target.write(cluster_pos(layout, layout.bitmap), bitmap_head(layout)));
  if (layout.second_bitmap) {
    ZT_TRY(target.write(cluster_pos(layout, *layout.second_bitmap), bitmap_head(layout)));
  }
  ZT_TRY(target.write(cluster_pos(layout, layout.upcase), upcase));
  ZT_TRY(target.write(cluster_pos(layout, layout.root),
                      root_directory(layout, label, upcase_checksum(upcase))));
  return layout;
}

Result<VolumeLayout> make_filesystem(sim::MemDisk& disk, const MkfsOptions& options) {
  if (disk.info().logical_block > options.sector_size) {
    return Error(Errno::kInval, "mkfs: sector size of " +
                                    std::to_string(options.sector_size.value()) +
                                    " bytes is smaller than the disk's logical block of " +
                                    std::to_string(disk.info().logical_block.value()));
  }
  DiskTarget target(disk);
  return make_filesystem(target, options);
}

}  // namespace zerotail::exfat
