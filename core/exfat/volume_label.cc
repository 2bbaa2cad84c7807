// The volume label: an entry of the root directory (section 7.3), read and set on a mounted volume.
// The rules of setting are the driver's: strict UTF-8, no character that a name may not have, 11
// units at most; an empty label stays as an entry without characters.
#include <algorithm>
#include <array>
#include <mutex>

#include "mkfs_internal.h"
#include "zerotail/exfat/file_system.h"

namespace zerotail::exfat {

namespace {
using Raw = DentrySet::Raw;

sim::Error bad_label(const std::string& why) { return sim::Error(sim::Errno::kInval, why); }

sim::Result<std::vector<uint16_t>> units_of(std::string_view label) {
  auto units = label_units(label);
  if (!units.ok()) return bad_label("label: " + units.error().where());
  const auto invalid = [](uint16_t unit) { return invalid_in_name(static_cast<char16_t>(unit)); };
  if (std::any_of(units->begin(), units->end(), invalid)) {
    return bad_label("label: a character that no name may have");
  }
  return units;
}
}  // namespace

sim::Result<std::optional<uint32_t>> FileSystem::label_entry() {
  DirectoryFile directory = open_directory(*root_);
  for (uint32_t entry = 0; entry < directory.entries(); ++entry) {
    ZT_ASSIGN(const uint8_t type, directory.type_at(entry));
    if (is_type(type, EntryType::kEndOfDirectory)) break;
    if (is_type(type, EntryType::kVolumeLabel)) return std::optional<uint32_t>(entry);
  }
  return std::optional<uint32_t>();
}

sim::Result<std::string> FileSystem::label() {
  const std::lock_guard guard(volume_lock_);
  ZT_TRY(check_alive());
  ZT_ASSIGN(const std::optional<uint32_t> entry, label_entry());
  if (!entry) return std::string();
  std::array<Raw, 1> raw;
  ZT_TRY(open_directory(*root_).read(*entry, raw));
  const auto found = load<LabelDentry>(raw[0]);
  if (found.character_count > kMaxLabelUnits) {
    return sim::Error(sim::Errno::kIo,
                      "volume label: CharacterCount is " + std::to_string(found.character_count));
  }
  std::u16string units;
  for (unsigned i = 0; i < found.character_count; ++i) {
    units.push_back(static_cast<char16_t>(uint16_t{found.volume_label[i]}));
  }
  return to_utf8(units);
}

sim::Status FileSystem::set_label(std::string_view label) {
  ZT_ASSIGN(const std::vector<uint16_t> units, units_of(label));
  LabelDentry wanted{};
  wanted.entry_type = static_cast<uint8_t>(EntryType::kVolumeLabel);
  wanted.character_count = static_cast<uint8_t>(units.size());
  std::copy(units.begin(), units.end(), wanted.volume_label.begin());
  std::array<Raw, 1> raw;
  store(raw[0], wanted);

  const std::lock_guard guard(volume_lock_);
  ZT_TRY(set_volume_dirty());
  ZT_ASSIGN(DirectoryIndex* const index, index_of(*root_));
  ZT_ASSIGN(std::optional<uint32_t> entry, label_entry());
  if (!entry) {
    ZT_ASSIGN(entry, make_room(*root_, 1));
    ZT_TRY(keep_end_mark(*root_, *entry + 1));
  }
  ZT_TRY(open_directory(*root_).write(*entry, raw, options_.directories_sync()));
  index->mark_used(*entry, 1);
  return {};
}

}  // namespace zerotail::exfat
