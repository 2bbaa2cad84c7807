// Random traces over a few names, with positions at the boundaries where valid size, zero tails and
// holes go wrong: the generator of the differential tests and of the property driver.
#pragma once

#include <span>
#include <vector>

#include "zerotail/harness/model.h"
#include "zerotail/harness/trace.h"
#include "zerotail/sim/prng.h"

namespace zerotail::harness {

struct OperationWeight {
  OpKind kind;
  uint64_t weight;
};
// How often which operation is drawn when nothing else is asked for.
[[nodiscard]] std::span<const OperationWeight> usual_weights();

// Where positions in a file come from, as weights: its size, its valid size, anywhere inside,
// multiples of sector, block, page and cluster. Each is then moved by -1, 0 or 1.
struct PositionWeights {
  uint64_t size = 1;
  uint64_t valid_size = 1;
  uint64_t inside = 1;
  uint64_t unit = 2;
};

// What the operations find on the volume.
enum class FreeSpace : uint8_t {
  kPlenty,
  kLittle,     // a few clusters, in one piece
  kScattered,  // a few single clusters
};

struct RandomTraceOptions {
  TraceHeader header;
  size_t length = 40;  // operations, before the final look at everything
  bool direct = true;  // O_DIRECT
  bool mapped = true;  // shared mappings
  std::vector<OperationWeight> weights{usual_weights().begin(), usual_weights().end()};
  PositionWeights positions{};
  size_t files = 6;  // names that files have, 1 to 6
  FreeSpace space = FreeSpace::kPlenty;
  // After each operation that changes a file, its views are asked for: size, mapping, holes, and
  // the bytes around the change.
  bool look = false;
};

// The same options, geometry and generator state give the same trace. `geometry` is that of the
// fresh volume: positions are chosen by what the model says the files are.
[[nodiscard]] Trace random_trace(const RandomTraceOptions& options, const ModelGeometry& geometry,
                                 sim::Prng prng);

}  // namespace zerotail::harness
