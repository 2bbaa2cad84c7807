#include "zerotail/exfat/cluster_chain.h"

#include <algorithm>
#include <string>

namespace zerotail::exfat {

namespace {
constexpr sim::ClusterCount kOne{1};

sim::Error broken(sim::Cluster first, const std::string& what) {
  return sim::Error(sim::Errno::kIo,
                    "chain from cluster " + std::to_string(first.value()) + ": " + what);
}
}  // namespace

sim::Result<ClusterChain> ClusterChain::from_disk(const Geometry& geometry, sim::Cluster first,
                                                  sim::ClusterCount count, bool no_fat_chain) {
  ClusterChain chain;
  if (count.value() == 0) return chain;
  if (!geometry.valid(first)) return broken(first, "outside the heap");
  if (count > geometry.cluster_count()) {
    return broken(first, std::to_string(count.value()) + " clusters are more than the heap has");
  }
  if (no_fat_chain && count > geometry.cluster_limit() - first) {
    return broken(first, "a run of " + std::to_string(count.value()) + " ends outside the heap");
  }
  chain.first_ = first;
  chain.count_ = count;
  chain.no_fat_chain_ = no_fat_chain;
  chain.known_.push_back(
      {.file_cluster = FileCluster{}, .first = first, .count = no_fat_chain ? count : kOne});
  return chain;
}

sim::Result<ClusterChain> ClusterChain::walk_to_end(const Geometry& geometry, Fat& fat,
                                                    sim::Cluster first, sim::ClusterCount limit) {
  ZT_ASSIGN(ClusterChain chain, from_disk(geometry, first, kOne, false));
  for (sim::Cluster cluster = first;;) {
    ZT_ASSIGN(const FatEntry entry, fat.get(cluster));
    if (entry.kind == FatEntry::Kind::kEnd) return chain;
    if (chain.count_ == limit) return broken(first, "longer than allowed, or a loop");
    ZT_ASSIGN(cluster, fat.next(cluster));
    chain.count_ += kOne;
    chain.add_known(cluster);
  }
}

void ClusterChain::add_known(sim::Cluster cluster) {
  ClusterRun& last = known_.back();
  if (last.first + last.count == cluster) {
    last.count += kOne;
  } else {
    known_.push_back({.file_cluster = last.end(), .first = cluster, .count = kOne});
  }
}

sim::Status ClusterChain::walk_to(Fat& fat, FileCluster at) {
  ZT_ASSERT(at < FileCluster{} + count_);
  while (known_.back().end() <= at) {
    const ClusterRun& last = known_.back();
    ZT_ASSIGN(const sim::Cluster next, fat.next(last.first + (last.count - kOne)));
    add_known(next);
  }
  return {};
}

sim::Result<ClusterRun> ClusterChain::run_at(Fat& fat, FileCluster at) {
  ZT_TRY(walk_to(fat, at));
  const auto behind = std::upper_bound(
      known_.begin(), known_.end(), at,
      [](FileCluster wanted, const ClusterRun& run) { return wanted < run.file_cluster; });
  const ClusterRun& run = *(behind - 1);
  const sim::ClusterCount skip = at - run.file_cluster;
  return ClusterRun{.file_cluster = at, .first = run.first + skip, .count = run.count - skip};
}

sim::Result<sim::Cluster> ClusterChain::cluster_at(Fat& fat, FileCluster at) {
  ZT_ASSIGN(const ClusterRun run, run_at(fat, at));
  return run.first;
}

sim::Result<std::vector<ClusterRun>> ClusterChain::runs(Fat& fat, FileCluster from) {
  std::vector<ClusterRun> result;
  if (from >= FileCluster{} + count_) return result;
  ZT_TRY(walk_to(fat, FileCluster{} + (count_ - kOne)));
  for (FileCluster at = from; at < FileCluster{} + count_;) {
    ZT_ASSIGN(const ClusterRun run, run_at(fat, at));
    result.push_back(run);
    at = run.end();
  }
  return result;
}

sim::Result<AllocationRequest> ClusterChain::request_for(Fat& fat, sim::ClusterCount count) {
  AllocationRequest request;
  request.count = count;
  if (count_.value() == 0) return request;
  ZT_ASSIGN(request.after, cluster_at(fat, FileCluster{} + (count_ - kOne)));
  request.chained = !no_fat_chain_;
  return request;
}

sim::Status ClusterChain::append(Fat& fat, const NewClusters& added) {
  if (count_.value() == 0) {
    first_ = added.first();
    no_fat_chain_ = !added.chained;
    known_.clear();
  } else if (added.chained) {
    ZT_ASSIGN(const sim::Cluster last, cluster_at(fat, FileCluster{} + (count_ - kOne)));
    if (no_fat_chain_) ZT_TRY(fat.chain_run(first_, count_));
    ZT_TRY(fat.set_next(last, added.first()));
    no_fat_chain_ = false;
  }
  for (const ClusterRun& run : added.runs) {
    if (!known_.empty() && known_.back().first + known_.back().count == run.first) {
      known_.back().count += run.count;
    } else {
      known_.push_back(
          {.file_cluster = FileCluster{} + count_, .first = run.first, .count = run.count});
    }
    count_ += run.count;
  }
  return {};
}

sim::Status ClusterChain::cut(Fat& fat, sim::ClusterCount keep) {
  if (keep >= count_) return {};
  if (!no_fat_chain_ && keep.value() > 0) {
    ZT_ASSIGN(const sim::Cluster last, cluster_at(fat, FileCluster{} + (keep - kOne)));
    ZT_TRY(fat.set_end(last));
  }
  forget_after(keep);
  return {};
}

void ClusterChain::forget_after(sim::ClusterCount keep) {
  if (keep >= count_) return;
  const FileCluster end = FileCluster{} + keep;
  while (!known_.empty() && known_.back().file_cluster >= end) known_.pop_back();
  if (!known_.empty() && known_.back().end() > end) {
    known_.back().count = end - known_.back().file_cluster;
  }
  count_ = keep;
  if (keep.value() > 0) return;
  first_ = sim::Cluster{};
  no_fat_chain_ = true;
}

}  // namespace zerotail::exfat
