// Which tears are looked at when there are too many for all. Private to fault.
#pragma once

#include <cstdint>
#include <vector>

#include "tear_space.h"
#include "zerotail/fault/crash_model.h"
#include "zerotail/sim/prng.h"

namespace zerotail::fault {

// The tears of one unit or block that tell most, given the picks: a first part, a last part and the
// middle old instead of new, cut where the contents differ, and each of them garbage; of a block
// all of it, its halves, and single grains. Every one is valid for these picks or mends itself to
// one that shows the same (`picks` is changed then).
struct TornPicks {
  std::vector<uint16_t> picks;
  Tear tear;
};
[[nodiscard]] std::vector<TornPicks> telling_tears(const TearSpace& space,
                                                   const CrashModelOptions& options,
                                                   const Segment& segment,
                                                   const std::vector<uint16_t>& picks,
                                                   uint64_t place);
// One tear of a place at random.
[[nodiscard]] Tear random_tear(const TearSpace& space, const CrashModelOptions& options,
                               const Segment& segment, const std::vector<uint16_t>& picks,
                               uint32_t limit, uint64_t place, sim::Prng* prng);

}  // namespace zerotail::fault
