// One random trace, core beside model: what the differential tests share.
#pragma once

#include <cstdint>
#include <string>

#include "zerotail/harness/trace.h"

namespace zerotail::harness {

// A volume that random traces run on.
struct DifferentialVolume {
  uint64_t sector;
  uint64_t cluster;
  uint64_t size_mib;
  bool keep;
  uint64_t page = 4096;
  const char* folios = "single";
  uint32_t fats = 1;
};

// `io_path` as in a trace's header; empty for the default.
TraceHeader header_of(const DifferentialVolume& volume, uint64_t seed,
                      const std::string& io_path = "");

// Fails the test, with the shrunk trace and the line that repeats it, when core and model disagree.
// `filter` is the gtest filter of the calling test.
void expect_agreement(const TraceHeader& header, uint64_t seed, const std::string& filter);

}  // namespace zerotail::harness
