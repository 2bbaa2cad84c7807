#include "zerotail/bh/writeback.h"

#include "buffer_heads.h"
#include "zerotail/mm/writeback.h"

namespace zerotail::bh {

namespace {

class Writer final : public mm::Writeback {
 public:
  explicit Writer(BlockFile& file)
      : mm::Writeback(file.cache(), file.device(), file.data_tag()), file_(file) {}

 private:
  [[nodiscard]] sim::FilePos size() const override { return file_.size(); }
  [[nodiscard]] sim::Status add_dirty(mm::Folio& folio, unsigned limit) override;
  sim::Status add_block(mm::Folio& folio, unsigned block);

  BlockFile& file_;
};

sim::Status Writer::add_dirty(mm::Folio& folio, unsigned limit) {
  for (unsigned block = folio.next_dirty(0, limit); block < limit;
       block = folio.next_dirty(block + 1, limit)) {
    ZT_TRY(add_block(folio, block));
  }
  return {};
}

sim::Status Writer::add_block(mm::Folio& folio, unsigned block) {
  BufferHeads& heads = BufferHeads::of(folio);
  const sim::ByteCount size = cache().block_size();
  const uint64_t offset = uint64_t{block} << folio.block_shift();
  if (!heads.mapped(block)) {
    ZT_ASSIGN(const BlockMapping mapping,
              file_.get_block(
                  {.pos = folio.pos() + sim::ByteCount{offset}, .length = size, .create = true}));
    ZT_ASSERT(mapping.mapped);
    heads.map(block, mapping.addr);
  }
  add(folio, heads.address(block), offset, size.value());
  return {};
}

}  // namespace

sim::Status writeback(BlockFile& file, sim::FilePos first, sim::FilePos last) {
  return Writer(file).run(first, last);
}

}  // namespace zerotail::bh
