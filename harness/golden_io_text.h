// How changes are worded, on both sides of the comparison alike.
#pragma once

#include <cstdint>
#include <string>

#include "zerotail/harness/golden_io.h"

namespace zerotail::harness {

struct GoldenSet {
  uint64_t index = 0;  // of its first entry in the directory
  std::string name;
  bool in_use = false;
  bool directory = false;
  uint64_t size = 0;
  uint64_t valid = 0;
  uint64_t cluster = 0;
  uint64_t flags = 0;
  uint64_t entries = 0;
  bool checksum_ok = false;
};

[[nodiscard]] std::string set_text(const std::string& how, const GoldenSet& set);
[[nodiscard]] std::string fat_text(uint64_t value);
[[nodiscard]] std::string flags_text(uint64_t flags);
inline constexpr const char* kBitSet = "set";
inline constexpr const char* kBitCleared = "cleared";
inline constexpr const char* kMetadataSector = "metadata";
inline constexpr const char* kDiscarded = "discarded";

// Adds what a later write of the same step changed.
void merge_changes(GoldenChanges& into, const GoldenChanges& later);
[[nodiscard]] std::string print_changes(const GoldenChanges& changes);

}  // namespace zerotail::harness
