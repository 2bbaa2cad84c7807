#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "fault/log_builder.h"

namespace zerotail::fault {
namespace {

// Ten units with one version each; unit 3 has two.
class StateId : public testing::Test {
 protected:
  StateId() {
    log_.write(0, {1, 2, 3, 4, 5, 6, 7, 8, 9, 10});
    log_.write(3, {20});
    log_.mark();
    log_.write(12, {30});
    model_ = std::make_unique<CrashModel>(log_.model());
  }

  [[nodiscard]] std::string error_of(const std::string& text) const {
    const sim::Result<CrashState> parsed = model_->parse(text);
    return parsed.ok() ? "parsed" : parsed.error().message();
  }

  // The state at the mark (point 3) with these picks of the first ten units.
  [[nodiscard]] CrashState at_mark(std::vector<uint16_t> picks) const {
    picks.resize(model_->segment(model_->points()[3]).units.size(), 0);
    return {.point = 3, .picks = std::move(picks)};
  }

  LogBuilder log_;
  std::unique_ptr<CrashModel> model_;
};

TEST_F(StateId, SaysWhatIsKeptOrWhatIsLostWhicheverIsShorter) {
  EXPECT_EQ(model_->print(at_mark({0, 0, 0, 0, 0, 0, 0, 0, 0, 0})), "p3+");
  EXPECT_EQ(model_->print(at_mark({1, 1, 1, 2, 1, 1, 1, 1, 1, 1})), "p3-");
  EXPECT_EQ(model_->print(at_mark({0, 0, 0, 2, 0, 1, 1, 1, 1, 0})), "p3+3,5-8");
  EXPECT_EQ(model_->print(at_mark({0, 0, 0, 1, 0, 0, 0, 0, 0, 0})), "p3+3v1");
  EXPECT_EQ(model_->print(at_mark({1, 1, 1, 2, 0, 1, 1, 1, 1, 1})), "p3-4");
  EXPECT_EQ(model_->print(at_mark({1, 1, 1, 1, 1, 1, 1, 1, 1, 1})), "p3-3v1");
}

TEST_F(StateId, ParsesWhatAPersonWouldWrite) {
  EXPECT_EQ(*model_->parse("p3+"), at_mark({}));
  EXPECT_EQ(*model_->parse("p3+9,3v1"), at_mark({0, 0, 0, 1, 0, 0, 0, 0, 0, 1}));
  EXPECT_EQ(*model_->parse("p3-1-8"), at_mark({1, 0, 0, 0, 0, 0, 0, 0, 0, 1}));
  EXPECT_EQ(*model_->parse("p3+3v2"), *model_->parse("p3+3"));
}

TEST_F(StateId, UnitsWithoutAVersionAtThePointAreLeftOutOfRanges) {
  LogBuilder log;
  log.write(0, {1});
  log.write(2, {1});
  const uint32_t mark = log.mark();
  log.write(1, {1});  // a unit between them, later
  const CrashModel model = log.model();
  const CrashPoint& point = model.points()[3];
  ASSERT_EQ(point.mark, mark);
  EXPECT_EQ(model.print({.point = 3, .picks = {1, 0, 1}}), "p3-");
  EXPECT_EQ(model.parse("p3+0-2")->picks, (std::vector<uint16_t>{1, 0, 1}));
  EXPECT_EQ(model.parse("p3+1").error().message(),
            "EINVAL: crash state \"p3+1\": unit 1 has no version at this point");
}

TEST_F(StateId, ErrorsSayWhatIsWrong) {
  const std::vector<std::pair<std::string, std::string>> cases{
      {"", "must begin with p"},
      {"q3+", "must begin with p"},
      {"p", "must begin with p"},
      {"p+", "must begin with p"},
      {"p-1+", "must begin with p"},
      {"p99999999999999999999+", "must begin with p"},
      {"p5+", "there is no point 5; the last one is 4"},
      {"p3", "after the point there must be + or -"},
      {"p3*", "after the point there must be + or -"},
      {"p3+x", "a unit's number is missing"},
      {"p3+1,", "a unit's number is missing"},
      {"p3+,1", "a unit's number is missing"},
      {"p3+1-", "the end of a range of units is missing"},
      {"p3+4-2", "a range of units runs backwards"},
      {"p3+3v", "the number of a version is missing"},
      {"p3+3v0", "versions count from 1"},
      {"p3+3v3", "unit 3 has no version 3"},
      {"p3+2v2", "unit 2 has no version 2"},
      {"p3+0-10", "unit 10 has no version at this point"},
      {"p3+11", "there is no unit 11"},
      {"p3+18446744073709551615", "there is no unit 18446744073709551615"},
      {"p3+1,0-2", "unit 1 comes twice"},
      {"p3+1 ", "\" \" is not understood"},
      {"p3+1v1v1", "\"v1\" is not understood"},
  };
  for (const auto& [text, expected] : cases) {
    EXPECT_NE(error_of(text).find(expected), std::string::npos) << text << ": " << error_of(text);
    EXPECT_EQ(error_of(text).rfind("EINVAL: crash state \"" + text + "\": ", 0), 0U) << text;
  }
}

}  // namespace
}  // namespace zerotail::fault
