// A directory as an array of 32-byte entries over its clusters: reading, writing and checking
// dentry sets by their place. It knows no names and no inodes.
//
// Borrows the chain and the caches for as long as it lives; made for one operation.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "zerotail/buffer/buffer_cache.h"
#include "zerotail/exfat/cluster_chain.h"
#include "zerotail/exfat/dentry_set.h"
#include "zerotail/exfat/geometry.h"

namespace zerotail::exfat {

class DirectoryFile {
 public:
  // `size`: DataLength of the directory; what of it the chain does not cover is not there.
  DirectoryFile(buffer::BufferCache& cache, const Geometry& geometry, Fat& fat, ClusterChain& chain,
                sim::FilePos size);

  [[nodiscard]] uint32_t entries() const { return entries_; }

  // Copies entries; the range must lie within entries(). EIO.
  sim::Status read(uint32_t first, std::span<DentrySet::Raw> out);
  // Changes entries in their buffers and, with `sync`, writes these: all submitted, then waited
  // for. EIO: the entries are what they were (on disk they may be old or new; the buffers are left
  // dirty, to be written again).
  sim::Status write(uint32_t first, std::span<const DentrySet::Raw> from, bool sync);
  // Writes the buffers of entries if they are dirty, as write() does.
  sim::Status sync(uint32_t first, uint32_t count);
  // Clears the in-use bit of entries and leaves the rest of them as it is, as the driver does.
  // Errors as write().
  sim::Status remove(uint32_t first, uint32_t count, bool sync);

  [[nodiscard]] sim::Result<uint8_t> type_at(uint32_t entry);
  // The entries of the set whose file entry this is, as far as the directory has them. Not checked
  // beyond that. EIO: they cannot be read.
  sim::Status read_set(uint32_t entry, DentrySet& set);
  // The same, and its structure is checked. EIO. The checksum is not looked at.
  sim::Status load_set(uint32_t entry, DentrySet& set);
  // Fills clusters with zeros in the buffers; with `sync` they are written.
  sim::Status zero(std::span<const ClusterRun> runs, bool sync);

 private:
  struct Piece {  // entries that stand next to each other in one buffer
    buffer::BufferRef buffer;
    size_t offset = 0;
    uint32_t count = 0;
  };
  [[nodiscard]] sim::Result<Piece> piece_at(uint32_t entry, uint32_t count);
  [[nodiscard]] sim::Result<std::vector<Piece>> pieces(uint32_t first, uint32_t count);
  sim::Status write_out(std::span<const Piece> places);
  void put(std::span<const Piece> places, std::span<const DentrySet::Raw> from);

  buffer::BufferCache& cache_;
  const Geometry& geometry_;
  Fat& fat_;
  ClusterChain& chain_;
  uint32_t entries_;
};

}  // namespace zerotail::exfat
