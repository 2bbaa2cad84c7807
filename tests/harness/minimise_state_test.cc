// The smallest of a point's states, on questions whose answer is known.
#include "zerotail/harness/minimise_state.h"

#include <gtest/gtest.h>

#include "zerotail/harness/recording.h"
#include "zerotail/harness/workloads.h"

namespace zerotail::harness {
namespace {

// A recorded workload and the model of a device that tears or not.
class MinimiseState : public testing::Test {
 protected:
  void make(const char* device) {
    const auto workload = builtin_workload("append-c32k");
    ASSERT_TRUE(workload.ok());
    RecordOptions options;
    options.device = *parse_device(device);
    auto recorded = record(workload->trace, workload->setup, options);
    ASSERT_TRUE(recorded.ok()) << recorded.error().message();
    recording_.emplace(std::move(*recorded));
    model_.emplace(*recording_->log, recording_->base, options.device, recording_->promise_marks);
    // The point with the most units that have a version.
    size_t most = 0;
    for (const fault::CrashPoint& point : model_->points()) {
      const size_t units = pending(point).size();
      if (units <= most) continue;
      most = units;
      point_ = point.index;
    }
    ASSERT_GE(most, 5U);
  }
  std::vector<size_t> pending(const fault::CrashPoint& point) const {
    std::vector<size_t> units;
    const fault::Segment& segment = model_->segment(point);
    for (size_t i = 0; i < segment.units.size(); ++i) {
      if (fault::versions_below(segment.units[i], point.version_limit) > 0) units.push_back(i);
    }
    return units;
  }
  fault::CrashState state(const std::string& text) const {
    auto parsed = model_->parse("p" + std::to_string(point_) + text);
    EXPECT_TRUE(parsed.ok()) << parsed.error().message();
    return *parsed;
  }
  std::string smallest(const std::string& from, const StateQuestion& question) const {
    const std::string id = model_->print(minimise_state(*model_, state(from), question));
    return id.substr(id.find_first_of("+-"));
  }

  std::optional<Recording> recording_;
  std::optional<fault::CrashModel> model_;
  uint32_t point_ = 0;
};

TEST_F(MinimiseState, OneKeptWhereOneMustBeKept) {
  make("vc512");
  const auto units = pending(model_->points()[point_]);
  const size_t need = units[3];
  EXPECT_EQ(smallest("-" + std::to_string(units[1]),
                     [need](const fault::CrashState& s) { return s.picks[need] > 0; }),
            "-");  // everything kept is shorter still
  EXPECT_EQ(smallest("-" + std::to_string(units[1]),
                     [&](const fault::CrashState& s) {
                       return s.picks[need] > 0 && s.picks[units[1]] == 0;
                     }),
            "-" + std::to_string(units[1]));
  // Two must be lost and one kept: keeping one is the shorter side.
  EXPECT_EQ(smallest("+" + std::to_string(need) + "," + std::to_string(units[4]),
                     [&](const fault::CrashState& s) {
                       return s.picks[need] > 0 && s.picks[units[1]] == 0 && s.picks[units[2]] == 0;
                     }),
            "+" + std::to_string(need));
}

// Against all states of six units.
TEST_F(MinimiseState, NoSmallerStateAnswersYes) {
  make("vc512");
  const auto units = pending(model_->points()[point_]);
  for (uint32_t need = 1; need < 64; ++need) {
    // All of the units in `need` kept, or none of them and none of the others.
    const auto question = [&](const fault::CrashState& s) {
      uint32_t kept = 0;
      for (size_t i = 0; i < 6 && i < units.size(); ++i) {
        if (s.picks[units[i]] > 0) kept |= 1U << i;
      }
      return (kept & need) == need && (kept & (need << 1U) & ~need & 63U) == 0;
    };
    std::string everything = "-";
    for (size_t i = 0; i < 6 && i < units.size(); ++i) {
      if ((need & (1U << i)) != 0 || ((need << 1U) & (1U << i)) == 0) continue;
      everything += (everything == "-" ? "" : ",") + std::to_string(units[i]);
    }
    if (!question(state(everything))) continue;
    const fault::CrashState small = minimise_state(*model_, state(everything), question);
    EXPECT_TRUE(question(small));
    const StateSize size = size_of(*model_, small);
    for (uint32_t kept = 0; kept < 64; ++kept) {
      for (const bool rest : {false, true}) {
        fault::CrashState other = state(rest ? "-" : "+");
        for (size_t i = 0; i < 6 && i < units.size(); ++i) {
          const auto newest = state("-").picks[units[i]];
          other.picks[units[i]] = (kept & (1U << i)) != 0 ? newest : uint16_t{0};
        }
        if (!question(other)) continue;
        EXPECT_FALSE(size_of(*model_, other) < size)
            << model_->print(other) << " is smaller than " << model_->print(small);
      }
    }
  }
}

TEST_F(MinimiseState, NoTearWhereNoneIsNeeded) {
  make("tear");
  const auto units = pending(model_->points()[point_]);
  const std::string torn = "-~u" + std::to_string(units[0]) + "w2-9g";
  EXPECT_EQ(smallest(torn, [](const fault::CrashState&) { return true; }).find('~'),
            std::string::npos);
}

TEST_F(MinimiseState, AWholeUnitBeforeAPartOfIt) {
  make("tear");
  const auto units = pending(model_->points()[point_]);
  const std::string name = "~u" + std::to_string(units[0]);
  const auto garbage = [](const fault::CrashState& s) { return static_cast<bool>(s.tear); };
  EXPECT_NE(smallest("-" + name + "w2-9g", garbage).find(name + "w0-63g"), std::string::npos);
}

TEST_F(MinimiseState, ATearThatMustBeAPartGetsNarrow) {
  make("tear");
  const auto units = pending(model_->points()[point_]);
  const std::string name = "~u" + std::to_string(units[0]);
  const auto word_seven = [](const fault::CrashState& s) {
    return s.tear && s.tear.first > 0 && s.tear.first <= 7 && s.tear.first + s.tear.count > 7;
  };
  EXPECT_NE(smallest("-" + name + "w2-19g", word_seven).find(name + "w7g"), std::string::npos);
}

TEST_F(MinimiseState, OnADeviceThatKeepsOrderTheResultIsAPrefix) {
  make("ordered");
  const fault::CrashState all = state("-");
  const fault::CrashState small =
      minimise_state(*model_, all, [](const fault::CrashState&) { return true; });
  EXPECT_TRUE(model_->parse(model_->print(small)).ok());
}

}  // namespace
}  // namespace zerotail::harness
