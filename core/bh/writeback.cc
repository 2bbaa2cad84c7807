#include "zerotail/bh/writeback.h"

#include <algorithm>
#include <memory>
#include <vector>

#include "buffer_heads.h"
#include "zerotail/sim/task.h"

namespace zerotail::bh {

namespace {

constexpr size_t kMaxSegments = 256;

// The bios of one call.
class Writer {
 public:
  explicit Writer(BlockFile& file) : file_(file) {}
  ~Writer() { ZT_ASSERT(in_flight_ == 0); }
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;

  void write_folio(mm::Folio& folio);
  void submit();
  sim::Status wait();

 private:
  struct Io {
    sim::Bio bio;
    std::vector<mm::FolioRef> folios;  // one a segment
  };
  [[nodiscard]] sim::Status add_block(mm::Folio& folio, unsigned block);
  void add_segment(mm::Folio& folio, sim::DevPos addr, uint64_t offset, uint64_t length);
  void end_io(Io& io);
  void put(mm::Folio& folio);
  void record(const sim::Error& error);

  BlockFile& file_;
  std::vector<std::unique_ptr<Io>> ios_;
  size_t submitted_ = 0;
  uint64_t in_flight_ = 0;
  sim::Status status_;
};

void Writer::record(const sim::Error& error) {
  if (status_.ok()) status_ = error;
  file_.cache().errors().record(error.code());
}

void Writer::put(mm::Folio& folio) {
  ZT_ASSERT(folio.writes_pending > 0);
  if (--folio.writes_pending == 0) file_.cache().end_writeback(folio);
}

void Writer::write_folio(mm::Folio& folio) {
  mm::AddressSpace& cache = file_.cache();
  const sim::FilePos size = file_.size();
  if (folio.pos() >= size) {
    cache.cancel_dirty(folio);
    return;
  }
  uint64_t end = folio.size().value();
  if (size < folio.end()) {
    const uint64_t inside = (size - folio.pos()).value();
    folio.zero(inside, end);
    end = sim::round_up(inside, cache.block_size().value());
  }
  cache.begin_clean(folio);
  cache.start_writeback(folio);
  folio.writes_pending = 1;  // ours, until all its blocks are known
  const auto limit = static_cast<unsigned>(end >> folio.block_shift());
  for (unsigned block = folio.next_dirty(0, limit); block < limit;
       block = folio.next_dirty(block + 1, limit)) {
    const sim::Status added = add_block(folio, block);
    if (added.ok()) continue;
    record(added.error());
    break;
  }
  cache.clear_dirty_blocks(folio);
  put(folio);
}

sim::Status Writer::add_block(mm::Folio& folio, unsigned block) {
  BufferHeads& heads = BufferHeads::of(folio);
  const sim::ByteCount size = file_.cache().block_size();
  const uint64_t offset = uint64_t{block} << folio.block_shift();
  if (!heads.mapped(block)) {
    ZT_ASSIGN(const BlockMapping mapping,
              file_.get_block(
                  {.pos = folio.pos() + sim::ByteCount{offset}, .length = size, .create = true}));
    ZT_ASSERT(mapping.mapped);
    heads.map(block, mapping.addr);
  }
  add_segment(folio, heads.address(block), offset, size.value());
  return {};
}

void Writer::add_segment(mm::Folio& folio, sim::DevPos addr, uint64_t offset, uint64_t length) {
  const sim::Sector sector = sim::sector_at(addr);
  ZT_ASSERT(sim::dev_pos(sector) == addr);
  Io* io = ios_.size() > submitted_ ? ios_.back().get() : nullptr;
  if (io != nullptr && io->bio.end() == sector && io->folios.back().get() == &folio) {
    // The block before it, in the same page: one piece of memory.
    std::span<std::byte>& memory = io->bio.segments.back();
    const std::span<std::byte> added = folio.bytes(offset, length);
    if (memory.data() + memory.size() == added.data()) {
      memory = {memory.data(), memory.size() + length};
      io->bio.count += sim::sectors(sim::ByteCount{length});
      return;
    }
  }
  if (io == nullptr || io->bio.end() != sector || io->folios.size() >= kMaxSegments) {
    ios_.push_back(std::make_unique<Io>());
    io = ios_.back().get();
    io->bio.op = sim::BioOp::kWrite;
    io->bio.sector = sector;
    io->bio.tag = file_.data_tag();
    io->bio.end_io = [this, io](sim::Bio&) { end_io(*io); };
  }
  io->bio.segments.push_back(folio.bytes(offset, length));
  io->bio.count += sim::sectors(sim::ByteCount{length});
  io->folios.emplace_back(&folio);
  ++folio.writes_pending;
}

void Writer::end_io(Io& io) {
  if (io.bio.status != sim::Errno::kOk) {
    record(sim::Error(io.bio.status,
                      "writeback: folio " + std::to_string(io.folios.front()->index())));
  }
  for (const mm::FolioRef& folio : io.folios) put(*folio);
  io.folios.clear();
  --in_flight_;
  file_.cache().io_ended();
}

void Writer::submit() {
  for (; submitted_ < ios_.size(); ++submitted_) {
    ++in_flight_;
    file_.cache().io_started();
    file_.device().submit(ios_[submitted_]->bio);
  }
}

sim::Status Writer::wait() {
  submit();
  while (in_flight_ > 0) file_.cache().wait_io("writeback of a file");
  return status_;
}

}  // namespace

sim::Status writeback(BlockFile& file, sim::FilePos first, sim::FilePos last) {
  mm::AddressSpace& cache = file.cache();
  const uint64_t last_index = cache.index_of(last);
  Writer writer(file);
  uint64_t at = cache.index_of(first);
  for (mm::FolioRef ref = cache.next_dirty(at); ref && ref->index() <= last_index;
       ref = cache.next_dirty(at)) {
    at = ref->index() + 1;
    // What is queued holds writeback flags that others wait for: it must go before we wait.
    if (ref->locked() || ref->writeback()) writer.submit();
    cache.lock(*ref);
    const mm::LockedFolio folio(cache, ref);
    if (folio->owner() != &cache) continue;
    cache.wait_writeback(*folio);
    if (folio->dirty()) writer.write_folio(*folio);
  }
  const sim::Status status = writer.wait();
  cache.wait_writeback_range(first, last);
  return status;
}

}  // namespace zerotail::bh
