// What a checker's run says of a state: good or bad, and which kind of bad.
#include "log_verdict.h"

#include <algorithm>

#include "zerotail/sim/digest.h"

namespace zerotail::harness {
namespace {

// Lines of an output that count: looking each up in those before it must stay cheap.
constexpr size_t kMostLines = 256;

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_hex(char c) { return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); }

// Numbers become '#', and a list of numbers one '#'.
std::string without_numbers(std::string_view line) {
  std::string text;
  for (size_t i = 0; i < line.size();) {
    if (!is_digit(line[i])) {
      text.push_back(line[i++]);
      continue;
    }
    const bool hex = line.substr(i, 2) == "0x";
    if (hex) i += 2;
    while (i < line.size() && (hex ? is_hex(line[i]) : is_digit(line[i]))) ++i;
    const size_t last = text.find_last_not_of(" ,+-()");
    if (last != std::string::npos && text[last] == '#') text.resize(last);
    text.push_back('#');
  }
  return text;
}

void replace_all(std::string* text, const std::string& what, std::string_view with) {
  if (what.empty()) return;
  for (size_t at = text->find(what); at != std::string::npos; at = text->find(what, at)) {
    text->replace(at, what.size(), with);
    at += with.size();
  }
}

}  // namespace

std::vector<std::string> normalise_output(std::string_view output, const std::string& image) {
  std::string text(output);
  replace_all(&text, image, "{image}");
  std::vector<std::string> lines;
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = std::min(text.find_first_of("\r\n", begin), text.size());
    std::string line = without_numbers(std::string_view(text).substr(begin, end - begin));
    const size_t last = line.find_last_not_of(" \t");
    line.resize(last == std::string::npos ? 0 : last + 1);
    const bool known = std::find(lines.begin(), lines.end(), line) != lines.end();
    if (!line.empty() && !known && lines.size() < kMostLines) lines.push_back(std::move(line));
    begin = end + 1;
  }
  return lines;
}

LogVerdict judge_outcome(CheckOutcome outcome, const std::vector<int>& ok,
                         const std::vector<std::string>& usual, const std::string& image) {
  LogVerdict verdict;
  verdict.good = outcome.end == CheckOutcome::End::kExit &&
                 std::find(ok.begin(), ok.end(), outcome.code) != ok.end();
  if (!verdict.good) {
    for (std::string& line : normalise_output(outcome.output, image)) {
      const bool says_nothing = std::find(usual.begin(), usual.end(), line) != usual.end();
      if (!says_nothing) verdict.telling.push_back(std::move(line));
    }
    // In any order: a checker may look at files in the order of their numbers.
    std::vector<std::string> sorted = verdict.telling;
    std::sort(sorted.begin(), sorted.end());
    std::string key = outcome.kind();
    for (const std::string& line : sorted) key += "\n" + line;
    const Violation violation{Contract::kConsistent, outcome.kind(), key, std::nullopt, {}};
    verdict.fingerprint = fingerprint(violation, "log");
  }
  verdict.outcome = std::move(outcome);
  return verdict;
}

sim::Status check_runnable(const CheckOutcome& outcome, const std::vector<int>& ok,
                           const std::string& command) {
  const bool refused = outcome.end == CheckOutcome::End::kExit &&
                       (outcome.code == kCannotExecute || outcome.code == kNotFound);
  if (!refused || std::find(ok.begin(), ok.end(), outcome.code) != ok.end()) return {};
  std::string said = outcome.output.substr(0, outcome.output.find('\n'));
  return sim::Error(sim::Errno::kNoEnt, "'" + command + "' cannot be run: exit code " +
                                            std::to_string(outcome.code) +
                                            (said.empty() ? "" : ": " + said));
}

}  // namespace zerotail::harness
