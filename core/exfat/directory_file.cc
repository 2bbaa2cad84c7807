#include "zerotail/exfat/directory_file.h"

#include <algorithm>
#include <cstring>

namespace zerotail::exfat {

DirectoryFile::DirectoryFile(buffer::BufferCache& cache, const Geometry& geometry, Fat& fat,
                             ClusterChain& chain, sim::FilePos size)
    : cache_(cache), geometry_(geometry), fat_(fat), chain_(chain) {
  const uint64_t bytes = std::min(size.value(), geometry.bytes(chain.count()).value());
  entries_ = static_cast<uint32_t>(std::min(bytes, kMaxDirectoryBytes) / kDentrySize);
}

sim::Result<DirectoryFile::Piece> DirectoryFile::piece_at(uint32_t entry, uint32_t count) {
  const sim::FilePos pos{uint64_t{entry} * kDentrySize};
  ZT_ASSIGN(const sim::Cluster cluster, chain_.cluster_at(fat_, geometry_.file_cluster(pos)));
  const sim::DevPos where = geometry_.cluster_pos(cluster) + geometry_.offset_in_cluster(pos);
  const sim::ByteCount offset = sim::offset_in(where, cache_.block_size());
  ZT_ASSIGN(buffer::BufferRef buffer,
            cache_.get(cache_.block_at(sim::DevPos{} + (where - sim::DevPos{} - offset)),
                       buffer::tag(buffer::IoKind::kDirectory, cluster.value())));
  const uint64_t room = (cache_.block_size() - offset) / sim::ByteCount{kDentrySize};
  return Piece{std::move(buffer), offset.value(),
               static_cast<uint32_t>(std::min<uint64_t>(room, count))};
}

sim::Result<std::vector<DirectoryFile::Piece>> DirectoryFile::pieces(uint32_t first,
                                                                     uint32_t count) {
  ZT_ASSERT(first <= entries_ && count <= entries_ - first);
  std::vector<Piece> result;
  for (uint32_t done = 0; done < count;) {
    ZT_ASSIGN(Piece piece, piece_at(first + done, count - done));
    done += piece.count;
    result.push_back(std::move(piece));
  }
  return result;
}

sim::Status DirectoryFile::read(uint32_t first, std::span<DentrySet::Raw> out) {
  const auto count = static_cast<uint32_t>(out.size());
  ZT_ASSERT(first <= entries_ && count <= entries_ - first);
  for (uint32_t done = 0; done < count;) {
    ZT_ASSIGN(const Piece piece, piece_at(first + done, count - done));
    std::memcpy(out[done].data(), piece.buffer->data().data() + piece.offset,
                size_t{piece.count} * kDentrySize);
    done += piece.count;
  }
  return {};
}

void DirectoryFile::put(std::span<const Piece> places, std::span<const DentrySet::Raw> from) {
  size_t done = 0;
  for (const Piece& piece : places) {
    std::memcpy(piece.buffer->data().data() + piece.offset, from[done].data(),
                size_t{piece.count} * kDentrySize);
    cache_.mark_dirty(*piece.buffer);
    done += piece.count;
  }
}

// The driver submits the sectors of a set one by one.
sim::Status DirectoryFile::write_out(std::span<const Piece> places) {
  std::vector<buffer::Buffer*> buffers;
  for (const Piece& piece : places) buffers.push_back(&*piece.buffer);
  return cache_.sync_all_of(buffers, buffer::Merge::kNo);
}

sim::Status DirectoryFile::sync(uint32_t first, uint32_t count) {
  ZT_ASSIGN(const std::vector<Piece> places, pieces(first, count));
  return write_out(places);
}

sim::Status DirectoryFile::write(uint32_t first, std::span<const DentrySet::Raw> from, bool sync) {
  const auto count = static_cast<uint32_t>(from.size());
  if (count == 0) return {};
  ZT_ASSIGN(const std::vector<Piece> places, pieces(first, count));
  std::vector<DentrySet::Raw> old;
  if (sync) {
    old.resize(count);
    ZT_TRY(read(first, old));
  }
  put(places, from);
  if (!sync) return {};
  const sim::Status written = write_out(places);
  if (!written.ok()) put(places, old);
  return written;
}

sim::Status DirectoryFile::remove(uint32_t first, uint32_t count, bool sync) {
  std::vector<DentrySet::Raw> entries(count);
  ZT_TRY(read(first, entries));
  for (DentrySet::Raw& entry : entries) entry[0] &= ~static_cast<std::byte>(kInUse);
  return write(first, entries, sync);
}

sim::Result<uint8_t> DirectoryFile::type_at(uint32_t entry) {
  ZT_ASSERT(entry < entries_);
  ZT_ASSIGN(const Piece piece, piece_at(entry, 1));
  return static_cast<uint8_t>(piece.buffer->data()[piece.offset]);
}

sim::Status DirectoryFile::read_set(uint32_t entry, DentrySet& set) {
  ZT_TRY(read(entry, set.storage().first(1)));
  set.set_count(1);
  const uint32_t count = std::min(set.file().secondary_count + 1U, entries_ - entry);
  ZT_TRY(read(entry + 1, set.storage().subspan(1, count - 1)));
  set.set_count(count);
  return {};
}

sim::Status DirectoryFile::load_set(uint32_t entry, DentrySet& set) {
  ZT_TRY(read_set(entry, set));
  return set.check_structure();
}

sim::Status DirectoryFile::zero(std::span<const ClusterRun> runs, bool sync) {
  std::vector<buffer::BufferRef> held;
  std::vector<buffer::Buffer*> buffers;
  for (const ClusterRun& run : runs) {
    for (uint64_t i = 0; i < run.count.value(); ++i) {
      const sim::Cluster cluster = run.first + sim::ClusterCount{i};
      const buffer::Block first = cache_.block_at(geometry_.cluster_pos(cluster));
      const uint64_t blocks = geometry_.cluster_size() / cache_.block_size();
      for (uint64_t block = 0; block < blocks; ++block) {
        ZT_ASSIGN(buffer::BufferRef buffer,
                  cache_.get_zeroed(first + buffer::BlockCount{block},
                                    buffer::tag(buffer::IoKind::kDirectory, cluster.value())));
        if (!sync) continue;
        buffers.push_back(&*buffer);
        held.push_back(std::move(buffer));
      }
    }
  }
  if (!sync) return {};
  return cache_.sync_all_of(buffers, buffer::Merge::kYes);
}

}  // namespace zerotail::exfat
