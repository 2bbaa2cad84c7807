// Names, groups and texts of what the checker finds.
#include "zerotail/harness/check_problem.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <tuple>

namespace zerotail::harness {

namespace {

using Problem = CheckProblem;

std::string clusters(const Problem& p) {
  if (p.count.value() <= 1) return fmt::format("cluster {}", p.cluster.value());
  return fmt::format("clusters {}-{}", p.cluster.value(), p.cluster.value() + p.count.value() - 1);
}

// The texts that several classes share.
std::string sums(const Problem& p) {
  return fmt::format("{:#x} is stored, {:#x} is right", p.found, p.wanted);
}
std::string field(const Problem& p) { return p.field; }
std::string missing(const Problem&) { return "no such entry in the root directory"; }
std::string system_chain(const Problem& p) {
  return fmt::format("{} (cluster {}, value {:#x})", p.field, p.cluster.value(), p.found);
}
std::string entries(const Problem& p) {
  return fmt::format("{} entries from entry {} on", p.found, p.entry);
}
std::string lengths(const Problem& p) {
  return fmt::format("{} clusters in the chain, data_length needs {}", p.found, p.wanted);
}
std::string valid_lengths(const Problem& p) {
  return fmt::format("valid_data_length is {}, data_length {}", p.found, p.wanted);
}
std::string unmarked(const Problem& p) { return clusters(p) + " in use, free in the bitmap"; }

struct ClassRow {
  CheckClass kind;
  CheckGroup group;
  std::string_view name;
  std::string (*detail)(const Problem&);
};

using enum CheckClass;
constexpr CheckGroup kMount = CheckGroup::kMount;
constexpr CheckGroup kWalk = CheckGroup::kWalk;
constexpr CheckGroup kConsistency = CheckGroup::kConsistency;

// In the order of the enumeration.
constexpr std::array<ClassRow, kCheckClasses> kRows = {{
    {kNotExfat, kMount, "not-exfat",
     [](const Problem&) {
       return std::string{"the boot sector's FileSystemName is not \"EXFAT   \""};
     }},
    {kTruncated, kMount, "truncated",
     [](const Problem& p) {
       return fmt::format("VolumeLength is {} bytes, the image has {}", p.wanted, p.found);
     }},
    {kBootSignature, kMount, "boot-signature", sums},
    {kBootField, kMount, "boot-field",
     [](const Problem& p) {
       return fmt::format("{} is {:#x}, wanted {:#x}", p.field, p.found, p.wanted);
     }},
    {kBootChecksum, kMount, "boot-checksum", sums},
    {kRootChain, kMount, "root-chain", system_chain},
    {kBitmapMissing, kMount, "bitmap-missing", missing},
    {kBitmapSize, kMount, "bitmap-size",
     [](const Problem& p) {
       return fmt::format("DataLength is {}, the heap needs {} bytes", p.found, p.wanted);
     }},
    {kBitmapChain, kMount, "bitmap-chain", system_chain},
    {kSetChecksum, kWalk, "set-checksum", sums},
    {kSetBroken, kWalk, "set-broken", field},
    {kOrphanSecondary, kWalk, "orphan-secondary", entries},
    {kUnknownCritical, kWalk, "unknown-critical",
     [](const Problem& p) { return fmt::format("type {:#04x} at entry {}", p.found, p.entry); }},
    {kBadName, kWalk, "bad-name", field},
    {kFirstClusterRange, kWalk, "first-cluster-range",
     [](const Problem& p) {
       return fmt::format("first_cluster is {:#x}, data_length {}", p.found, p.wanted);
     }},
    {kChainRange, kWalk, "chain-range",
     [](const Problem& p) {
       return fmt::format("the FAT entry of cluster {} is {:#x}", p.cluster.value(), p.found);
     }},
    {kChainFree, kWalk, "chain-free",
     [](const Problem& p) {
       return fmt::format("the FAT entry of cluster {} is free", p.cluster.value());
     }},
    {kChainBad, kWalk, "chain-bad",
     [](const Problem& p) {
       return fmt::format("the FAT entry of cluster {} marks a bad cluster", p.cluster.value());
     }},
    {kChainLoop, kWalk, "chain-loop",
     [](const Problem& p) {
       return fmt::format("cluster {} leads back to cluster {}", p.cluster.value(), p.found);
     }},
    {kChainShort, kWalk, "chain-short", lengths},
    {kRunRange, kWalk, "run-range",
     [](const Problem& p) {
       return fmt::format("{} clusters from cluster {} on, {} of them in the heap", p.wanted,
                          p.cluster.value(), p.found);
     }},
    {kSizeRange, kWalk, "size-range",
     [](const Problem& p) {
       return fmt::format("data_length is {}, the heap has {} bytes", p.found, p.wanted);
     }},
    {kDirectorySize, kWalk, "directory-size",
     [](const Problem& p) { return fmt::format("data_length of a directory is {}", p.found); }},
    {kDirectoryLoop, kWalk, "directory-loop",
     [](const Problem& p) {
       return fmt::format("the directory at cluster {} is below itself", p.cluster.value());
     }},
    {kGivenUp, kWalk, "given-up",
     [](const Problem&) {
       return std::string{"too many overlapping chains or levels, not followed"};
     }},
    {kBackupBoot, kConsistency, "backup-boot", field},
    {kFatMedia, kConsistency, "fat-media",
     [](const Problem& p) {
       return fmt::format("FAT entry {} is {:#x}, wanted {:#x}", p.entry, p.found, p.wanted);
     }},
    {kBitmapTail, kConsistency, "bitmap-tail",
     [](const Problem& p) { return fmt::format("{} bits set beyond the last cluster", p.found); }},
    {kBitmapDuplicate, kConsistency, "bitmap-duplicate",
     [](const Problem& p) {
       return fmt::format("another {} entry at entry {}", p.field, p.entry);
     }},
    {kBitmapTrail, kConsistency, "bitmap-trail", system_chain},
    {kUpcaseMissing, kConsistency, "upcase-missing", missing},
    {kUpcaseChain, kConsistency, "upcase-chain", system_chain},
    {kUpcaseChecksum, kConsistency, "upcase-checksum", sums},
    {kUpcaseTable, kConsistency, "upcase-table", field},
    {kLabel, kConsistency, "label",
     [](const Problem& p) {
       return fmt::format("CharacterCount is {}, at most {} is possible", p.found, p.wanted);
     }},
    {kNameHash, kConsistency, "name-hash", sums},
    {kDuplicateName, kConsistency, "duplicate-name",
     [](const Problem& p) { return fmt::format("entry {} has the name of {}", p.entry, p.other); }},
    {kChainLong, kConsistency, "chain-long", lengths},
    {kAllocationFlag, kConsistency, "allocation-flag",
     [](const Problem& p) {
       return fmt::format("first_cluster is {}, AllocationPossible is not set", p.found);
     }},
    {kEmptyWithCluster, kConsistency, "empty-with-cluster",
     [](const Problem& p) { return fmt::format("first_cluster is {}, data_length 0", p.found); }},
    {kEmptyNoFatChain, kConsistency, "empty-no-fat-chain",
     [](const Problem&) { return std::string{"NoFatChain is set and nothing is allocated"}; }},
    {kValidSize, kConsistency, "valid-size", valid_lengths},
    {kDirectoryValidSize, kConsistency, "directory-valid-size", valid_lengths},
    {kAfterEnd, kConsistency, "after-end", entries},
    {kCrossLink, kConsistency, "cross-link",
     [](const Problem& p) {
       return fmt::format("{} also in {}{}", clusters(p), p.other,
                          p.found > 2 ? fmt::format(" and {} more", p.found - 2) : "");
     }},
    {kUnmarked, kConsistency, "unmarked", unmarked},
    {kSystemUnmarked, kConsistency, "system-unmarked", unmarked},
    {kLeak, kConsistency, "leak",
     [](const Problem& p) { return clusters(p) + " used in the bitmap, in no file"; }},
}};

constexpr bool in_order() {
  for (size_t i = 0; i < kRows.size(); ++i) {
    if (static_cast<size_t>(kRows[i].kind) != i) return false;
  }
  return true;
}
static_assert(in_order());

auto tie(const CheckProblem& p) {
  return std::tuple{p.kind,
                    std::string_view{p.path},
                    std::string_view{p.other},
                    p.cluster.value(),
                    p.count.value(),
                    p.entry,
                    p.found,
                    p.wanted,
                    std::string_view{p.field}};
}

}  // namespace

std::string_view name(CheckClass c) { return kRows[static_cast<size_t>(c)].name; }

CheckGroup group(CheckClass c) { return kRows[static_cast<size_t>(c)].group; }

std::optional<CheckClass> check_class(std::string_view wanted) {
  for (const ClassRow& row : kRows) {
    if (row.name == wanted) return row.kind;
  }
  return std::nullopt;
}

std::string_view name(CheckGroup g) {
  switch (g) {
    case CheckGroup::kMount:
      return "mount";
    case CheckGroup::kWalk:
      return "walk";
    case CheckGroup::kConsistency:
      return "consistency";
  }
  return "";
}

std::string CheckProblem::detail() const { return kRows[static_cast<size_t>(kind)].detail(*this); }

std::string CheckProblem::describe() const {
  std::string text{zerotail::harness::name(kind)};
  if (!path.empty()) text += ' ';
  // Names on a broken disk may hold control characters: keep the line one line.
  for (const char c : path) {
    if (static_cast<unsigned char>(c) < ' ' || c == 0x7f) {
      text += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
    } else {
      text += c;
    }
  }
  return text + ": " + detail();
}

bool operator==(const CheckProblem& a, const CheckProblem& b) { return tie(a) == tie(b); }
bool operator<(const CheckProblem& a, const CheckProblem& b) { return tie(a) < tie(b); }

bool has_group(const std::vector<CheckProblem>& problems, CheckGroup g) {
  return std::any_of(problems.begin(), problems.end(),
                     [g](const CheckProblem& p) { return group(p.kind) == g; });
}

}  // namespace zerotail::harness
