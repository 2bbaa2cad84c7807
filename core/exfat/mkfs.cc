// Writes a fresh volume as plan_volume() laid it out: zeroes from byte 0 to the end of the root
// directory (everywhere, for a full format), then the boot regions, FAT, bitmap, upcase table and
// root directory. No byte behind the zeroed range is touched.
#include "zerotail/exfat/mkfs.h"

#include <algorithm>
#include <array>

#include "mkfs_internal.h"

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

constexpr uint64_t kFatMedia = 0xFFFFFFF8;  // entry 0
constexpr uint64_t kFatEnd = 0xFFFFFFFF;    // entry 1, and the end of a chain
constexpr size_t kFatEntrySize = 4;
constexpr size_t kDentrySize = 32;
constexpr size_t kMaxLabelUnits = 11;

// EntryType values, section 6.2.
constexpr uint64_t kBitmapEntry = 0x81;
constexpr uint64_t kUpcaseEntry = 0x82;
constexpr uint64_t kLabelEntry = 0x83;

DevPos cluster_pos(const VolumeLayout& layout, Cluster cluster) {
  return layout.heap + layout.cluster_size * (cluster - kFirstCluster).value();
}

// Entries 0 and 1, then a chain for each structure.
std::vector<std::byte> fat_head(const VolumeLayout& layout) {
  const size_t entries = (layout.root + ClusterCount{1}).value();
  std::vector<std::byte> fat(entries * kFatEntrySize);
  const auto set = [&fat](uint64_t entry, uint64_t value) {
    put_le(fat, entry * kFatEntrySize, value, kFatEntrySize);
  };
  set(0, kFatMedia);
  set(1, kFatEnd);
  for (Cluster cluster = kFirstCluster; cluster <= layout.root; cluster += ClusterCount{1}) {
    const Cluster next = cluster + ClusterCount{1};
    const bool last = next == layout.upcase || next == layout.root || cluster == layout.root;
    set(cluster.value(), last ? kFatEnd : next.value());
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

// Volume label, allocation bitmap and upcase table, in the tool's order. The label entry is there
// with no characters, too.
std::vector<std::byte> root_directory(const VolumeLayout& layout, std::span<const uint16_t> label,
                                      uint32_t checksum) {
  std::vector<std::byte> entries(3 * kDentrySize);
  const std::span<std::byte> all(entries);
  const auto label_entry = all.subspan(0, kDentrySize);
  put_le(label_entry, 0, kLabelEntry, 1);
  put_le(label_entry, 1, label.size(), 1);  // CharacterCount
  for (size_t i = 0; i < label.size(); ++i) put_le(label_entry, 2 + 2 * i, label[i], 2);
  const auto bitmap_entry = all.subspan(kDentrySize, kDentrySize);
  put_le(bitmap_entry, 0, kBitmapEntry, 1);
  put_le(bitmap_entry, 20, layout.bitmap.value(), 4);  // FirstCluster
  put_le(bitmap_entry, 24, layout.bitmap_length.value(), 8);
  const auto upcase_entry = all.subspan(2 * kDentrySize, kDentrySize);
  put_le(upcase_entry, 0, kUpcaseEntry, 1);
  put_le(upcase_entry, 4, checksum, 4);  // TableChecksum
  put_le(upcase_entry, 20, layout.upcase.value(), 4);
  put_le(upcase_entry, 24, layout.upcase_length.value(), 8);
  return entries;
}

// Bytes of the code point that `lead` begins; 0 for a byte that cannot begin one.
size_t utf8_length(uint8_t lead) {
  if (lead < 0x80) return 1;
  if (lead >= 0xC2 && lead < 0xE0) return 2;
  if (lead >= 0xE0 && lead < 0xF0) return 3;
  if (lead >= 0xF0 && lead < 0xF5) return 4;
  return 0;
}

// The code point at the front of `text`, or nothing: truncated, overlong, a surrogate, too large.
std::optional<uint32_t> decode_utf8(std::string_view text, size_t length) {
  if (length == 0 || length > text.size()) return std::nullopt;
  const auto byte = [&text](size_t i) { return static_cast<uint8_t>(text[i]); };
  if (length == 1) return byte(0);
  uint32_t point = byte(0) & (0x7FU >> length);
  for (size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xC0) != 0x80) return std::nullopt;
    point = point << 6 | (byte(i) & 0x3FU);
  }
  constexpr uint32_t kSmallest[] = {0, 0, 0x80, 0x800, 0x10000};
  const bool surrogate = point >= 0xD800 && point <= 0xDFFF;
  if (point < kSmallest[length] || surrogate || point > 0x10FFFF) return std::nullopt;
  return point;
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
    static constexpr std::array<std::byte, sim::kChunkSize.value()> kZeros{};
    const DevPos end = pos + length;
    while (pos < end) {
      const ByteCount step = std::min(end - pos, sim::kChunkSize - offset_in(pos, sim::kChunkSize));
      disk_.write(pos, std::span(kZeros).first(step.value()));
      pos += step;
    }
    return {};
  }

 private:
  sim::MemDisk& disk_;
};

}  // namespace

Result<std::vector<uint16_t>> label_units(std::string_view label) {
  std::vector<uint16_t> units;
  std::string_view rest = label;
  while (!rest.empty()) {
    const size_t length = utf8_length(static_cast<uint8_t>(rest.front()));
    const std::optional<uint32_t> point = decode_utf8(rest, length);
    if (!point.has_value()) {
      return Error(Errno::kInval, "mkfs: volume label is not UTF-8 at byte " +
                                      std::to_string(label.size() - rest.size()));
    }
    if (*point >= 0x10000) {
      units.push_back(static_cast<uint16_t>(0xD800 + ((*point - 0x10000) >> 10)));
      units.push_back(static_cast<uint16_t>(0xDC00 + ((*point - 0x10000) & 0x3FF)));
    } else {
      units.push_back(static_cast<uint16_t>(*point));
    }
    rest.remove_prefix(length);
  }
  if (units.size() > kMaxLabelUnits) {
    return Error(Errno::kInval, "mkfs: volume label has " + std::to_string(units.size()) +
                                    " UTF-16 units, at most 11 fit");
  }
  return units;
}

Result<VolumeLayout> make_filesystem(FormatTarget& target, const MkfsOptions& options) {
  ZT_ASSIGN(const VolumeLayout layout, plan_volume(target.size(), options));
  ZT_ASSIGN(const std::vector<uint16_t> label, label_units(options.label));
  const std::vector<std::byte> boot = boot_region(layout, options.volume_serial);
  const std::vector<std::byte> upcase = default_upcase_table();
  ZT_ASSERT(ByteCount{upcase.size()} == layout.upcase_length);

  ZT_TRY(target.zero(DevPos{0}, layout.zeroed));
  ZT_TRY(target.write(DevPos{0}, boot));
  ZT_TRY(target.write(DevPos{boot.size()}, boot));
  ZT_TRY(target.write(layout.fat, fat_head(layout)));
  ZT_TRY(target.write(cluster_pos(layout, layout.bitmap), bitmap_head(layout)));
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
