// Directories as FileSystem sees them: finding names, making room, adding and removing sets.
#include <algorithm>
#include <array>
#include <mutex>
#include <string>

#include "zerotail/exfat/file_system.h"

namespace zerotail::exfat {

namespace {
constexpr uint32_t kMaxDirectoryEntries = static_cast<uint32_t>(kMaxDirectoryBytes / kDentrySize);

bool is_directory(const DentrySet& set) {
  return (set.file().file_attributes & kAttributeDirectory) != 0;
}

sim::Error in_directory(const Inode& directory, uint32_t entry, const sim::Error& error) {
  return sim::Error(error.code(), "directory at cluster " +
                                      std::to_string(directory.first_cluster().value()) +
                                      ", entry " + std::to_string(entry) + ": " + error.where());
}
}  // namespace

DirectoryFile FileSystem::open_directory(Inode& directory) {
  return {*cache_, geometry(), fat_, directory.chain_, directory.size_};
}

// Reads the whole directory once. A broken set is no name, but its entries stay in use.
sim::Result<DirectoryIndex*> FileSystem::index_of(Inode& directory) {
  ZT_ASSERT(directory.is_directory());
  if (directory.index_) return directory.index_.get();
  auto index = std::make_unique<DirectoryIndex>();
  DirectoryFile file = open_directory(directory);
  index->set_entries(file.entries());
  DentrySet set;
  for (uint32_t entry = 0; entry < file.entries();) {
    ZT_ASSIGN(const uint8_t type, file.type_at(entry));
    if (is_type(type, EntryType::kEndOfDirectory)) break;
    index->set_end(entry + 1);
    uint32_t count = 1;
    if (is_type(type, EntryType::kFile)) {
      ZT_TRY(file.read_set(entry, set));
      if (set.check_structure().ok()) {
        count = set.count();
        index->add(hash_of(set), {.entry = entry, .count = count, .directory = is_directory(set)});
      }
    }
    if (in_use(type)) index->mark_used(entry, count);
    entry += count;
  }
  directory.index_ = std::move(index);
  return directory.index_.get();
}

// ENOTDIR, EIO; nothing in `found` when there is no such name.
sim::Status FileSystem::find(Inode& directory, const Name& name, std::optional<Found>& found) {
  if (!directory.is_directory()) return sim::Error(sim::Errno::kNotDir, "directory: a file");
  if (directory.unlinked()) return sim::Error(sim::Errno::kNoEnt, "directory: it was removed");
  ZT_ASSIGN(DirectoryIndex* const index, index_of(directory));
  DirectoryFile file = open_directory(directory);
  sim::Status failed;
  index->for_each(DirectoryIndex::hash_of(name.folded()), [&](uint32_t entry) {
    found.emplace();
    found->entry = entry;
    failed = file.load_set(entry, found->set);
    if (!failed.ok()) {
      failed = in_directory(directory, entry, failed.error());
      return true;
    }
    DentrySet::NameUnits storage;
    const std::u16string_view units = found->set.name(storage);
    bool same = units.size() == name.length();
    for (size_t i = 0; same && i < units.size(); ++i) {
      same = upcase_.fold(units[i]) == name.folded()[i];
    }
    if (!same) found.reset();
    return same;
  });
  return failed;
}

// ---- from a set to an inode

sim::Status FileSystem::fill_inode(Inode& inode, const DentrySet& set) {
  const auto broken = [](const std::string& what) {
    return sim::Error(sim::Errno::kIo, "dentry set: " + what);
  };
  const FileDentry file = set.file();
  const StreamDentry stream = set.stream();
  const uint64_t length = stream.data_length;
  const uint64_t valid = stream.valid_data_length;
  const bool directory = is_directory(set);
  if (valid > length) return broken("ValidDataLength exceeds DataLength");
  if (directory && length > kMaxDirectoryBytes) {
    return broken("DataLength of a directory exceeds 256 MiB");
  }
  if (length > geometry().volume_size().value()) return broken("DataLength exceeds the volume");
  ZT_ASSIGN(inode.chain_,
            ClusterChain::from_disk(geometry(), sim::Cluster{stream.first_cluster},
                                    geometry().clusters(sim::ByteCount{length}),
                                    (stream.general_secondary_flags & kNoFatChain) != 0));
  inode.attributes_ = file.file_attributes;
  inode.size_ = sim::FilePos{length};
  inode.valid_size_ = directory ? inode.size_ : sim::FilePos{valid};
  inode.zeroed_size_ = inode.valid_size_;
  inode.durable_valid_ = inode.valid_size_;
  inode.created_ = from_disk_time({.timestamp = file.create_timestamp,
                                   .increment_10ms = file.create_10ms_increment,
                                   .utc_offset = file.create_utc_offset});
  inode.modified_ = from_disk_time({.timestamp = file.last_modified_timestamp,
                                    .increment_10ms = file.last_modified_10ms_increment,
                                    .utc_offset = file.last_modified_utc_offset});
  inode.accessed_ = from_disk_time({.timestamp = file.last_accessed_timestamp,
                                    .increment_10ms = 0,
                                    .utc_offset = file.last_accessed_utc_offset});
  // A directory inside itself would make every walk of the tree endless.
  for (const Inode* above = inode.parent_.get(); directory && above != nullptr;
       above = above->parent_.get()) {
    if (inode.allocated().value() > 0 && above->first_cluster() == inode.first_cluster()) {
      return broken("FirstCluster of a directory is that of a directory above it");
    }
  }
  return {};
}

sim::Result<InodeRef> FileSystem::instantiate(Inode& directory, const Found& found) {
  if (Inode* const cached = inodes_.find(directory, found.entry)) return InodeRef(*cached);
  const sim::Status sound = found.set.check_checksum();
  if (!sound.ok()) return in_directory(directory, found.entry, sound.error());
  Inode& inode = inodes_.add(&directory, found.entry);
  const sim::Status filled = fill_inode(inode, found.set);
  if (filled.ok()) return InodeRef(inode);
  inodes_.drop(inode);
  return in_directory(directory, found.entry, filled.error());
}

// ---- room

// One zeroed cluster more, in the driver's order: bitmap, zeros, FAT. DataLength follows later,
// with the directory's own set.
sim::Status FileSystem::grow_directory(Inode& directory) {
  const bool sync = options_.directories_sync();
  ZT_ASSIGN(AllocationRequest request, directory.chain_.request_for(fat_, sim::ClusterCount{1}));
  request.sync = sync;
  ZT_ASSIGN(const NewClusters added, allocator_->allocate(request));
  sim::Status done = open_directory(directory).zero(added.runs, sync);
  if (done.ok()) done = before_directory_cluster(added.runs, directory.is_root());
  if (done.ok()) done = directory.chain_.append(fat_, added);
  if (!done.ok()) {
    (void)allocator_->free(added.runs, {.sync = sync});
    forget_buffers(added.runs);
    return done;
  }
  directory.size_ = sim::FilePos{} + geometry().bytes(directory.allocated());
  directory.valid_size_ = directory.size_;
  directory.zeroed_size_ = directory.size_;
  directory.new_clusters_ = true;
  mark_dirty(directory, DirtyBits::kMetadata);
  return {};
}

// The first entry of `count` free ones.
sim::Result<uint32_t> FileSystem::make_room(Inode& directory, uint32_t count) {
  ZT_ASSIGN(DirectoryIndex* const index, index_of(directory));
  for (;;) {
    if (const std::optional<uint32_t> entry = index->find_free(count, set_alignment()))
      return *entry;
    if (index->entries() + geometry().dentries_per_cluster() > kMaxDirectoryEntries) {
      return sim::Error(sim::Errno::kNoSpc, "directory: at its largest size");
    }
    ZT_TRY(grow_directory(directory));
    index->set_entries(open_directory(directory).entries());
  }
}

// ---- changes

uint32_t FileSystem::hash_of(const DentrySet& set) const {
  DentrySet::NameUnits units;
  const std::u16string_view name = set.name(units);
  std::transform(name.begin(), name.end(), units.begin(),
                 [this](char16_t unit) { return upcase_.fold(unit); });
  return DirectoryIndex::hash_of(name);
}

// What stands behind the end mark was never a name, and must not become one when a set takes the
// mark's place: on a sound volume it is an end mark as well.
sim::Status FileSystem::keep_end_mark(Inode& directory, uint32_t end) {
  DirectoryFile file = open_directory(directory);
  if (end <= directory.index_->end() || end >= file.entries()) return {};
  ZT_ASSIGN(const uint8_t type, file.type_at(end));
  if (is_type(type, EntryType::kEndOfDirectory)) return {};
  const std::array<DentrySet::Raw, 1> mark{};
  return file.write(end, mark, options_.directories_sync());
}

sim::Status FileSystem::add_set(Inode& directory, const DentrySet& set, uint32_t entry) {
  const bool sync = options_.directories_sync();
  DirectoryFile file = open_directory(directory);
  if (has(Rule::kOneSector)) return add_aligned_set(directory, set, entry);
  ZT_TRY(keep_end_mark(directory, entry + set.count()));
  ZT_TRY(file.write(entry, set.entries(), sync));
  directory.index_->add(hash_of(set),
                        {.entry = entry, .count = set.count(), .directory = is_directory(set)});
  return {};
}

sim::Status FileSystem::remove_set(Inode& directory, const Found& found, bool sync) {
  ZT_TRY(open_directory(directory).remove(found.entry, found.set.count(), sync));
  directory.index_->remove(
      hash_of(found.set),
      {.entry = found.entry, .count = found.set.count(), .directory = is_directory(found.set)});
  return {};
}

// Another set in the place of one; entries of the old one that it does not need are deleted.
sim::Status FileSystem::rewrite_set(Inode& directory, uint32_t entry, const DentrySet& old,
                                    const DentrySet& set, bool sync) {
  std::vector<DentrySet::Raw> entries(old.entries().begin(), old.entries().end());
  for (DentrySet::Raw& one : entries) one[0] &= ~static_cast<std::byte>(kInUse);
  entries.resize(std::max(old.count(), set.count()));
  std::copy(set.entries().begin(), set.entries().end(), entries.begin());
  ZT_TRY(open_directory(directory).write(entry, entries, sync));
  DirectoryIndex& index = *directory.index_;
  index.remove(hash_of(old),
               {.entry = entry, .count = old.count(), .directory = is_directory(old)});
  index.add(hash_of(set), {.entry = entry, .count = set.count(), .directory = is_directory(set)});
  return {};
}

// The directory's own times, after a change in it.
sim::Status FileSystem::touch_directory(Inode& directory, bool wait) {
  directory.set_modified(now());
  mark_dirty(directory, DirtyBits::kTimes);
  return wait ? store_inode(directory, true) : sim::Status{};
}

// ---- reading

sim::Result<DirectoryPage> FileSystem::read_directory(Inode& directory, uint64_t pos,
                                                      size_t limit) {
  if (!directory.is_directory()) return sim::Error(sim::Errno::kNotDir, "directory: a file");
  const std::lock_guard guard(volume_lock_);
  DirectoryPage page;
  DirectoryFile file = open_directory(directory);
  DentrySet set;
  uint64_t entry = pos;
  page.end = true;
  while (entry < file.entries() && !directory.unlinked()) {
    if (page.items.size() == limit) {
      page.end = false;
      break;
    }
    const auto at = static_cast<uint32_t>(entry);
    ZT_ASSIGN(const uint8_t type, file.type_at(at));
    if (is_type(type, EntryType::kEndOfDirectory)) break;
    ++entry;
    if (!is_type(type, EntryType::kFile)) continue;
    DirectoryItem item;
    item.entry_index = at;
    ZT_TRY(file.read_set(at, set));
    const sim::Status placed = set.check_structure();
    if (placed.ok()) {
      DentrySet::NameUnits units;
      item.name = to_utf8(set.name(units));
      item.directory = is_directory(set);
      entry = uint64_t{at} + set.count();
    }
    const sim::Status sound = placed.ok() ? set.check_checksum() : placed;
    if (!sound.ok()) item.error = in_directory(directory, at, sound.error());
    page.items.push_back(std::move(item));
  }
  page.next = entry;
  return page;
}

sim::Result<uint64_t> FileSystem::subdirectory_count(Inode& directory) {
  const std::lock_guard guard(volume_lock_);
  ZT_ASSIGN(const DirectoryIndex* const index, index_of(directory));
  return index->subdirectories();
}

}  // namespace zerotail::exfat
