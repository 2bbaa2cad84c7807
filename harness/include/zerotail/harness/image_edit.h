// Changes named on-disk fields of an exFAT volume: for hostile images and for entries that the core
// itself never writes. The names are those of the specification, below the structure they stand
// in: "boot.cluster_count", "stream.valid_data_length", "fat", "bitmap".
//
// Checksums follow: what an edit touches gets a right NameHash, SetChecksum, TableChecksum and boot
// checksum, so that only the wanted field is wrong; an edit that names a checksum comes last.
// Everything is found where it stood before the first edit of a list, so no edit moves another.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "zerotail/harness/check_view.h"
#include "zerotail/harness/trace.h"
#include "zerotail/sim/mem_disk.h"
#include "zerotail/sim/result.h"
#include "zerotail/sim/sector_reader.h"

namespace zerotail::harness {

// What a field belongs to, and so what else an edit needs.
enum class EditPlace : uint8_t {
  kBoot,         // the main boot region
  kBackup,       // the backup boot region
  kFat,          // pos: the entry's number
  kBitmap,       // pos: the cluster; value: 0 or 1
  kUpcase,       // pos: the unit's index in the table as it is stored
  kBitmapEntry,  // the root's entry for the allocation bitmap
  kUpcaseEntry,
  kLabelEntry,
  kFile,      // path: whose set
  kStream,    // path
  kName,      // path; pos: which name entry
  kNameUnit,  // path; pos: which unit of the name
  kEntry,     // path: the directory; pos: the entry's index in it
  kCopy,      // as kEntry; value: the index of the entry that is copied there
  kCluster,   // pos: a cluster; value: the cluster whose content is copied there
  kByte,      // pos: byte on the device
};

// When an edit is made: checksums are computed between the steps.
enum class EditStep : uint8_t { kPlain, kNameHash, kChecksum };

struct EditField {
  std::string_view name;
  EditPlace place;
  EditStep step;
  uint16_t offset;  // in its structure
  uint8_t bytes;    // of one element
  uint16_t count;   // elements; pos chooses one when there are several
};

[[nodiscard]] std::span<const EditField> edit_fields();
// Null: no such field.
[[nodiscard]] const EditField* find_edit_field(std::string_view name);
[[nodiscard]] bool needs_path(EditPlace place);
// "boot.jump_boot pos, boot.volume_length, ...": for messages and help.
[[nodiscard]] std::string edit_help();

// What is edited: plain byte access.
class EditTarget {
 public:
  virtual ~EditTarget() = default;
  virtual sim::Status read(sim::DevPos pos, std::span<std::byte> out) = 0;
  virtual sim::Status write(sim::DevPos pos, std::span<const std::byte> bytes) = 0;
};

class ImageEditor {
 public:
  // Finds everything on the volume as it is now. EINVAL: it cannot be mounted.
  [[nodiscard]] static sim::Result<ImageEditor> open(const sim::SectorReader& volume);

  // Makes the edits, operations of kind kEdit, in their order, and the checksums of what they
  // touch: the boot region, the upcase table, all sets of a directory in which something changed.
  // EINVAL: an unknown field, a position outside it, a value that does not fit; ENOENT: an unknown
  // path. Nothing is written then. Further errors are those of `target`.
  sim::Status apply(EditTarget& target, std::span<const Operation> edits) const;
  sim::Status apply(sim::MemDisk& disk, std::span<const Operation> edits) const;

  [[nodiscard]] sim::Status check(const Operation& edit) const;

  // For who chooses edits: what there is on the volume.
  [[nodiscard]] const std::vector<std::string>& paths() const { return paths_; }  // but the root
  [[nodiscard]] const std::vector<std::string>& directories() const { return directory_paths_; }
  // First and last cluster of every run of every file and directory.
  [[nodiscard]] const std::vector<uint32_t>& clusters() const { return clusters_; }
  [[nodiscard]] uint32_t cluster_limit() const { return cluster_limit_; }
  [[nodiscard]] uint64_t cluster_size() const { return cluster_size_; }
  [[nodiscard]] uint64_t device_size() const { return device_size_; }
  // How many values `pos` can have; 0 for an unknown path.
  [[nodiscard]] uint64_t positions(const EditField& field, const std::string& path) const;

 private:
  struct Directory {
    std::vector<uint64_t> cluster_pos;  // on the device, in order
    uint32_t entries = 0;
  };
  struct Set {
    uint32_t directory = 0;
    uint32_t entry = 0;
    uint32_t entries = 0;
  };
  class Session;  // one apply()

  ImageEditor() = default;
  void add_directory(const std::string& path, const DirectoryView& view, unsigned depth);
  void add_clusters(const Chain& chain);
  void find_special_entries(const sim::SectorReader& volume);
  [[nodiscard]] std::vector<uint64_t> positions_of(const CheckGeometry& geometry,
                                                   const std::vector<ClusterRun>& runs) const;
  [[nodiscard]] uint64_t entry_pos(uint32_t directory, uint32_t index) const;
  // Where the edited element stands; after check().
  [[nodiscard]] uint64_t place(const Operation& edit, const EditField& field) const;
  [[nodiscard]] uint64_t special_entry(EditPlace place) const;

  uint64_t device_size_ = 0;
  uint64_t sector_size_ = 0;
  uint64_t cluster_size_ = 0;
  uint64_t fat_ = 0;
  uint64_t heap_ = 0;
  uint32_t cluster_limit_ = 0;
  std::vector<uint64_t> bitmap_;  // positions of its clusters
  std::vector<uint64_t> upcase_;
  uint64_t bitmap_entry_ = 0;  // positions; 0: there is none
  uint64_t upcase_entry_ = 0;
  uint64_t label_entry_ = 0;
  std::vector<Directory> directories_;  // the root first
  std::map<std::string, uint32_t> directory_of_path_;
  std::map<std::string, Set> sets_;
  std::vector<std::string> paths_;
  std::vector<std::string> directory_paths_;
  std::vector<uint32_t> clusters_;
};

}  // namespace zerotail::harness
