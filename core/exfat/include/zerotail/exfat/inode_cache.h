// The inodes that are in memory, by where their dentry set stands: directory and first entry.
//
// An unlinked inode has no place any more: it is kept apart until its last reference goes, and is
// then handed out by next_unreferenced() for its clusters to be freed.
// Invariant: an inode's parent is cached as long as the inode is (it holds a reference).
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <unordered_map>
#include <vector>

#include "zerotail/exfat/inode.h"

namespace zerotail::exfat {

class InodeCache {
 public:
  explicit InodeCache(FileSystem& fs) : fs_(fs) {}
  ~InodeCache();
  InodeCache(const InodeCache&) = delete;
  InodeCache& operator=(const InodeCache&) = delete;

  [[nodiscard]] FileSystem& fs() const { return fs_; }
  [[nodiscard]] Inode* find(const Inode& directory, uint32_t entry) const;
  // A new inode at a place; without a directory it is the root.
  Inode& add(Inode* directory, uint32_t entry);
  // The set was moved (rename).
  void move(Inode& inode, Inode& directory, uint32_t entry);
  // The set was deleted.
  void unlink(Inode& inode);

  // Takes back an add(): nobody holds it.
  void drop(Inode& inode);

  void mark_dirty(Inode& inode, DirtyBits bits);
  void clear_dirty(Inode& inode, DirtyBits bits);
  [[nodiscard]] std::vector<InodeRef> dirty() const;  // in the order of becoming dirty
  // The one that became dirty first, or nullptr.
  [[nodiscard]] Inode* first_dirty() const {
    return dirty_.empty() ? nullptr : dirty_.begin()->second;
  }
  // Called when an inode becomes dirty while none is.
  void set_dirty_hook(std::function<void()> hook) { dirty_hook_ = std::move(hook); }

  // Drops what is clean, linked and held by nobody, children before their directories.
  void drop_unused();
  // An unlinked inode without references, in the order in which they lost the last one.
  [[nodiscard]] Inode* next_unreferenced();
  void erase_unlinked(Inode& inode);
  [[nodiscard]] size_t size() const { return linked_.size() + unlinked_.size(); }

 private:
  friend class InodeRef;
  void lost_last_reference(Inode& inode);

  FileSystem& fs_;
  uint64_t next_number_ = 1;
  uint64_t next_dirtied_ = 1;
  // Only looked up, never iterated in an order that matters.
  std::unordered_map<uint64_t, std::unique_ptr<Inode>> linked_;
  std::map<uint64_t, std::unique_ptr<Inode>> unlinked_;  // by number
  std::vector<Inode*> unreferenced_;                     // unlinked ones
  std::map<uint64_t, Inode*> dirty_;                     // by Inode::dirtied_
  std::function<void()> dirty_hook_;
};

}  // namespace zerotail::exfat
