#include "zerotail/iomap/writeback.h"

#include <algorithm>
#include <memory>
#include <vector>

#include "zerotail/sim/task.h"

namespace zerotail::iomap {

namespace {

constexpr size_t kMaxSegments = 256;

// The ioends of one call. The mapping found last is kept for the next folio.
class Writer {
 public:
  explicit Writer(IomapFile& file) : file_(file) {}
  ~Writer() { ZT_ASSERT(in_flight_ == 0); }
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;

  void write_folio(mm::Folio& folio);
  void submit();
  sim::Status wait();

 private:
  struct Ioend {
    sim::Bio bio;
    std::vector<mm::FolioRef> folios;  // one a segment
  };
  sim::Status add_blocks(mm::Folio& folio, uint64_t begin, uint64_t end);
  sim::Status map(sim::FilePos pos);
  void add_segment(mm::Folio& folio, uint64_t offset, uint64_t length);
  void end_io(Ioend& ioend);
  void put(mm::Folio& folio);
  void record(const sim::Error& error);

  IomapFile& file_;
  Mapping mapping_;
  uint64_t mapping_sequence_ = 0;
  bool mapping_valid_ = false;
  std::vector<std::unique_ptr<Ioend>> ioends_;
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
  folio.writes_pending = 1;  // ours, until all its runs are known
  const auto limit = static_cast<unsigned>(end >> folio.block_shift());
  unsigned block = 0;
  while ((block = folio.next_dirty(block, limit)) < limit) {
    const unsigned run_end = folio.dirty_run_end(block, limit);
    const sim::Status added = add_blocks(folio, uint64_t{block} << folio.block_shift(),
                                         uint64_t{run_end} << folio.block_shift());
    if (!added.ok()) {
      record(added.error());
      break;
    }
    block = run_end;
  }
  cache.clear_dirty_blocks(folio);
  put(folio);
}

sim::Status Writer::map(sim::FilePos pos) {
  const bool known = mapping_valid_ && mapping_sequence_ == file_.mapping_sequence() &&
                     mapping_.pos <= pos && pos < mapping_.end();
  if (known) return {};
  mapping_valid_ = false;
  // At least the block itself: the size may have shrunk while we waited.
  const sim::ByteCount block = file_.cache().block_size();
  const sim::FilePos end = std::max(sim::round_up(file_.size(), block), pos + block);
  const MapRequest request{.pos = pos, .length = end - pos, .intent = Intent::kWriteback};
  ZT_ASSIGN(mapping_, file_.map_begin(request));
  ZT_TRY(file_.map_end(request, mapping_, mapping_.length));
  mapping_sequence_ = file_.mapping_sequence();
  mapping_valid_ = true;
  return {};
}

sim::Status Writer::add_blocks(mm::Folio& folio, uint64_t begin, uint64_t end) {
  while (begin < end) {
    const sim::FilePos pos = folio.pos() + sim::ByteCount{begin};
    ZT_TRY(map(pos));
    const uint64_t length = std::min(end - begin, (mapping_.end() - pos).value());
    if (mapping_.type != MappingType::kHole) add_segment(folio, begin, length);
    begin += length;
  }
  return {};
}

void Writer::add_segment(mm::Folio& folio, uint64_t offset, uint64_t length) {
  const sim::DevPos addr = mapping_.addr_of(folio.pos() + sim::ByteCount{offset});
  const sim::Sector sector = sim::sector_at(addr);
  ZT_ASSERT(sim::dev_pos(sector) == addr);
  Ioend* ioend = ioends_.size() > submitted_ ? ioends_.back().get() : nullptr;
  if (ioend == nullptr || ioend->bio.end() != sector || ioend->folios.size() >= kMaxSegments) {
    ioends_.push_back(std::make_unique<Ioend>());
    ioend = ioends_.back().get();
    ioend->bio.op = sim::BioOp::kWrite;
    ioend->bio.sector = sector;
    ioend->bio.tag = file_.data_tag();
    ioend->bio.end_io = [this, ioend](sim::Bio&) { end_io(*ioend); };
  }
  ioend->bio.segments.push_back(folio.bytes(offset, length));
  ioend->bio.count += sim::sectors(sim::ByteCount{length});
  ioend->folios.emplace_back(&folio);
  ++folio.writes_pending;
}

void Writer::end_io(Ioend& ioend) {
  if (ioend.bio.status != sim::Errno::kOk) {
    record(sim::Error(ioend.bio.status,
                      "writeback: folio " + std::to_string(ioend.folios.front()->index())));
  }
  for (const mm::FolioRef& folio : ioend.folios) put(*folio);
  ioend.folios.clear();
  --in_flight_;
  file_.cache().io_ended();
}

void Writer::submit() {
  for (; submitted_ < ioends_.size(); ++submitted_) {
    ++in_flight_;
    file_.cache().io_started();
    file_.device().submit(ioends_[submitted_]->bio);
  }
}

sim::Status Writer::wait() {
  submit();
  while (in_flight_ > 0) file_.cache().wait_io("writeback of a file");
  return status_;
}

}  // namespace

sim::Status writeback(IomapFile& file, sim::FilePos first, sim::FilePos last) {
  mm::AddressSpace& cache = file.cache();
  const uint64_t last_index = cache.index_of(last);
  Writer writer(file);
  uint64_t at = cache.index_of(first);
  for (mm::FolioRef ref = cache.next_dirty(at); ref && ref->index() <= last_index;
       ref = cache.next_dirty(at)) {
    // What is queued holds writeback flags that others wait for: it must go before we wait.
    if (ref->locked() || ref->writeback()) writer.submit();
    cache.lock(*ref);
    const mm::LockedFolio folio(cache, ref);
    at = folio->end_index();
    if (folio->owner() != &cache) continue;
    cache.wait_writeback(*folio);
    if (folio->dirty()) writer.write_folio(*folio);
  }
  const sim::Status status = writer.wait();
  cache.wait_writeback_range(first, last);
  return status;
}

}  // namespace zerotail::iomap
