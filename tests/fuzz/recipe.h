// A hostile volume and what is done with it, as a short text: which sound volume, which of its
// fields are changed, which operations follow. What the fuzzer mutates, what a finding is kept as.
//
//   # A file's chain runs into a free cluster.
//   base small
//   edit field=fat pos=9 value=0
//   read path=chain off=0 len=4096 -> 512
//   unlink path=chain -> 0
//   expect check chain-free
//
// Operations and edits are those of the trace format (docs/TRACE.md) with `key=value` in place of
// JSON; a blank, a percent sign and control characters in a value are written %20 and so on.
// `-> N` or `-> EIO` says what an operation must answer, `expect mount EINVAL` what the mount,
// `expect check CLASS...` what the checker must find on the edited volume. The fuzzer forgets them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "zerotail/harness/check_problem.h"
#include "zerotail/harness/trace.h"

namespace zerotail::fuzz {

struct Step {
  harness::Operation op;
  std::optional<int64_t> want;  // a count, or a negative errno
};

struct Recipe {
  std::string base;
  std::vector<std::string> mount;         // options of the mount under the operations
  std::vector<harness::Operation> edits;  // of kind kEdit
  std::vector<Step> steps;
  std::optional<sim::Errno> want_mount;
  std::vector<harness::CheckClass> want_check;
};

// EINVAL, naming the line.
[[nodiscard]] sim::Result<Recipe> parse_recipe(std::string_view text);
// Without comments; parse_recipe() of it gives the same recipe.
[[nodiscard]] std::string print_recipe(const Recipe& recipe);
[[nodiscard]] std::string print_step(const Step& step);

// "EIO" -> kIo; nothing for a name that sim::errno_name() never gives.
[[nodiscard]] std::optional<sim::Errno> errno_of(std::string_view name);

}  // namespace zerotail::fuzz
