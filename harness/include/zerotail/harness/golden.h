// Golden sets: traces with what real kernels did, in files of one kind a folder. Answers (what
// each operation returned; tests/golden/README.md) or I/O (what was written; golden_io.h).
#pragma once

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "zerotail/harness/golden_io.h"
#include "zerotail/harness/op_result.h"
#include "zerotail/harness/trace.h"

namespace zerotail::harness {

inline constexpr const char* kIomapKernel = "7.3.4";         // the reference of both sets
inline constexpr const char* kBufferHeadKernel = "6.18.15";  // the driver before iomap

struct GoldenAnswers {
  Trace trace;
  std::string reference;  // the kernel that "results" is of
  // By kernel; one an operation. A kernel that is not here answered as the reference did.
  std::map<std::string, std::vector<OpResult>> results;
  // By kernel: operations whose answer departs from what is right.
  std::map<std::string, std::set<size_t>> wrong;

  // What must be answered: the kernel's result, or the buffer-head driver's where the kernel is
  // known to be wrong.
  [[nodiscard]] const OpResult& wanted(size_t op, const std::string& kernel = kIomapKernel) const;
  // The first operation whose answer departs from what is right, or the number of operations: from
  // there on a recording of the buffer-head driver follows from a mistake.
  [[nodiscard]] size_t first_wrong(const std::string& kernel) const;
};

// One line of a file. EINVAL naming `place` and the key.
[[nodiscard]] sim::Result<GoldenAnswers> parse_golden_answers(std::string_view line,
                                                              const std::string& place);

struct GoldenFolder {
  std::vector<GoldenAnswers> answers;  // one of the two is empty
  std::vector<GoldenIoTrace> io;
  std::set<std::string> kernels;  // that any of them names
};

// Every *.jsonl of a folder, in order of name and line. ENOENT: no such folder, or no such file in
// it. EINVAL: a broken line, or both kinds in one folder.
[[nodiscard]] sim::Result<GoldenFolder> load_golden_folder(const std::string& folder);

struct GoldenVerdict {
  size_t agreed = 0;
  size_t total = 0;
  std::string difference;  // for people; empty when all agree
};

// Runs the trace on the core, on the path that its header names: counts operations. On the
// buffer-head path the recording is compared up to its first wrong answer; from there on the
// reference model's prediction stands for what is right. An error is one of format, mount or
// umount.
[[nodiscard]] sim::Result<GoldenVerdict> judge_answers(const GoldenAnswers& answers,
                                                       const std::string& kernel);
// The same for I/O: counts the trace, as one.
[[nodiscard]] sim::Result<GoldenVerdict> judge_io(const GoldenIoTrace& trace,
                                                  const std::string& kernel);

}  // namespace zerotail::harness
