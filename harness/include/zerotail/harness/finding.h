// Contracts, and what a violation of one is: data, grouped by a fingerprint that stays the same
// from run to run.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "zerotail/sim/result.h"

namespace zerotail::harness {

enum class Contract : uint8_t {
  kMountable,
  kFlagged,
  kDurable,
  kContained,
  kSyncMount,
  kReachable,
  kNoStale,
  kAtomic,
  kConsistent,
  kAnswers,  // before any crash: the core answers what the reference model predicts
};
inline constexpr size_t kContractCount = 10;

struct ContractInfo {
  Contract contract;
  const char* name;
  const char* says;
  // A user expects it on a device with atomic sectors and honest flushes. The others fail by design
  // in some states: exFAT has no journal and orders nothing between flushes.
  bool expected;
};
[[nodiscard]] const ContractInfo& contract_info(Contract contract);
[[nodiscard]] std::optional<Contract> contract_by_name(std::string_view name);

// A byte range of a file, [begin, end).
struct ByteRange {
  uint64_t begin = 0;
  uint64_t end = 0;
  bool operator==(const ByteRange&) const = default;
};

struct Violation {
  Contract contract = Contract::kMountable;
  std::string kind;  // what is wrong, a stable word: "lost", "stale-bytes", "leaked-clusters"
  std::string path;  // the file or structure
  std::optional<ByteRange> range;
  std::string detail;  // one sentence for people
};

// On whose word, and after what: with contract, kind and place they tell one way to fail from
// another whatever the trace (circumstances.h finds them).
struct Circumstances {
  std::string promise;  // the call whose promise was broken: "fsync", "start"; empty: none was
  std::string touch;    // the last operation on the file since then; empty: nothing touched it
  bool operator==(const Circumstances&) const = default;
};

struct Finding {
  Violation violation;
  Circumstances circumstances;  // of its first state
  // The name that its trace's header gives it; `@` and the device when that is not vc512; `!` and
  // the kinds of faults of its plan.
  std::string workload;
  std::string state;        // the crash state's id inside the workload
  std::string repro;        // the whole command line
  std::string fingerprint;  // 16 hex digits: this finding of this workload
  std::string group;        // 16 hex digits: what broke, in whatever workload
  uint64_t count = 1;       // states that show it
  bool known = false;       // accepted by the baseline
};

// Hash of contract, kind, path and workload: not of ranges, states or texts, which move when code
// or budgets change, nor of the trace's content, which moves when it is edited or minimised.
// `workload` as in Finding.
[[nodiscard]] std::string fingerprint(const Violation& violation, std::string_view workload);
// Hash of contract, kind, place and circumstances. The place is "<volume>", "<clusters>" or any
// file: names mean nothing here.
[[nodiscard]] std::string group_of(const Violation& violation, const Circumstances& circumstances);
// The fingerprint of a finding of a family of workloads (Workload::family): of its group and the
// family's name, so that what breaks alike in thousands of workloads is one entry of a baseline.
[[nodiscard]] std::string fingerprint_in_family(const std::string& group, std::string_view family);

// Findings of a run, one a fingerprint, the first state kept, in order of appearance.
class FindingSet {
 public:
  // True when the fingerprint is new here.
  bool add(Finding finding);
  [[nodiscard]] const std::vector<Finding>& findings() const { return findings_; }
  [[nodiscard]] std::vector<Finding>& findings() { return findings_; }
  [[nodiscard]] bool contains(const std::string& fingerprint) const {
    return by_fingerprint_.contains(fingerprint);
  }
  // Another state that shows a finding that is here.
  void count_again(const std::string& fingerprint) {
    ++findings_[by_fingerprint_.at(fingerprint)].count;
  }

 private:
  std::vector<Finding> findings_;
  std::map<std::string, size_t> by_fingerprint_;
};

}  // namespace zerotail::harness
