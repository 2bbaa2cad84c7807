#include "zerotail/reports/minimal_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <map>

namespace zerotail::reports {
namespace {

using harness::CaseSize;
using harness::Finding;
using harness::MinimalCase;
using harness::Violation;

bool is_word(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0; }

// Letters and digits, with single hyphens between what other characters separated.
std::string plain(std::string_view text) {
  std::string name;
  for (const char c : text) {
    if (is_word(c)) {
      name += c;
    } else if (!name.empty() && name.back() != '-') {
      name += '-';
    }
  }
  while (!name.empty() && name.back() == '-') name.pop_back();
  return name;
}

// "directory-grows" as DirectoryGrows.
std::string camel(std::string_view text) {
  std::string name;
  bool upper = true;
  for (const char c : text) {
    if (!is_word(c)) {
      upper = true;
      continue;
    }
    name += upper ? static_cast<char>(std::toupper(static_cast<unsigned char>(c))) : c;
    upper = false;
  }
  if (!name.empty() && std::isdigit(static_cast<unsigned char>(name.front())) != 0) {
    name.insert(name.begin(), 'T');
  }
  return name.empty() ? "Trace" : name;
}

const char* contract_name(const Finding& finding) {
  return harness::contract_info(finding.violation.contract).name;
}

std::string size_text(const CaseSize& size) {
  std::string text = fmt::format("{} operations ({} recorded), {} sectors", size.operations,
                                 size.recorded, size.sectors);
  if (size.rules > 0) text += fmt::format(", {} fault rules", size.rules);
  if (size.torn) text += ", torn";
  return text;
}

std::string quoted(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    if (static_cast<unsigned char>(c) < 0x20) {
      out += fmt::format("\\{:03o}", static_cast<unsigned>(static_cast<unsigned char>(c)));
    } else {
      out += c;
    }
  }
  return out + "\"";
}

std::string circumstances_text(const harness::Circumstances& around) {
  std::string text;
  if (!around.promise.empty()) text += " promised by " + around.promise;
  if (!around.touch.empty()) text += " after " + around.touch;
  return text;
}

std::optional<volume::Rule> first_rule(const harness::Cures& cures) {
  if (cures.rules.empty()) return std::nullopt;
  return cures.rules.front();
}

std::string cures_text(const harness::Cures& cures) {
  std::string text;
  for (const volume::Rule rule : cures.rules) {
    text += fmt::format("{}{}", text.empty() ? "" : ", ", exfat::rule_info(rule).name);
  }
  if (text.empty()) return cures.careful ? "all rules of an ordering together" : "none";
  return text;
}

std::string commented(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    out += fmt::format("//   {}\n", text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return out;
}

}  // namespace

std::string name_of(const Finding& finding) {
  const size_t cut = finding.workload.find_first_of("@!");
  std::string name = plain(finding.workload.substr(0, cut));
  name += fmt::format("-{}-{}", contract_name(finding), finding.violation.kind);
  if (cut != std::string::npos) name += "-" + plain(finding.workload.substr(cut + 1));
  const std::string& path = finding.violation.path;
  if (!path.empty() && path.front() != '<' && !plain(path).empty()) name += "-" + plain(path);
  return name;
}

std::string to_text(const MinimalCase& minimal, const std::string& trace_file,
                    const std::string& base_image) {
  const Finding& finding = minimal.finding;
  const Violation& v = finding.violation;
  std::string text = fmt::format("{} {}: '{}'{}: {}\n", contract_name(finding), v.kind, v.path,
                                 circumstances_text(finding.circumstances), v.detail);
  text += fmt::format("fingerprint {}, group {}\n", finding.fingerprint, finding.group);
  text +=
      fmt::format("before: {}\nafter:  {}\n", size_text(minimal.before), size_text(minimal.after));
  text += fmt::format("{} traces tried, {} crash states judged{}\n", minimal.traces, minimal.states,
                      minimal.complete ? "" : "; the budget was used up: it may not be minimal");
  text += fmt::format("orderings that cure it: {}\n", cures_text(minimal.cures));
  text += fmt::format("repro: zerotail repro {} --trace {}{}\n\n", print(minimal.id), trace_file,
                      base_image.empty() ? "" : " --base " + base_image);
  text += minimal.description + "\n\n" + print_trace(minimal.workload.trace);
  return text;
}

std::string to_regression_test(const MinimalCase& minimal, bool known) {
  const Finding& finding = minimal.finding;
  const Violation& v = finding.violation;
  const std::string suite = camel(finding.workload.substr(0, finding.workload.find_first_of("@!")));
  const std::string what =
      camel(contract_name(finding)) + camel(v.kind) + (v.path.front() == '<' ? "" : camel(v.path));
  std::string text =
      fmt::format("// clang-format off\n// Made by `zerotail minimize`: {} {}{}.\n",
                  contract_name(finding), v.kind, circumstances_text(finding.circumstances));
  text += commented(minimal.description);
  text += fmt::format("//   repro: zerotail repro {} --trace {}.trace\n", print(minimal.id),
                      name_of(finding));
  text += "#include \"regressions/regression.h\"\n\nnamespace zerotail::regressions {\n";
  text += "namespace {\n\n";
  text += fmt::format("constexpr const char* kTrace =\n    R\"trace({})trace\";\n\n",
                      print_trace(minimal.workload.trace));
  text += fmt::format(
      "const Regression kRegression{{\n    .trace = kTrace,\n    .device = {},\n    .seed = {},\n"
      "    .contract = {},\n    .kind = {},\n    .path = {},\n    .circumstances = {{{}, {}}}}};\n",
      quoted(harness::print(minimal.id.device)), minimal.id.seed, quoted(contract_name(finding)),
      quoted(v.kind), quoted(v.path), quoted(finding.circumstances.promise),
      quoted(finding.circumstances.touch));
  text += "\n";
  if (!known) {
    text += fmt::format("TEST({}, HasNo{}) {{ EXPECT_FALSE(shows(kRegression)); }}\n", suite, what);
  } else {
    const std::string ordering = volume::print(minimal.id.ordering);
    text += fmt::format("TEST({}, Shows{}Under{}) {{ EXPECT_TRUE(shows(kRegression)); }}\n", suite,
                        what, camel(ordering));
    const harness::Cures& cures = minimal.cures;
    std::string cure = cures.careful ? "careful" : "";
    const auto rule = minimal.held_by ? minimal.held_by : first_rule(cures);
    if (rule) cure = volume::print(minimal.id.ordering.with(*rule));
    if (!cure.empty()) {
      text += fmt::format(
          "\nTEST({}, HasNo{}Under{}) {{\n  EXPECT_FALSE(shows(kRegression, \"{}\"));\n}}\n", suite,
          what, camel(cure), cure);
    }
  }
  return text + "\n}  // namespace\n}  // namespace zerotail::regressions\n";
}

namespace {

struct Sums {
  size_t findings = 0;
  size_t before = 0;
  size_t after = 0;
  size_t most = 0;  // operations of the longest minimal trace
  uint64_t sectors_before = 0;
  uint64_t sectors_after = 0;
  uint64_t traces = 0;
  uint64_t states = 0;
  double seconds = 0;
  size_t incomplete = 0;
  size_t slipped = 0;
  size_t held = 0;

  void add(const MinimalRow& row) {
    ++findings;
    before += row.before.operations;
    after += row.after.operations;
    most = std::max(most, row.after.operations);
    sectors_before += row.before.sectors;
    sectors_after += row.after.sectors;
    traces += row.traces;
    states += row.states;
    seconds += row.seconds;
    incomplete += row.complete ? 0 : 1;
    slipped += row.slipped ? 1 : 0;
    held += row.held ? 1 : 0;
  }
  [[nodiscard]] std::string line(const std::string& name) const {
    const auto mean = [this](auto sum) {
      return static_cast<double>(sum) / static_cast<double>(findings);
    };
    return fmt::format("| {} | {} | {:.1f} | {:.1f} | {} | {:.1f} | {:.1f} | {} | {} | {:.2f} |\n",
                       name, findings, mean(before), mean(after), most, mean(sectors_before),
                       mean(sectors_after), traces, states, seconds);
  }
};

}  // namespace

std::string to_table(const std::vector<MinimalRow>& rows) {
  std::string text =
      "| finding | how many | operations before | after | most | sectors before | after | traces | "
      "states | seconds |\n|---|---|---|---|---|---|---|---|---|---|\n";
  std::vector<std::pair<std::string, Sums>> lines;
  Sums all;
  for (const MinimalRow& row : rows) {
    all.add(row);
    const std::string name =
        fmt::format("{} {}{}", contract_name(row.finding), row.finding.violation.kind,
                    circumstances_text(row.finding.circumstances));
    auto place = std::find_if(lines.begin(), lines.end(),
                              [&name](const auto& line) { return line.first == name; });
    if (place == lines.end()) place = lines.insert(place, {name, {}});
    place->second.add(row);
  }
  std::stable_sort(lines.begin(), lines.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  for (const auto& [name, sums] : lines) text += sums.line(name);
  if (rows.empty()) return text;
  text += all.line("all");
  std::vector<size_t> lengths;
  for (const MinimalRow& row : rows) lengths.push_back(row.after.operations);
  std::nth_element(lengths.begin(), lengths.begin() + static_cast<std::ptrdiff_t>(rows.size() / 2),
                   lengths.end());
  return text + fmt::format(
                    "\n{} findings; median of the minimal traces {} operations; {} stopped by a "
                    "budget; {} had slipped and were minimised again, {} slipped\n",
                    rows.size(), lengths[rows.size() / 2], all.incomplete, all.held, all.slipped);
}

}  // namespace zerotail::reports
