#include "zerotail/harness/swarm.h"

#include <fmt/format.h>

#include <array>

namespace zerotail::harness {

namespace {

struct Geometry {
  uint64_t sector;
  uint64_t cluster;
  uint64_t logical;
  uint64_t size_mib;
};

constexpr std::array kGeometries = {
    Geometry{512, 512, 512, 4},     Geometry{512, 4096, 512, 4},    Geometry{512, 32768, 512, 8},
    Geometry{4096, 4096, 4096, 16}, Geometry{4096, 32768, 512, 16},
};

void draw_volume(sim::Prng prng, TraceHeader* header) {
  const Geometry& geometry = kGeometries[prng.below(kGeometries.size())];
  header->sector = geometry.sector;
  header->cluster = geometry.cluster;
  header->logical = geometry.logical == geometry.sector ? 0 : geometry.logical;
  header->size_mib = geometry.size_mib;
  if (prng.chance(1, 8)) header->mkfs.fats = 2;
}

void draw_mount(sim::Prng prng, const std::string& io_path, TraceHeader* header) {
  header->keep = prng.chance(3, 4);
  for (const char* option : {"sync", "dirsync", "discard"}) {
    if (prng.chance(1, 10)) header->mount.emplace_back(option);
  }
  header->io_path = !io_path.empty() ? io_path : prng.chance(1, 5) ? "buffer-head" : "iomap";
  constexpr std::array<uint64_t, 6> kPages = {4096, 4096, 4096, 4096, 16384, 65536};
  header->page = kPages[prng.below(kPages.size())];
  if (header->io_path == "iomap" && prng.chance(1, 3)) header->folios = "large";
  if (prng.chance(1, 6)) {  // the flusher is always about, and writers wait for it
    header->dirty_expire_ms = 40;
    header->dirty_writeback_ms = 20;
    header->dirty_background_bytes = uint64_t{16} << 10;
    header->dirty_bytes = uint64_t{32} << 10;
  }
}

void draw_weights(sim::Prng prng, RandomTraceOptions* options) {
  constexpr std::array<uint64_t, 5> kFactors = {1, 1, 2, 4, 8};
  bool changes = false;
  for (OperationWeight& each : options->weights) {
    each.weight = prng.chance(1, 4) ? 0 : each.weight * kFactors[prng.below(kFactors.size())];
    changes = changes || (each.weight > 0 && op_changes(each.kind));
  }
  if (!changes) options->weights.push_back({OpKind::kWrite, 20});
  PositionWeights& positions = options->positions;
  for (uint64_t* weight :
       {&positions.size, &positions.valid_size, &positions.inside, &positions.unit}) {
    *weight = prng.below(4);
  }
  positions.unit += 1;
  options->files = 1 + prng.below(4);
  if (prng.chance(1, 8)) options->files = 6;
}

}  // namespace

RandomTraceOptions swarm(uint64_t seed, size_t operations, const std::string& io_path) {
  const sim::Prng prng(seed);
  RandomTraceOptions options;
  options.length = operations;
  options.header.trace = fmt::format("property-{}", seed);
  options.header.seed = seed;
  draw_volume(prng.fork("volume"), &options.header);
  draw_mount(prng.fork("mount"), io_path, &options.header);
  draw_weights(prng.fork("weights"), &options);
  sim::Prng rest = prng.fork("rest");
  options.direct = rest.chance(4, 5);
  options.mapped = rest.chance(4, 5);
  options.look = rest.chance(1, 2);
  constexpr std::array kSpaces = {FreeSpace::kPlenty, FreeSpace::kPlenty, FreeSpace::kPlenty,
                                  FreeSpace::kLittle, FreeSpace::kScattered};
  options.space = kSpaces[rest.below(kSpaces.size())];
  return options;
}

std::string geometry_name(const TraceHeader& header) {
  return fmt::format("{}/{}/{}", header.sector, header.cluster, header.logical_block());
}

}  // namespace zerotail::harness
