// One hostile volume under the core: mounted, walked beside the checker, worked on, unmounted; and
// when it was sound, mounted and walked again. Whatever the volume holds, this must end, with
// answers or errors; what must hold besides is in `findings`.
//
//   - no more requests than a bound, none past the device's end, none that writes before the FAT
//     but to the boot sector
//   - a read-only mount writes nothing, and discards nothing but by FITRIM
//   - the checker and the core agree on what is sound: whether it mounts, names, sizes, content
//   - a volume without a problem mounts, and is without one afterwards
//   - the same input gives the same answers and the same bytes
// A failed assertion, a sanitizer's report and a time-out end the process.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "fuzz/recipe.h"
#include "zerotail/harness/check.h"
#include "zerotail/harness/op_result.h"
#include "zerotail/sim/mem_disk.h"

namespace zerotail::fuzz {

struct Report {
  std::vector<harness::CheckProblem> before;  // what the checker finds on the edited volume
  sim::Errno mount = sim::Errno::kOk;         // of the mount under the operations
  std::string mount_error;
  std::vector<harness::OpResult> answers;
  std::vector<harness::CheckProblem> after;
  uint64_t requests = 0;
  sim::Digest digest;  // of the disk at the end
  std::vector<std::string> findings;
};

// EINVAL: the recipe names no base, makes an edit that is none, or asks for more memory than a
// fuzzer should use. Without operations of its own, a list of them that touches every file is run.
[[nodiscard]] sim::Result<Report> run_recipe(const Recipe& recipe);
// A whole image. EINVAL: larger than 64 MiB, or empty.
[[nodiscard]] sim::Result<Report> run_image(std::span<const std::byte> image);
// Told apart by the name in the boot sector.
[[nodiscard]] bool is_image(std::span<const std::byte> input);
[[nodiscard]] sim::Result<Report> run_input(std::span<const std::byte> input);

// The recipe's own expectations that do not hold, one a line.
[[nodiscard]] std::vector<std::string> broken_expectations(const Recipe& recipe,
                                                           const Report& report);

}  // namespace zerotail::fuzz
