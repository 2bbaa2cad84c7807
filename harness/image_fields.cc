// The names of the on-disk fields that can be edited: one line a field, from the structures of
// core/exfat.
#include <array>

#include "zerotail/exfat/ondisk.h"
#include "zerotail/harness/image_edit.h"

namespace zerotail::harness {
namespace {

using exfat::BitmapDentry;
using exfat::BootSector;
using exfat::FileDentry;
using exfat::GenericDentry;
using exfat::LabelDentry;
using exfat::NameDentry;
using exfat::StreamDentry;
using exfat::UpcaseDentry;

// One element of a member: of an array its elements, else the member itself.
template <class T>
struct Element {
  static constexpr uint8_t kBytes = sizeof(T);
  static constexpr uint16_t kCount = 1;
};
template <class T, size_t N>
struct Element<std::array<T, N>> {
  static constexpr uint8_t kBytes = sizeof(T);
  static constexpr uint16_t kCount = N;
};

// ZT_FIELD("boot", kBoot, kPlain, BootSector, volume_length)
#define ZT_FIELD(prefix, place, step, type, member)                                             \
  EditField {                                                                                   \
    prefix "." #member, EditPlace::place, EditStep::step,                                       \
        static_cast<uint16_t>(offsetof(type, member)), Element<decltype(type::member)>::kBytes, \
        Element<decltype(type::member)>::kCount                                                 \
  }
#define ZT_BOOT(member) ZT_FIELD("boot", kBoot, kPlain, BootSector, member)
#define ZT_BACKUP(member) ZT_FIELD("backup", kBackup, kPlain, BootSector, member)
#define ZT_BITMAP(member) ZT_FIELD("bitmap_entry", kBitmapEntry, kPlain, BitmapDentry, member)
#define ZT_UPCASE(member) ZT_FIELD("upcase_entry", kUpcaseEntry, kPlain, UpcaseDentry, member)
#define ZT_LABEL(member) ZT_FIELD("label_entry", kLabelEntry, kPlain, LabelDentry, member)
#define ZT_FILE(member) ZT_FIELD("file", kFile, kPlain, FileDentry, member)
#define ZT_STREAM(member) ZT_FIELD("stream", kStream, kPlain, StreamDentry, member)
#define ZT_NAME(member) ZT_FIELD("name", kName, kPlain, NameDentry, member)
#define ZT_ENTRY(member) ZT_FIELD("entry", kEntry, kPlain, GenericDentry, member)

constexpr uint16_t kWord = sizeof(exfat::Le64);

constexpr EditField kFields[] = {
    ZT_BOOT(jump_boot),
    ZT_BOOT(file_system_name),
    ZT_BOOT(must_be_zero),
    ZT_BOOT(partition_offset),
    ZT_BOOT(volume_length),
    ZT_BOOT(fat_offset),
    ZT_BOOT(fat_length),
    ZT_BOOT(cluster_heap_offset),
    ZT_BOOT(cluster_count),
    ZT_BOOT(first_cluster_of_root_directory),
    ZT_BOOT(volume_serial_number),
    ZT_BOOT(file_system_revision),
    ZT_BOOT(volume_flags),
    ZT_BOOT(bytes_per_sector_shift),
    ZT_BOOT(sectors_per_cluster_shift),
    ZT_BOOT(number_of_fats),
    ZT_BOOT(drive_select),
    ZT_BOOT(percent_in_use),
    ZT_BOOT(boot_code),
    ZT_BOOT(boot_signature),
    {"boot.checksum", EditPlace::kBoot, EditStep::kChecksum, 0, sizeof(exfat::Le32), 128},
    ZT_BACKUP(volume_length),
    ZT_BACKUP(volume_flags),
    {"backup.checksum", EditPlace::kBackup, EditStep::kChecksum, 0, sizeof(exfat::Le32), 128},
    {"fat", EditPlace::kFat, EditStep::kPlain, 0, exfat::kFatEntrySize, 1},
    {"bitmap", EditPlace::kBitmap, EditStep::kPlain, 0, 1, 1},
    {"upcase", EditPlace::kUpcase, EditStep::kPlain, 0, sizeof(exfat::Le16), 1},
    ZT_BITMAP(entry_type),
    ZT_BITMAP(bitmap_flags),
    ZT_BITMAP(first_cluster),
    ZT_BITMAP(data_length),
    ZT_UPCASE(entry_type),
    ZT_FIELD("upcase_entry", kUpcaseEntry, kChecksum, UpcaseDentry, table_checksum),
    ZT_UPCASE(first_cluster),
    ZT_UPCASE(data_length),
    ZT_LABEL(entry_type),
    ZT_LABEL(character_count),
    ZT_LABEL(volume_label),
    ZT_FILE(entry_type),
    ZT_FILE(secondary_count),
    ZT_FIELD("file", kFile, kChecksum, FileDentry, set_checksum),
    ZT_FILE(file_attributes),
    ZT_FILE(create_timestamp),
    ZT_FILE(last_modified_timestamp),
    ZT_FILE(last_accessed_timestamp),
    ZT_FILE(create_10ms_increment),
    ZT_FILE(last_modified_10ms_increment),
    ZT_FILE(create_utc_offset),
    ZT_FILE(last_modified_utc_offset),
    ZT_FILE(last_accessed_utc_offset),
    ZT_STREAM(entry_type),
    ZT_STREAM(general_secondary_flags),
    ZT_STREAM(name_length),
    ZT_FIELD("stream", kStream, kNameHash, StreamDentry, name_hash),
    ZT_STREAM(valid_data_length),
    ZT_STREAM(first_cluster),
    ZT_STREAM(data_length),
    ZT_NAME(entry_type),
    ZT_NAME(general_secondary_flags),
    {"name.unit", EditPlace::kNameUnit, EditStep::kPlain, offsetof(NameDentry, file_name),
     sizeof(exfat::Le16), 1},
    ZT_ENTRY(entry_type),
    ZT_ENTRY(first_cluster),
    ZT_ENTRY(data_length),
    {"entry.word0", EditPlace::kEntry, EditStep::kPlain, 0, kWord, 1},
    {"entry.word1", EditPlace::kEntry, EditStep::kPlain, kWord, kWord, 1},
    {"entry.word2", EditPlace::kEntry, EditStep::kPlain, 2 * kWord, kWord, 1},
    {"entry.word3", EditPlace::kEntry, EditStep::kPlain, 3 * kWord, kWord, 1},
    {"entry.copy", EditPlace::kCopy, EditStep::kPlain, 0, sizeof(exfat::Le32), 1},
    {"cluster.copy", EditPlace::kCluster, EditStep::kPlain, 0, sizeof(exfat::Le32), 1},
    {"byte", EditPlace::kByte, EditStep::kPlain, 0, 1, 1},
};

bool has_pos(const EditField& field) {
  switch (field.place) {
    case EditPlace::kFat:
    case EditPlace::kBitmap:
    case EditPlace::kUpcase:
    case EditPlace::kName:
    case EditPlace::kNameUnit:
    case EditPlace::kEntry:
    case EditPlace::kCopy:
    case EditPlace::kCluster:
    case EditPlace::kByte:
      return true;
    case EditPlace::kBoot:
    case EditPlace::kBackup:
    case EditPlace::kBitmapEntry:
    case EditPlace::kUpcaseEntry:
    case EditPlace::kLabelEntry:
    case EditPlace::kFile:
    case EditPlace::kStream:
      break;
  }
  return field.count > 1;
}

}  // namespace

std::span<const EditField> edit_fields() { return kFields; }

const EditField* find_edit_field(std::string_view name) {
  for (const EditField& field : kFields) {
    if (field.name == name) return &field;
  }
  return nullptr;
}

bool needs_path(EditPlace place) {
  switch (place) {
    case EditPlace::kFile:
    case EditPlace::kStream:
    case EditPlace::kName:
    case EditPlace::kNameUnit:
    case EditPlace::kEntry:
    case EditPlace::kCopy:
      return true;
    case EditPlace::kBoot:
    case EditPlace::kBackup:
    case EditPlace::kFat:
    case EditPlace::kBitmap:
    case EditPlace::kUpcase:
    case EditPlace::kBitmapEntry:
    case EditPlace::kUpcaseEntry:
    case EditPlace::kLabelEntry:
    case EditPlace::kCluster:
    case EditPlace::kByte:
      break;
  }
  return false;
}

std::string edit_help() {
  std::string text;
  for (const EditField& field : kFields) {
    text += field.name;
    if (needs_path(field.place)) text += " path";
    if (has_pos(field)) text += " pos";
    text += '\n';
  }
  return text;
}

}  // namespace zerotail::harness
