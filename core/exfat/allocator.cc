#include "zerotail/exfat/allocator.h"

#include <algorithm>
#include <iterator>
#include <mutex>
#include <string>

namespace zerotail::exfat {

// Bit, FAT entry with the end mark, link from the new cluster before it. Where nothing is written
// in between, a run may take the three steps at once.
sim::Status Allocator::take(Work& work, sim::Cluster first, sim::ClusterCount count, bool sync) {
  ZT_TRY(bitmap_.set_run(first, count, sync));
  reused(first, count);
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
  // Clusters that wait are given out only when nothing else is left.
  if (request.count > bitmap_.available() && !waiting_.empty()) ZT_TRY(settle_locked());
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
  return clear(runs, options, AllocationBitmap::Clear::kBoth);
}

sim::Status Allocator::clear(std::span<const ClusterRun> runs, const FreeOptions& options,
                             AllocationBitmap::Clear what) {
  sim::Status first;
  const auto note = [&first](sim::Status status) {
    if (first.ok()) first = std::move(status);
  };
  std::vector<buffer::BufferRef> touched;
  for (const ClusterRun& run : runs) {
    note(bitmap_.clear_run(run.first, run.count, touched, what));
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

// ---- freeing in two parts

sim::Status Allocator::free_later(std::vector<ClusterRun> runs, const FreeOptions& options,
                                  std::optional<sim::Cluster> end) {
  const bool disk_waits = ordering_.has(Rule::kSetBeforeFree);
  const bool reuse_waits = ordering_.has(Rule::kLateReuse);
  if (!disk_waits && !reuse_waits) return free(runs, options);
  ZT_ASSERT(disk_waits || !end);
  const std::lock_guard guard(lock_);
  Waiting one{.runs = std::move(runs), .options = options, .end = end, .reserved = {}};
  sim::Status status;
  if (reuse_waits) {
    for (const ClusterRun& run : one.runs) one.reserved += run.count;
    if (!disk_waits)
      status = clear(one.runs, {.sync = options.sync}, AllocationBitmap::Clear::kDisk);
  } else {
    status = clear(one.runs, {.discard = options.discard}, AllocationBitmap::Clear::kCopy);
  }
  waiting_.push_back(std::move(one));
  return status;
}

bool Allocator::end_is_waiting(sim::Cluster cluster) const {
  return std::any_of(waiting_.begin(), waiting_.end(),
                     [cluster](const Waiting& one) { return one.end == cluster; });
}

sim::Status Allocator::release(size_t count) {
  const std::lock_guard guard(lock_);
  return release_locked(count);
}

sim::Status Allocator::release_locked(size_t count) {
  ZT_ASSERT(count <= waiting_.size());
  const auto stop = waiting_.begin() + static_cast<std::ptrdiff_t>(count);
  std::vector<Waiting> ready(std::make_move_iterator(waiting_.begin()),
                             std::make_move_iterator(stop));
  waiting_.erase(waiting_.begin(), stop);
  sim::Status first;
  const auto note = [&first](sim::Status status) {
    if (first.ok()) first = std::move(status);
  };
  for (const Waiting& one : ready) {
    if (one.end) note(fat_.set_end(*one.end));
    FreeOptions options = one.options;
    options.discard = options.discard && ordering_.has(Rule::kLateReuse);
    if (ordering_.has(Rule::kSetBeforeFree)) {
      note(clear(one.runs, {.sync = options.sync}, AllocationBitmap::Clear::kDisk));
    }
    if (ordering_.has(Rule::kLateReuse)) {
      note(clear(one.runs, {.discard = options.discard}, AllocationBitmap::Clear::kCopy));
    }
  }
  return first;
}

sim::Status Allocator::settle() {
  const std::lock_guard guard(lock_);
  return settle_locked();
}

sim::Status Allocator::settle_locked() {
  if (waiting_.empty()) return {};
  ZT_TRY(cache_.harden(buffer::IoKind::kDirectory));
  return release_locked(waiting_.size());
}

// Clusters with a new owner are in use: nothing of an older free of them may be done any more.
void Allocator::reused(sim::Cluster first, sim::ClusterCount count) {
  const sim::Cluster end = first + count;
  for (Waiting& one : waiting_) {
    if (one.end && *one.end >= first && *one.end < end) one.end.reset();
    std::vector<ClusterRun> left;
    for (const ClusterRun& run : one.runs) {
      const sim::Cluster run_end = run.first + run.count;
      if (run.first < std::min(first, run_end)) {
        left.push_back({.file_cluster = {},
                        .first = run.first,
                        .count = std::min(first, run_end) - run.first});
      }
      if (std::max(end, run.first) < run_end) {
        const sim::Cluster from = std::max(end, run.first);
        left.push_back({.file_cluster = {}, .first = from, .count = run_end - from});
      }
    }
    one.runs = std::move(left);
  }
}

sim::ClusterCount Allocator::available() const {
  sim::ClusterCount count = bitmap_.available();
  for (const Waiting& one : waiting_) count += one.reserved;
  return std::min(count, geometry_.cluster_count());
}

}  // namespace zerotail::exfat
