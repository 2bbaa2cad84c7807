// The operations on the volume as a whole, in traces: what they answer, that the model predicts
// it, and what a lost power leaves.
#include <gtest/gtest.h>

#include "zerotail/harness/differential.h"
#include "zerotail/harness/disk_stack.h"
#include "zerotail/harness/executor.h"
#include "zerotail/harness/recording.h"
#include "zerotail/harness/workloads.h"

namespace zerotail::harness {
namespace {

constexpr const char* kHeader = R"({"trace":"t","sector":512,"cluster":4096,"size_mib":8)";

Trace trace_of(const std::vector<std::string>& lines, const std::string& keys = "") {
  std::string text = kHeader + keys + "}\n";
  for (const std::string& line : lines) text += line + "\n";
  auto trace = parse_trace(text, "test");
  EXPECT_TRUE(trace.ok()) << trace.error().message();
  return std::move(trace).value();
}

// The results, as printed, one a line.
std::vector<std::string> run(const Trace& trace) {
  sim::World world(1);
  auto disk = format_disk(trace.header);
  EXPECT_TRUE(disk.ok());
  DiskStack stack(world, std::move(disk).value(), {});
  Executor executor(world, stack.top(), trace.header);
  executor.set_power(stack.power());
  EXPECT_TRUE(executor.mount().ok());
  std::vector<std::string> results;
  for (const Operation& op : trace.ops) {
    results.push_back(print_result(executor.run(op), std::nullopt));
  }
  if (executor.mounted()) {
    EXPECT_TRUE(executor.unmount().ok());
  }
  return results;
}

void expect_predicted(const Trace& trace) {
  const auto found = find_disagreement(trace);
  if (found) ADD_FAILURE() << "operation " << found->op << ": " << found->text;
}

TEST(ControlTrace, EditChangesAFieldOnTheMediumAndItsChecksum) {
  const Trace trace = trace_of(
      {R"({"op":"create","path":"a"})", R"({"op":"write","path":"a","off":0,"len":6000,"seed":1})",
       R"({"op":"edit","field":"stream.valid_data_length","value":100,"path":"a"})",
       R"({"op":"dirent","path":"a"})", R"({"op":"seek_hole","path":"a","off":0})"});
  const auto results = run(trace);
  EXPECT_EQ(results[2], R"({"ret":0})");
  EXPECT_NE(results[3].find(R"("dsize":6000,"dvalid":100)"), std::string::npos) << results[3];
  EXPECT_EQ(results[4], R"({"ret":100})");
  expect_predicted(trace);
}

TEST(ControlTrace, AnEditThatCannotBeMadeChangesNothing) {
  const auto results = run(trace_of(
      {R"({"op":"create","path":"a"})", R"({"op":"edit","field":"stream.colour","value":1})",
       R"({"op":"edit","field":"stream.valid_data_length","value":1,"path":"b"})",
       R"({"op":"list","path":""})"}));
  EXPECT_EQ(results[1], R"({"ret":-22})");
  EXPECT_EQ(results[2], R"({"ret":-2})");
  EXPECT_EQ(results[3], R"({"ret":1,"names":["a"]})");
}

TEST(ControlTrace, AnEditThatMakesTheVolumeUnmountableSaysWhatTheMountSays) {
  const auto results =
      run(trace_of({R"({"op":"edit","field":"boot.file_system_revision","value":768})",
                    R"({"op":"list","path":""})"}));
  EXPECT_EQ(results[0], R"({"ret":-22})");
  EXPECT_EQ(results[1], R"({"ret":-19})");
}

TEST(ControlTrace, ReaddirGivesNamesFromAPositionInTheDirectorysOrder) {
  const Trace trace = trace_of(
      {R"({"op":"create","path":"zz"})", R"({"op":"mkdir","path":"aa"})",
       R"({"op":"create","path":"a name that needs two entries"})",
       R"({"op":"unlink","path":"zz"})", R"({"op":"create","path":"y"})",
       R"({"op":"readdir","path":"","pos":0})", R"({"op":"readdir","path":"","pos":97})",
       R"({"op":"readdir","path":"","pos":1000000})", R"({"op":"readdir","path":"y","pos":0})"});
  const auto results = run(trace);
  EXPECT_EQ(results[5], R"({"ret":3,"names":["y","aa/","a name that needs two entries"]})");
  EXPECT_EQ(results[6], R"({"ret":2,"names":["aa/","a name that needs two entries"]})");
  EXPECT_EQ(results[7], R"({"ret":0,"names":[]})");
  EXPECT_EQ(results[8], R"({"ret":-20})");
  expect_predicted(trace);
}

TEST(ControlTrace, TheLabelIsSetAndTold) {
  const Trace trace =
      trace_of({R"({"op":"label","label":"Zürich"})", R"({"op":"remount"})",
                R"({"op":"label","label":"","mode":1})", R"({"op":"label","label":"a/b"})",
                R"({"op":"label","label":"twelve units"})", R"({"op":"label","label":""})"});
  const auto results = run(trace);
  EXPECT_EQ(results[2], R"({"ret":0,"label":"Zürich"})");
  EXPECT_EQ(results[3], R"({"ret":-22})");
  EXPECT_EQ(results[4], R"({"ret":-22})");
  EXPECT_EQ(results[5], R"({"ret":0,"label":""})");
  expect_predicted(trace);
}

TEST(ControlTrace, AttributesReachTheDirectoryEntry) {
  const Trace trace = trace_of(
      {R"({"op":"create","path":"a"})", R"({"op":"attributes","path":"a","value":3})",
       R"({"op":"attributes","path":"a","value":0,"mode":1})", R"({"op":"fsync","path":"a"})",
       R"({"op":"dirent","path":"a"})", R"({"op":"attributes","path":"","value":2})",
       R"({"op":"attributes","path":"a","value":-1})",
       R"({"op":"attributes","path":"b","value":0})",
       R"({"op":"write","path":"a","off":0,"len":9,"seed":1})",
       R"({"op":"truncate","path":"a","size":3})", R"({"op":"sync"})",
       R"({"op":"dirent","path":"a"})"});
  const auto results = run(trace);
  EXPECT_EQ(results[2], R"({"ret":0,"attr":3})");
  EXPECT_NE(results[4].find(R"("attr":3)"), std::string::npos) << results[4];
  EXPECT_EQ(results[5], R"({"ret":-22})");
  EXPECT_EQ(results[6], R"({"ret":-22})");
  EXPECT_EQ(results[7], R"({"ret":-2})");
  EXPECT_NE(results[11].find(R"("attr":35)"), std::string::npos) << "a cut sets the archive bit";
  expect_predicted(trace);
}

TEST(ControlTrace, FitrimTellsWhatIsFree) {
  const Trace trace = trace_of(
      {R"({"op":"write","path":"a","off":0,"len":9,"seed":1})", R"({"op":"statfs"})",
       R"({"op":"create","path":"a"})", R"({"op":"write","path":"a","off":0,"len":5000,"seed":1})",
       R"({"op":"fitrim","off":0,"len":-1})", R"({"op":"fitrim","off":0,"len":4095})",
       R"({"op":"fitrim","off":-1,"len":-1})",
       R"({"op":"fitrim","off":0,"len":-1,"minlen":1000000000000})", R"({"op":"drop_caches"})",
       R"({"op":"read","path":"a","off":0,"len":5000})"});
  const auto results = run(trace);
  EXPECT_EQ(results[5], R"({"ret":-22})");
  EXPECT_EQ(results[6], R"({"ret":-22})");
  EXPECT_EQ(results[7], R"({"ret":0})");
  expect_predicted(trace);
}

TEST(ControlTrace, AShutdownThatWritesFirstLosesNothing) {
  const std::vector<std::string> lines = {
      R"({"op":"create","path":"a"})",
      R"({"op":"write","path":"a","off":0,"len":5000,"seed":1})",
      R"({"op":"mread","path":"a","off":0,"len":10})",
      R"({"op":"shutdown"})",
      R"({"op":"read","path":"a","off":0,"len":10})",
      R"({"op":"mread","path":"a","off":0,"len":10})",
      R"({"op":"mwrite","path":"a","off":0,"len":10,"seed":2})",
      R"({"op":"create","path":"b"})",
      R"({"op":"list","path":""})",
      R"({"op":"statfs"})",
      R"({"op":"sync"})",
      R"({"op":"syncfs"})",
      R"({"op":"shutdown","mode":2})",
      R"({"op":"close","path":"a"})",
      R"({"op":"remount"})",
      R"({"op":"read","path":"a","off":0,"len":5000})",
      R"({"op":"stat","path":"a"})",
      R"({"op":"statfs"})"};
  const Trace trace = trace_of(lines);
  const auto results = run(trace);
  EXPECT_EQ(results[4], R"({"ret":-5})");
  EXPECT_EQ(results[10], R"({"ret":0})");
  EXPECT_EQ(results[11], R"({"ret":-5})");
  EXPECT_NE(results[15].find(R"("map":"d5000")"), std::string::npos) << results[15];
  expect_predicted(trace);
}

TEST(ControlTrace, AFileThatWasUnlinkedAndOpenAtAShutdownKeepsItsClusters) {
  const Trace trace = trace_of({R"({"op":"create","path":"a"})",
                                R"({"op":"write","path":"a","off":0,"len":9000,"seed":1})",
                                R"({"op":"unlink_keep","path":"a"})", R"({"op":"shutdown"})",
                                R"({"op":"remount"})", R"({"op":"statfs"})"});
  expect_predicted(trace);
  const Trace fresh = trace_of({R"({"op":"statfs"})"});
  EXPECT_NE(run(trace)[5], run(fresh)[0]);
}

TEST(ControlTrace, AShutdownWithoutWritingLosesWhatWasDirty) {
  const Trace trace = trace_of({R"({"op":"create","path":"a"})", R"({"op":"sync"})",
                                R"({"op":"write","path":"a","off":0,"len":9000,"seed":1})",
                                R"({"op":"shutdown","mode":2})", R"({"op":"remount"})",
                                R"({"op":"read","path":"a","off":0,"len":9000})",
                                R"({"op":"create","path":"b"})", R"({"op":"list","path":""})"});
  EXPECT_NE(run(trace)[5].find(R"("ret":0)"), std::string::npos);
  expect_predicted(trace);
}

TEST(ControlTrace, ACrashLosesWhatWasNotFlushed) {
  const Trace trace = trace_of(
      {R"({"op":"create","path":"a"})", R"({"op":"write","path":"a","off":0,"len":5000,"seed":1})",
       R"({"op":"fsync","path":"a"})", R"({"op":"create","path":"b"})", R"({"op":"sync"})",
       R"({"op":"crash"})", R"({"op":"list","path":""})",
       R"({"op":"read","path":"a","off":0,"len":5000})", R"({"op":"create","path":"c"})",
       R"({"op":"fsync","path":"c"})", R"({"op":"crash"})", R"({"op":"list","path":""})"});
  const auto results = run(trace);
  EXPECT_EQ(results[5], R"({"ret":0})");
  EXPECT_EQ(results[6], R"({"ret":1,"names":["a"]})") << "sync(2) flushes nothing";
  EXPECT_NE(results[7].find(R"("map":"d5000")"), std::string::npos);
  EXPECT_EQ(results[11], R"({"ret":2,"names":["a","c"]})");
  expect_predicted(trace);
}

TEST(ControlTrace, ACrashCanLeaveAStateOfTheCrashModel) {
  std::vector<std::string> lines = {R"({"op":"create","path":"a"})", R"({"op":"sync"})", ""};
  // The first write is VolumeDirty's, the second the set of the new file.
  lines[2] = R"({"op":"crash","state":"p2-"})";
  lines.emplace_back(R"({"op":"list","path":""})");
  EXPECT_EQ(run(trace_of(lines))[3], R"({"ret":1,"names":["a"]})");
  lines[2] = R"({"op":"crash","state":"p1-"})";
  EXPECT_EQ(run(trace_of(lines))[3], R"({"ret":0,"names":[]})");
  expect_predicted(trace_of(lines));
  lines[2] = R"({"op":"crash","state":"p99-"})";
  const auto results = run(trace_of(lines));
  EXPECT_EQ(results[2], R"({"ret":-22})");
  EXPECT_EQ(results[3], R"({"ret":1,"names":["a"]})") << "nothing has happened";
}

TEST(ControlTrace, AWorkloadCrashesInItsSetupOnly) {
  const std::vector<std::string> lines = {R"({"op":"create","path":"a"})",
                                          R"({"op":"fsync","path":"a"})", R"({"op":"crash"})",
                                          R"({"op":"write","path":"a","off":0,"len":9,"seed":1})"};
  const auto allowed = record(trace_of(lines), 3, {});
  ASSERT_TRUE(allowed.ok()) << allowed.error().message();
  EXPECT_TRUE(allowed->wrong_answers.empty());
  const auto refused = record(trace_of(lines), 2, {});
  EXPECT_EQ(refused.code(), sim::Errno::kInval);
}

// ---- 512-byte clusters

TEST(SmallClusters, EveryWorkloadOn512ByteClustersAnswersAsTheModelPredicts) {
  size_t count = 0;
  for (const Workload& workload : builtin_workloads()) {
    const TraceHeader& header = workload.trace.header;
    if (header.sector != 512 || header.cluster != 512) continue;
    SCOPED_TRACE(workload.name);
    expect_predicted(workload.trace);
    ++count;
  }
  EXPECT_GE(count, 10U);
}

// The same workloads with larger pages: more clusters a page, and folios of several.
TEST(SmallClusters, TheyDoSoWithPagesOf64KiBAndWithDescriptorsThatAreNotKept) {
  for (const Workload& workload : builtin_workloads()) {
    Trace trace = workload.trace;
    if (trace.header.sector != 512 || trace.header.cluster != 512) continue;
    SCOPED_TRACE(workload.name);
    trace.header.page = 65536;
    expect_predicted(trace);
    trace.header.page = 4096;
    trace.header.keep = false;
    expect_predicted(trace);
  }
}

}  // namespace
}  // namespace zerotail::harness
