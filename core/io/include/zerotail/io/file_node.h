// A file as the data paths see it: an exFAT inode with its page cache, and exFAT's answers to
// iomap and, on mounts that chose it, to the buffer-head path. S, V and Z (size, valid_size,
// zeroed_size) are the inode's.
#pragma once

#include <optional>

#include "zerotail/bh/block_file.h"
#include "zerotail/exfat/inode.h"
#include "zerotail/iomap/iomap_file.h"

namespace zerotail::io {

class Mount;

class FileNode final : public exfat::InodeAttachment,
                       public iomap::IomapFile,
                       public bh::BlockFile {
 public:
  FileNode(Mount& mount, exfat::Inode& inode);
  ~FileNode() override;

  [[nodiscard]] Mount& mount() { return mount_; }
  [[nodiscard]] exfat::Inode& inode() { return inode_; }

  // Which of the two paths the mount chose.
  [[nodiscard]] bool buffer_heads() const;
  // The largest S that the path allows.
  [[nodiscard]] sim::FilePos max_size() const;

  // InodeAttachment
  void evict() override { cache_.truncate(sim::FilePos{0}); }

  // IomapFile: the mapping table (iomap_ops.cc)
  [[nodiscard]] mm::AddressSpace& cache() override { return cache_; }
  [[nodiscard]] sim::BlockDevice& device() override;
  [[nodiscard]] sim::FilePos size() const override { return inode_.size(); }
  void grow_size(sim::FilePos size) override { inode_.set_size(size); }
  [[nodiscard]] sim::IoTag data_tag() const override;
  sim::Result<iomap::Mapping> map_begin(const iomap::MapRequest& request) override;
  sim::Status map_end(const iomap::MapRequest& request, const iomap::Mapping& mapping,
                      sim::ByteCount done) override;
  [[nodiscard]] sim::FilePos readahead_limit() const override { return inode_.valid_size(); }
  void balance_dirty() override;
  [[nodiscard]] uint64_t mapping_sequence() const override { return mapping_sequence_; }
  // Clusters were freed: addresses given out for writeback are void.
  void clusters_changed() { ++mapping_sequence_; }

  // bh::BlockFile (get_block.cc)
  [[nodiscard]] sim::FilePos valid_end() const override { return valid_end_; }
  void set_valid_end(sim::FilePos end) override;
  void written_to(sim::FilePos end) override;
  sim::Result<bh::BlockMapping> get_block(const bh::BlockRequest& request) override;
  // S was moved: on the buffer-head path V follows its end.
  void size_changed();

  // Direct I/O in flight: buffered writes, truncate, and direct writes that move V wait for it.
  void begin_direct() { ++direct_in_flight_; }
  void end_direct();
  void wait_direct();
  // A direct write that moves V is on its way to [valid_before, ...): whoever reads there from the
  // device waits until it has landed. One at a time.
  void begin_unlanded(sim::FilePos valid_before) { unlanded_from_ = valid_before; }
  void landed();

 private:
  Mount& mount_;
  exfat::Inode& inode_;
  mm::AddressSpace cache_;
  uint64_t mapping_sequence_ = 0;
  uint64_t direct_in_flight_ = 0;
  // V before the piece of a direct write that is being submitted, under the inode lock.
  sim::FilePos valid_before_direct_;
  std::optional<sim::FilePos> unlanded_from_;
  sim::WaitQueue direct_waiters_;
  // Buffer-head path: V as that path has it in memory, which may be past S inside S's block. The
  // inode has the smaller of the two.
  sim::FilePos valid_end_;
};

}  // namespace zerotail::io
