#include "zerotail/harness/baseline.h"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <sstream>
#include <tuple>

namespace zerotail::harness {
namespace {

constexpr std::string_view kFirstLine = "# zerotail baseline 1";
constexpr size_t kFieldCount = 5;

std::vector<std::string> split_tabs(std::string_view line) {
  std::vector<std::string> fields;
  size_t begin = 0;
  while (true) {
    const size_t tab = line.find('\t', begin);
    fields.emplace_back(line.substr(begin, tab == std::string_view::npos ? tab : tab - begin));
    if (tab == std::string_view::npos) return fields;
    begin = tab + 1;
  }
}

bool is_fingerprint(const std::string& text) {
  return text.size() == 16 && text.find_first_not_of("0123456789abcdef") == std::string::npos;
}

bool is_date(const std::string& text) {
  if (text.size() != 10) return false;
  for (size_t i = 0; i < text.size(); ++i) {
    const bool dash = i == 4 || i == 7;
    if (dash ? text[i] != '-' : (text[i] < '0' || text[i] > '9')) return false;
  }
  return true;
}

// The entry, or what is wrong with the line.
sim::Result<BaselineEntry> parse_line(std::string_view line) {
  const auto wrong = [](std::string what) { return sim::Error(sim::Errno::kInval, what); };
  std::vector<std::string> fields = split_tabs(line);
  if (fields.size() != kFieldCount) {
    return wrong(fmt::format(
        "{} fields instead of {}: fingerprint, contract, date, state, reason, separated by tabs",
        fields.size(), kFieldCount));
  }
  if (!is_fingerprint(fields[0])) {
    return wrong(fmt::format("fingerprint '{}' is not 16 hexadecimal digits", fields[0]));
  }
  const std::optional<Contract> contract = contract_by_name(fields[1]);
  if (!contract) return wrong(fmt::format("unknown contract '{}'", fields[1]));
  if (!is_date(fields[2])) return wrong(fmt::format("date '{}' is not YYYY-MM-DD", fields[2]));
  if (fields[4].empty()) return wrong("the reason is empty");
  return BaselineEntry{std::move(fields[0]), *contract, std::move(fields[2]), std::move(fields[3]),
                       std::move(fields[4])};
}

}  // namespace

sim::Result<Baseline> Baseline::parse(std::string_view text, const std::string& file_name) {
  Baseline baseline;
  size_t line_number = 0;
  size_t begin = 0;
  const auto wrong = [&](const std::string& what) {
    return sim::Error(sim::Errno::kInval, fmt::format("{}:{}: {}", file_name, line_number, what));
  };
  while (begin < text.size()) {
    const size_t newline = text.find('\n', begin);
    const size_t end = newline == std::string_view::npos ? text.size() : newline;
    const std::string_view line = text.substr(begin, end - begin);
    begin = end + 1;
    ++line_number;
    if (line_number == 1 && line != kFirstLine) {
      return wrong(fmt::format("the first line is not '{}'", kFirstLine));
    }
    if (line.empty() || line.front() == '#') continue;
    sim::Result<BaselineEntry> entry = parse_line(line);
    if (!entry.ok()) return wrong(entry.error().where());
    if (baseline.entries_.contains(entry->fingerprint)) {
      return wrong(fmt::format("fingerprint {} stands twice", entry->fingerprint));
    }
    baseline.add(std::move(*entry));
  }
  if (line_number == 0) return sim::Error(sim::Errno::kInval, file_name + ": is empty");
  return baseline;
}

sim::Result<Baseline> Baseline::load(const std::string& file_name) {
  std::ifstream in(file_name, std::ios::binary);
  if (!in) return sim::Error(sim::Errno::kNoEnt, file_name + ": cannot be opened");
  std::ostringstream text;
  text << in.rdbuf();
  if (in.bad() || text.fail()) return sim::Error(sim::Errno::kIo, file_name + ": cannot be read");
  return parse(text.str(), file_name);
}

std::string Baseline::print() const {
  std::vector<const BaselineEntry*> ordered;
  for (const auto& [key, entry] : entries_) ordered.push_back(&entry);
  std::sort(ordered.begin(), ordered.end(), [](const BaselineEntry* a, const BaselineEntry* b) {
    return std::tie(a->contract, a->state, a->fingerprint) <
           std::tie(b->contract, b->state, b->fingerprint);
  });
  std::string text = fmt::format("{}\n# fingerprint\tcontract\tdate\tstate\treason\n", kFirstLine);
  for (const BaselineEntry* entry : ordered) {
    text +=
        fmt::format("{}\t{}\t{}\t{}\t{}\n", entry->fingerprint, contract_info(entry->contract).name,
                    entry->date, entry->state, entry->reason);
  }
  return text;
}

const BaselineEntry* Baseline::find(const std::string& fingerprint) const {
  const auto place = entries_.find(fingerprint);
  return place == entries_.end() ? nullptr : &place->second;
}

void Baseline::add(BaselineEntry entry) {
  std::string key = entry.fingerprint;
  const auto [place, fresh] = entries_.try_emplace(std::move(key), entry);
  if (!fresh) place->second.state = std::move(entry.state);  // one that this code still shows
}

}  // namespace zerotail::harness
