#include "zerotail/harness/image_edit.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <set>

#include "zerotail/exfat/boot_region.h"
#include "zerotail/exfat/dentry_set.h"
#include "zerotail/exfat/upcase.h"
#include "zerotail/exfat/upcase_table.h"
#include "zerotail/harness/check.h"

namespace zerotail::harness {
namespace {

using exfat::DentrySet;
using exfat::kDentrySize;
using sim::DevPos;
using sim::Errno;
using sim::Error;

constexpr unsigned kDeepest = 64;  // directories below that are not found by path
constexpr unsigned kBitsPerByte = 8;

Error refuse(const Operation& edit, const std::string& what, Errno code = Errno::kInval) {
  return Error(code, fmt::format("edit: field \"{}\": {}", edit.text, what));
}

bool fits(int64_t value, unsigned bytes) {
  if (bytes >= sizeof(int64_t)) return true;
  const int64_t limit = int64_t{1} << (bytes * kBitsPerByte);
  return value < limit && value >= -(limit / 2);
}

std::array<std::byte, 8> little_endian(uint64_t value) {
  std::array<std::byte, 8> raw;
  exfat::store(raw, exfat::Le64(value));
  return raw;
}

class DiskTarget : public EditTarget {
 public:
  explicit DiskTarget(sim::MemDisk& disk) : disk_(disk) {}
  sim::Status read(DevPos pos, std::span<std::byte> out) override {
    disk_.read(pos, out);
    return {};
  }
  sim::Status write(DevPos pos, std::span<const std::byte> bytes) override {
    disk_.write(pos, bytes);
    return {};
  }

 private:
  sim::MemDisk& disk_;
};

}  // namespace

// ---- finding things

std::vector<uint64_t> ImageEditor::positions_of(const CheckGeometry& geometry,
                                                const std::vector<ClusterRun>& runs) const {
  std::vector<uint64_t> positions;
  for (const ClusterRun& run : runs) {
    const uint64_t first = sim::dev_pos(geometry.sector_of(run.first)).value();
    for (uint64_t i = 0; i < run.count.value(); ++i) positions.push_back(first + i * cluster_size_);
  }
  return positions;
}

void ImageEditor::add_clusters(const Chain& chain) {
  for (const ClusterRun& run : chain.runs) {
    clusters_.push_back(static_cast<uint32_t>(run.first.value()));
    clusters_.push_back(static_cast<uint32_t>(run.first.value() + run.count.value() - 1));
  }
}

void ImageEditor::add_directory(const std::string& path, const DirectoryView& view,
                                unsigned depth) {
  const uint32_t index = directory_of_path_.at(path);
  for (const auto& node : view.nodes) {
    if (!node->set->usable()) continue;
    const std::string full = path.empty() ? node->set->utf8 : path + "/" + node->set->utf8;
    const Set set{index, node->set->entry, node->set->entries};
    if (!sets_.emplace(full, set).second) continue;  // the first of two equal names
    paths_.push_back(full);
    if (node->chain != nullptr) add_clusters(*node->chain);
    if (node->child == nullptr || depth == kDeepest) continue;
    directory_of_path_[full] = static_cast<uint32_t>(directories_.size());
    directories_.push_back({});
    directory_paths_.push_back(full);
    add_directory(full, *node->child, depth + 1);
  }
}

void ImageEditor::find_special_entries(const sim::SectorReader& volume) {
  for (uint32_t i = 0; i < directories_.front().entries; ++i) {
    DentrySet::Raw raw;
    volume.read(DevPos{entry_pos(0, i)}, raw);
    const uint8_t type = exfat::load<exfat::GenericDentry>(raw).entry_type;
    if (exfat::is_type(type, exfat::EntryType::kEndOfDirectory)) return;
    const uint64_t pos = entry_pos(0, i);
    if (exfat::is_type(type, exfat::EntryType::kAllocationBitmap)) bitmap_entry_ = pos;
    if (exfat::is_type(type, exfat::EntryType::kUpcaseTable)) upcase_entry_ = pos;
    if (exfat::is_type(type, exfat::EntryType::kVolumeLabel)) label_entry_ = pos;
  }
}

sim::Result<ImageEditor> ImageEditor::open(const sim::SectorReader& volume) {
  const CheckResult check = check_volume(volume);
  if (!check.view->mountable()) {
    return Error(Errno::kInval, "edit: no exFAT volume that could be mounted");
  }
  const VolumeView& view = *check.view;
  const CheckGeometry& geometry = *view.geometry;
  ImageEditor editor;
  editor.device_size_ = sim::bytes(volume.capacity()).value();
  editor.sector_size_ = geometry.sector_size.value();
  editor.cluster_size_ = geometry.cluster_size.value();
  editor.fat_ = sim::dev_pos(geometry.fat).value();
  editor.heap_ = sim::dev_pos(geometry.heap).value();
  editor.cluster_limit_ = static_cast<uint32_t>(geometry.cluster_limit());
  if (view.bitmap != nullptr) editor.bitmap_ = editor.positions_of(geometry, view.bitmap->runs);
  if (view.upcase_chain != nullptr) {
    editor.upcase_ = editor.positions_of(geometry, view.upcase_chain->runs);
  }
  editor.directories_.push_back({});
  editor.directory_of_path_[""] = 0;
  editor.directory_paths_.push_back("");
  editor.add_clusters(*view.root_chain);
  editor.add_directory("", *view.root, 0);
  for (const auto& [path, index] : editor.directory_of_path_) {
    const DirectoryView& directory = path.empty() ? *view.root : *view.find(path)->child;
    Directory& place = editor.directories_[index];
    place.cluster_pos = editor.positions_of(geometry, directory.runs);
    place.entries = static_cast<uint32_t>(directory.length / kDentrySize);
  }
  editor.find_special_entries(volume);
  std::sort(editor.paths_.begin(), editor.paths_.end());
  std::sort(editor.directory_paths_.begin(), editor.directory_paths_.end());
  std::sort(editor.clusters_.begin(), editor.clusters_.end());
  return editor;
}

uint64_t ImageEditor::entry_pos(uint32_t directory, uint32_t index) const {
  const uint64_t offset = uint64_t{index} * kDentrySize;
  return directories_[directory].cluster_pos.at(offset / cluster_size_) + offset % cluster_size_;
}

uint64_t ImageEditor::special_entry(EditPlace place) const {
  if (place == EditPlace::kBitmapEntry) return bitmap_entry_;
  if (place == EditPlace::kUpcaseEntry) return upcase_entry_;
  return label_entry_;
}

uint64_t ImageEditor::positions(const EditField& field, const std::string& path) const {
  switch (field.place) {
    case EditPlace::kBoot:
    case EditPlace::kBackup:
      return field.count;
    case EditPlace::kFat:
    case EditPlace::kCluster:
      return cluster_limit_;
    case EditPlace::kBitmap:
      return 2 + bitmap_.size() * cluster_size_ * kBitsPerByte;
    case EditPlace::kUpcase:
      return upcase_.size() * cluster_size_ / sizeof(exfat::Le16);
    case EditPlace::kBitmapEntry:
    case EditPlace::kUpcaseEntry:
    case EditPlace::kLabelEntry:
      return special_entry(field.place) == 0 ? 0 : field.count;
    case EditPlace::kFile:
    case EditPlace::kStream:
      return sets_.contains(path) ? 1 : 0;
    case EditPlace::kName:
    case EditPlace::kNameUnit: {
      const auto set = sets_.find(path);
      if (set == sets_.end()) return 0;
      const uint64_t entries = set->second.entries - exfat::kMinSecondaryCount;
      return field.place == EditPlace::kName ? entries : entries * exfat::kNameUnitsPerEntry;
    }
    case EditPlace::kEntry:
    case EditPlace::kCopy: {
      const auto directory = directory_of_path_.find(path);
      return directory == directory_of_path_.end() ? 0 : directories_[directory->second].entries;
    }
    case EditPlace::kByte:
      return device_size_;
  }
  return 0;
}

sim::Status ImageEditor::check(const Operation& edit) const {
  const EditField* field = find_edit_field(edit.text);
  if (field == nullptr) return refuse(edit, "unknown");
  const uint64_t limit = positions(*field, edit.path);
  if (limit == 0) {
    if (needs_path(field->place)) {
      return refuse(edit, fmt::format("nothing of that kind at \"{}\"", edit.path), Errno::kNoEnt);
    }
    return refuse(edit, "the volume has none", Errno::kNoEnt);
  }
  if (!needs_path(field->place) && !edit.path.empty()) return refuse(edit, "takes no path");
  if (edit.pos >= limit || (field->place == EditPlace::kBitmap && edit.pos < 2) ||
      (field->place == EditPlace::kCluster && edit.pos < 2)) {
    return refuse(edit, fmt::format("position {} is not below {}", edit.pos, limit));
  }
  if (!fits(edit.value, field->bytes)) {
    return refuse(edit, fmt::format("{} does not fit into {} bytes", edit.value, field->bytes));
  }
  const auto source = static_cast<uint64_t>(edit.value);
  if (field->place == EditPlace::kBitmap && source > 1) return refuse(edit, "neither 0 nor 1");
  if (field->place == EditPlace::kCopy && source >= limit) {
    return refuse(edit, fmt::format("entry {} is not below {}", edit.value, limit));
  }
  if (field->place == EditPlace::kCluster && (source < 2 || source >= limit)) {
    return refuse(edit, fmt::format("cluster {} is outside the heap", edit.value));
  }
  return {};
}

uint64_t ImageEditor::place(const Operation& edit, const EditField& field) const {
  const uint64_t in_array = edit.pos * field.bytes;
  switch (field.place) {
    case EditPlace::kBoot:
    case EditPlace::kBackup: {
      const uint64_t region =
          field.place == EditPlace::kBoot ? 0 : exfat::kBootRegionSectors * sector_size_;
      const uint64_t structure =
          field.step == EditStep::kChecksum ? exfat::kBootChecksumSector * sector_size_ : 0;
      return region + structure + field.offset + in_array;
    }
    case EditPlace::kFat:
      return fat_ + in_array;
    case EditPlace::kBitmap: {
      const uint64_t byte = (edit.pos - 2) / kBitsPerByte;
      return bitmap_.at(byte / cluster_size_) + byte % cluster_size_;
    }
    case EditPlace::kUpcase:
      return upcase_.at(in_array / cluster_size_) + in_array % cluster_size_;
    case EditPlace::kBitmapEntry:
    case EditPlace::kUpcaseEntry:
    case EditPlace::kLabelEntry:
      return special_entry(field.place) + field.offset + in_array;
    case EditPlace::kFile:
    case EditPlace::kStream: {
      const Set& set = sets_.at(edit.path);
      const uint32_t entry = set.entry + (field.place == EditPlace::kStream ? 1 : 0);
      return entry_pos(set.directory, entry) + field.offset;
    }
    case EditPlace::kName:
    case EditPlace::kNameUnit: {
      const Set& set = sets_.at(edit.path);
      const bool unit = field.place == EditPlace::kNameUnit;
      const auto index =
          static_cast<uint32_t>(unit ? edit.pos / exfat::kNameUnitsPerEntry : edit.pos);
      const uint64_t offset = unit ? edit.pos % exfat::kNameUnitsPerEntry * field.bytes : 0;
      return entry_pos(set.directory, set.entry + exfat::kMinSecondaryCount + index) +
             field.offset + offset;
    }
    case EditPlace::kEntry:
    case EditPlace::kCopy:
      return entry_pos(directory_of_path_.at(edit.path), static_cast<uint32_t>(edit.pos)) +
             field.offset;
    case EditPlace::kCluster:
      return heap_ + (edit.pos - 2) * cluster_size_;
    case EditPlace::kByte:
      return edit.pos;
  }
  return 0;
}

// ---- one list of edits

class ImageEditor::Session {
 public:
  Session(const ImageEditor& editor, EditTarget& target) : editor_(editor), target_(target) {}

  sim::Status run(std::span<const Operation> edits) {
    ZT_TRY(make(edits, EditStep::kPlain));
    if (boot_) ZT_TRY(sum_boot(0));
    if (backup_) ZT_TRY(sum_boot(exfat::kBootRegionSectors * editor_.sector_size_));
    if (upcase_) ZT_TRY(sum_upcase());
    for (const uint32_t directory : directories_) ZT_TRY(load_directory(directory));
    ZT_TRY(sum_sets(/*hashes=*/true));
    ZT_TRY(make(edits, EditStep::kNameHash));
    if (hash_edited_) {
      for (const uint32_t directory : directories_) ZT_TRY(load_directory(directory));
    }
    ZT_TRY(sum_sets(/*hashes=*/false));
    return make(edits, EditStep::kChecksum);
  }

 private:
  sim::Status make(std::span<const Operation> edits, EditStep step) {
    for (const Operation& edit : edits) {
      const EditField& field = *find_edit_field(edit.text);
      if (field.step != step) continue;
      ZT_TRY(make_one(edit, field));
      touch(edit, field);
    }
    return {};
  }

  sim::Status make_one(const Operation& edit, const EditField& field) {
    const uint64_t pos = editor_.place(edit, field);
    if (field.place == EditPlace::kCopy) {
      const uint32_t directory = editor_.directory_of_path_.at(edit.path);
      return copy(pos, editor_.entry_pos(directory, static_cast<uint32_t>(edit.value)),
                  kDentrySize);
    }
    if (field.place == EditPlace::kCluster) {
      const uint64_t from =
          editor_.heap_ + (static_cast<uint64_t>(edit.value) - 2) * editor_.cluster_size_;
      return copy(pos, from, editor_.cluster_size_);
    }
    std::array<std::byte, 8> raw = little_endian(static_cast<uint64_t>(edit.value));
    if (field.place == EditPlace::kBitmap) {
      const auto mask = static_cast<std::byte>(1U << ((edit.pos - 2) % kBitsPerByte));
      std::array<std::byte, 1> byte;
      ZT_TRY(target_.read(DevPos{pos}, byte));
      raw[0] = edit.value == 1 ? byte[0] | mask : byte[0] & ~mask;
    }
    return target_.write(DevPos{pos}, std::span(raw).first(field.bytes));
  }

  sim::Status copy(uint64_t to, uint64_t from, uint64_t length) {
    std::vector<std::byte> bytes(length);
    ZT_TRY(target_.read(DevPos{from}, bytes));
    return target_.write(DevPos{to}, bytes);
  }

  void touch(const Operation& edit, const EditField& field) {
    if (field.place == EditPlace::kBoot && field.step == EditStep::kPlain) boot_ = true;
    if (field.place == EditPlace::kBackup && field.step == EditStep::kPlain) backup_ = true;
    if (field.place == EditPlace::kUpcase || field.place == EditPlace::kUpcaseEntry) {
      upcase_ = upcase_ || field.step == EditStep::kPlain;
    }
    if (field.step == EditStep::kNameHash) hash_edited_ = true;
    if (!needs_path(field.place)) return;
    const bool in_set = editor_.sets_.contains(edit.path) && field.place != EditPlace::kEntry &&
                        field.place != EditPlace::kCopy;
    directories_.insert(in_set ? editor_.sets_.at(edit.path).directory
                               : editor_.directory_of_path_.at(edit.path));
  }

  sim::Status sum_boot(uint64_t region) {
    std::vector<std::byte> sector(editor_.sector_size_);
    uint32_t sum = 0;
    for (unsigned i = 0; i < exfat::kBootChecksumSector; ++i) {
      ZT_TRY(target_.read(DevPos{region + i * editor_.sector_size_}, sector));
      sum = exfat::boot_checksum_step(sum, sector, i == 0);
    }
    for (size_t at = 0; at < sector.size(); at += sizeof(exfat::Le32)) {
      exfat::store(std::span(sector).subspan(at), exfat::Le32(sum));
    }
    return target_.write(DevPos{region + exfat::kBootChecksumSector * editor_.sector_size_},
                         sector);
  }

  // Over the table where it stood, as long as its entry now says. Names fold with it from now on.
  sim::Status sum_upcase() {
    if (editor_.upcase_entry_ == 0) return {};
    DentrySet::Raw raw;
    ZT_TRY(target_.read(DevPos{editor_.upcase_entry_}, raw));
    auto entry = exfat::load<exfat::UpcaseDentry>(raw);
    std::vector<std::byte> table;
    for (const uint64_t pos : editor_.upcase_) {
      const size_t done = table.size();
      table.resize(done + editor_.cluster_size_);
      ZT_TRY(target_.read(DevPos{pos}, std::span(table).subspan(done)));
    }
    table.resize(std::min<uint64_t>(table.size(), entry.data_length));
    entry.table_checksum = exfat::upcase_checksum(table);
    exfat::store(raw, entry);
    ZT_TRY(target_.write(DevPos{editor_.upcase_entry_}, raw));
    sim::Result<exfat::Upcase> parsed = exfat::Upcase::parse(table, entry.table_checksum);
    if (!parsed.ok()) return {};
    folding_ = std::move(*parsed);
    have_folding_ = true;
    for (uint32_t i = 0; i < editor_.directories_.size(); ++i) directories_.insert(i);
    return {};
  }

  sim::Status load_folding() {
    if (have_folding_) return {};
    have_folding_ = true;
    static const std::vector<std::byte> kTable = exfat::default_upcase_table();
    static const sim::Result<exfat::Upcase> kStandard =
        exfat::Upcase::parse(kTable, exfat::kDefaultUpcaseChecksum);
    folding_ = kStandard.value();
    return {};
  }

  sim::Status load_directory(uint32_t index) {
    std::vector<DentrySet::Raw>& entries = entries_[index];
    entries.resize(editor_.directories_[index].entries);
    for (uint32_t i = 0; i < entries.size(); ++i) {
      ZT_TRY(target_.read(DevPos{editor_.entry_pos(index, i)}, entries[i]));
    }
    return {};
  }

  // From the last entry to the first, so that a set inside another is right before the outer one is
  // summed up.
  sim::Status sum_sets(bool hashes) {
    ZT_TRY(load_folding());
    for (auto& [directory, entries] : entries_) {
      for (size_t i = entries.size(); i-- > 0;) {
        const auto file = exfat::load<exfat::FileDentry>(entries[i]);
        if (!exfat::is_type(file.entry_type, exfat::EntryType::kFile)) continue;
        const size_t count = size_t{1} + file.secondary_count;
        if (i + count > entries.size()) continue;
        const auto set = std::span(entries).subspan(i, count);
        const size_t changed = hashes ? hash_name(set) : sum_set(set);
        if (changed == set.size()) continue;
        const auto entry = static_cast<uint32_t>(i + changed);
        ZT_TRY(target_.write(DevPos{editor_.entry_pos(directory, entry)}, entries[entry]));
      }
    }
    return {};
  }

  // Both answer which entry of the set changed; its size when none did.
  size_t hash_name(std::span<DentrySet::Raw> set) const {
    if (set.size() <= exfat::kMinSecondaryCount) return set.size();
    auto stream = exfat::load<exfat::StreamDentry>(set[1]);
    if (!exfat::is_type(stream.entry_type, exfat::EntryType::kStreamExtension)) return set.size();
    std::u16string name;
    for (const DentrySet::Raw& raw : set.subspan(exfat::kMinSecondaryCount)) {
      for (const exfat::Le16& unit : exfat::load<exfat::NameDentry>(raw).file_name) {
        if (name.size() == stream.name_length) break;
        name += folding_.fold(static_cast<char16_t>(uint16_t{unit}));
      }
    }
    const uint16_t hash = exfat::name_hash(name);
    if (stream.name_hash == hash) return set.size();
    stream.name_hash = hash;
    exfat::store(set[1], stream);
    return 1;
  }
  static size_t sum_set(std::span<DentrySet::Raw> set) {
    const uint16_t sum = exfat::set_checksum(set);
    auto file = exfat::load<exfat::FileDentry>(set[0]);
    if (file.set_checksum == sum) return set.size();
    file.set_checksum = sum;
    exfat::store(set[0], file);
    return 0;
  }

  const ImageEditor& editor_;
  EditTarget& target_;
  bool boot_ = false;
  bool backup_ = false;
  bool upcase_ = false;
  bool hash_edited_ = false;
  bool have_folding_ = false;
  exfat::Upcase folding_;
  std::set<uint32_t> directories_;  // in which something changed
  std::map<uint32_t, std::vector<DentrySet::Raw>> entries_;
};

sim::Status ImageEditor::apply(EditTarget& target, std::span<const Operation> edits) const {
  for (const Operation& edit : edits) ZT_TRY(check(edit));
  return Session(*this, target).run(edits);
}

sim::Status ImageEditor::apply(sim::MemDisk& disk, std::span<const Operation> edits) const {
  ZT_ASSERT(sim::bytes(disk.info().capacity).value() == device_size_);
  DiskTarget target(disk);
  return apply(target, edits);
}

}  // namespace zerotail::harness
