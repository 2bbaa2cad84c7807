#include "zerotail/iomap/iter.h"

#include <algorithm>

namespace zerotail::iomap {

Iter::Iter(IomapFile& file, Intent intent, sim::FilePos pos, sim::ByteCount length)
    : file_(file), start_(pos), end_(pos + length), pos_(pos), mapping_end_(pos) {
  ZT_ASSERT(end_ >= start_);
  request_.intent = intent;
}

void Iter::end_mapping() {
  active_ = false;
  stalled_ = used_ == sim::ByteCount{0};
  sim::Status ended = file_.map_end(request_, mapping_, used_);
  if (status_.ok() && !ended.ok()) status_ = std::move(ended);
}

bool Iter::next() {
  if (active_) end_mapping();
  if (!status_.ok() || stalled_ || pos_ >= end_) return false;
  request_.pos = pos_;
  request_.length = end_ - pos_;
  auto begun = file_.map_begin(request_);
  if (!begun.ok()) {
    status_ = begun.error();
    return false;
  }
  mapping_ = *begun;
  ZT_ASSERT(mapping_.pos == pos_ && mapping_.length > sim::ByteCount{0});
  mapping_end_ = std::min(end_, mapping_.end());
  used_ = sim::ByteCount{0};
  active_ = true;
  return true;
}

}  // namespace zerotail::iomap
