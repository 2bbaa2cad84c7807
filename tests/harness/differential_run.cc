#include "differential_run.h"

#include <gtest/gtest.h>

#include "zerotail/harness/differential.h"
#include "zerotail/harness/random_trace.h"

namespace zerotail::harness {

TraceHeader header_of(const DifferentialVolume& volume, uint64_t seed, const std::string& io_path) {
  TraceHeader header;
  header.trace = "random-" + std::to_string(seed);
  header.sector = volume.sector;
  header.cluster = volume.cluster;
  header.size_mib = volume.size_mib;
  header.keep = volume.keep;
  header.mkfs.fats = volume.fats;
  header.page = volume.page;
  header.folios = volume.folios;
  if (!io_path.empty()) header.io_path = io_path;
  return header;
}

void expect_agreement(const TraceHeader& header, uint64_t seed, const std::string& filter) {
  RandomTraceOptions options;
  options.header = header;
  const auto fresh = fresh_geometry(options.header);
  ASSERT_TRUE(fresh.ok()) << fresh.error().message();
  ASSERT_EQ(fresh->buffer_heads, header.io_path == "buffer-head");
  const Trace trace = random_trace(options, fresh.value(), sim::Prng(seed));
  if (!find_disagreement(trace)) return;
  const Trace small = shrink_disagreement(trace);
  const auto disagreement = find_disagreement(small);
  ASSERT_TRUE(disagreement.has_value());
  ADD_FAILURE() << "operation " << disagreement->op << ": " << disagreement->text << "\n"
                << print_trace(small) << "repro: ZEROTAIL_SEED=" << seed
                << " harness_test --gtest_filter='" << filter << "'";
}

}  // namespace zerotail::harness
