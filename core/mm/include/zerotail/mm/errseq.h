// Errors of writeback, remembered so that every open file reports each of them once (the kernel's
// errseq_t): a descriptor keeps a sample, and fsync compares.
#pragma once

#include <cstdint>

#include "zerotail/sim/result.h"

namespace zerotail::mm {

class ErrSeq {
 public:
  using Sample = uint64_t;

  void record(sim::Errno error) {
    error_ = error;
    // An error nobody has seen yet is replaced without a new number.
    if (seen_) ++sequence_;
    seen_ = false;
  }
  // What a new descriptor starts with: an error that nobody has seen is still reported to it.
  [[nodiscard]] Sample sample() const { return seen_ ? sequence_ : sequence_ - 1; }
  // The error recorded since `since`, which moves up to now.
  [[nodiscard]] sim::Errno check_and_advance(Sample& since) {
    if (since == sequence_) return sim::Errno::kOk;
    since = sequence_;
    seen_ = true;
    return error_;
  }

 private:
  uint64_t sequence_ = 1;
  bool seen_ = true;
  sim::Errno error_ = sim::Errno::kOk;
};

}  // namespace zerotail::mm
