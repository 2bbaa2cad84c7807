// What the rules of an ordering add to the driver's order: where something must be durable before
// something else is changed, it is written and flushed here. Without rules nothing here does
// anything.
//
// Each rule rests on one fact: a set, a FAT entry or a bit that is in a dirty buffer may be written
// by anybody at any time, in any order. So what must come first is made durable before the later
// change is made in its buffer.
#include <algorithm>
#include <mutex>

#include "zerotail/exfat/file_system.h"

namespace zerotail::exfat {

namespace {
DentrySet::Raw unused_dentry() {
  DentrySet::Raw unused{};
  unused[0] = static_cast<std::byte>(EntryType::kFile) & ~static_cast<std::byte>(kInUse);
  return unused;
}
}  // namespace

// These kinds, and with `written` also what has just been written: one flush at most.
sim::Status FileSystem::harden_all(buffer::IoKinds kinds, bool written) {
  const uint64_t at = cache_->clock().now();
  if (!kinds.none()) ZT_TRY(cache_->harden(kinds));
  return written && !cache_->clock().covers(at) ? cache_->flush() : sim::Status{};
}

// What the set of an inode is about to tell must be there: FAT and bitmap of new clusters, and the
// data below V as far as somebody has written it.
sim::Status FileSystem::before_set(Inode& inode) {
  buffer::IoKinds kinds;
  if (inode.new_clusters_) {
    if (has(Rule::kFatFirst) && !inode.no_fat_chain()) kinds |= buffer::IoKind::kFat;
    if (has(Rule::kBitmapFirst)) kinds |= buffer::IoKind::kBitmap;
  }
  if (!kinds.none()) ZT_TRY(cache_->harden(kinds));
  if (has(Rule::kDataFirst) && inode.written_valid_ > inode.durable_valid_) {
    if (!cache_->clock().covers(inode.written_at_)) ZT_TRY(cache_->flush());
    inode.durable_valid_ = inode.written_valid_;
  }
  inode.new_clusters_ = false;
  return {};
}

sim::FilePos FileSystem::storable_valid_size(Inode& inode) const {
  if (!has(Rule::kDataFirst) || inode.is_directory()) return inode.valid_size_;
  return std::min(inode.valid_size_, inode.durable_valid_);
}

bool FileSystem::needs_data_first(const Inode& inode) const {
  return has(Rule::kDataFirst) && !inode.is_directory() && !inode.unlinked() &&
         any(inode.dirty_ & DirtyBits::kMetadata) && inode.valid_size_ > inode.durable_valid_;
}

bool FileSystem::data_written(Inode& inode, sim::FilePos valid, uint64_t cuts) {
  if (cuts != inode.valid_cuts_) return false;
  if (valid > inode.written_valid_) {
    inode.written_valid_ = valid;
    inode.written_at_ = cache_->clock().now();
  }
  return true;
}

// A directory's new cluster stands as zeros in the buffers, and nothing leads there yet. The root
// has no set: its FAT is what leads there, so its end mark comes first as well.
sim::Status FileSystem::before_directory_cluster(std::span<const ClusterRun> runs, bool of_root) {
  buffer::IoKinds kinds;
  if (has(Rule::kBitmapFirst)) kinds |= buffer::IoKind::kBitmap;
  if (has(Rule::kFatFirst) && of_root) kinds |= buffer::IoKind::kFat;
  if (has(Rule::kZerosFirst)) {
    std::vector<buffer::BufferRef> held;
    std::vector<buffer::Buffer*> zeros;
    for (const ClusterRun& run : runs) {
      const buffer::Block first = cache_->block_at(geometry().cluster_pos(run.first));
      const uint64_t blocks = geometry().bytes(run.count) / geometry().sector_size();
      for (uint64_t i = 0; i < blocks; ++i) {
        const buffer::BlockCount skip{i};
        ZT_ASSIGN(
            buffer::BufferRef one,
            cache_->get(first + skip, buffer::tag(buffer::IoKind::kDirectory, run.first.value())));
        zeros.push_back(&*one);
        held.push_back(std::move(one));
      }
    }
    ZT_TRY(cache_->sync_all_of(zeros, buffer::Merge::kYes));
  }
  return harden_all(kinds, has(Rule::kZerosFirst));
}

uint32_t FileSystem::set_alignment() const {
  if (!has(Rule::kOneSector)) return 0;
  return static_cast<uint32_t>(geometry().sector_size().value() / kDentrySize);
}

// Unused entries, none of which is an end mark.
sim::Status FileSystem::write_unused(Inode& directory, uint32_t entry, uint32_t end) {
  const std::vector<DentrySet::Raw> entries(end - entry, unused_dentry());
  return open_directory(directory).write(entry, entries, options_.directories_sync());
}

// The rule one-sector leaves entries before a set free that nothing was in yet: there the end mark
// would hide the set. So the rest of a sector is marked unused together with the first set in it,
// and an end mark stands at the start of a sector only.
sim::Status FileSystem::add_aligned_set(Inode& directory, const DentrySet& set, uint32_t entry) {
  const bool sync = options_.directories_sync();
  DirectoryFile file = open_directory(directory);
  DirectoryIndex& index = *directory.index_;
  const uint32_t align = set_alignment();
  const uint32_t sector = entry - entry % align;
  // A directory of another ordering may end within an earlier sector.
  if (index.end() < sector) {
    ZT_TRY(write_unused(directory, index.end(), sector));
    ZT_TRY(file.sync(index.end(), sector - index.end()));
    ZT_TRY(harden_all({}, true));
    index.set_end(sector);
  }
  const uint32_t first = std::min(entry, std::max(index.end(), sector));
  const uint32_t set_end = entry + set.count();
  const uint32_t end = std::min((set_end + align - 1) / align * align, file.entries());
  if (set_end > index.end() && end < file.entries()) {
    ZT_ASSIGN(const uint8_t type, file.type_at(end));
    const std::array<DentrySet::Raw, 1> mark{};
    if (!is_type(type, EntryType::kEndOfDirectory)) ZT_TRY(file.write(end, mark, sync));
  }
  std::vector<DentrySet::Raw> entries(set.entries().begin(), set.entries().end());
  const DentrySet::Raw unused = unused_dentry();
  entries.insert(entries.begin(), entry - first, unused);
  const bool last = set_end >= index.end();
  if (last) entries.resize(end - first, unused);
  ZT_TRY(file.write(first, entries, sync));
  const bool is_directory = (set.file().file_attributes & kAttributeDirectory) != 0;
  index.add(hash_of(set), {.entry = entry, .count = set.count(), .directory = is_directory});
  if (last) index.set_end(end);
  return {};
}

// The set that stands there, and what a mount needs to find it: the lengths of the directories
// above.
sim::Status FileSystem::harden_name(Inode& directory, uint32_t entry, uint32_t count) {
  if (!has(Rule::kNewNameFirst)) return {};
  ZT_TRY(open_directory(directory).sync(entry, count));
  for (Inode* above = &directory; !above->is_root(); above = above->parent_.get()) {
    if (any(above->dirty_ & DirtyBits::kMetadata)) ZT_TRY(store_inode(*above, true));
  }
  buffer::IoKinds kinds;
  if (root_->new_clusters_) kinds |= buffer::IoKind::kFat;
  root_->new_clusters_ = false;
  return harden_all(kinds, true);
}

// Every set without the clusters is durable after a flush that finds all directories written.
sim::Status FileSystem::flush() {
  if (!has(Rule::kSetBeforeFree) && !has(Rule::kLateReuse)) return cache_->flush();
  const std::lock_guard guard(volume_lock_);
  const size_t ready = cache_->busy(buffer::IoKind::kDirectory) ? 0 : allocator_->waiting();
  ZT_TRY(cache_->flush());
  return allocator_->release(ready);
}

}  // namespace zerotail::exfat
