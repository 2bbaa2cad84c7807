// A file or directory in memory. An Inode belongs to the FileSystem's inode cache, which keys it
// by where its dentry set stands; whoever uses one holds an InodeRef.
//
// S = size (DataLength), V = valid_size (ValidDataLength), Z = zeroed_size: how far blocks on disk
// or in the page cache are known to be written or zeroed. At rest V <= S and V <= Z.
#pragma once

#include <cstdint>
#include <memory>

#include "zerotail/exfat/cluster_chain.h"
#include "zerotail/exfat/directory_index.h"
#include "zerotail/exfat/geometry.h"
#include "zerotail/exfat/timestamp.h"
#include "zerotail/sim/lock.h"

namespace zerotail::exfat {

class FileSystem;
class Inode;
class InodeCache;

// A counted reference. Dropping the last one never waits: a linked inode stays cached, an unlinked
// one is queued for FileSystem::free_unlinked(), which whoever may have dropped it (a close) calls
// next. Must not outlive the FileSystem.
class InodeRef {
 public:
  InodeRef() = default;
  explicit InodeRef(Inode& inode);
  InodeRef(const InodeRef& other);
  InodeRef(InodeRef&& other) noexcept : inode_(other.inode_) { other.inode_ = nullptr; }
  InodeRef& operator=(const InodeRef& other);
  InodeRef& operator=(InodeRef&& other) noexcept;
  ~InodeRef() { reset(); }

  [[nodiscard]] Inode& operator*() const { return *inode_; }
  [[nodiscard]] Inode* operator->() const { return inode_; }
  [[nodiscard]] Inode* get() const { return inode_; }
  explicit operator bool() const { return inode_ != nullptr; }
  bool operator==(const InodeRef& other) const { return inode_ == other.inode_; }
  void reset();

 private:
  friend class InodeCache;
  Inode* inode_ = nullptr;
};

// What a layer above keeps with an inode (its page cache); destroyed with the inode.
class InodeAttachment {
 public:
  virtual ~InodeAttachment() = default;
  // The inode was unlinked and its last reference dropped: called by free_unlinked() before its
  // clusters are freed, without the volume lock. Cached pages are to be thrown away, unwritten.
  virtual void evict() = 0;
};

// Why an inode is dirty (the kernel's I_DIRTY_SYNC, I_DIRTY_DATASYNC, I_DIRTY_PAGES).
enum class DirtyBits : uint8_t {
  kNone = 0,
  kTimes = 1,     // what fdatasync need not write
  kMetadata = 2,  // size, valid size, clusters
  kPages = 4,     // dirty pages; set and cleared by the layer that owns the page cache
};
[[nodiscard]] constexpr DirtyBits operator|(DirtyBits a, DirtyBits b) {
  return static_cast<DirtyBits>(static_cast<uint8_t>(a) | static_cast<uint8_t>(b));
}
[[nodiscard]] constexpr DirtyBits operator&(DirtyBits a, DirtyBits b) {
  return static_cast<DirtyBits>(static_cast<uint8_t>(a) & static_cast<uint8_t>(b));
}
[[nodiscard]] constexpr DirtyBits operator~(DirtyBits a) {
  return static_cast<DirtyBits>(~static_cast<uint8_t>(a) & 7U);
}
[[nodiscard]] constexpr bool any(DirtyBits bits) { return bits != DirtyBits::kNone; }

class Inode {
 public:
  Inode(InodeCache& cache, uint64_t number);
  Inode(const Inode&) = delete;
  Inode& operator=(const Inode&) = delete;

  [[nodiscard]] FileSystem& fs() const;
  // Unique among the inodes of a mount, in order of loading; the root is 1.
  [[nodiscard]] uint64_t number() const { return number_; }
  [[nodiscard]] bool is_directory() const { return (attributes_ & kAttributeDirectory) != 0; }
  [[nodiscard]] bool is_root() const { return !parent_ && !unlinked_; }
  // Its name is gone: it lives until its last reference is dropped, and is never written.
  [[nodiscard]] bool unlinked() const { return unlinked_; }
  // The directory that holds its set; empty for the root and for unlinked inodes.
  [[nodiscard]] const InodeRef& parent() const { return parent_; }
  // The first entry of its set within the parent, counted from 0.
  [[nodiscard]] uint32_t entry_index() const { return entry_index_; }
  [[nodiscard]] uint16_t attributes() const { return attributes_; }
  // kAttributeDirectory cannot be changed.
  void set_attributes(uint16_t attributes);

  [[nodiscard]] sim::FilePos size() const { return size_; }
  [[nodiscard]] sim::FilePos valid_size() const { return valid_size_; }
  [[nodiscard]] sim::FilePos zeroed_size() const { return zeroed_size_; }
  // Setters change memory only; follow them with FileSystem::mark_dirty().
  void set_size(sim::FilePos size) { size_ = size; }
  void set_valid_size(sim::FilePos valid) {
    if (valid < valid_size_) cut_valid_size(valid);
    valid_size_ = valid;
  }
  void set_zeroed_size(sim::FilePos zeroed) { zeroed_size_ = zeroed; }

  // For the rule data-first: how often V went down. Who reports written data (see
  // FileSystem::data_written) compares it with what it was before the writing.
  [[nodiscard]] uint64_t valid_cuts() const { return valid_cuts_; }

  [[nodiscard]] TimeStamp created() const { return created_; }
  [[nodiscard]] TimeStamp modified() const { return modified_; }
  [[nodiscard]] TimeStamp accessed() const { return accessed_; }
  void set_created(TimeStamp time) { created_ = truncate_to_10ms(time); }
  void set_modified(TimeStamp time) { modified_ = truncate_to_10ms(time); }
  // Kept to 10 ms, as the driver does, so that relatime sees a read after a write; the set on disk
  // has two seconds.
  void set_accessed(TimeStamp time) { accessed_ = truncate_to_10ms(time); }

  // Cluster 0 when it has none.
  [[nodiscard]] sim::Cluster first_cluster() const { return chain_.first(); }
  [[nodiscard]] bool no_fat_chain() const { return chain_.no_fat_chain(); }
  [[nodiscard]] sim::ClusterCount allocated() const { return chain_.count(); }

  [[nodiscard]] DirtyBits dirty() const { return dirty_; }
  // When it became dirty; only while it is.
  [[nodiscard]] sim::Nanos dirty_since() const { return dirty_since_; }
  [[nodiscard]] uint32_t references() const { return references_; }

  // Taken by the layers above, in this order; exfat takes none of the three.
  [[nodiscard]] sim::RwLock& lock() { return lock_; }                   // i_rwsem
  [[nodiscard]] sim::RwLock& invalidate_lock() { return invalidate_; }  // mapping
  [[nodiscard]] sim::RwLock& truncate_lock() { return truncate_; }      // truncate against bmap

  std::unique_ptr<InodeAttachment> attachment;

 private:
  friend class FileSystem;
  friend class InodeCache;
  friend class InodeRef;

  void cut_valid_size(sim::FilePos valid);

  InodeCache& cache_;
  uint64_t number_;
  uint32_t references_ = 0;
  InodeRef parent_;
  uint32_t entry_index_ = 0;
  uint16_t attributes_ = 0;
  bool unlinked_ = false;
  DirtyBits dirty_ = DirtyBits::kNone;
  uint64_t dirtied_ = 0;  // its place in the order of becoming dirty
  sim::Nanos dirty_since_{0};
  sim::FilePos size_;
  sim::FilePos valid_size_;
  sim::FilePos zeroed_size_;
  // What the rules of the ordering need (FileSystem, ordered.cc).
  sim::FilePos durable_valid_;  // data below this is durable, or never was promised
  sim::FilePos written_valid_;  // data below this was on the device at written_at_
  uint64_t written_at_ = 0;     // of the buffer cache's flush clock
  uint64_t valid_cuts_ = 0;
  bool new_clusters_ = false;  // allocated since the set was stored last
  TimeStamp created_;
  TimeStamp modified_;
  TimeStamp accessed_;
  ClusterChain chain_;
  std::unique_ptr<DirectoryIndex> index_;  // of a directory, once it was searched
  sim::RwLock lock_;
  sim::RwLock invalidate_;
  sim::RwLock truncate_;
};

}  // namespace zerotail::exfat
