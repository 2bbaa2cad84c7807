#include "zerotail/iomap/direct_io.h"

#include <algorithm>
#include <cstring>

#include "zerotail/iomap/iter.h"
#include "zerotail/sim/world.h"

namespace zerotail::iomap {

namespace {

constexpr uint64_t kMaxBio = uint64_t{1} << 20;

sim::Status check_alignment(IomapFile& file, sim::FilePos pos, uint64_t length,
                            bool memory_aligned) {
  const uint64_t mask = file.device().info().logical_block.value() - 1;
  if (memory_aligned && ((pos.value() | length) & mask) == 0) return {};
  return sim::Error(sim::Errno::kInval, "direct I/O: misaligned");
}

sim::Status read_from_device(IomapFile& file, sim::DevPos addr, std::span<std::byte> memory) {
  while (!memory.empty()) {
    const uint64_t length = std::min<uint64_t>(memory.size(), kMaxBio);
    sim::Bio bio;
    bio.op = sim::BioOp::kRead;
    bio.sector = sim::sector_at(addr);
    bio.count = sim::sectors(sim::ByteCount{length});
    bio.segments.push_back(memory.first(length));
    bio.tag = file.data_tag();
    const sim::Errno status = sim::submit_and_wait(file.cache().scheduler(), file.device(), bio);
    if (status != sim::Errno::kOk) return sim::Error(status, "direct read");
    addr += sim::ByteCount{length};
    memory = memory.subspan(length);
  }
  return {};
}

sim::Status read_piece(IomapFile& file, const Mapping& mapping, sim::FilePos pos,
                       std::span<std::byte> out, bool memory_aligned) {
  if (mapping.type != MappingType::kMapped) {
    std::memset(out.data(), 0, out.size());
    return {};
  }
  ZT_TRY(check_alignment(file, pos, out.size(), memory_aligned));
  ZT_TRY(read_from_device(file, mapping.addr_of(pos), out));
  const sim::FilePos end = pos + sim::ByteCount{out.size()};
  if (mapping.valid_end < end) {
    const uint64_t valid = mapping.valid_end > pos ? (mapping.valid_end - pos).value() : 0;
    std::memset(out.data() + valid, 0, out.size() - valid);
  }
  return {};
}

}  // namespace

sim::Result<uint64_t> direct_read(IomapFile& file, sim::FilePos pos, std::span<std::byte> out,
                                  bool memory_aligned) {
  const sim::FilePos size = file.size();
  if (out.empty() || pos >= size) return uint64_t{0};
  Iter iter(file, Intent::kDirectRead, pos, sim::ByteCount{out.size()});
  while (iter.next()) {
    const sim::Status read =
        read_piece(file, iter.mapping(), iter.pos(),
                   out.subspan(iter.done().value(), iter.length().value()), memory_aligned);
    if (read.ok()) {
      iter.advance(iter.length());
    } else {
      iter.fail(read.error());
    }
  }
  ZT_TRY(iter.status());
  return std::min(iter.done().value(), (size - pos).value());
}

struct DirectWrite::Io {
  sim::Bio bio;
  sim::FilePos at;
};

DirectWrite::DirectWrite(IomapFile& file, sim::FilePos pos, const CopySource& source,
                         bool memory_aligned)
    : file_(file),
      pos_(pos),
      source_(source),
      memory_aligned_(memory_aligned),
      reached_(pos),
      landed_(file.cache().scheduler()) {}

// With bios in flight only when its task is abandoned: the device forgets them then.
DirectWrite::~DirectWrite() = default;

void DirectWrite::end_io(const Io& io) {
  if (io.bio.status != sim::Errno::kOk && io.at < failed_at_) {
    failed_at_ = io.at;
    status_ = sim::Error(io.bio.status, "direct write");
  }
  --in_flight_;
  landed_.wake_all();
}

void DirectWrite::add(sim::DevPos addr, std::span<std::byte> memory, sim::FilePos at) {
  while (!memory.empty()) {
    const uint64_t length = std::min<uint64_t>(memory.size(), kMaxBio);
    ios_.push_back(std::make_unique<Io>());
    Io* const io = ios_.back().get();
    io->at = at;
    io->bio.op = sim::BioOp::kWrite;
    io->bio.sector = sim::sector_at(addr);
    io->bio.count = sim::sectors(sim::ByteCount{length});
    io->bio.segments.push_back(memory.first(length));
    io->bio.tag = file_.data_tag();
    io->bio.end_io = [this, io](sim::Bio&) { end_io(*io); };
    ++in_flight_;
    file_.device().submit(io->bio);
    addr += sim::ByteCount{length};
    at += sim::ByteCount{length};
    memory = memory.subspan(length);
  }
}

sim::Status DirectWrite::submit_piece(const Mapping& mapping, sim::FilePos pos,
                                      std::span<std::byte> data) {
  ZT_TRY(check_alignment(file_, pos, data.size(), memory_aligned_));
  const sim::ByteCount block = file_.cache().block_size();
  const sim::FilePos end = pos + sim::ByteCount{data.size()};
  const bool never_written = mapping.fresh || mapping.type == MappingType::kUnwritten;
  zeros_.resize(block.value());
  if (never_written) {
    const sim::ByteCount head = sim::offset_in(pos, block);
    const sim::DevPos addr = mapping.addr_of(pos);
    add(sim::DevPos{addr.value() - head.value()}, std::span(zeros_).first(head.value()), pos);
  }
  add(mapping.addr_of(pos), data, pos);
  if (never_written || end >= file_.size()) {
    const sim::ByteCount tail = sim::round_up(end, block) - end;
    add(mapping.addr_of(end), std::span(zeros_).first(tail.value()), end);
  }
  return {};
}

void DirectWrite::submit() {
  Iter iter(file_, Intent::kDirectWrite, pos_, sim::ByteCount{source_.bytes.size()});
  while (iter.next()) {
    const uint64_t from = iter.done().value();
    const uint64_t length = iter.length().value();
    sim::Status submitted;
    if (source_.readable(from, length) < length) {
      submitted = sim::Error(sim::Errno::kFault, "direct write: source buffer");
    } else {
      // A write bio only reads its memory.
      auto* data = const_cast<std::byte*>(source_.bytes.data()) + from;
      submitted = submit_piece(iter.mapping(), iter.pos(), {data, length});
    }
    if (submitted.ok()) {
      iter.advance(iter.length());
    } else {
      iter.fail(submitted.error());
    }
  }
  reached_ = iter.pos();
  // A write that failed on the device, at a lower position, has the word.
  if (!iter.status().ok() && failed_at_ == kNoLimit) {
    failed_at_ = reached_;
    status_ = iter.status();
  }
}

WriteResult DirectWrite::wait() {
  while (in_flight_ > 0) landed_.wait("a direct write");
  return {(std::min(reached_, failed_at_) - pos_).value(), status_};
}

WriteResult direct_write(IomapFile& file, sim::FilePos pos, const CopySource& source,
                         bool memory_aligned) {
  DirectWrite write(file, pos, source, memory_aligned);
  write.submit();
  return write.wait();
}

}  // namespace zerotail::iomap
