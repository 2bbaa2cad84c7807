#include "zerotail/iomap/swapfile.h"

#include "zerotail/iomap/iter.h"

namespace zerotail::iomap {

namespace {

// Bytes of the device, collected until they are known to end.
class Collector {
 public:
  explicit Collector(sim::ByteCount page) : page_(page) {}

  void add(sim::DevPos addr, sim::ByteCount length) {
    if (length_ > sim::ByteCount{0} && addr_ + length_ == addr) {
      length_ += length;
      return;
    }
    end_extent();
    addr_ = addr;
    length_ = length;
  }
  [[nodiscard]] std::vector<SwapExtent> finish() {
    end_extent();
    return std::move(extents_);
  }

 private:
  void end_extent() {
    const sim::DevPos first{sim::round_up(addr_.value(), page_.value())};
    const sim::DevPos end{sim::round_down((addr_ + length_).value(), page_.value())};
    length_ = sim::ByteCount{0};
    if (first >= end) return;
    const uint64_t pages = (end - first) / page_;
    extents_.push_back({next_page_, pages, first});
    next_page_ += pages;
  }

  sim::ByteCount page_;
  sim::DevPos addr_;
  sim::ByteCount length_;
  uint64_t next_page_ = 0;
  std::vector<SwapExtent> extents_;
};

}  // namespace

sim::Result<std::vector<SwapExtent>> swap_extents(IomapFile& file, sim::ByteCount page) {
  const sim::ByteCount length = sim::round_down(file.size(), page) - sim::FilePos{0};
  Collector collector(page);
  Iter iter(file, Intent::kReport, sim::FilePos{0}, length);
  while (iter.next()) {
    if (iter.mapping().type == MappingType::kHole) {
      iter.fail(sim::Error(sim::Errno::kInval,
                           "swap file: a hole at byte " + std::to_string(iter.pos().value())));
      continue;
    }
    collector.add(iter.mapping().addr, iter.length());
    iter.advance(iter.length());
  }
  ZT_TRY(iter.status());
  std::vector<SwapExtent> extents = collector.finish();
  if (extents.empty()) return sim::Error(sim::Errno::kInval, "swap file: no whole page");
  return extents;
}

}  // namespace zerotail::iomap
