// The golden set with other page caches. Folios of several pages change no answer. The page size
// shows in two places: where shared mappings are at work (how far stores move the valid size, where
// SIGBUS is), and in what the disk holds past the valid size (a filled gap is written in whole
// pages). An answer that is not Linux's, recorded with 4 KiB pages, must be there, and must be what
// the model predicts for the page size.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <iostream>

#include "golden/golden_data.h"
#include "zerotail/harness/differential.h"
#include "zerotail/harness/disk_stack.h"
#include "zerotail/harness/executor.h"
#include "zerotail/harness/model.h"

namespace zerotail::golden {
namespace {

struct Count {
  size_t as_linux = 0;
  size_t as_predicted = 0;  // not as Linux
  size_t total = 0;
};

// Whether the page size may show in the operation's answer.
bool page_may_show(const harness::Trace& trace, size_t op) {
  if (trace.ops[op].kind == harness::OpKind::kRawRead) return true;
  for (size_t i = 0; i <= op; ++i) {
    const harness::OpKind kind = trace.ops[i].kind;
    if (kind == harness::OpKind::kMwrite || kind == harness::OpKind::kMread) return true;
  }
  return false;
}

void judge(const GoldenTrace& golden, Count* count) {
  const harness::Trace& trace = golden.trace;
  auto disk = harness::format_disk(trace.header);
  ASSERT_TRUE(disk.ok());
  sim::World world(trace.header.seed);
  harness::DiskStack stack(world, std::move(disk).value(), {});
  const auto results = harness::run_trace(world, stack.top(), trace);
  ASSERT_TRUE(results.ok()) << results.error().message();
  const auto fresh = harness::fresh_geometry(trace.header);
  ASSERT_TRUE(fresh.ok());
  harness::Model model(*fresh);
  model.set_keep(trace.header.keep);
  for (size_t i = 0; i < trace.ops.size(); ++i) {
    const harness::Prediction prediction = model.apply(trace.ops[i]);
    const std::string text = harness::difference(golden.wanted(i), (*results)[i]);
    ++count->total;
    if (text.empty()) {
      ++count->as_linux;
      continue;
    }
    ++count->as_predicted;
    EXPECT_TRUE(page_may_show(trace, i))
        << trace.header.trace << ", operation " << i << ": " << text;
    EXPECT_EQ(harness::disagreement(prediction, (*results)[i]), "")
        << trace.header.trace << ", operation " << i << ": " << text;
  }
}

Count judge_all(uint64_t page, const std::string& folios) {
  Count count;
  for (GoldenTrace golden : load_golden()) {
    golden.trace.header.page = page;
    golden.trace.header.folios = folios;
    judge(golden, &count);
  }
  std::cout << "golden with pages of " << page << ", folios " << folios << ": agree "
            << count.as_linux << " of " << count.total << ", the other " << count.as_predicted
            << " as the model predicts\n";
  return count;
}

TEST(GoldenPageCache, LargeFoliosAnswerAsLinux) {
  const Count count = judge_all(4096, "large");
  EXPECT_GT(count.total, 0U);
  EXPECT_EQ(count.as_predicted, 0U);
}

TEST(GoldenPageCache, Pages16KiBDifferOnlyAsPredicted) {
  EXPECT_GT(judge_all(16384, "single").as_linux, 0U);
}

TEST(GoldenPageCache, Pages64KiBDifferOnlyAsPredicted) {
  EXPECT_GT(judge_all(65536, "large").as_linux, 0U);
}

// The traces whose I/O is not Linux's with 4 KiB pages.
std::vector<std::string> differing_io(uint64_t page, const std::string& folios) {
  std::vector<std::string> differing;
  for (harness::GoldenIoTrace trace : load_golden_io()) {
    trace.header.page = page;
    trace.header.folios = folios;
    const auto verdict = harness::judge_io(trace, harness::kIomapKernel);
    EXPECT_TRUE(verdict.ok()) << trace.header.trace << ": " << verdict.error().message();
    if (verdict.ok() && !verdict->difference.empty()) differing.push_back(trace.header.trace);
  }
  return differing;
}

TEST(GoldenPageCache, LargeFoliosWriteAndFlushAsLinux) {
  EXPECT_FALSE(load_golden_io().empty());
  EXPECT_EQ(differing_io(4096, "large"), std::vector<std::string>{});
}

// A store through a mapping dirties its whole page, and a gap is filled to the end of its page:
// with larger pages these four write more blocks of data beside those of the recording.
TEST(GoldenPageCache, LargerPagesWriteMoreOnlyWherePagesAreDirtiedWhole) {
  if (std::getenv("ZEROTAIL_GOLDEN") != nullptr) return;
  const std::vector<std::string> whole_pages = {"dwrite-beyond-valid-fsync", "mmap-fsync",
                                                "mmap-msync-fsync", "unlink-open-dirty-sync"};
  for (const uint64_t page : {16384U, 65536U}) {
    for (const char* folios : {"single", "large"}) {
      std::vector<std::string> differing = differing_io(page, folios);
      std::sort(differing.begin(), differing.end());
      EXPECT_EQ(differing, whole_pages) << page << " " << folios;
    }
  }
}

}  // namespace
}  // namespace zerotail::golden
