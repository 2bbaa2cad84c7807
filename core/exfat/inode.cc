#include "zerotail/exfat/inode.h"

#include <algorithm>

#include "zerotail/exfat/file_system.h"
#include "zerotail/exfat/inode_cache.h"
#include "zerotail/sim/assert.h"

namespace zerotail::exfat {

InodeRef::InodeRef(Inode& inode) : inode_(&inode) { ++inode.references_; }

InodeRef::InodeRef(const InodeRef& other) : inode_(other.inode_) {
  if (inode_ != nullptr) ++inode_->references_;
}

InodeRef& InodeRef::operator=(const InodeRef& other) {
  if (inode_ != other.inode_) *this = InodeRef(other);
  return *this;
}

InodeRef& InodeRef::operator=(InodeRef&& other) noexcept {
  if (this != &other) {
    reset();
    inode_ = other.inode_;
    other.inode_ = nullptr;
  }
  return *this;
}

void InodeRef::reset() {
  Inode* const inode = inode_;
  inode_ = nullptr;
  if (inode == nullptr) return;
  ZT_ASSERT(inode->references_ > 0);
  if (--inode->references_ == 0 && inode->unlinked_) inode->cache_.lost_last_reference(*inode);
}

Inode::Inode(InodeCache& cache, uint64_t number)
    : cache_(cache),
      number_(number),
      lock_(cache.fs().world().scheduler, "inode lock"),
      invalidate_(cache.fs().world().scheduler, "invalidate lock"),
      truncate_(cache.fs().world().scheduler, "truncate lock") {}

FileSystem& Inode::fs() const { return cache_.fs(); }

void Inode::cut_valid_size(sim::FilePos valid) {
  ++valid_cuts_;
  durable_valid_ = std::min(durable_valid_, valid);
  written_valid_ = std::min(written_valid_, valid);
}

void Inode::set_attributes(uint16_t attributes) {
  const unsigned directory = attributes_ & kAttributeDirectory;
  attributes_ = static_cast<uint16_t>((attributes & ~unsigned{kAttributeDirectory}) | directory);
}

// ---- the cache

namespace {
uint64_t place_key(const Inode* directory, uint32_t entry) {
  // Inode numbers start at 1, so the root's place (no directory) is nobody else's.
  const uint64_t number = directory == nullptr ? 0 : directory->number();
  return (number << 32) | entry;
}
}  // namespace

InodeCache::~InodeCache() {
  // Parents go in any order here, so nobody may count references to them any more.
  for (auto& [key, inode] : linked_) inode->parent_.inode_ = nullptr;
  for (auto& [number, inode] : unlinked_) inode->parent_.inode_ = nullptr;
}

Inode* InodeCache::find(const Inode& directory, uint32_t entry) const {
  const auto found = linked_.find(place_key(&directory, entry));
  return found == linked_.end() ? nullptr : found->second.get();
}

Inode& InodeCache::add(Inode* directory, uint32_t entry) {
  ZT_ASSERT_MSG(next_number_ >> 32 == 0, "inode numbers are used up");
  auto made = std::make_unique<Inode>(*this, next_number_++);
  Inode& inode = *made;
  if (directory != nullptr) inode.parent_ = InodeRef(*directory);
  inode.entry_index_ = entry;
  const bool added = linked_.emplace(place_key(directory, entry), std::move(made)).second;
  ZT_ASSERT_MSG(added, "two inodes in one place");
  return inode;
}

void InodeCache::move(Inode& inode, Inode& directory, uint32_t entry) {
  auto node = linked_.extract(place_key(inode.parent_.get(), inode.entry_index_));
  ZT_ASSERT(!node.empty());
  inode.parent_ = InodeRef(directory);
  inode.entry_index_ = entry;
  node.key() = place_key(&directory, entry);
  const bool added = linked_.insert(std::move(node)).inserted;
  ZT_ASSERT_MSG(added, "two inodes in one place");
}

void InodeCache::unlink(Inode& inode) {
  auto node = linked_.extract(place_key(inode.parent_.get(), inode.entry_index_));
  ZT_ASSERT(!node.empty());
  inode.unlinked_ = true;
  inode.parent_.reset();
  unlinked_.emplace(inode.number(), std::move(node.mapped()));
  if (inode.references_ == 0) lost_last_reference(inode);
}

void InodeCache::drop(Inode& inode) {
  ZT_ASSERT(inode.references_ == 0 && !any(inode.dirty_));
  linked_.erase(place_key(inode.parent_.get(), inode.entry_index_));
}

void InodeCache::lost_last_reference(Inode& inode) { unreferenced_.push_back(&inode); }

void InodeCache::mark_dirty(Inode& inode, DirtyBits bits) {
  if (!any(bits)) return;
  if (!any(inode.dirty_)) {
    inode.dirtied_ = next_dirtied_++;
    inode.dirty_since_ = fs_.world().loop.now();
    dirty_.emplace_hint(dirty_.end(), inode.dirtied_, &inode);
    if (dirty_.size() == 1 && dirty_hook_) dirty_hook_();
  }
  inode.dirty_ = inode.dirty_ | bits;
}

void InodeCache::clear_dirty(Inode& inode, DirtyBits bits) {
  if (!any(inode.dirty_)) return;
  inode.dirty_ = inode.dirty_ & ~bits;
  if (!any(inode.dirty_)) dirty_.erase(inode.dirtied_);
}

std::vector<InodeRef> InodeCache::dirty() const {
  std::vector<InodeRef> result;
  result.reserve(dirty_.size());
  for (const auto& [when, inode] : dirty_) result.emplace_back(*inode);
  return result;
}

void InodeCache::drop_unused() {
  for (bool dropped = true; dropped;) {
    dropped = false;
    for (auto at = linked_.begin(); at != linked_.end();) {
      const Inode& inode = *at->second;
      const bool unused = inode.references_ == 0 && !any(inode.dirty_) && !inode.is_root();
      dropped |= unused;
      at = unused ? linked_.erase(at) : std::next(at);
    }
  }
}

Inode* InodeCache::next_unreferenced() {
  while (!unreferenced_.empty()) {
    Inode* const inode = unreferenced_.front();
    unreferenced_.erase(unreferenced_.begin());
    if (inode->references_ == 0) return inode;
  }
  return nullptr;
}

void InodeCache::erase_unlinked(Inode& inode) {
  ZT_ASSERT(inode.unlinked_ && inode.references_ == 0);
  clear_dirty(inode, inode.dirty_);
  std::erase(unreferenced_, &inode);
  unlinked_.erase(inode.number());
}

}  // namespace zerotail::exfat
