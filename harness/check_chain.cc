// Cluster chains. Invariant: every cluster of a Chain is inside the heap and stands in it once.
// All FAT entries that a walk reads belong to clusters of the chain itself, so that a chain is
// unchanged as long as the entries of its clusters are.
#include <algorithm>

#include "check_parse.h"

namespace zerotail::harness {

namespace {

void append_cluster(Chain& chain, uint64_t cluster) {
  if (!chain.runs.empty()) {
    ClusterRun& last = chain.runs.back();
    if (last.first.value() + last.count.value() == cluster) {
      last.count += sim::ClusterCount{1};
      chain.clusters += sim::ClusterCount{1};
      return;
    }
  }
  chain.runs.push_back({sim::Cluster{cluster}, sim::ClusterCount{1}});
  chain.clusters += sim::ClusterCount{1};
}

void walk_run(const CheckGeometry& g, uint64_t first, Chain& chain) {
  const uint64_t room = g.cluster_limit() - first;
  const uint64_t count = std::min(chain.needed.value(), room);
  chain.stop = count == chain.needed.value() ? ChainStop::kEnd : ChainStop::kOutOfRange;
  chain.at = sim::Cluster{first};
  chain.clusters = sim::ClusterCount{count};
  if (count != 0) chain.runs.push_back({sim::Cluster{first}, chain.clusters});
}

// A walk that met itself: walks again up to the last cluster before the first repeated one.
void cut_loop(disk::FatReader& fat, uint64_t first, uint64_t cycle, Chain& chain) {
  uint64_t slow = first;
  uint64_t fast = first;
  for (uint64_t i = 0; i < cycle; ++i) fast = fat.entry(fast);
  uint64_t before = 0;  // clusters before the cycle
  for (; slow != fast; ++before) {
    slow = fat.entry(slow);
    fast = fat.entry(fast);
  }
  chain.runs.clear();
  chain.clusters = sim::ClusterCount{};
  uint64_t cluster = first;
  for (uint64_t i = 0; i < before + cycle; ++i) {
    append_cluster(chain, cluster);
    chain.at = sim::Cluster{cluster};
    cluster = fat.entry(cluster);
  }
  chain.stop = ChainStop::kLoop;
  chain.value = static_cast<uint32_t>(slow);
}

void walk_fat(disk::FatReader& fat, const CheckGeometry& g, uint64_t first, Chain& chain) {
  // Brent's cycle detection: `mark` is moved to the current cluster at powers of two.
  uint64_t mark = first;
  uint64_t power = 1;
  uint64_t steps = 0;
  uint64_t cluster = first;
  while (true) {
    append_cluster(chain, cluster);
    const uint32_t next = fat.entry(cluster);
    chain.at = sim::Cluster{cluster};
    chain.value = next;
    if (next > disk::kFatBad) {
      chain.stop = ChainStop::kEnd;
    } else if (next == disk::kFatBad) {
      chain.stop = ChainStop::kBad;
    } else if (next == disk::kFatFree) {
      chain.stop = ChainStop::kFree;
    } else if (!g.contains(sim::Cluster{next})) {
      chain.stop = ChainStop::kOutOfRange;
    } else if (++steps; next == mark) {
      cut_loop(fat, first, steps, chain);
    } else {
      if (steps == power) {
        mark = next;
        power *= 2;
        steps = 0;
      }
      cluster = next;
      continue;
    }
    return;
  }
}

CheckProblem at_cluster(CheckClass kind, sim::Cluster cluster, uint64_t found = 0,
                        uint64_t wanted = 0) {
  CheckProblem p;
  p.kind = kind;
  p.cluster = cluster;
  p.count = sim::ClusterCount{1};
  p.found = found;
  p.wanted = wanted;
  return p;
}

}  // namespace

std::optional<sim::Cluster> Chain::cluster_of(uint64_t index) const {
  for (const ClusterRun& run : runs) {
    if (index < run.count.value()) return run.first + sim::ClusterCount{index};
    index -= run.count.value();
  }
  return std::nullopt;
}

Chain walk_chain(disk::FatReader& fat, const CheckGeometry& g, const ChainSpec& spec,
                 bool follow_all) {
  Chain chain;
  chain.no_fat_chain = spec.no_fat_chain;
  // One more than the heap has is enough to say "too short", and keeps sums small.
  const uint64_t size = g.cluster_size.value();
  const uint64_t needed = spec.data_length / size + (spec.data_length % size == 0 ? 0 : 1);
  chain.needed = sim::ClusterCount{std::min(needed, uint64_t{g.cluster_count} + 1)};
  if (g.contains(spec.first_cluster)) {
    if (spec.no_fat_chain) {
      walk_run(g, spec.first_cluster.value(), chain);
    } else {
      walk_fat(fat, g, spec.first_cluster.value(), chain);
    }
  }
  if (follow_all) chain.needed = chain.clusters;
  return chain;
}

void append_chain_problems(const CheckGeometry& g, const ChainSpec& spec, const Chain& chain,
                           std::vector<CheckProblem>& problems) {
  const sim::Cluster first = spec.first_cluster;
  const bool has_first = g.contains(first);
  if (!has_first && (first.value() != 0 || spec.data_length != 0)) {
    problems.push_back(at_cluster(CheckClass::kFirstClusterRange, sim::Cluster{}, first.value(),
                                  spec.data_length));
  }
  const uint64_t heap = g.cluster_size.value() * g.cluster_count;
  const bool too_large = spec.data_length > heap;
  if (too_large) {
    problems.push_back(at_cluster(CheckClass::kSizeRange, sim::Cluster{}, spec.data_length, heap));
  }
  if (!has_first) return;
  const uint64_t clusters = chain.clusters.value();
  const uint64_t needed = chain.needed.value();
  switch (chain.stop) {
    case ChainStop::kFree:
      problems.push_back(at_cluster(CheckClass::kChainFree, chain.at));
      return;
    case ChainStop::kBad:
      problems.push_back(at_cluster(CheckClass::kChainBad, chain.at));
      return;
    case ChainStop::kOutOfRange:
      if (!spec.no_fat_chain) {
        problems.push_back(at_cluster(CheckClass::kChainRange, chain.at, chain.value));
      } else if (!too_large) {
        problems.push_back(at_cluster(CheckClass::kRunRange, first, clusters, needed));
      }
      return;
    case ChainStop::kLoop:
      problems.push_back(at_cluster(CheckClass::kChainLoop, chain.at, chain.value));
      return;
    case ChainStop::kGivenUp:
      problems.push_back(at_cluster(CheckClass::kGivenUp, first));
      return;
    case ChainStop::kEnd:
    case ChainStop::kNoCluster:
      break;
  }
  if (chain.too_short() && !too_large) {
    problems.push_back(at_cluster(CheckClass::kChainShort, chain.at, clusters, needed));
  } else if (chain.too_long() && needed != 0) {
    const auto beyond = chain.cluster_of(needed);
    problems.push_back(
        at_cluster(CheckClass::kChainLong, beyond.value_or(chain.at), clusters, needed));
  }
}

std::vector<ClusterRun> cut_runs(const CheckGeometry& g, std::span<const ClusterRun> runs,
                                 uint64_t length) {
  std::vector<ClusterRun> cut;
  uint64_t left = (length + g.cluster_size.value() - 1) / g.cluster_size.value();
  for (const ClusterRun& run : runs) {
    if (left == 0) break;
    const uint64_t count = std::min(left, run.count.value());
    cut.push_back({run.first, sim::ClusterCount{count}});
    left -= count;
  }
  return cut;
}

sim::Sector disk::RunReader::place(uint64_t index) {
  const uint64_t per_cluster = geometry_.cluster_sectors().value();
  if (index < run_begin_) {
    run_ = 0;
    run_begin_ = 0;
  }
  while (true) {
    ZT_ASSERT(run_ < runs_.size());
    const uint64_t length = runs_[run_].count.value() * per_cluster;
    if (index < run_begin_ + length) break;
    run_begin_ += length;
    ++run_;
  }
  return geometry_.sector_of(runs_[run_].first) + sim::SectorCount{index - run_begin_};
}

}  // namespace zerotail::harness
