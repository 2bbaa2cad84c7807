#include "zerotail/reports/atlas_report.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

namespace zerotail::reports {
namespace {

using harness::AtlasCell;
using harness::FaultOutcome;
using Json = nlohmann::ordered_json;

constexpr FaultOutcome kShown[] = {FaultOutcome::kMasked, FaultOutcome::kRecovered,
                                   FaultOutcome::kDetected, FaultOutcome::kSilent};

uint64_t count(const AtlasCell& cell, FaultOutcome outcome) {
  return cell.counts[static_cast<size_t>(outcome)];
}

// "silent 2, detected 6": the worst first.
std::string counts_text(const AtlasCell& cell) {
  std::string text;
  for (size_t i = std::size(kShown); i-- > 0;) {
    const uint64_t n = count(cell, kShown[i]);
    if (n == 0) continue;
    if (!text.empty()) text += ", ";
    text += fmt::format("{} {}", harness::name(kShown[i]), n);
  }
  return text.empty() ? harness::name(FaultOutcome::kNotReached) : text;
}

std::string repro(const AtlasCell& cell) {
  return fmt::format("zerotail atlas --fault '{}'", cell.worst.plan);
}

// The cells by kind: those of one kind stand together.
std::vector<std::vector<AtlasCell>> by_kind(const std::vector<AtlasCell>& cells) {
  std::vector<std::vector<AtlasCell>> rows;
  for (const AtlasCell& cell : cells) {
    if (rows.empty() || rows.back().front().kind != cell.kind) rows.emplace_back();
    rows.back().push_back(cell);
  }
  return rows;
}

}  // namespace

std::string to_text(const AtlasReport& report) {
  std::string text;
  const auto rows = by_kind(report.cells);
  if (rows.empty()) return text;
  text += fmt::format("{:<18}", "");
  for (const AtlasCell& cell : rows.front()) text += fmt::format(" {:<14}", cell.structure);
  text += "\n";
  for (const auto& row : rows) {
    text += fmt::format("{:<18}", row.front().kind->name);
    for (const AtlasCell& cell : row) {
      text += fmt::format(" {:<14}", harness::name(cell.worst.outcome));
    }
    text += "\n";
  }
  uint64_t cases = 0;
  std::array<uint64_t, harness::kFaultOutcomes> sums{};
  for (const AtlasCell& cell : report.cells) {
    for (size_t i = 0; i < sums.size(); ++i) sums[i] += cell.counts[i];
    for (const uint64_t n : cell.counts) cases += n;
    if (cell.worst.outcome != FaultOutcome::kSilent) continue;
    text += fmt::format("silent: {} on {}: {}\n    repro: {}\n", cell.kind->name, cell.structure,
                        cell.worst.detail, repro(cell));
  }
  text += fmt::format("{} cases:", cases);
  for (const FaultOutcome outcome : kShown) {
    text += fmt::format(" {} {}", sums[static_cast<size_t>(outcome)], harness::name(outcome));
  }
  return text + "\n";
}

std::string to_json(const AtlasReport& report) {
  Json json;
  json["workload"] = report.workload;
  json["cases_per_cell"] = report.cases_per_cell;
  json["cells"] = Json::array();
  for (const AtlasCell& cell : report.cells) {
    Json one;
    one["fault"] = cell.kind->name;
    one["structure"] = cell.structure;
    one["outcome"] = harness::name(cell.worst.outcome);
    for (const FaultOutcome outcome : kShown) one[harness::name(outcome)] = count(cell, outcome);
    if (!cell.worst.plan.empty()) one["repro"] = repro(cell);
    if (!cell.worst.detail.empty()) one["detail"] = cell.worst.detail;
    json["cells"].push_back(std::move(one));
  }
  // Names on a damaged volume need not be UTF-8.
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

std::string page_row(const std::vector<AtlasCell>& cells_of_kind) {
  std::string row = fmt::format("| `{}` |", cells_of_kind.front().kind->name);
  for (const AtlasCell& cell : cells_of_kind) row += fmt::format(" {} |", counts_text(cell));
  return row + "\n";
}

std::string to_page(const AtlasReport& report) {
  const auto rows = by_kind(report.cells);
  std::string text = fmt::format(
      "# The fault atlas\n\n"
      "What becomes of a fault, for every kind of fault and every structure of the volume.\n"
      "Made by `scripts/zerotail atlas --page docs/FAULT-ATLAS.md --force`; a test holds it to "
      "what the command says.\n\n"
      "The workload ({}) runs once for each case, with one fault on the n-th request that touches "
      "the structure, n from 1 to {} as far as there are so many.\n"
      "A failed operation is tried once more; at the end the device is plugged in anew, the volume "
      "mounted, read whole and checked.\n\n"
      "| word | means |\n|---|---|\n"
      "| masked | no operation failed; every answer and the volume at the end are right |\n"
      "| recovered | an operation failed; after its second try everything is right |\n"
      "| detected | an operation failed, at the latest when all is read at the end, and what it "
      "was "
      "about stayed undone or is damaged |\n"
      "| silent | an answer was wrong, or the volume is, in something that no operation failed on "
      "|\n"
      "| - | no request of that kind touches the structure |\n\n"
      "Failing means an I/O error (EIO, ENOSPC, ENODEV, EROFS, ENXIO) or a short write; ENOENT for "
      "a "
      "file that should be there is a wrong answer.\n"
      "A failure covers its path and what lies above and below it; one of mount, umount or sync "
      "covers all.\n"
      "Of damage that only the checker sees, any failure before it counts as the warning.\n\n"
      "## Outcomes\n\n",
      report.workload, report.cases_per_cell);
  if (rows.empty()) return text;
  text += "| fault |";
  for (const AtlasCell& cell : rows.front()) text += fmt::format(" {} |", cell.structure);
  text += "\n|---|";
  for (size_t i = 0; i < rows.front().size(); ++i) text += "---|";
  text += "\n";
  for (const auto& row : rows) text += page_row(row);
  text += "\n## What is silent, and how to see it again\n\n";
  for (const AtlasCell& cell : report.cells) {
    if (cell.worst.outcome != FaultOutcome::kSilent) continue;
    text += fmt::format("- **{}** on **{}**: {}\n  `{}`\n", cell.kind->name, cell.structure,
                        cell.worst.detail, repro(cell));
  }
  text += "\n## The faults\n\n| fault | what happens |\n|---|---|\n";
  for (const auto& row : rows) {
    text += fmt::format("| `{}` | {} |\n", row.front().kind->name, row.front().kind->about);
  }
  return text;
}

}  // namespace zerotail::reports
