// An exFAT volume as parsed by the checker: immutable, shared by pointer, independent of core/.
//
// Everything here was bounded before it was stored: a cluster in a Chain is inside the heap, a
// directory is never below itself. A view holds no pointer into the disk it was read from.
// A directory that two sets point to is one DirectoryView below both (the tree can be a DAG, e.g.
// between the two writes of a rename): who walks it by path sees what a driver would show.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "zerotail/harness/check_problem.h"
#include "zerotail/sim/digest.h"
#include "zerotail/sim/sector_reader.h"
#include "zerotail/sim/units.h"

namespace zerotail::harness {

// Where things are, checked against the size of the device. In 512-byte sectors.
struct CheckGeometry {
  sim::ByteCount sector_size;  // of the volume, 512 to 4096
  sim::ByteCount cluster_size;
  sim::SectorCount volume;
  sim::SectorCount boot_region;  // 12 volume sectors; the backup follows it
  sim::Sector fat;               // the active one
  sim::SectorCount fat_length;   // of one FAT
  unsigned fats = 1;
  unsigned active_fat = 0;  // 1: VolumeFlags.ActiveFat names the second FAT and bitmap
  sim::Sector heap;
  uint32_t cluster_count = 0;
  sim::Cluster root;
  uint32_t serial = 0;
  bool operator==(const CheckGeometry&) const = default;

  [[nodiscard]] uint64_t cluster_limit() const { return uint64_t{cluster_count} + 2; }
  [[nodiscard]] bool contains(sim::Cluster c) const {
    return c.value() >= 2 && c.value() < cluster_limit();
  }
  [[nodiscard]] sim::SectorCount cluster_sectors() const { return sim::sectors(cluster_size); }
  [[nodiscard]] sim::Sector sector_of(sim::Cluster c) const;
  [[nodiscard]] std::optional<sim::Cluster> cluster_at(sim::Sector s) const;
};

struct ClusterRun {
  sim::Cluster first;
  sim::ClusterCount count;
  bool operator==(const ClusterRun&) const = default;
};

enum class ChainStop : uint8_t {
  kEnd,         // end-of-chain entry, or the end of a no_fat_chain run
  kNoCluster,   // nothing allocated, or first_cluster outside the heap
  kFree,        // the entry of cluster `at` is 0
  kBad,         // the entry of cluster `at` says that the next one is bad
  kOutOfRange,  // the entry of cluster `at` is `value`; or a run was cut at the heap's end
  kLoop,        // the entry of cluster `at` leads back to cluster `value`
  kGivenUp,     // not followed: kGivenUp in check_problem.h
};

// The clusters behind one first_cluster, followed to where they stop, also past data_length.
struct Chain {
  std::vector<ClusterRun> runs;
  sim::ClusterCount clusters;  // the sum of the runs
  sim::ClusterCount needed;    // for data_length; for the root directory what there is
  bool no_fat_chain = false;
  ChainStop stop = ChainStop::kNoCluster;
  sim::Cluster at;
  uint32_t value = 0;
  [[nodiscard]] bool too_short() const { return clusters < needed; }
  [[nodiscard]] bool too_long() const { return clusters > needed; }
  [[nodiscard]] bool sound() const {
    return clusters == needed && (stop == ChainStop::kEnd || stop == ChainStop::kNoCluster);
  }
  // The cluster that holds the byte, or nothing past the end.
  [[nodiscard]] std::optional<sim::Cluster> cluster_of(uint64_t index) const;
  bool operator==(const Chain&) const = default;
};

// Clusters of a benign secondary entry (vendor allocation, type 0xE1).
struct VendorAllocation {
  sim::Cluster first_cluster;
  uint64_t data_length = 0;
  bool no_fat_chain = false;
  bool operator==(const VendorAllocation&) const = default;
};

// Why a set is not shown as a file: the text is static. Null: the set is usable.
using SetFault = const char*;

// One file directory entry set, a function of its bytes alone.
struct EntrySet {
  uint32_t entry = 0;        // index of its first entry in the directory
  uint32_t entries = 0;      // 1 + SecondaryCount
  SetFault fault = nullptr;  // structure broken: the fields below are not filled in
  bool checksum_ok = false;  // a set with a wrong checksum is still shown, as drivers do
  bool name_hash_ok = false;
  bool name_ok = false;
  std::u16string name;
  std::string utf8;       // unpaired surrogates as U+FFFD
  uint32_t name_key = 0;  // hash of the upcased name, for look-ups
  uint16_t attributes = 0;
  bool directory = false;
  bool no_fat_chain = false;
  bool allocation_possible = false;
  sim::Cluster first_cluster;
  uint64_t data_length = 0;
  uint64_t valid_data_length = 0;
  uint16_t set_checksum = 0;  // as stored
  uint16_t name_hash = 0;     // as stored
  // As stored: date and time, 10 ms increment, UTC offset.
  uint32_t create_time = 0, modify_time = 0, access_time = 0;
  uint8_t create_10ms = 0, modify_10ms = 0;
  uint8_t create_utc = 0, modify_utc = 0, access_utc = 0;
  std::vector<VendorAllocation> vendor;
  sim::Digest digest;                  // of all its entries' bytes
  std::vector<CheckProblem> problems;  // of the set's own bytes; path: the name only
  [[nodiscard]] bool usable() const { return fault == nullptr; }
};

struct DirectoryView;

// A set with what it stands for. A node that did not change is the same object in every view of
// one IncrementalChecker, so comparing pointers tells whether set, chain or anything below changed.
struct TreeNode {
  std::shared_ptr<const EntrySet> set;
  std::shared_ptr<const Chain> chain;  // null when the set is not usable
  std::vector<std::shared_ptr<const Chain>> vendor;
  std::shared_ptr<const DirectoryView> child;  // null: a file, or not followed
  std::vector<CheckProblem> problems;          // of its chains; path: the name only
  // Of the set with its place, the chains and everything below: nodes with one digest look alike.
  sim::Digest digest;
};

struct DirectoryView {
  std::vector<ClusterRun> runs;  // clusters it was read from, cut to its length
  uint64_t length = 0;           // bytes read as directory entries
  uint32_t end = 0;              // index of the end-of-directory entry, or the number of entries
  std::vector<std::shared_ptr<const TreeNode>> nodes;  // in order, also unusable ones
  std::vector<uint32_t> name_keys;                     // of nodes, 0 for unusable ones
  std::vector<uint32_t> directories;                   // indices of the nodes with a child
  uint32_t longest_path = 0;           // bytes of the longest path to a directory below it
  uint32_t height = 1;                 // levels of directories, itself included
  std::vector<CheckProblem> problems;  // of the directory itself; path empty
  bool problems_below = false;         // it, a node or a directory below has problems
  sim::Digest digest;                  // of its bytes and place, and of all its nodes
  [[nodiscard]] const TreeNode* node(size_t index) const { return nodes[index].get(); }
};

// The volume's upcase table, one UTF-16 unit to one.
class UpcaseTable {
 public:
  UpcaseTable();  // ASCII only: what is left when the volume's own table cannot be used
  // Decompresses a table as stored. Nothing when it overflows 65536 entries.
  static std::optional<UpcaseTable> parse(std::span<const std::byte> stored);
  [[nodiscard]] char16_t up(char16_t unit) const { return map_[unit]; }
  [[nodiscard]] bool from_volume() const { return from_volume_; }
  [[nodiscard]] const sim::Digest& digest() const { return digest_; }
  [[nodiscard]] uint16_t name_hash(std::u16string_view name) const;
  [[nodiscard]] uint32_t name_key(std::u16string_view name) const;
  [[nodiscard]] bool same_name(std::u16string_view a, std::u16string_view b) const;

 private:
  std::vector<char16_t> map_;
  sim::Digest digest_;  // of the map
  bool from_volume_ = false;
};

[[nodiscard]] std::u16string to_utf16(std::string_view utf8);
[[nodiscard]] std::string to_utf8(std::u16string_view utf16);

struct VolumeView {
  bool exfat = false;                     // the boot sector says so
  std::optional<CheckGeometry> geometry;  // nothing: cannot be mounted
  bool volume_dirty = false;
  bool media_failure = false;
  std::u16string label;
  std::shared_ptr<const UpcaseTable> upcase;
  std::shared_ptr<const Chain> bitmap;  // the active one; null when missing
  // Of a volume with two FATs: the other bitmap. Stale, so only its clusters matter.
  std::shared_ptr<const Chain> stale_bitmap;
  std::shared_ptr<const Chain> upcase_chain;
  std::shared_ptr<const Chain> root_chain;
  std::shared_ptr<const DirectoryView> root;  // null: cannot be mounted
  [[nodiscard]] bool mountable() const { return root != nullptr; }

  // Case-insensitive, as a driver looks up; null when not there. `path` is "a/b", with or without
  // leading slash; the empty path is the root and has no node. The first of two equal names wins.
  [[nodiscard]] std::shared_ptr<const TreeNode> find(std::string_view path) const;
  [[nodiscard]] std::shared_ptr<const TreeNode> find_in(const DirectoryView& directory,
                                                        std::string_view name) const;
};

// Where the bytes of a file come from, in ascending order and without gaps, cut at data_length.
struct FilePiece {
  enum class Source : uint8_t {
    kMedium,   // byte for byte from `dev`, up to valid_data_length
    kZero,     // from valid_data_length to data_length
    kMissing,  // below valid_data_length, but the chain stops before it: a driver answers EIO
  };
  sim::FilePos pos;
  sim::ByteCount length;
  Source source = Source::kZero;
  sim::DevPos dev;  // kMedium only; contiguous over the piece
};
[[nodiscard]] std::vector<FilePiece> file_pieces(const CheckGeometry& geometry,
                                                 const TreeNode& node, sim::FilePos pos,
                                                 sim::ByteCount length);
// Reads what a driver would show. Returns the bytes filled in: short at data_length and at the
// first kMissing piece.
[[nodiscard]] sim::ByteCount read_file(const sim::SectorReader& disk, const CheckGeometry& geometry,
                                       const TreeNode& node, sim::FilePos pos,
                                       std::span<std::byte> out);

}  // namespace zerotail::harness
