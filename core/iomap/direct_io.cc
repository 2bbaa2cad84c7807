#include "zerotail/iomap/direct_io.h"

#include <algorithm>
#include <cstring>
#include <vector>

#include "zerotail/iomap/iter.h"
#include "zerotail/sim/world.h"

namespace zerotail::iomap {

namespace {

constexpr uint64_t kMaxBio = uint64_t{1} << 20;

class DirectIo {
 public:
  DirectIo(IomapFile& file, bool memory_aligned)
      : file_(file),
        logical_block_(file.device().info().logical_block),
        memory_aligned_(memory_aligned) {}

  [[nodiscard]] sim::Status check_alignment(sim::FilePos pos, uint64_t length) const {
    const uint64_t mask = logical_block_.value() - 1;
    if (memory_aligned_ && ((pos.value() | length) & mask) == 0) return {};
    return sim::Error(sim::Errno::kInval, "direct I/O: misaligned");
  }

  [[nodiscard]] sim::Status transfer(sim::BioOp op, sim::DevPos addr, std::span<std::byte> memory) {
    while (!memory.empty()) {
      const uint64_t length = std::min<uint64_t>(memory.size(), kMaxBio);
      sim::Bio bio;
      bio.op = op;
      bio.sector = sim::sector_at(addr);
      bio.count = sim::sectors(sim::ByteCount{length});
      bio.segments.push_back(memory.first(length));
      bio.tag = file_.data_tag();
      const sim::Errno status =
          sim::submit_and_wait(file_.cache().scheduler(), file_.device(), bio);
      if (status != sim::Errno::kOk) return sim::Error(status, "direct I/O");
      addr += sim::ByteCount{length};
      memory = memory.subspan(length);
    }
    return {};
  }

  [[nodiscard]] sim::Status read_piece(const Mapping& mapping, sim::FilePos pos,
                                       std::span<std::byte> out) {
    if (mapping.type != MappingType::kMapped) {
      std::memset(out.data(), 0, out.size());
      return {};
    }
    ZT_TRY(check_alignment(pos, out.size()));
    ZT_TRY(transfer(sim::BioOp::kRead, mapping.addr_of(pos), out));
    const sim::FilePos end = pos + sim::ByteCount{out.size()};
    if (mapping.valid_end < end) {
      const uint64_t valid = mapping.valid_end > pos ? (mapping.valid_end - pos).value() : 0;
      std::memset(out.data() + valid, 0, out.size() - valid);
    }
    return {};
  }

  [[nodiscard]] sim::Status write_piece(const Mapping& mapping, sim::FilePos pos,
                                        std::span<std::byte> data) {
    ZT_TRY(check_alignment(pos, data.size()));
    const sim::ByteCount block = file_.cache().block_size();
    const sim::FilePos end = pos + sim::ByteCount{data.size()};
    const bool never_written = mapping.fresh || mapping.type == MappingType::kUnwritten;
    const sim::ByteCount head = sim::offset_in(pos, block);
    if (never_written) {
      const sim::DevPos addr = mapping.addr_of(pos);
      ZT_TRY(write_zeros(sim::DevPos{addr.value() - head.value()}, head));
    }
    ZT_TRY(transfer(sim::BioOp::kWrite, mapping.addr_of(pos), data));
    if (never_written || end >= file_.size()) {
      ZT_TRY(write_zeros(mapping.addr_of(end), sim::round_up(end, block) - end));
    }
    return {};
  }

 private:
  [[nodiscard]] sim::Status write_zeros(sim::DevPos addr, sim::ByteCount length) {
    std::vector<std::byte> zeros(length.value());
    return transfer(sim::BioOp::kWrite, addr, zeros);
  }

  IomapFile& file_;
  sim::ByteCount logical_block_;
  bool memory_aligned_;
};

}  // namespace

sim::Result<uint64_t> direct_read(IomapFile& file, sim::FilePos pos, std::span<std::byte> out,
                                  bool memory_aligned) {
  const sim::FilePos size = file.size();
  if (out.empty() || pos >= size) return uint64_t{0};
  DirectIo io(file, memory_aligned);
  Iter iter(file, Intent::kDirectRead, pos, sim::ByteCount{out.size()});
  while (iter.next()) {
    const sim::Status read = io.read_piece(iter.mapping(), iter.pos(),
                                           out.subspan(iter.done().value(), iter.length().value()));
    if (read.ok()) {
      iter.advance(iter.length());
    } else {
      iter.fail(read.error());
    }
  }
  ZT_TRY(iter.status());
  return std::min(iter.done().value(), (size - pos).value());
}

WriteResult direct_write(IomapFile& file, sim::FilePos pos, const CopySource& source,
                         bool memory_aligned) {
  DirectIo io(file, memory_aligned);
  Iter iter(file, Intent::kDirectWrite, pos, sim::ByteCount{source.bytes.size()});
  while (iter.next()) {
    const uint64_t from = iter.done().value();
    const uint64_t length = iter.length().value();
    sim::Status written;
    if (source.readable(from, length) < length) {
      written = sim::Error(sim::Errno::kFault, "direct write: source buffer");
    } else {
      // A write bio only reads its memory.
      auto* data = const_cast<std::byte*>(source.bytes.data()) + from;
      written = io.write_piece(iter.mapping(), iter.pos(), {data, length});
    }
    if (written.ok()) {
      iter.advance(iter.length());
    } else {
      iter.fail(written.error());
    }
  }
  return {iter.done().value(), iter.status()};
}

}  // namespace zerotail::iomap
