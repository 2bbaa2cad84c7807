// Where a file's clusters are, and how it gets and loses them; and writing its dentry set.
#include <algorithm>
#include <mutex>
#include <string>

#include "zerotail/exfat/file_system.h"

namespace zerotail::exfat {

// ---- the dentry set

void FileSystem::mark_dirty(Inode& inode, DirtyBits bits) {
  // The root has no set; an unlinked inode has none any more. Their pages may still be dirty.
  if (inode.is_root() || inode.unlinked()) bits = bits & DirtyBits::kPages;
  inodes_.mark_dirty(inode, bits);
}

void FileSystem::clear_dirty(Inode& inode, DirtyBits bits) { inodes_.clear_dirty(inode, bits); }

std::vector<InodeRef> FileSystem::dirty_inodes() { return inodes_.dirty(); }

InodeRef FileSystem::first_dirty_inode() {
  Inode* const first = inodes_.first_dirty();
  return first == nullptr ? InodeRef() : InodeRef(*first);
}

void FileSystem::set_dirty_hook(const std::function<void()>& hook) {
  inodes_.set_dirty_hook(hook);
  cache_->set_dirty_hook(hook);
}

void FileSystem::drop_inodes() { inodes_.drop_unused(); }

sim::Status FileSystem::write_inode(Inode& inode, bool wait) {
  const std::lock_guard guard(volume_lock_);
  return store_inode(inode, wait);
}

sim::Status FileSystem::store_inode(Inode& inode, bool wait) {
  constexpr DirtyBits kStored = DirtyBits::kTimes | DirtyBits::kMetadata;
  if (inode.is_root() || inode.unlinked()) {
    inodes_.clear_dirty(inode, kStored);
    return {};
  }
  ZT_TRY(set_volume_dirty());
  ZT_TRY(before_set(inode));
  const sim::FilePos valid = storable_valid_size(inode);
  DirectoryFile directory = open_directory(*inode.parent_);
  DentrySet set;
  ZT_TRY(directory.load_set(inode.entry_index_, set));
  const bool empty = inode.allocated().value() == 0;
  const unsigned flags = kAllocationPossible | (!empty && inode.no_fat_chain() ? kNoFatChain : 0U);
  set.set_attributes(inode.attributes_);
  set.set_times(inode.created_, inode.modified_, inode.accessed_);
  set.set_stream({.general_secondary_flags = static_cast<uint8_t>(flags),
                  .first_cluster = static_cast<uint32_t>(inode.first_cluster().value()),
                  .valid_data_length = std::min(inode.size_, valid).value(),
                  .data_length = std::max(inode.size_, inode.valid_size_).value()});
  set.seal();
  // Clean before the write, not after it: what changes while it is waited for (a direct write that
  // lands) is still to be written, and so is what could not be stored yet.
  const bool all = valid == inode.valid_size_;
  const DirtyBits stored = inode.dirty_ & (all ? kStored : kStored & ~DirtyBits::kMetadata);
  inodes_.clear_dirty(inode, stored);
  // Without waiting first, so that a failed write leaves the new state in the buffers.
  sim::Status written = directory.write(inode.entry_index_, set.entries(), false);
  if (written.ok() && wait) written = directory.sync(inode.entry_index_, set.count());
  if (!written.ok()) inodes_.mark_dirty(inode, stored);
  return written;
}

// ---- mapping

sim::Result<Mapping> FileSystem::map_clusters(Inode& inode, const MapRequest& request) {
  ZT_ASSERT(request.count.value() > 0);
  const std::lock_guard guard(volume_lock_);
  const FileCluster end = FileCluster{} + inode.allocated();
  Mapping mapping;
  if (request.first >= end) {
    if (!request.may_allocate) {
      mapping.count = request.count;
      return mapping;
    }
    sim::ClusterCount wanted = (request.first + request.count) - end;
    const sim::ClusterCount available = allocator_->available();
    if (request.partial && wanted > available && available > request.first - end) {
      wanted = available;
    }
    ZT_TRY(set_volume_dirty());
    ZT_TRY(allocate_for(inode, wanted));
    mapping.allocated = true;
  }
  ZT_ASSIGN(const ClusterRun run, inode.chain_.run_at(fat_, request.first));
  mapping.cluster = run.first;
  mapping.count = std::min(run.count, request.count);
  return mapping;
}

sim::Result<std::vector<ClusterRun>> FileSystem::runs(Inode& inode) {
  const std::lock_guard guard(volume_lock_);
  return inode.chain_.runs(fat_, FileCluster{});
}

// ---- growing

sim::Status FileSystem::extend(Inode& inode, sim::ClusterCount total) {
  const std::lock_guard guard(volume_lock_);
  if (total <= inode.allocated()) return {};
  ZT_TRY(check_alive());
  if (options_.read_only) return sim::Error(sim::Errno::kRofs, "extend: mounted read-only");
  if (has(Rule::kDirtyFirst)) ZT_TRY(set_volume_dirty());
  return allocate_for(inode, total - inode.allocated());
}

sim::Status FileSystem::allocate_for(Inode& inode, sim::ClusterCount count) {
  ZT_ASSIGN(AllocationRequest request, inode.chain_.request_for(fat_, count));
  request.sync = options_.sync;
  // The set on disk may still need the chain as it was before it was cut.
  if (request.after && allocator_->end_is_waiting(*request.after)) ZT_TRY(allocator_->settle());
  ZT_ASSIGN(const NewClusters added, allocator_->allocate(request));
  // What was a directory's block must not be written over the file's data later.
  forget_buffers(added.runs);
  const sim::Status linked = inode.chain_.append(fat_, added);
  if (!linked.ok()) {
    (void)allocator_->free(added.runs, {.sync = options_.sync});
    return linked;
  }
  inode.new_clusters_ = true;
  mark_dirty(inode, DirtyBits::kMetadata);
  return {};
}

void FileSystem::forget_buffers(std::span<const ClusterRun> runs) {
  for (const ClusterRun& run : runs) {
    const uint64_t blocks = geometry().bytes(run.count) / geometry().sector_size();
    cache_->forget(cache_->block_at(geometry().cluster_pos(run.first)), buffer::BlockCount{blocks});
  }
}

// ---- shrinking

// The driver's order: dentry set, end mark in the FAT, bitmap.
sim::Status FileSystem::shrink(Inode& inode) {
  const std::lock_guard guard(volume_lock_);
  ZT_TRY(set_volume_dirty());
  const sim::ClusterCount keep = geometry().clusters(inode.size_ - sim::FilePos{});
  // Walked before the set is changed: a broken chain is found while nothing has happened yet.
  ZT_ASSIGN(std::vector<ClusterRun> freed, inode.chain_.runs(fat_, FileCluster{} + keep));
  inode.set_attributes(inode.attributes_ | kAttributeArchive);
  ClusterChain before;
  if (keep.value() == 0) {
    // The set of an empty file has no first cluster.
    before = inode.chain_;
    inode.chain_.forget_after(keep);
  }
  const sim::Status stored = store_inode(inode, options_.sync);
  if (!stored.ok()) {
    if (keep.value() == 0) inode.chain_ = std::move(before);
    mark_dirty(inode, DirtyBits::kMetadata);
    return stored;
  }
  if (!has(Rule::kSetBeforeFree)) {
    ZT_TRY(inode.chain_.cut(fat_, keep));
    return free_runs(std::move(freed), {});
  }
  std::optional<sim::Cluster> end;
  if (keep.value() > 0 && !inode.no_fat_chain() && !freed.empty()) {
    ZT_ASSIGN(end, inode.chain_.cluster_at(fat_, FileCluster{} + keep - sim::ClusterCount{1}));
  }
  inode.chain_.forget_after(keep);
  return free_runs(std::move(freed), end);
}

void FileSystem::free_vendor_clusters(const DentrySet& set) {
  for (const DentrySet::VendorClusters& owned : set.vendor_clusters()) {
    auto chain = ClusterChain::from_disk(geometry(), owned.first, geometry().clusters(owned.length),
                                         owned.no_fat_chain);
    if (!chain.ok()) continue;
    auto freed = chain->runs(fat_, FileCluster{});
    if (freed.ok()) (void)free_runs(std::move(*freed), {});
  }
}

sim::Status FileSystem::free_runs(std::vector<ClusterRun> runs, std::optional<sim::Cluster> end) {
  if (runs.empty()) return {};
  const bool sync = options_.directories_sync();
  ZT_TRY(allocator_->free_later(std::move(runs), {.sync = sync, .discard = options_.discard}, end));
  // On such a mount the bitmap is written before the call returns: so the set must go before it.
  return sync && has(Rule::kSetBeforeFree) ? allocator_->settle() : sim::Status{};
}

}  // namespace zerotail::exfat
