// What an open file remembers of how it was read.
#pragma once

#include <cstdint>

namespace zerotail::mm {

// How an open file has been read; makes sequential reads read ahead.
struct ReadaheadState {
  uint64_t next_index = 0;
  uint64_t window = 0;  // pages
  unsigned order = 0;   // of the folios that are brought in
};

}  // namespace zerotail::mm
