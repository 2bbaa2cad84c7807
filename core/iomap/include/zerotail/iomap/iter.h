// Walks a byte range mapping by mapping: begin, use, end. Used like
//   Iter iter(file, Intent::kRead, pos, length);
//   while (iter.next()) { ... iter.advance(n) or iter.fail(error) ... }
//   return iter.status();
// Ends when the range is done, when a round did not advance, or at the first error. Every mapping
// that was begun is ended, with what was used of it.
#pragma once

#include "zerotail/iomap/iomap_file.h"

namespace zerotail::iomap {

class Iter {
 public:
  Iter(IomapFile& file, Intent intent, sim::FilePos pos, sim::ByteCount length);
  Iter(const Iter&) = delete;
  Iter& operator=(const Iter&) = delete;
  ~Iter() { ZT_ASSERT_MSG(!active_, "an iteration was left before its end"); }

  // Ends the mapping in use and begins the next; false when there is no more to do.
  [[nodiscard]] bool next();
  void advance(sim::ByteCount count) {
    ZT_ASSERT(count <= length());
    pos_ += count;
    used_ += count;
  }
  // Stops the walk; the error is its status. What was advanced before stays used.
  void fail(sim::Error error) { status_ = std::move(error); }

  [[nodiscard]] sim::FilePos pos() const { return pos_; }
  // Bytes left in this mapping and in the range.
  [[nodiscard]] sim::ByteCount length() const { return mapping_end_ - pos_; }
  [[nodiscard]] const Mapping& mapping() const { return mapping_; }
  [[nodiscard]] sim::ByteCount done() const { return pos_ - start_; }
  [[nodiscard]] const sim::Status& status() const { return status_; }

 private:
  void end_mapping();

  IomapFile& file_;
  MapRequest request_;
  sim::FilePos start_;
  sim::FilePos end_;
  sim::FilePos pos_;
  sim::FilePos mapping_end_;
  sim::ByteCount used_;
  Mapping mapping_;
  bool active_ = false;
  bool stalled_ = false;
  sim::Status status_;
};

}  // namespace zerotail::iomap
