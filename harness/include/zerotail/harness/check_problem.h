// What the file-system checker can complain of: classes with stable names, grouped by what a
// driver can still do with the volume. docs/CHECK.md says what each class means and which of them
// fsck.exfat judges too.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "zerotail/sim/units.h"

namespace zerotail::harness {

// kMount: a driver cannot mount the volume. kWalk: an entry or a chain cannot be followed as it
// stands. kConsistency: everything can be read, but two structures contradict each other.
enum class CheckGroup : uint8_t { kMount, kWalk, kConsistency };

enum class CheckClass : uint8_t {
  // kMount
  kNotExfat,       // no "EXFAT   " in the boot sector
  kTruncated,      // the image is smaller than VolumeLength
  kBootSignature,  // 0xAA55 is missing
  kBootField,      // a field of the boot sector out of its range
  kBootChecksum,   // the main boot region does not sum up to its checksum sector
  kRootChain,      // the root directory's clusters cannot be followed
  kBitmapMissing,
  kBitmapSize,   // too small for the cluster count
  kBitmapChain,  // its clusters cannot be followed or are too few
  // kWalk
  kSetChecksum,
  kSetBroken,          // wrong number or kinds of secondary entries
  kOrphanSecondary,    // secondary entries without a primary
  kUnknownCritical,    // a critical primary entry of an unknown type
  kBadName,            // empty, or with a character that names must not have
  kFirstClusterRange,  // first_cluster outside the heap
  kChainRange,         // a FAT entry points outside the heap
  kChainFree,          // a FAT entry in the chain is 0 (free)
  kChainBad,           // the chain runs into a bad cluster
  kChainLoop,          // the chain comes back to one of its clusters
  kChainShort,         // the chain ends before data_length
  kRunRange,           // a no_fat_chain run leaves the heap
  kSizeRange,          // data_length larger than the heap
  kDirectorySize,      // zero, no multiple of the cluster, or above 256 MiB
  kDirectoryLoop,      // a directory below itself
  kGivenUp,            // overlapping chains in such number that they are not all followed
  // kConsistency
  kBackupBoot,       // the backup boot region differs from the main one or has a bad checksum
  kFatMedia,         // FAT entry 0 or 1
  kBitmapTail,       // bits set beyond the last cluster
  kBitmapDuplicate,  // more than one bitmap or upcase entry
  kBitmapTrail,      // its clusters are there, and their chain does not end with them
  kUpcaseMissing,
  kUpcaseChain,  // its clusters cannot be followed or are too few
  kUpcaseChecksum,
  kUpcaseTable,  // does not decompress to a sensible table
  kLabel,        // the volume label entry has an impossible length
  kNameHash,
  kDuplicateName,
  kChainLong,           // more clusters than data_length needs
  kAllocationFlag,      // clusters without AllocationPossible
  kEmptyWithCluster,    // data_length 0 with a first cluster
  kEmptyNoFatChain,     // nothing allocated, yet NoFatChain
  kValidSize,           // valid_data_length > data_length
  kDirectoryValidSize,  // a directory with valid_data_length != data_length
  kAfterEnd,            // entries in use behind the end-of-directory entry
  kCrossLink,           // a cluster belongs to two owners
  kUnmarked,            // a cluster in use that the bitmap calls free
  kSystemUnmarked,      // the same for the bitmap, the upcase table or the root directory
  kLeak,                // a cluster that the bitmap calls used and nothing reaches
};

inline constexpr size_t kCheckClasses = static_cast<size_t>(CheckClass::kLeak) + 1;

// "set-checksum", "cross-link" and so on; they stand in reports and baselines and never change.
[[nodiscard]] std::string_view name(CheckClass c);
[[nodiscard]] std::optional<CheckClass> check_class(std::string_view name);
[[nodiscard]] CheckGroup group(CheckClass c);
[[nodiscard]] std::string_view name(CheckGroup g);

struct CheckProblem {
  CheckClass kind = CheckClass::kNotExfat;
  // "/dir/file"; "/" for the root directory, "<bitmap>", "<upcase>", "<boot>", "<fat>" for the
  // system's own structures; empty for clusters that nobody owns.
  std::string path;
  std::string other;     // kCrossLink: the second owner; kDuplicateName: the first of that name
  sim::Cluster cluster;  // first cluster concerned; 0 when none is
  sim::ClusterCount count;
  uint32_t entry = 0;  // index of the directory entry concerned, in its directory
  // The numbers of the detail text, by class: the value found and the value wanted or the limit.
  uint64_t found = 0;
  uint64_t wanted = 0;
  const char* field = "";  // static text: which field, or what is broken about a set

  [[nodiscard]] std::string detail() const;  // made only when asked for: most problems are counted
  [[nodiscard]] std::string describe() const;  // "class path: detail", one line
  friend bool operator==(const CheckProblem& a, const CheckProblem& b);
  // The order of reports: by class, path, other path, cluster, entry and the rest.
  friend bool operator<(const CheckProblem& a, const CheckProblem& b);
};

[[nodiscard]] bool has_group(const std::vector<CheckProblem>& problems, CheckGroup g);

}  // namespace zerotail::harness
