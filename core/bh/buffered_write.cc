#include "zerotail/bh/buffered_write.h"

#include <algorithm>
#include <cstring>

#include "block_read.h"
#include "buffer_heads.h"

namespace zerotail::bh {

namespace {

// One page of a write: [from, to) of a locked folio.
class PageWrite {
 public:
  PageWrite(BlockFile& file, mm::Folio& folio, uint64_t from, uint64_t to)
      : file_(file),
        folio_(folio),
        heads_(BufferHeads::of(folio)),
        from_(from),
        to_(to),
        first_(static_cast<unsigned>(from >> folio.block_shift())),
        last_(static_cast<unsigned>((to - 1) >> folio.block_shift())) {}

  // Maps the blocks and completes those that are written in part.
  [[nodiscard]] sim::Status begin() {
    const sim::FilePos valid_before = file_.valid_end();
    for (unsigned block = first_; block <= last_; ++block) {
      const sim::Status prepared = prepare(block);
      if (prepared.ok()) continue;
      for (unsigned fresh = first_; fresh <= last_; ++fresh) {
        if (fresh_.test(fresh)) heads_.unmap(fresh);
      }
      if (file_.valid_end() > valid_before) file_.set_valid_end(valid_before);
      return prepared;
    }
    return {};
  }

  // The bytes are in the folio.
  void end() {
    folio_.set_uptodate(from_, to_ - from_);
    file_.cache().mark_dirty(folio_, from_, to_ - from_);
    file_.written_to(folio_.pos() + sim::ByteCount{to_});
  }

 private:
  [[nodiscard]] sim::Status prepare(unsigned block) {
    const uint64_t begin = uint64_t{block} << folio_.block_shift();
    const uint64_t end = begin + file_.cache().block_size().value();
    bool fresh = false;
    if (!heads_.mapped(block)) {
      ZT_ASSIGN(const BlockMapping mapping,
                file_.get_block({.pos = folio_.pos() + sim::ByteCount{begin},
                                 .length = file_.cache().block_size(),
                                 .create = true}));
      ZT_ASSERT(mapping.mapped);
      heads_.map(block, mapping.addr);
      fresh = mapping.fresh;
      if (fresh) fresh_.set(block, 1);
    }
    // Not uptodate yet where it is zeroed: until end() the middle holds nothing.
    if (folio_.block_uptodate(block)) return {};
    if (fresh) {
      folio_.zero(begin, std::max(begin, from_));
      folio_.zero(std::min(end, to_), end);
      return {};
    }
    if (from_ <= begin && end <= to_) return {};
    return read_block(file_, folio_, block);
  }

  BlockFile& file_;
  mm::Folio& folio_;
  BufferHeads& heads_;
  uint64_t from_;
  uint64_t to_;
  unsigned first_;
  unsigned last_;
  mm::BlockBits fresh_;  // mapped by this write, past the valid end
};

// Writes within one page; no data: zeros.
sim::Status write_page(BlockFile& file, sim::FilePos pos, uint64_t length, const std::byte* data) {
  mm::AddressSpace& cache = file.cache();
  {
    const mm::LockedFolio folio(cache, cache.find_or_create_locked(cache.index_of(pos)));
    const uint64_t offset = (pos - folio->pos()).value();
    PageWrite page(file, *folio, offset, offset + length);
    ZT_TRY(page.begin());
    if (data != nullptr) {
      std::memcpy(folio->data() + offset, data, length);
    } else {
      folio->zero(offset, offset + length);
    }
    page.end();
  }
  file.balance_dirty();
  return {};
}

}  // namespace

mm::WriteResult buffered_write(BlockFile& file, sim::FilePos pos, const mm::CopySource& source) {
  mm::AddressSpace& cache = file.cache();
  const uint64_t page_size = cache.page_size().value();
  mm::WriteResult result;
  while (result.written < source.bytes.size()) {
    const uint64_t offset = sim::offset_in(pos, cache.page_size()).value();
    const uint64_t wanted = std::min(source.bytes.size() - result.written, page_size - offset);
    // What cannot be copied is found out first: the page is written as a shorter write.
    const uint64_t length = source.readable(result.written, wanted);
    if (length == 0) {
      result.status = sim::Error(sim::Errno::kFault, "buffered write: source buffer");
      break;
    }
    result.status = write_page(file, pos, length, source.bytes.data() + result.written);
    if (!result.status.ok()) break;
    result.written += length;
    pos += sim::ByteCount{length};
  }
  return result;
}

sim::Status write_zeros(BlockFile& file, sim::FilePos pos, sim::FilePos end) {
  mm::AddressSpace& cache = file.cache();
  while (pos < end) {
    const uint64_t offset = sim::offset_in(pos, cache.page_size()).value();
    const uint64_t length = std::min((end - pos).value(), cache.page_size().value() - offset);
    ZT_TRY(write_page(file, pos, length, nullptr));
    pos += sim::ByteCount{length};
  }
  return {};
}

}  // namespace zerotail::bh
