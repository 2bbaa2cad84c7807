// Every *.trace of this folder: small runs that once showed a mistake of core, model or oracle. All
// properties hold for them now, the crash states under the careful ordering included.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>

#include "zerotail/harness/property.h"

namespace zerotail::harness {
namespace {

std::vector<std::string> traces() {
  std::vector<std::string> files;
  for (const auto& entry : std::filesystem::directory_iterator(std::string(ZEROTAIL_SOURCE_DIR) +
                                                               "/tests/regressions")) {
    if (entry.path().extension() == ".trace") files.push_back(entry.path().string());
  }
  std::sort(files.begin(), files.end());
  return files;
}

class FoundByProperty : public ::testing::TestWithParam<std::string> {};
TEST_P(FoundByProperty, HoldsNow) {
  const auto trace = load_trace(GetParam());
  ASSERT_TRUE(trace.ok()) << trace.error().message();
  const auto failure = judge_trace(*trace, {}, true);
  if (failure) ADD_FAILURE() << failure->property << ": " << failure->text;
}
std::string test_name(const ::testing::TestParamInfo<std::string>& info) {
  std::string name = std::filesystem::path(info.param).stem().string();
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
}
INSTANTIATE_TEST_SUITE_P(Traces, FoundByProperty, ::testing::ValuesIn(traces()), test_name);

}  // namespace
}  // namespace zerotail::harness
