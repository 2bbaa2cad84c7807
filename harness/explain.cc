#include "zerotail/harness/explain.h"

#include <array>
#include <string_view>

namespace zerotail::harness {
namespace {

// The first row that fits explains; an empty workload or path fits all.
struct Explanation {
  Contract contract;
  std::string_view kind;
  std::string_view workload;  // with the device or without
  std::string_view path;
  std::string_view reason;
  std::string_view promise{};  // the operation that made the promise which is broken
  std::string_view detail{};   // stands in the finding's sentence
};

constexpr std::string_view kSyncNoFlush =
    "sync(2) writes everything back and sends no flush: a volatile cache may still lose it";
constexpr std::string_view kDirectoryEnd =
    "fsync of a file does not write the grown DataLength of its directory: its set stands behind "
    "the directory's end";
constexpr std::string_view kSetBeforeFat =
    "a NoFatChain file that becomes a chain gets its dentry set before its FAT, with no flush "
    "between: the set points into entries that are still zero";
constexpr std::string_view kRename =
    "rename writes the new set and deletes the old one with no flush between: either may be on the "
    "medium alone";
constexpr std::string_view kTwoSectors =
    "a dentry set lies across two sectors, which are written without any order";
constexpr std::string_view kNewDirectory =
    "the parent's set reaches the medium before the zeroed cluster of the new directory, which "
    "then shows what the cluster held before";
constexpr std::string_view kOlder =
    "sync(2) sends no flush, so what it wrote may be lost and older bytes be there; and freed "
    "clusters are given to another file before the set that gave them up is on the medium";
constexpr std::string_view kMovedDirectory =
    "the old set of a moved directory may be deleted on the medium before the new one is there: "
    "everything below is lost with it";
constexpr std::string_view kRootGrows =
    "the root directory has no set, the FAT alone says where it goes on: the link to its new "
    "cluster reaches the medium before that cluster's own entry, which stands in another sector of "
    "the FAT, and Linux does not mount a root that runs into a free cluster";
constexpr std::string_view kRootZeros =
    "the link to the root directory's new cluster reaches the medium before its zeros: what the "
    "cluster held before is read as entries";
constexpr std::string_view kRootUnmarked =
    "the link to the root directory's new cluster reaches the medium before the bitmap";
constexpr std::string_view kRenameWrites =
    "on a dirsync mount rename writes the file's set, with the ValidDataLength of data that is "
    "still in memory only";
constexpr std::string_view kFatAlone =
    "the FAT and the dentry set of a changed chain reach the medium in any order";

constexpr std::array kExplanations{
    Explanation{Contract::kFlagged, "clean-but-inconsistent", "sync-mount-grow", "",
                "on a sync mount a growing truncate writes the bitmap before VolumeDirty is set"},
    Explanation{Contract::kFlagged, "clean-but-inconsistent", "op-sync-mount-truncate-up", "",
                "on a sync mount a growing truncate writes the bitmap before VolumeDirty is set"},
    Explanation{Contract::kFlagged, "clean-but-inconsistent", "sync-mount-gap", "",
                "on a sync mount a write with a gap writes the bitmap before VolumeDirty is set"},
    Explanation{Contract::kFlagged, "clean-but-inconsistent", "enum2", "",
                "a growing truncate or fallocate allocates and leaves VolumeDirty as it is, and a "
                "sync of something else writes its bitmap and FAT"},
    Explanation{Contract::kDurable, "lost", "directory-grows-c512", "", kDirectoryEnd},
    Explanation{Contract::kDurable, "bytes", "sync-many", "a", kSetBeforeFat},
    Explanation{Contract::kDurable, "bytes", "full-volume-c512", "a", kSetBeforeFat},
    Explanation{Contract::kDurable, "", "sync-many", "", kSyncNoFlush},
    Explanation{Contract::kDurable, "", "mkdir-rmdir", "", kSyncNoFlush},
    Explanation{Contract::kDurable, "", "unlink-sync", "", kSyncNoFlush},
    Explanation{Contract::kDurable, "", "rename-directory", "", kSyncNoFlush},
    Explanation{Contract::kDurable, "", "rename-longer-name", "", kSyncNoFlush},
    Explanation{Contract::kDurable, "", "rename-other-directory", "", kSyncNoFlush},
    Explanation{Contract::kDurable, "", "", "", kSyncNoFlush, "sync"},
    Explanation{Contract::kDurable, "bytes", "enum2", "", kSetBeforeFat},
    Explanation{Contract::kContained, "", "", "", kSyncNoFlush, "sync"},
    Explanation{Contract::kDurable, "lost", "op-directory-grows", "", kDirectoryEnd},
    Explanation{Contract::kContained, "set", "directory-grows-c512", "n", kSyncNoFlush},
    Explanation{Contract::kContained, "shared", "rename-directory", "e/d", kSyncNoFlush},
    Explanation{Contract::kContained, "shared", "rename-other-directory", "e/a", kSyncNoFlush},
    Explanation{Contract::kReachable, "lost", "rename-directory", "", kMovedDirectory},
    Explanation{Contract::kReachable, "lost", "op-rename-directory", "", kMovedDirectory},
    Explanation{Contract::kMountable, "no-mount", "", "", kRootGrows, {}, "root-chain"},
    Explanation{Contract::kNoStale, "poison", "again@wt512", "zz-again/renamed", kRenameWrites},
    Explanation{Contract::kNoStale, "stale-bytes", "again@wt512", "zz-again/renamed",
                kRenameWrites},
    Explanation{Contract::kNoStale, "stale-name", "again", "", kNewDirectory},
    Explanation{Contract::kNoStale, "poison", "", "",
                "the dentry set, with its ValidDataLength, may reach the medium before the data: "
                "fsync waits for the data but sends no flush before the set"},
    Explanation{Contract::kNoStale, "stale-bytes", "enum2", "", kOlder},
    Explanation{Contract::kNoStale, "stale-name", "enum2", "",
                "a name that was removed before its directory was moved may still be in it on the "
                "medium: nothing orders the two"},
    Explanation{Contract::kNoStale, "stale-bytes", "", "",
                "freed clusters are given to another file before the set that gave them up is on "
                "the medium, and sets may be there before the data"},
    Explanation{Contract::kAtomic, "both", "", "", kRename},
    Explanation{Contract::kAtomic, "neither", "", "", kRename},
    Explanation{Contract::kAtomic, "mixed-set", "again", "zz-again", kNewDirectory},
    Explanation{Contract::kAtomic, "mixed-set", "", "", kTwoSectors},
    Explanation{Contract::kAtomic, "size", "enum2", "", kSyncNoFlush},
    Explanation{Contract::kConsistent, "leak", "", "",
                "the bitmap reaches the medium before the set that uses the clusters, or after the "
                "one that gave them up: nothing orders them"},
    Explanation{Contract::kConsistent, "unmarked", "", "",
                "the set that uses the clusters reaches the medium before the bitmap, or the "
                "bitmap before the set that gives them up: nothing orders them"},
    Explanation{Contract::kConsistent, "cross-link", "", "",
                "both names of a rename, or the old and the new owner of reused clusters, are on "
                "the medium at once"},
    Explanation{Contract::kConsistent, "duplicate-name", "", "",
                "the target's old set is deleted last: for a while both sets of the name are on "
                "the medium"},
    Explanation{Contract::kConsistent, "", "again", "zz-again", kNewDirectory},
    Explanation{Contract::kConsistent, "after-end", "root-grows-c512", "/", kRootZeros},
    Explanation{Contract::kConsistent, "orphan-secondary", "root-grows-c512", "/", kRootZeros},
    Explanation{Contract::kConsistent, "after-end", "op-root-grows", "/", kRootZeros},
    Explanation{Contract::kConsistent, "orphan-secondary", "op-root-grows", "/", kRootZeros},
    Explanation{Contract::kConsistent, "orphan-secondary", "again", "/", kRootZeros},
    Explanation{Contract::kConsistent, "unknown-critical", "again", "/", kRootZeros},
    Explanation{Contract::kConsistent, "label", "again", "/", kRootZeros},
    Explanation{Contract::kConsistent, "system-unmarked", "", "/", kRootUnmarked},
    Explanation{Contract::kConsistent, "orphan-secondary", "", "n", kNewDirectory},
    Explanation{Contract::kConsistent, "orphan-secondary", "", "f", kNewDirectory},
    Explanation{Contract::kConsistent, "orphan-secondary", "enum1", "", kNewDirectory},
    Explanation{Contract::kConsistent, "after-end", "enum1", "", kNewDirectory},
    Explanation{Contract::kConsistent, "unknown-critical", "enum2", "", kNewDirectory},
    Explanation{Contract::kConsistent, "after-end", "", "n", kNewDirectory},
    Explanation{Contract::kConsistent, "after-end", "", "f", kNewDirectory},
    Explanation{Contract::kConsistent, "orphan-secondary", "", "", kTwoSectors},
    Explanation{Contract::kConsistent, "after-end", "", "", kTwoSectors},
    Explanation{Contract::kConsistent, "set-broken", "", "", kTwoSectors},
    Explanation{Contract::kConsistent, "set-checksum", "", "", kTwoSectors},
    Explanation{Contract::kConsistent, "chain-free", "", "", kFatAlone},
    Explanation{Contract::kConsistent, "chain-short", "", "", kFatAlone},
    Explanation{Contract::kConsistent, "chain-long", "", "", kFatAlone},
};

bool fits(std::string_view wanted, std::string_view value) {
  return wanted.empty() || wanted == value;
}

}  // namespace

std::string explain(const Finding& finding) {
  const Violation& violation = finding.violation;
  const std::string_view workload = finding.workload;
  std::string_view name = workload.substr(0, workload.find_first_of("@!"));
  if (name == "enum3") name = "enum2";  // nothing else happens in more steps
  for (const Explanation& e : kExplanations) {
    if (e.contract == violation.contract && fits(e.kind, violation.kind) &&
        (fits(e.workload, name) || e.workload == workload) && fits(e.path, violation.path) &&
        fits(e.promise, finding.circumstances.promise) &&
        violation.detail.find(e.detail) != std::string::npos) {
      return std::string(e.reason);
    }
  }
  return {};
}

}  // namespace zerotail::harness
