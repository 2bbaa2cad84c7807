// docs/FAULT-ATLAS.md is what the command says.
#include "zerotail/reports/atlas_report.h"

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <string>

namespace zerotail::reports {
namespace {

class AtlasReportTest : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    const auto runner = harness::AtlasRunner::create(harness::atlas_trace());
    ASSERT_TRUE(runner.ok()) << runner.error().message();
    const harness::AtlasOptions options;
    auto cells = runner->run_all(options);
    ASSERT_TRUE(cells.ok());
    report_.workload = harness::atlas_trace().header.about;
    report_.cases_per_cell = options.cases_per_cell;
    report_.cells = std::move(*cells);
  }
  static inline AtlasReport report_;
};

TEST_F(AtlasReportTest, ThePageIsWhatTheCommandSays) {
  std::ifstream in(std::string(ZEROTAIL_SOURCE_DIR) + "/docs/FAULT-ATLAS.md", std::ios::binary);
  const std::string page(std::istreambuf_iterator<char>(in), {});
  EXPECT_EQ(page, to_page(report_))
      << "run: scripts/zerotail atlas --page docs/FAULT-ATLAS.md --force";
}

TEST_F(AtlasReportTest, EverySilentCellHasALineThatShowsIt) {
  const std::string text = to_text(report_);
  size_t silent = 0;
  for (const harness::AtlasCell& cell : report_.cells) {
    if (cell.worst.outcome != harness::FaultOutcome::kSilent) continue;
    ++silent;
    EXPECT_NE(text.find("zerotail atlas --fault '" + cell.worst.plan + "'"), std::string::npos);
    EXPECT_FALSE(cell.worst.detail.empty());
  }
  EXPECT_GT(silent, 0U);
}

TEST_F(AtlasReportTest, JsonHasEveryCell) {
  const auto json = nlohmann::json::parse(to_json(report_));
  ASSERT_EQ(json["cells"].size(), report_.cells.size());
  for (size_t i = 0; i < report_.cells.size(); ++i) {
    const harness::AtlasCell& cell = report_.cells[i];
    EXPECT_EQ(json["cells"][i]["structure"], cell.structure);
    EXPECT_EQ(json["cells"][i]["outcome"], harness::name(cell.worst.outcome));
    EXPECT_EQ(json["cells"][i]["silent"],
              cell.counts[static_cast<size_t>(harness::FaultOutcome::kSilent)]);
  }
}

}  // namespace
}  // namespace zerotail::reports
