// In which order metadata is written and flushed.
//
// The Linux driver was measured; what it does is the order without any rule (kLinux). Each rule is
// one thing that a driver could do better on the same format, and can be switched on alone, so that
// it can be told what it is worth and what it costs. kCareful is all of them. README.md says where
// each stands and what it waits for.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "zerotail/sim/result.h"

namespace zerotail::exfat {

enum class Rule : uint8_t {
  kDirtyFirst,     // VolumeDirty is set before any other change, also when a file only grows
  kParentSize,     // fsync of a file writes the grown DataLength of the directories above it
  kDataFirst,      // ValidDataLength is stored only as far as the data is durable
  kFatFirst,       // the FAT is durable before the set that needs it
  kBitmapFirst,    // the bitmap is durable before the set that uses the clusters
  kZerosFirst,     // the zeros of a directory's new cluster are durable before anything leads there
  kNewNameFirst,   // the new name of a rename is durable before the old ones go
  kSetBeforeFree,  // FAT and bitmap give clusters up only once the set that had them is durable
  kLateReuse,      // freed clusters are reused and discarded only once that set is durable
  kSyncFlush,      // sync(2) and an unmount end with a flush
  kOneSector,      // a new set that fits into one sector lies in one
  kReplaceInPlace  // a rename onto a name rewrites the set that has the name
};
inline constexpr size_t kRuleCount = 12;

struct RuleInfo {
  Rule rule;
  const char* name;  // in options, trace headers and repro ids
  const char* says;
};
[[nodiscard]] const std::array<RuleInfo, kRuleCount>& all_rules();
[[nodiscard]] const RuleInfo& rule_info(Rule rule);

// A set of rules.
class Ordering {
 public:
  static const Ordering kLinux;    // none
  static const Ordering kCareful;  // all

  constexpr Ordering() = default;
  [[nodiscard]] constexpr bool has(Rule rule) const { return (bits_ & bit(rule)) != 0; }
  [[nodiscard]] constexpr Ordering with(Rule rule) const { return Ordering(bits_ | bit(rule)); }
  [[nodiscard]] constexpr Ordering without(Rule rule) const { return Ordering(bits_ & ~bit(rule)); }
  [[nodiscard]] constexpr bool none() const { return bits_ == 0; }
  constexpr bool operator==(const Ordering&) const = default;

 private:
  constexpr explicit Ordering(uint32_t bits) : bits_(bits) {}
  static constexpr uint32_t bit(Rule rule) { return 1U << static_cast<unsigned>(rule); }
  uint32_t bits_ = 0;
};
inline constexpr Ordering Ordering::kLinux{};
inline constexpr Ordering Ordering::kCareful{(1U << kRuleCount) - 1};

// "linux", "careful", or the names of the rules in their order, with commas between.
[[nodiscard]] std::string print(Ordering ordering);
// The same back; rules in any order. EINVAL naming what is no rule.
[[nodiscard]] sim::Result<Ordering> parse_ordering(std::string_view text);

}  // namespace zerotail::exfat
