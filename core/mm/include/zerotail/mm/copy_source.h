// What a write copies from, and what came of it: shared by everything that writes into the page
// cache or past it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "zerotail/sim/result.h"

namespace zerotail::mm {

// A user's buffer; reading the byte at `fault_at`, or any behind it, faults.
struct CopySource {
  std::span<const std::byte> bytes;
  std::optional<uint64_t> fault_at;

  // Bytes that can be copied from `offset` on, at most `length`.
  [[nodiscard]] uint64_t readable(uint64_t offset, uint64_t length) const {
    if (!fault_at || offset + length <= *fault_at) return length;
    return *fault_at > offset ? *fault_at - offset : 0;
  }
};

struct WriteResult {
  uint64_t written = 0;
  sim::Status status;  // why it is short, if not because of a short mapping
};

}  // namespace zerotail::mm
