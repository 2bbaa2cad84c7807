// Operations for real volumes: a varied random mixture, and named scenarios that aim at one
// structure each. All depend on the cluster size, so that the same scenario crosses cluster
// boundaries on every geometry.
#pragma once

#include <string>
#include <vector>

#include "zerotail/harness/trace.h"
#include "zerotail/sim/prng.h"

namespace zerotail::real {

using Operations = std::vector<harness::Operation>;

struct Scenario {
  const char* name;
  Operations (*make)(uint64_t cluster);
};
[[nodiscard]] const std::vector<Scenario>& scenarios();

struct MixtureOptions {
  size_t count = 300;
  uint64_t sector = 512;  // direct I/O is aligned to it, mostly
  uint64_t cluster = 4096;
  uint64_t max_file = 1 << 18;  // offsets and sizes stay below
  size_t names = 12;            // different names a directory; few names collide often
};
[[nodiscard]] Operations random_mixture(sim::Prng& prng, const MixtureOptions& options);

}  // namespace zerotail::real
