#include "zerotail/iomap/writeback.h"

#include <algorithm>

#include "zerotail/mm/writeback.h"

namespace zerotail::iomap {

namespace {

// The mapping found last is kept for the next folio.
class Writer final : public mm::Writeback {
 public:
  explicit Writer(IomapFile& file)
      : mm::Writeback(file.cache(), file.device(), file.data_tag()), file_(file) {}

 private:
  [[nodiscard]] sim::FilePos size() const override { return file_.size(); }
  [[nodiscard]] sim::Status add_dirty(mm::Folio& folio, unsigned limit) override;
  sim::Status add_run(mm::Folio& folio, uint64_t begin, uint64_t end);
  sim::Status map(sim::FilePos pos);

  IomapFile& file_;
  Mapping mapping_;
  uint64_t mapping_sequence_ = 0;
  bool mapping_valid_ = false;
};

sim::Status Writer::add_dirty(mm::Folio& folio, unsigned limit) {
  unsigned block = 0;
  while ((block = folio.next_dirty(block, limit)) < limit) {
    const unsigned run_end = folio.dirty_run_end(block, limit);
    ZT_TRY(add_run(folio, uint64_t{block} << folio.block_shift(),
                   uint64_t{run_end} << folio.block_shift()));
    block = run_end;
  }
  return {};
}

sim::Status Writer::map(sim::FilePos pos) {
  const bool known = mapping_valid_ && mapping_sequence_ == file_.mapping_sequence() &&
                     mapping_.pos <= pos && pos < mapping_.end();
  if (known) return {};
  mapping_valid_ = false;
  // At least the block itself: the size may have shrunk while we waited.
  const sim::ByteCount block = cache().block_size();
  const sim::FilePos end = std::max(sim::round_up(file_.size(), block), pos + block);
  const MapRequest request{.pos = pos, .length = end - pos, .intent = Intent::kWriteback};
  ZT_ASSIGN(mapping_, file_.map_begin(request));
  ZT_TRY(file_.map_end(request, mapping_, mapping_.length));
  mapping_sequence_ = file_.mapping_sequence();
  mapping_valid_ = true;
  return {};
}

sim::Status Writer::add_run(mm::Folio& folio, uint64_t begin, uint64_t end) {
  while (begin < end) {
    const sim::FilePos pos = folio.pos() + sim::ByteCount{begin};
    ZT_TRY(map(pos));
    const uint64_t length = std::min(end - begin, (mapping_.end() - pos).value());
    if (mapping_.type != MappingType::kHole) add(folio, mapping_.addr_of(pos), begin, length);
    begin += length;
  }
  return {};
}

}  // namespace

sim::Status writeback(IomapFile& file, sim::FilePos first, sim::FilePos last) {
  return Writer(file).run(first, last);
}

}  // namespace zerotail::iomap
