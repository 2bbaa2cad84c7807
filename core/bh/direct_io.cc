#include "zerotail/bh/direct_io.h"

#include <algorithm>
#include <cstring>
#include <vector>

#include "zerotail/sim/world.h"

namespace zerotail::bh {

namespace {

constexpr uint64_t kMaxBio = uint64_t{1} << 20;

[[nodiscard]] sim::Status transfer(BlockFile& file, sim::BioOp op, sim::DevPos addr,
                                   std::span<std::byte> memory) {
  while (!memory.empty()) {
    const uint64_t length = std::min<uint64_t>(memory.size(), kMaxBio);
    sim::Bio bio;
    bio.op = op;
    bio.sector = sim::sector_at(addr);
    bio.count = sim::sectors(sim::ByteCount{length});
    bio.segments.push_back(memory.first(length));
    bio.tag = file.data_tag();
    const sim::Errno status = sim::submit_and_wait(file.cache().scheduler(), file.device(), bio);
    if (status != sim::Errno::kOk) return sim::Error(status, "direct I/O");
    addr += sim::ByteCount{length};
    memory = memory.subspan(length);
  }
  return {};
}

// A run of blocks, and the part of it that the caller asked for.
struct Piece {
  BlockMapping mapping;
  sim::DevPos addr;     // of `pos`
  uint64_t length = 0;  // bytes from `pos` on
};

[[nodiscard]] sim::Result<Piece> map_piece(BlockFile& file, sim::FilePos pos, uint64_t length,
                                           bool create) {
  const sim::ByteCount block = file.cache().block_size();
  const sim::FilePos begin = sim::round_down(pos, block);
  const sim::FilePos end = sim::round_up(pos + sim::ByteCount{length}, block);
  Piece piece;
  ZT_ASSIGN(piece.mapping, file.get_block({.pos = begin, .length = end - begin, .create = create}));
  piece.addr = piece.mapping.addr + (pos - begin);
  piece.length = std::min(length, (begin + piece.mapping.length - pos).value());
  return piece;
}

// Whole runs that are contiguous on the device go out together.
struct Pending {
  sim::DevPos addr;
  uint64_t from = 0;  // in the caller's memory
  uint64_t length = 0;
};

class DirectWrite {
 public:
  DirectWrite(BlockFile& file, sim::FilePos pos, const mm::CopySource& source)
      : file_(file), pos_(pos), source_(source) {}

  mm::WriteResult run() {
    mm::WriteResult result;
    result.status = map_all();
    // What was mapped before an error goes to the device all the same.
    const sim::Status sent = send();
    if (result.status.ok()) result.status = sent;
    result.written = written_;
    return result;
  }

 private:
  [[nodiscard]] sim::Status map_all() {
    const sim::ByteCount block = file_.cache().block_size();
    // Blocks up to the file's last one are not created: a hole there goes through the cache.
    const sim::FilePos created_from = sim::round_up(file_.size(), block);
    const uint64_t total = source_.bytes.size();
    while (mapped_ < total) {
      const sim::FilePos pos = pos_ + sim::ByteCount{mapped_};
      const bool create = pos >= created_from;
      const uint64_t left =
          create ? total - mapped_ : std::min(total - mapped_, (created_from - pos).value());
      if (source_.readable(mapped_, 1) == 0) {
        return sim::Error(sim::Errno::kFault, "direct write: source buffer");
      }
      ZT_ASSIGN(const Piece piece, map_piece(file_, pos, left, create));
      if (!piece.mapping.mapped) return {};
      if (source_.readable(mapped_, piece.length) < piece.length) {
        return sim::Error(sim::Errno::kFault, "direct write: source buffer");
      }
      ZT_TRY(add(piece, pos));
      mapped_ += piece.length;
    }
    return {};
  }

  // A fresh block that is written in part gets zeros around.
  [[nodiscard]] sim::Status add(const Piece& piece, sim::FilePos pos) {
    const sim::ByteCount block = file_.cache().block_size();
    const sim::ByteCount head = sim::offset_in(pos, block);
    const sim::FilePos end = pos + sim::ByteCount{piece.length};
    const sim::ByteCount tail = sim::round_up(end, block) - end;
    if (piece.mapping.fresh && head > sim::ByteCount{0}) {
      ZT_TRY(write_zeros(piece.mapping.addr, head));
    }
    if (piece.mapping.fresh && tail > sim::ByteCount{0}) {
      ZT_TRY(write_zeros(piece.addr + sim::ByteCount{piece.length}, tail));
    }
    const bool joins =
        pending_.length > 0 && pending_.addr + sim::ByteCount{pending_.length} == piece.addr;
    if (!joins) {
      ZT_TRY(send());
      pending_ = {.addr = piece.addr, .from = mapped_, .length = 0};
    }
    pending_.length += piece.length;
    return {};
  }

  [[nodiscard]] sim::Status send() {
    if (pending_.length == 0) return {};
    // A write bio only reads its memory.
    auto* data = const_cast<std::byte*>(source_.bytes.data()) + pending_.from;
    const uint64_t length = pending_.length;
    pending_.length = 0;
    ZT_TRY(transfer(file_, sim::BioOp::kWrite, pending_.addr, {data, length}));
    written_ += length;
    return {};
  }

  [[nodiscard]] sim::Status write_zeros(sim::DevPos addr, sim::ByteCount length) {
    std::vector<std::byte> zeros(length.value());
    return transfer(file_, sim::BioOp::kWrite, addr, zeros);
  }

  BlockFile& file_;
  sim::FilePos pos_;
  const mm::CopySource& source_;
  uint64_t mapped_ = 0;
  uint64_t written_ = 0;
  Pending pending_;
};

}  // namespace

sim::Result<uint64_t> direct_read(BlockFile& file, sim::FilePos pos, std::span<std::byte> out) {
  const sim::FilePos size = file.size();
  if (out.empty() || pos >= size) return uint64_t{0};
  const sim::FilePos start = pos;
  while (!out.empty() && pos < size) {
    ZT_ASSIGN(const Piece piece, map_piece(file, pos, out.size(), /*create=*/false));
    const sim::FilePos valid = file.valid_end();
    const std::span<std::byte> memory = out.first(piece.length);
    const sim::FilePos end = pos + sim::ByteCount{piece.length};
    if (piece.mapping.mapped) {
      ZT_TRY(transfer(file, sim::BioOp::kRead, piece.addr, memory));
    } else {
      std::memset(memory.data(), 0, memory.size());
    }
    if (valid < end) {
      const uint64_t from = valid > pos ? (valid - pos).value() : 0;
      std::memset(memory.data() + from, 0, memory.size() - from);
    }
    out = out.subspan(piece.length);
    pos = end;
  }
  return (std::min(pos, size) - start).value();
}

mm::WriteResult direct_write(BlockFile& file, sim::FilePos pos, const mm::CopySource& source) {
  return DirectWrite(file, pos, source).run();
}

}  // namespace zerotail::bh
