#include "zerotail/exfat/allocator.h"

#include <mutex>
#include <string>

namespace zerotail::exfat {

// Bit, FAT entry with the end mark, link from the new cluster before it. Where nothing is written
// in between, a run may take the three steps at once.
sim::Status Allocator::take(Work& work, sim::Cluster first, sim::ClusterCount count, bool sync) {
  ZT_TRY(bitmap_.set_run(first, count, sync));
  std::vector<ClusterRun>& runs = work.got.runs;
  const bool contiguous = !runs.empty() && runs.back().first + runs.back().count == first;
  const sim::Cluster before = work.last;
  const bool is_first = runs.empty();
  if (contiguous) {
    runs.back().count += count;
  } else {
    runs.push_back({.file_cluster = FileCluster{} + work.count, .first = first, .count = count});
  }
  work.count += count;
  work.last = first + (count - sim::ClusterCount{1});
  if (!work.got.chained) return {};
  ZT_TRY(fat_.chain_run(first, count));
  return is_first ? sim::Status{} : fat_.set_next(before, first);
}

// Contiguity broke: what was taken as a run so far gets FAT entries after all.
sim::Status Allocator::turn_into_chain(Work& work) {
  if (work.got.chained) return {};
  work.got.chained = true;
  if (work.got.runs.empty()) return {};
  return fat_.chain_run(work.got.first(), work.count);
}

sim::Status Allocator::gather(Work& work, const AllocationRequest& request, sim::Cluster hint) {
  while (work.count < request.count) {
    const std::optional<sim::Cluster> found = bitmap_.find_free(hint);
    if (!found) return sim::Error(sim::Errno::kNoSpc, "bitmap: no free cluster");
    if (*found != hint) ZT_TRY(turn_into_chain(work));
    const bool step_by_step = request.sync && work.got.chained;
    const sim::ClusterCount wanted =
        step_by_step ? sim::ClusterCount{1} : request.count - work.count;
    const sim::ClusterCount run = bitmap_.free_run(*found, wanted);
    ZT_TRY(take(work, *found, run, request.sync));
    // The driver remembers where it began to look for the last cluster.
    search_hint_ = run.value() == 1 ? hint : work.last;
    hint = work.last + sim::ClusterCount{1};
    if (hint == geometry_.cluster_limit()) {
      hint = kFirstCluster;
      if (work.count < request.count) ZT_TRY(turn_into_chain(work));
    }
  }
  return {};
}

sim::Result<NewClusters> Allocator::allocate(const AllocationRequest& request) {
  ZT_ASSERT(request.count.value() > 0);
  const std::lock_guard guard(lock_);
  if (request.count > bitmap_.available()) {
    return sim::Error(sim::Errno::kNoSpc,
                      "bitmap: " + std::to_string(request.count.value()) + " clusters asked, " +
                          std::to_string(bitmap_.available().value()) + " free");
  }
  Work work;
  work.got.chained = request.chained;
  sim::Cluster hint;
  if (request.after) {
    hint = *request.after + sim::ClusterCount{1};
    if (!geometry_.valid(hint)) {
      hint = kFirstCluster;
      work.got.chained = true;
    }
  } else {
    hint = bitmap_.find_free(search_hint_).value_or(kFirstCluster);
  }
  const sim::Cluster hint_before = search_hint_;
  const sim::Status gathered = gather(work, request, hint);
  if (gathered.ok()) return std::move(work.got);
  search_hint_ = hint_before;
  std::vector<buffer::BufferRef> touched;
  for (const ClusterRun& run : work.got.runs) {
    // The first error is the one to tell; a bit that cannot be cleared is a lost cluster.
    (void)bitmap_.clear_run(run.first, run.count, touched);
  }
  if (request.sync) {
    for (const buffer::BufferRef& buffer : touched) (void)cache_.sync(*buffer);
  }
  return gathered.error();
}

sim::Status Allocator::free(std::span<const ClusterRun> runs, const FreeOptions& options) {
  const std::lock_guard guard(lock_);
  sim::Status first;
  const auto note = [&first](sim::Status status) {
    if (first.ok()) first = std::move(status);
  };
  std::vector<buffer::BufferRef> touched;
  for (const ClusterRun& run : runs) {
    note(bitmap_.clear_run(run.first, run.count, touched));
    if (!options.discard) continue;
    const buffer::BlockCount blocks{geometry_.bytes(run.count) / geometry_.sector_size()};
    // A device that fails to discard has lost nothing: the driver goes on as well.
    (void)cache_.discard(cache_.block_at(geometry_.cluster_pos(run.first)), blocks);
  }
  if (options.sync) {
    for (const buffer::BufferRef& buffer : touched) note(cache_.sync(*buffer));
  }
  return first;
}

}  // namespace zerotail::exfat
