// The reference model against what Linux answered, by its rules for either path: it is right
// without the core's help.

#include <gtest/gtest.h>

#include <iostream>

#include "golden/golden_data.h"
#include "zerotail/exfat/mkfs.h"
#include "zerotail/harness/model.h"

namespace zerotail::golden {
namespace {

using harness::Model;
using harness::Prediction;

harness::ModelGeometry geometry_of(const harness::TraceHeader& header) {
  exfat::MkfsOptions options;
  options.sector_size = sim::ByteCount{header.sector};
  options.cluster_size = sim::ByteCount{header.cluster};
  const auto layout = exfat::plan_volume(sim::mib(header.size_mib), options);
  EXPECT_TRUE(layout.ok()) << header.trace;
  if (!layout.ok()) return {};
  const uint64_t count = layout.value().cluster_count.value();
  return harness::model_geometry(header, count, count - layout.value().used.value());
}

void compare(const std::string& io_path, const std::string& kernel) {
  size_t agreed = 0;
  size_t total = 0;
  size_t open = 0;
  std::map<std::string, size_t> open_by;
  for (GoldenTrace& golden : load_golden()) {
    golden.trace.header.io_path = io_path;
    const bool iomap = kernel == harness::kIomapKernel;
    const size_t end = iomap ? golden.trace.ops.size() : golden.first_wrong(kernel);
    const harness::TraceHeader& header = golden.trace.header;
    Model model(geometry_of(header));
    model.set_keep(header.keep);
    std::string problem;
    for (size_t i = 0; i < end; ++i) {
      const harness::Operation& op = golden.trace.ops[i];
      const Prediction prediction = model.apply(op);
      const std::string difference = harness::disagreement(prediction, golden.wanted(i, kernel));
      ++total;
      if (difference.empty()) ++agreed;
      if (prediction.any || !prediction.open.empty()) {
        ++open;
        ++open_by[std::string(harness::op_name(op.kind)) + (prediction.any ? "" : " (in part)")];
      }
      if (!difference.empty() && problem.empty()) {
        problem = "operation " + std::to_string(i) + " " + harness::print_operation(op) + ": " +
                  difference;
      }
    }
    if (!problem.empty()) ADD_FAILURE() << header.trace << ": " << problem;
  }
  ASSERT_GT(total, 0U);
  std::cout << "model " << io_path << " agree " << agreed << " of " << total << " operations; "
            << open << " of them not predicted in full\n";
  for (const auto& [name, count] : open_by) std::cout << "  " << name << ": " << count << "\n";
}

TEST(ModelGolden, PredictsWhatLinuxAnsweredWithIomap) { compare("iomap", harness::kIomapKernel); }
// Up to each trace's first mistake of that driver.
TEST(ModelGolden, PredictsWhatLinuxAnsweredWithBufferHeads) {
  compare("buffer-head", harness::kBufferHeadKernel);
}

}  // namespace
}  // namespace zerotail::golden
