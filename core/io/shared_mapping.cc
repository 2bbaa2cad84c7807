#include "zerotail/io/shared_mapping.h"

#include <algorithm>
#include <cstring>
#include <mutex>
#include <shared_mutex>

#include "bh_write.h"
#include "data_path.h"
#include "zerotail/exfat/file_system.h"
#include "zerotail/io/mount.h"

namespace zerotail::io {

namespace {

// The folio, uptodate and mapped; none: SIGBUS.
mm::FolioRef fault_in(FileNode& node, uint64_t index) {
  mm::AddressSpace& cache = node.cache();
  while (true) {
    const std::shared_lock<sim::RwLock> guard(cache.invalidate_lock());
    if (cache.pos_of(index) >= node.size()) return {};
    auto folio = read_folio(node, index);
    if (!folio.ok()) return {};
    cache.lock(**folio);
    const mm::LockedFolio locked(cache, *folio);
    if (locked->owner() != &cache) continue;
    locked->map(index, false);
    return *folio;
  }
}

// Under the inode lock, before the first store into a page behind V: what lies between becomes
// zeros in the cache. The page itself holds zeros past V already.
sim::Status fill_to(FileNode& node, sim::FilePos page_pos) {
  exfat::Inode& inode = node.inode();
  if (node.buffer_heads()) return bh_make_valid(node, node.size());
  node.wait_direct();
  const sim::FilePos from = std::max(inode.valid_size(), inode.zeroed_size());
  if (from >= page_pos) return {};
  const sim::Status filled = iomap::fill_dirty(node, from, page_pos - from);
  node.mount().fs().mark_dirty(inode, exfat::DirtyBits::kPages);
  return filled;
}

// Where V must be for a page that can be stored to. The buffer-head path makes everything valid
// that the mapping covers: the file.
sim::FilePos valid_for(FileNode& node, uint64_t index) {
  if (node.buffer_heads()) return node.size();
  return std::min(node.cache().pos_of(index + 1), node.size());
}

// The store fault: the folio becomes dirty, whole, and the page writable, and V moves to the page's
// end. None: SIGBUS.
mm::FolioRef fault_for_store(FileNode& node, uint64_t index) {
  mm::AddressSpace& cache = node.cache();
  exfat::Inode& inode = node.inode();
  exfat::FileSystem& fs = node.mount().fs();
  while (true) {
    mm::FolioRef folio = fault_in(node, index);
    if (!folio) return {};
    touch_modified_time(inode);
    std::unique_lock<sim::RwLock> moving(inode.lock(), std::defer_lock);
    if (inode.valid_size() < valid_for(node, index)) {
      moving.lock();
      if (!fill_to(node, cache.pos_of(index)).ok()) return {};
    }
    const std::shared_lock<sim::RwLock> guard(cache.invalidate_lock());
    cache.lock(*folio);
    const mm::LockedFolio locked(cache, folio);
    const sim::FilePos valid = valid_for(node, index);
    const bool gone = locked->owner() != &cache || cache.pos_of(index) >= node.size();
    if (gone || (inode.valid_size() < valid && !moving.owns_lock())) continue;
    cache.mark_dirty(*locked);
    locked->map(index, true);
    fs.mark_dirty(inode, exfat::DirtyBits::kPages);
    if (inode.valid_size() < valid) {
      inode.set_valid_size(valid);
      const sim::ByteCount block = fs.geometry().sector_size();
      inode.set_zeroed_size(std::max(inode.zeroed_size(), sim::round_up(valid, block)));
      fs.mark_dirty(inode, exfat::DirtyBits::kMetadata);
    }
    return folio;
  }
}

}  // namespace

MappedAccess load(FileNode& node, sim::FilePos pos, std::span<std::byte> out) {
  mm::AddressSpace& cache = node.cache();
  MappedAccess access;
  while (access.count < out.size()) {
    const uint64_t index = cache.index_of(pos);
    mm::FolioRef folio = cache.find(index);
    if (!folio || folio->map_state(index) == mm::MapState::kUnmapped) folio = fault_in(node, index);
    if (!folio) {
      access.sigbus = true;
      break;
    }
    const uint64_t offset = (pos - folio->pos()).value();
    // No further than the page: its neighbours in the folio may not be mapped.
    const uint64_t count =
        std::min<uint64_t>(out.size() - access.count, (cache.pos_of(index + 1) - pos).value());
    std::memcpy(out.data() + access.count, folio->data() + offset, count);
    access.count += count;
    pos += sim::ByteCount{count};
  }
  return access;
}

MappedAccess store(FileNode& node, sim::FilePos pos, std::span<const std::byte> bytes) {
  mm::AddressSpace& cache = node.cache();
  MappedAccess access;
  while (access.count < bytes.size()) {
    // Before the fault, not after it: writeback takes the permission to store away.
    node.balance_dirty();
    const uint64_t index = cache.index_of(pos);
    mm::FolioRef folio = cache.find(index);
    if (!folio || folio->map_state(index) != mm::MapState::kWritable) {
      folio = fault_for_store(node, index);
    }
    if (!folio) {
      access.sigbus = true;
      break;
    }
    const uint64_t offset = (pos - folio->pos()).value();
    const uint64_t count =
        std::min<uint64_t>(bytes.size() - access.count, (cache.pos_of(index + 1) - pos).value());
    std::memcpy(folio->data() + offset, bytes.data() + access.count, count);
    access.count += count;
    pos += sim::ByteCount{count};
  }
  return access;
}

void unmap_all(FileNode& node) {
  mm::AddressSpace& cache = node.cache();
  for (mm::FolioRef folio = cache.next(0); folio; folio = cache.next(folio->end_index())) {
    folio->unmap();
  }
}

}  // namespace zerotail::io
