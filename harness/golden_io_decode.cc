#include "golden_io_decode.h"

#include <algorithm>

#include "zerotail/buffer/io_kind.h"
#include "zerotail/exfat/ondisk.h"

namespace zerotail::harness {
namespace {

using exfat::kDentrySize;
using sim::DevPos;
using sim::Sector;
using sim::SectorCount;

constexpr uint8_t kInUseBit = 0x80;
constexpr uint64_t kBitsPerByte = 8;

// "data", "zero", "data+zero", "zero+data", or "mixed".
std::string content_kind(std::span<const std::byte> sector) {
  const auto is_zero = [](std::byte b) { return b == std::byte{0}; };
  const auto zeros = std::count_if(sector.begin(), sector.end(), is_zero);
  if (zeros == 0) return "data";
  if (zeros == static_cast<ptrdiff_t>(sector.size())) return "zero";
  const auto split = static_cast<ptrdiff_t>(sector.size()) - zeros;
  if (std::all_of(sector.begin() + split, sector.end(), is_zero)) return "data+zero";
  if (std::all_of(sector.begin(), sector.begin() + zeros, is_zero)) return "zero+data";
  return "mixed";
}

bool is_zero(std::span<const std::byte> entry) { return content_kind(entry) == "zero"; }
uint8_t type_of(std::span<const std::byte> entry) { return static_cast<uint8_t>(entry[0]); }
bool has_type(uint8_t type, exfat::EntryType wanted) {
  return (type | kInUseBit) == static_cast<uint8_t>(wanted);
}
// Bitmap, upcase table and label stand alone; entries of deleted sets may be left over in parts.
bool is_expected(uint8_t type) {
  return (type & kInUseBit) == 0 || has_type(type, exfat::EntryType::kAllocationBitmap) ||
         has_type(type, exfat::EntryType::kUpcaseTable) ||
         has_type(type, exfat::EntryType::kVolumeLabel);
}

}  // namespace

GoldenDecoder::GoldenDecoder(const exfat::VolumeLayout& layout, const sim::MemDisk& disk)
    : layout_(layout), image_(disk.snapshot(), {}) {}

void GoldenDecoder::place_directory(const std::string& path, const volume::FileState& state) {
  std::vector<Sector> sectors;
  for (const volume::FileState::Run& run : state.runs) {
    const sim::ByteCount offset = layout_.cluster_size * (run.first.value() - 2);
    const Sector first = sim::sector_at(layout_.heap + offset);
    const SectorCount count = sim::sectors(layout_.cluster_size * run.count.value());
    for (SectorCount i; i < count; i += SectorCount{1}) sectors.push_back(first + i);
  }
  directories_[path] = std::move(sectors);
}

void GoldenDecoder::patch(DevPos pos, std::span<const std::byte> bytes) {
  image_.write(pos, bytes);
}

// ---- directories

GoldenDecoder::Sets GoldenDecoder::read_directory(const std::vector<Sector>& sectors) const {
  std::vector<Raw> entries;
  for (const Sector sector : sectors) {
    const std::byte* bytes = image_.sector(sector);
    for (size_t at = 0; at < sim::kSectorSize.value(); at += kDentrySize) {
      std::copy_n(bytes + at, kDentrySize, entries.emplace_back().begin());
    }
  }
  Sets sets;
  bool ended = false;  // what follows must be zero
  for (size_t i = 0; i < entries.size();) {
    const uint8_t type = type_of(entries[i]);
    ended = ended || type == 0;
    if (ended || !has_type(type, exfat::EntryType::kFile)) {
      if (ended ? !is_zero(entries[i]) : !is_expected(type)) {
        Found& found = sets[i];
        found.set = {.index = i, .name = "(type " + std::to_string(type) + ")", .in_use = true};
        found.garbage = true;
        found.sector = sectors[i * kDentrySize / sim::kSectorSize.value()];
      }
      ++i;
      continue;
    }
    const auto file = exfat::load<exfat::FileDentry>(entries[i]);
    const size_t count = std::min<size_t>(file.secondary_count + 1U, entries.size() - i);
    Found& found = sets[i];
    found.raw.assign(entries.begin() + static_cast<ptrdiff_t>(i),
                     entries.begin() + static_cast<ptrdiff_t>(i + count));
    GoldenSet& set = found.set;
    set.index = i;
    set.entries = count;
    set.in_use = (type & kInUseBit) != 0;
    set.directory = (file.file_attributes & exfat::kAttributeDirectory) != 0;
    set.checksum_ok = exfat::set_checksum(found.raw) == file.set_checksum;
    std::u16string name;
    for (size_t k = 1; k < count; ++k) {
      const uint8_t secondary = type_of(found.raw[k]);
      if (has_type(secondary, exfat::EntryType::kStreamExtension)) {
        const auto stream = exfat::load<exfat::StreamDentry>(found.raw[k]);
        set.size = stream.data_length;
        set.valid = stream.valid_data_length;
        set.cluster = stream.first_cluster;
        set.flags = stream.general_secondary_flags;
      } else if (has_type(secondary, exfat::EntryType::kFileName)) {
        const auto part = exfat::load<exfat::NameDentry>(found.raw[k]);
        for (const exfat::Le16& unit : part.file_name) {
          if (uint16_t{unit} != 0) name.push_back(static_cast<char16_t>(uint16_t{unit}));
        }
      }
    }
    set.name = exfat::to_utf8(name);
    i += count;
  }
  return sets;
}

void GoldenDecoder::add_sets(GoldenEntry& entry, const std::string& path, const Sets& before,
                             const Sets& after) const {
  for (const auto& [index, found] : after) {
    const auto old = before.find(index);
    const bool was_used = old != before.end() && old->second.set.in_use && !old->second.garbage;
    const GoldenSet& now = found.set;
    if (!was_used && !now.in_use) continue;
    // What a new cluster held before is not this request's, unless it left it there.
    const GoldenPlace sector{GoldenPlace::Kind::kSector, "", found.sector.value()};
    if (found.garbage && entry.changes.count(sector) == 0) continue;
    std::string how = "new";
    if (was_used) {
      const GoldenSet& then = old->second.set;
      if (old->second.raw == found.raw) continue;
      if (!now.in_use) {
        how = "delete";
      } else if (then.name != now.name) {
        how = "renamed";
      } else {
        how = set_text("", then) == set_text("", now) ? "times" : "update";
      }
    }
    entry.changes[{GoldenPlace::Kind::kSet, path, index}] = set_text(how, now);
  }
}

// ---- one request

void GoldenDecoder::decode_sector(GoldenEntry& entry, Sector sector, std::span<const std::byte> old,
                                  std::span<const std::byte> now, bool data) const {
  entry.changes[{GoldenPlace::Kind::kSector, "", sector.value()}] =
      data ? content_kind(now) : kMetadataSector;
  if (data) return;
  const DevPos pos = sim::dev_pos(sector);
  const DevPos bitmap = layout_.heap + layout_.cluster_size * (layout_.bitmap.value() - 2);
  if (pos == DevPos{0}) {
    const auto flags = exfat::load<exfat::BootSector>(now).volume_flags;
    if (flags == exfat::load<exfat::BootSector>(old).volume_flags) return;
    entry.changes[{GoldenPlace::Kind::kVolumeFlags, "", 0}] = flags_text(flags);
  } else if (pos >= layout_.fat && pos < layout_.fat + layout_.fat_length) {
    const uint64_t first = (pos - layout_.fat).value() / exfat::kFatEntrySize;
    for (size_t at = 0; at < now.size(); at += exfat::kFatEntrySize) {
      const uint32_t value = exfat::load<exfat::Le32>(now.subspan(at));
      if (value == exfat::load<exfat::Le32>(old.subspan(at))) continue;
      entry.changes[{GoldenPlace::Kind::kFat, "", first + at / exfat::kFatEntrySize}] =
          fat_text(value);
    }
  } else if (pos >= bitmap && pos < bitmap + layout_.bitmap_length) {
    const uint64_t first = (pos - bitmap).value() * kBitsPerByte + 2;
    for (uint64_t bit = 0; bit < now.size() * kBitsPerByte; ++bit) {
      const std::byte mask{static_cast<uint8_t>(1U << (bit % kBitsPerByte))};
      const bool used = (now[bit / kBitsPerByte] & mask) != std::byte{0};
      const bool was = (old[bit / kBitsPerByte] & mask) != std::byte{0};
      if (used == was) continue;
      entry.changes[{GoldenPlace::Kind::kBitmap, "", first + bit}] = used ? kBitSet : kBitCleared;
    }
  }
}

GoldenEntry GoldenDecoder::decode(const sim::IoRecord& record) {
  GoldenEntry entry;
  entry.submitted = record.submit_event;
  entry.completed = record.complete_event;
  if (record.op == sim::BioOp::kFlush) {
    entry.kind = GoldenEntry::Kind::kFlush;
    return entry;
  }
  if (record.op == sim::BioOp::kDiscard) {
    entry.kind = GoldenEntry::Kind::kDiscard;
    for (SectorCount i; i < record.count; i += SectorCount{1}) {
      entry.changes[{GoldenPlace::Kind::kDiscard, "", (record.sector + i).value()}] = kDiscarded;
    }
    return entry;
  }
  if (record.preflush || record.fua) entry.kind = GoldenEntry::Kind::kBarrier;
  entry.data = record.tag.kind == static_cast<uint32_t>(buffer::IoKind::kData);
  std::vector<std::pair<std::string, Sets>> touched;
  for (const auto& [path, sectors] : directories_) {
    const bool hit = std::any_of(sectors.begin(), sectors.end(), [&record](Sector sector) {
      return sector >= record.sector && sector < record.sector + record.count;
    });
    if (hit && !entry.data) touched.emplace_back(path, read_directory(sectors));
  }
  const std::span<const std::byte> bytes(*record.data);
  for (SectorCount i; i < record.count; i += SectorCount{1}) {
    const Sector sector = record.sector + i;
    const std::span<const std::byte> old(image_.sector(sector), sim::kSectorSize.value());
    decode_sector(entry, sector, old,
                  bytes.subspan(sim::bytes(i).value(), sim::kSectorSize.value()), entry.data);
  }
  image_.write(sim::dev_pos(record.sector), bytes);
  for (const auto& [path, before] : touched) {
    add_sets(entry, path, before, read_directory(directories_[path]));
  }
  // Of a barrier only the VolumeFlags count; one that does more shows as such.
  if (entry.kind == GoldenEntry::Kind::kBarrier && record.preflush && record.fua) {
    entry.changes.erase({GoldenPlace::Kind::kSector, "", 0});
  }
  return entry;
}

}  // namespace zerotail::harness
