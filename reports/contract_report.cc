#include "zerotail/reports/contract_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "zerotail/fault/device_class.h"

namespace zerotail::reports {
namespace {

using harness::Contract;
using harness::ContractCell;
using harness::ContractRow;
using Json = nlohmann::ordered_json;

constexpr const char* kIntroduction = R"(# What the crash contracts of exFAT are

Which contract ([CONTRACTS.md](CONTRACTS.md)) holds for which operation on which kind of device ([MODEL.md](../fault/MODEL.md)), under the order in which the Linux driver writes.
Each operation is a small workload of its own (`harness/contract_operations`): a volume with two other files, a first change that is made durable, then the operation and what the table says behind it.

- **yes**: no crash state breaks it, and every state of the model was judged.
- **yes\***: no state that was judged breaks it, but there are more.
- **no**: the state behind the number breaks it. It is the one that differs least from "all kept" or from "all lost".
- **-**: nothing is promised there: `sync-mount` is of sync and dirsync mounts without a volatile cache.

Rebuild a state with the line behind its number, as in `scripts/zerotail repro zt1:...`.

)";

const ContractCell& cell_of(const ContractRow& row, Contract contract) {
  return row.cells[static_cast<size_t>(contract)];
}

std::vector<std::string> operations_of(const std::vector<ContractRow>& rows) {
  std::vector<std::string> names;
  for (const ContractRow& row : rows) {
    if (names.empty() || names.back() != row.operation) names.push_back(row.operation);
  }
  return names;
}

// The rows of one operation, device by device.
std::vector<const ContractRow*> rows_of(const std::vector<ContractRow>& rows,
                                        const std::string& operation) {
  std::vector<const ContractRow*> found;
  for (const ContractRow& row : rows) {
    if (row.operation == operation) found.push_back(&row);
  }
  return found;
}

std::string short_name(const std::string& operation) {
  return operation.rfind("op-", 0) == 0 ? operation.substr(3) : operation;
}

bool holds_everywhere(const std::vector<ContractRow>& rows, Contract contract) {
  return std::none_of(rows.begin(), rows.end(), [contract](const ContractRow& row) {
    return cell_of(row, contract).broken.has_value();
  });
}

std::string contract_section(const std::vector<ContractRow>& rows, Contract contract) {
  const harness::ContractInfo& info = contract_info(contract);
  std::string text = fmt::format("## {}\n\n{}.\n\n", info.name, info.says);
  text[text.find(info.says)] = static_cast<char>(std::toupper(info.says[0]));
  if (holds_everywhere(rows, contract)) return text + "Holds everywhere.\n\n";
  std::string head = "| operation |";
  std::string line = "|---|";
  for (const ContractRow* row : rows_of(rows, rows.front().operation)) {
    head += fmt::format(" {} |", row->device);
    line += "---|";
  }
  std::string notes;
  size_t number = 0;
  text += head + "\n" + line + "\n";
  for (const std::string& operation : operations_of(rows)) {
    text += fmt::format("| {} |", short_name(operation));
    for (const ContractRow* row : rows_of(rows, operation)) {
      const ContractCell& cell = cell_of(*row, contract);
      text += " " + contract_word(*row, contract);
      if (cell.broken) {
        ++number;
        text += fmt::format(" {}", number);
        const harness::Violation& violation = cell.broken->violation;
        notes += fmt::format("{}. `{}` {} '{}'\n", number,
                             cell.broken->repro.substr(cell.broken->repro.rfind(' ') + 1),
                             violation.kind, violation.path);
      }
      text += " |";
    }
    text += "\n";
  }
  return text + "\n" + notes + "\n";
}

}  // namespace

std::string contract_word(const ContractRow& row, Contract contract) {
  if (cell_of(row, contract).broken) return "no";
  if (contract == Contract::kSyncMount && !row.applies_sync_mount) return "-";
  return row.exhaustive ? "yes" : "yes*";
}

std::string contracts_to_json(const std::vector<ContractRow>& rows) {
  Json json = Json::array();
  for (const ContractRow& row : rows) {
    Json one;
    one["operation"] = row.operation;
    one["about"] = row.about;
    one["device"] = row.device;
    one["states"] = row.states;
    one["exhaustive"] = row.exhaustive;
    one["contracts"] = Json::object();
    for (size_t i = 0; i < row.cells.size(); ++i) {
      const auto contract = static_cast<Contract>(i);
      Json cell;
      cell["holds"] = contract_word(row, contract);
      cell["states"] = row.cells[i].states;
      if (row.cells[i].broken) {
        const harness::Finding& broken = *row.cells[i].broken;
        cell["kind"] = broken.violation.kind;
        cell["path"] = broken.violation.path;
        cell["detail"] = broken.violation.detail;
        cell["repro"] = broken.repro;
      }
      one["contracts"][contract_info(contract).name] = std::move(cell);
    }
    json.push_back(std::move(one));
  }
  return json.dump(2) + "\n";
}

std::string contracts_to_page(const std::vector<ContractRow>& rows, const std::string& command) {
  std::string text = kIntroduction;
  text += fmt::format("This page was made by `{}`; a test compares.\n\n", command);
  if (rows.empty()) return text;
  text += "## The operations\n\n| operation | is |\n|---|---|\n";
  for (const std::string& operation : operations_of(rows)) {
    text += fmt::format("| {} | {} |\n", short_name(operation),
                        rows_of(rows, operation).front()->about);
  }
  text += "\n## The devices\n\n| device | printed as | is |\n|---|---|---|\n";
  for (const ContractRow* row : rows_of(rows, rows.front().operation)) {
    for (const fault::DeviceClass& device : fault::device_classes()) {
      if (device.name != row->device) continue;
      text += fmt::format("| {} | `{}` | {} |\n", device.name, device.device, device.about);
    }
  }
  text += "\n";
  for (size_t i = 0; i < harness::kContractCount; ++i) {
    const auto contract = static_cast<Contract>(i);
    if (contract != Contract::kAnswers) text += contract_section(rows, contract);
  }
  text.pop_back();
  return text;
}

}  // namespace zerotail::reports
