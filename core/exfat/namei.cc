// Names: look-up, create, mkdir, unlink, rmdir.
#include <array>
#include <mutex>
#include <string>

#include "zerotail/exfat/file_system.h"

namespace zerotail::exfat {

sim::Result<InodeRef> FileSystem::lookup(Inode& directory, std::string_view name) {
  if (!directory.is_directory()) return sim::Error(sim::Errno::kNotDir, "lookup: in a file");
  ZT_ASSIGN(const Name wanted, Name::parse(name, upcase_));
  const std::lock_guard guard(volume_lock_);
  std::optional<Found> found;
  ZT_TRY(find(directory, wanted, found));
  if (!found) return sim::Error(sim::Errno::kNoEnt, "lookup: no such name");
  return instantiate(directory, *found);
}

sim::Status FileSystem::check_new_name(const Name& name) const {
  if (name.creatable()) return {};
  return sim::Error(sim::Errno::kInval, "name: a character that no name may have");
}

// ---- making

sim::Result<InodeRef> FileSystem::create(Inode& directory, std::string_view name) {
  return make(directory, name, false);
}

sim::Result<InodeRef> FileSystem::mkdir(Inode& directory, std::string_view name) {
  return make(directory, name, true);
}

// A cluster of zeros for a new directory: bitmap, then zeros.
sim::Result<ClusterChain> FileSystem::new_directory_cluster() {
  const bool sync = options_.directories_sync();
  ClusterChain chain;
  ZT_ASSIGN(const NewClusters added,
            allocator_->allocate({.count = sim::ClusterCount{1}, .after = {}, .sync = sync}));
  sim::Status done = chain.append(fat_, added);
  if (done.ok()) {
    done = DirectoryFile(*cache_, geometry(), fat_, chain, sim::FilePos{}).zero(added.runs, sync);
  }
  if (done.ok()) done = before_directory_cluster(added.runs, false);
  if (done.ok()) return chain;
  (void)allocator_->free(added.runs, {.sync = sync});
  forget_buffers(added.runs);
  return done.error();
}

// The driver's order: VolumeDirty, room in the directory, a directory's own cluster, the new set,
// the set of the directory that it stands in.
sim::Result<InodeRef> FileSystem::make(Inode& directory, std::string_view name, bool is_directory) {
  if (!directory.is_directory()) return sim::Error(sim::Errno::kNotDir, "create: in a file");
  ZT_ASSIGN(const Name wanted, Name::parse(name, upcase_));
  const std::lock_guard guard(volume_lock_);
  std::optional<Found> found;
  ZT_TRY(find(directory, wanted, found));
  if (found) return sim::Error(sim::Errno::kExist, "create: the name is there");
  ZT_TRY(set_volume_dirty());
  ZT_TRY(check_new_name(wanted));
  ZT_ASSIGN(const uint32_t entry, make_room(directory, wanted.entries()));
  ClusterChain chain;
  if (is_directory) {
    ZT_ASSIGN(chain, new_directory_cluster());
  }

  const uint16_t attributes = is_directory ? kAttributeDirectory : kAttributeArchive;
  const uint64_t length = geometry().bytes(chain.count()).value();
  DentrySet set = DentrySet::make(wanted, attributes, now());
  if (is_directory) {
    set.set_stream({.general_secondary_flags = kAllocationPossible | kNoFatChain,
                    .first_cluster = static_cast<uint32_t>(chain.first().value()),
                    .valid_data_length = length,
                    .data_length = length});
  }
  set.seal();
  const sim::Status added = add_set(directory, set, entry);
  if (!added.ok()) {
    if (is_directory) {
      const std::array<ClusterRun, 1> run{
          ClusterRun{.file_cluster = {}, .first = chain.first(), .count = chain.count()}};
      (void)allocator_->free(run, {.sync = options_.directories_sync()});
      forget_buffers(run);
    }
    return added.error();
  }
  Inode& inode = inodes_.add(&directory, entry);
  ZT_TRY(fill_inode(inode, set));
  InodeRef made(inode);
  ZT_TRY(touch_directory(directory, options_.directories_sync()));
  return made;
}

// ---- removing

sim::Status FileSystem::unlink(Inode& directory, std::string_view name) {
  const sim::Status removed = remove_name(directory, name, false);
  (void)free_unlinked();  // as the kernel's evict, it has nobody to tell
  return removed;
}

sim::Status FileSystem::rmdir(Inode& directory, std::string_view name) {
  const sim::Status removed = remove_name(directory, name, true);
  (void)free_unlinked();
  return removed;
}

sim::Result<bool> FileSystem::is_empty(Inode& directory) {
  ZT_ASSIGN(const DirectoryIndex* const index, index_of(directory));
  return index->sets() == 0;
}

sim::Status FileSystem::remove_name(Inode& directory, std::string_view name, bool is_directory) {
  if (options_.read_only) return sim::Error(sim::Errno::kRofs, "unlink: mounted read-only");
  if (!directory.is_directory()) return sim::Error(sim::Errno::kNotDir, "unlink: in a file");
  ZT_ASSIGN(const Name wanted, Name::parse(name, upcase_));
  const std::lock_guard guard(volume_lock_);
  std::optional<Found> found;
  ZT_TRY(find(directory, wanted, found));
  if (!found) return sim::Error(sim::Errno::kNoEnt, "unlink: no such name");
  ZT_ASSIGN(const InodeRef inode, instantiate(directory, *found));
  if (inode->is_directory() != is_directory) {
    return is_directory ? sim::Error(sim::Errno::kNotDir, "rmdir: a file")
                        : sim::Error(sim::Errno::kIsDir, "unlink: a directory");
  }
  if (is_directory) {
    ZT_ASSIGN(const bool empty, is_empty(*inode));
    if (!empty) return sim::Error(sim::Errno::kNotEmpty, "rmdir: the directory has names");
  }
  ZT_TRY(set_volume_dirty());
  ZT_TRY(remove_set(directory, *found, options_.directories_sync()));
  // At once, as the driver does: no descriptor leads to them.
  free_vendor_clusters(found->set);
  inodes_.unlink(*inode);
  return touch_directory(directory, options_.directories_sync());
}

// ---- after the last reference

sim::Status FileSystem::evict(Inode& inode) {
  inodes_.clear_dirty(inode, inode.dirty());
  if (inode.attachment) inode.attachment->evict();
  const std::lock_guard guard(volume_lock_);
  // After a shutdown the clusters stay as the disk has them.
  if (inode.allocated().value() == 0 || shut_down_) return {};
  ZT_TRY(set_volume_dirty());
  ZT_ASSIGN(std::vector<ClusterRun> freed, inode.chain_.runs(fat_, FileCluster{}));
  inode.chain_.forget_after(sim::ClusterCount{});
  return free_runs(std::move(freed), {});
}

sim::Status FileSystem::free_unlinked() {
  sim::Status first;
  while (Inode* const inode = inodes_.next_unreferenced()) {
    const sim::Status freed = evict(*inode);
    if (first.ok()) first = freed;
    inodes_.erase_unlinked(*inode);
  }
  return first;
}

}  // namespace zerotail::exfat
