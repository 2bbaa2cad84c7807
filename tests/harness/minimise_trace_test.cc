// The trace minimiser on questions whose smallest answer is known.
#include "zerotail/harness/minimise_trace.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "zerotail/fault/fault_plan.h"
#include "zerotail/harness/differential.h"
#include "zerotail/harness/random_trace.h"

namespace zerotail::harness {
namespace {

Trace trace_of(const std::string& text) {
  auto trace = parse_trace(text, "trace");
  EXPECT_TRUE(trace.ok()) << trace.error().message();
  return *trace;
}

// Does an operation of this kind on this path stand in the trace?
bool has(const Trace& trace, OpKind kind, const std::string& path) {
  return std::any_of(trace.ops.begin(), trace.ops.end(),
                     [&](const Operation& op) { return op.kind == kind && op.path == path; });
}

std::string ops_of(const Trace& trace) {
  std::string text;
  for (const Operation& op : trace.ops) text += print_operation(op) + "\n";
  return text;
}

constexpr const char* kMany =
    R"({"trace":"many","sector":512,"cluster":4096,"size_mib":64,"seed":5,"about":"x","setup":3}
{"op":"create","path":"keep","mode":1}
{"op":"write","path":"keep","off":0,"len":9000,"seed":91}
{"op":"mkdir","path":"directory"}
{"op":"create","path":"directory/inside","mode":1}
{"op":"write","path":"directory/inside","off":0,"len":5000,"seed":92}
{"op":"sync"}
{"op":"create","path":"other"}
{"op":"write","path":"other","off":700,"len":70000,"seed":93}
{"op":"rename","path":"other","to":"directory/other"}
{"op":"truncate","path":"directory/other","size":12345}
{"op":"unlink","path":"keep"}
{"op":"fsync","path":"directory/other"}
)";

TEST(MinimiseTrace, WhatNothingNeedsGoesAndWhatIsNeededStaysWithItsPreconditions) {
  const auto question = [](const Trace& trace) {
    return has(trace, OpKind::kTruncate, "directory/other");
  };
  TraceMinimiseOptions options;
  options.keep_path = "directory/other";
  const MinimisedTrace small = minimise_trace(trace_of(kMany), question, options);
  EXPECT_TRUE(small.complete);
  // The file could have been made there, but no step makes new operations.
  EXPECT_EQ(ops_of(small.trace),
            R"({"op":"mkdir","path":"directory"}
{"op":"create","path":"other"}
{"op":"rename","path":"other","to":"directory/other"}
{"op":"truncate","path":"directory/other","size":0}
)");
  EXPECT_EQ(small.trace.header.setup, 4U);
  EXPECT_EQ(small.trace.header.about, "");
  EXPECT_EQ(small.trace.header.seed, TraceHeader{}.seed);
}

TEST(MinimiseTrace, NoOperationFailsThatDidNotFailBefore) {
  const auto question = [](const Trace& trace) {
    return has(trace, OpKind::kFsync, "directory/other");
  };
  const MinimisedTrace small =
      minimise_trace(trace_of(kMany), question, {.keep_path = "directory/other"});
  EXPECT_TRUE(has(small.trace, OpKind::kCreate, "other"));
  EXPECT_TRUE(has(small.trace, OpKind::kMkdir, "directory"));
  const auto geometry = fresh_geometry(small.trace.header);
  ASSERT_TRUE(geometry.ok());
  Model model(*geometry);
  for (const Operation& op : small.trace.ops) EXPECT_GE(model.apply(op).result.ret, 0);
}

TEST(MinimiseTrace, ANumberBecomesTheSmallestRoundOneThatDoes) {
  const auto question = [](const Trace& trace) {
    return std::any_of(trace.ops.begin(), trace.ops.end(), [](const Operation& op) {
      return op.kind == OpKind::kWrite && op.off + op.len > 4096 && op.off > 37;
    });
  };
  const MinimisedTrace small = minimise_trace(trace_of(kMany), question);
  ASSERT_EQ(small.trace.ops.size(), 2U);
  // 38 and 4059 would do, too, and say less.
  EXPECT_EQ(small.trace.ops[1].off, 511);
  EXPECT_EQ(small.trace.ops[1].len, 4095);
  EXPECT_EQ(small.trace.ops[1].seed, 1U);
}

TEST(MinimiseTrace, FlagsGoAndNamesBecomeLetters) {
  Trace trace = trace_of(kMany);
  trace.header.mount = {"sync", "discard"};
  trace.ops.push_back({.kind = OpKind::kFallocate, .path = "directory/inside", .len = 9});
  const auto question = [](const Trace& candidate) {
    return std::any_of(candidate.ops.begin(), candidate.ops.end(), [](const Operation& op) {
      return op.kind == OpKind::kWrite && op.path.find('/') != std::string::npos;
    });
  };
  const MinimisedTrace small = minimise_trace(trace, question);
  EXPECT_EQ(ops_of(small.trace), R"({"op":"mkdir","path":"a"}
{"op":"create","path":"a/b"}
{"op":"write","path":"a/b","off":0,"len":0,"seed":1}
)");
  EXPECT_TRUE(small.trace.header.mount.empty());
}

TEST(MinimiseTrace, TheVolumeBecomesAsSmallAsMkfsMakesIt) {
  const MinimisedTrace small = minimise_trace(trace_of(kMany), [](const Trace&) { return true; });
  EXPECT_TRUE(small.trace.ops.empty());
  EXPECT_LT(small.trace.header.size_mib, 8U);
  EXPECT_TRUE(fresh_geometry(small.trace.header).ok());
}

// Every single operation, left out alone, is one too many.
TEST(MinimiseTrace, NoSingleOperationCanBeLeftOut) {
  const Trace trace = trace_of(kMany);
  for (size_t wanted = 0; wanted < trace.ops.size(); ++wanted) {
    const Operation need = trace.ops[wanted];
    const auto question = [&need](const Trace& candidate) {
      size_t writes = 0;
      bool found = false;
      for (const Operation& op : candidate.ops) {
        writes += op.kind == OpKind::kWrite ? 1 : 0;
        found = found || (op.kind == need.kind && op.path == need.path);
      }
      return found && writes >= 1;
    };
    if (!question(trace)) continue;
    const MinimisedTrace small = minimise_trace(trace, question, {.keep_path = need.path});
    ASSERT_TRUE(question(small.trace));
    const auto geometry = fresh_geometry(small.trace.header);
    ASSERT_TRUE(geometry.ok());
    for (size_t i = 0; i < small.trace.ops.size(); ++i) {
      std::vector<bool> dropped(small.trace.ops.size());
      dropped[i] = true;
      const Trace less = without_operations(small.trace, dropped);
      Model model(*geometry);
      bool fails = false;
      for (const Operation& op : less.ops) fails = model.apply(op).result.ret < 0 || fails;
      EXPECT_TRUE(fails || !question(less)) << ops_of(small.trace) << "without " << i;
    }
  }
}

TEST(MinimiseTrace, SameInputSameResult) {
  const auto question = [](const Trace& trace) { return has(trace, OpKind::kUnlink, "keep"); };
  const MinimisedTrace first = minimise_trace(trace_of(kMany), question);
  const MinimisedTrace second = minimise_trace(trace_of(kMany), question);
  EXPECT_EQ(first.trace, second.trace);
  EXPECT_EQ(first.tries, second.tries);
}

TEST(MinimiseTrace, NoTraceIsAskedAboutTwice) {
  std::vector<std::string> asked;
  const MinimisedTrace small = minimise_trace(trace_of(kMany), [&asked](const Trace& trace) {
    asked.push_back(print_trace(trace));
    return has(trace, OpKind::kUnlink, "keep");
  });
  EXPECT_EQ(small.tries, asked.size());
  std::sort(asked.begin(), asked.end());
  EXPECT_EQ(std::adjacent_find(asked.begin(), asked.end()), asked.end());
}

TEST(MinimiseTrace, ABudgetStopsItWithWhatItHas) {
  const auto question = [](const Trace& trace) { return has(trace, OpKind::kUnlink, "keep"); };
  TraceMinimiseOptions options;
  options.tries = 3;
  const MinimisedTrace small = minimise_trace(trace_of(kMany), question, options);
  EXPECT_EQ(small.tries, 3U);
  EXPECT_FALSE(small.complete);
  EXPECT_TRUE(question(small.trace));
}

TEST(MinimiseTrace, AnImagesHeaderStays) {
  TraceMinimiseOptions options;
  options.image = true;
  const Trace trace = trace_of(kMany);
  const MinimisedTrace small = minimise_trace(
      trace, [](const Trace&) { return true; }, options);
  TraceHeader header = trace.header;
  header.setup = 0;
  EXPECT_EQ(small.trace.header, header);
}

// ---- fault plans

TEST(MinimiseTrace, WithoutOperationsNumbersOfThePlanMoveAlong) {
  Trace trace = trace_of(kMany);
  trace.header.faults = "write-error op=5-7; bit-rot op=2; read-error op=9-20";
  std::vector<bool> dropped(trace.ops.size());
  for (const size_t i : {0U, 1U, 2U, 6U}) dropped[i] = true;
  const Trace less = without_operations(trace, dropped);
  EXPECT_EQ(less.header.setup, 0U);
  const auto plan = fault::parse_fault_plan(less.header.faults);
  ASSERT_TRUE(plan.ok());
  EXPECT_EQ(fault::print(*plan),
            fault::print(*fault::parse_fault_plan("write-error op=2-3; read-error op=5-16")));
}

TEST(MinimiseTrace, RulesThatNothingNeedsGoAndTheRestGetsNarrow) {
  Trace trace = trace_of(kMany);
  trace.header.faults = "seed=9; bit-rot p=1/3; write-error at=100-900 p=1/2; read-error in=fat";
  const auto question = [](const Trace& candidate) {
    const auto plan = fault::parse_fault_plan(candidate.header.faults);
    if (!plan.ok()) return false;
    return std::any_of(plan->rules.begin(), plan->rules.end(), [](const fault::FaultRule& rule) {
      return rule.sectors && rule.sectors->first <= sim::Sector{300} &&
             rule.sectors->last >= sim::Sector{300};
    });
  };
  const MinimisedTrace small = minimise_trace(trace, question);
  EXPECT_EQ(small.trace.header.faults, "write-error at=300 op=0 once");
}

// ---- disagreements of core and model

TEST(ShrinkDisagreement, TheSymptomIsTheOperationAndWhatDiffersFirst) {
  Trace trace = trace_of(kMany);
  EXPECT_EQ(symptom(trace, {1, "ret: want 0, got -28; map: want d1, got z1"}), "write ret-28");
  EXPECT_EQ(symptom(trace, {1, "ret: want 5, got 3"}), "write ret");
  EXPECT_EQ(symptom(trace, {5, "fnv: want 1, got -2"}), "sync fnv");
  EXPECT_EQ(symptom(trace, {trace.ops.size(), "umount: no"}), "umount umount");
}

TEST(ShrinkDisagreement, NothingIsDoneToATraceThatAgrees) {
  const Trace trace = trace_of(kMany);
  EXPECT_EQ(shrink_disagreement(trace), trace);
}

}  // namespace
}  // namespace zerotail::harness
