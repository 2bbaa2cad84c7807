#include "golden/golden_data.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>

namespace zerotail::golden {
namespace {

harness::GoldenFolder load(const std::string& name) {
  auto folder =
      harness::load_golden_folder(std::string(ZEROTAIL_SOURCE_DIR) + "/tests/golden/" + name);
  EXPECT_TRUE(folder.ok()) << folder.error().message();
  return folder.ok() ? std::move(folder).value() : harness::GoldenFolder{};
}

bool is_wanted(const harness::TraceHeader& header) {
  const char* wanted = std::getenv("ZEROTAIL_GOLDEN");
  return wanted == nullptr || header.trace.find(wanted) != std::string::npos;
}

}  // namespace

std::vector<GoldenTrace> load_golden() {
  std::vector<GoldenTrace> traces = load("data").answers;
  const auto unwanted = [](const GoldenTrace& one) { return !is_wanted(one.trace.header); };
  traces.erase(std::remove_if(traces.begin(), traces.end(), unwanted), traces.end());
  return traces;
}

std::vector<harness::GoldenIoTrace> load_golden_io() {
  std::vector<harness::GoldenIoTrace> traces = load("io").io;
  const auto unwanted = [](const harness::GoldenIoTrace& one) { return !is_wanted(one.header); };
  traces.erase(std::remove_if(traces.begin(), traces.end(), unwanted), traces.end());
  return traces;
}

}  // namespace zerotail::golden
