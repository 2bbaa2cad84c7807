#include "zerotail/reports/contract_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "zerotail/fault/device_class.h"
#include "zerotail/harness/explain.h"

namespace zerotail::reports {
namespace {

using harness::Contract;
using harness::ContractCell;
using harness::ContractRow;
using Json = nlohmann::ordered_json;

constexpr const char* kIntroduction = R"(# What the crash contracts of exFAT are

Which contract ([CONTRACTS.md](CONTRACTS.md)) holds for which operation on which kind of device ([MODEL.md](../fault/MODEL.md)), under the order in which the Linux driver writes.
Each operation is a small workload of its own (`harness/contract_operations`): a volume with other files on it, a first change that is made durable, then the operation and the call that makes it durable.
The power fails at every moment of that; what may be on the medium then is judged.

- **yes**: no crash state breaks it, and every state of the model was judged.
- **yes\***: no state that was judged breaks it, but there are more.
- **no**: the state behind it breaks it. It is the smallest: the least damage, then what differs least from "everything written is there" or from "nothing is"; among a sample, one from which nothing can be taken away.
- **-**: nothing is promised there: `sync-mount` is of sync and dirsync mounts without a volatile cache.

Each "no" can be rebuilt: `scripts/zerotail repro zt1:op-OPERATION:DEVICE:MOUNT:SEED:STATE` prints what is broken, and exits with 1; each table says what stands between OPERATION and STATE.
What closes a case, at what price, is told in [ORDERING.md](ORDERING.md).

)";

// What a kind of device changes, for those whose tables differ from the default's.
struct DeviceRemark {
  std::string_view name;
  std::string_view says;
};
constexpr std::array kRemarks{
    DeviceRemark{"ordered",
                 "What was written first is there first. Data is written before the set that needs "
                 "it, so that nothing stale shows; but promises need flushes here too."},
    DeviceRemark{"request",
                 "A dentry set that lies across two sectors of one block is written by one "
                 "request."},
    DeviceRemark{"4k-atomic", "A dentry set that lies across two sectors lies in one unit."},
    DeviceRemark{"16k-atomic", "A dentry set that lies across two sectors lies in one unit."},
    DeviceRemark{"tear",
                 "The sector that is being written may be lost. The boot sector is one: it is "
                 "written when VolumeDirty is set and cleared, and garbage in it leaves nothing to "
                 "mount. So is a sector of a directory, which holds the sets of files that nobody "
                 "touched."},
    DeviceRemark{"512e",
                 "The neighbours of the sector that is being written are in danger as well: the "
                 "boot region's, other directories', other files'."},
    DeviceRemark{"usb",
                 "Whatever shares the erase block with what is being written may be lost, durable "
                 "or not: the boot region and its backup, directories, files."},
    DeviceRemark{"sd",
                 "Whatever shares the allocation unit with what is being written may be lost, "
                 "durable or not; on a small volume that is everything."},
    DeviceRemark{"lying-flush", "No promise can be kept, and VolumeDirty comes in any order."},
    DeviceRemark{"lost-fua",
                 "VolumeDirty is set by a FUA write that no flush follows: what comes next may be "
                 "there before it."},
    DeviceRemark{"write-through",
                 "What a call has written is there when it returns, so that sync keeps its "
                 "promise; what was only written back later is as elsewhere."},
};

const ContractCell& cell_of(const ContractRow& row, Contract contract) {
  return row.cells[static_cast<size_t>(contract)];
}

std::vector<Contract> contracts() {
  std::vector<Contract> all;
  for (size_t i = 0; i < harness::kContractCount; ++i) {
    const auto contract = static_cast<Contract>(i);
    if (contract != Contract::kAnswers) all.push_back(contract);
  }
  return all;
}

using Rows = std::vector<const ContractRow*>;

// In the order of their first rows.
std::vector<std::string> devices_of(const std::vector<ContractRow>& rows) {
  std::vector<std::string> names;
  for (const ContractRow& row : rows) {
    if (std::find(names.begin(), names.end(), row.device) == names.end()) {
      names.push_back(row.device);
    }
  }
  return names;
}

Rows rows_on(const std::vector<ContractRow>& rows, const std::string& device) {
  Rows found;
  for (const ContractRow& row : rows) {
    if (row.device == device) found.push_back(&row);
  }
  return found;
}

std::string short_name(const std::string& operation) {
  return operation.rfind("op-", 0) == 0 ? operation.substr(3) : operation;
}

std::string id_of(const harness::Finding& finding) {
  return finding.repro.substr(finding.repro.rfind(' ') + 1);
}

// "no `p5+0`", "yes".
std::string cell_text(const ContractRow& row, Contract contract) {
  const ContractCell& cell = cell_of(row, contract);
  if (!cell.broken) return contract_word(row, contract);
  return fmt::format("no `{}`", cell.broken->state);
}

// Contract by device: for how many operations it holds, of those to which it applies.
std::string summary(const std::vector<ContractRow>& rows) {
  std::string text =
      "## In short\n\nFor how many operations a contract holds, of those that it applies "
      "to.\n`3+24*/30`: "
      "for 3 of 30, and for 24 more no state that was judged breaks it, but not all were "
      "judged.\n\n"
      "| contract |";
  std::string line = "|---|";
  const std::vector<std::string> devices = devices_of(rows);
  for (const std::string& device : devices) {
    text += fmt::format(" {} |", device);
    line += "---|";
  }
  text += "\n" + line + "\n";
  for (const Contract contract : contracts()) {
    text += fmt::format("| {} |", contract_info(contract).name);
    for (const std::string& device : devices) {
      size_t holds = 0;
      size_t unbroken = 0;
      size_t all = 0;
      for (const ContractRow* row : rows_on(rows, device)) {
        const std::string word = contract_word(*row, contract);
        all += word == "-" ? 0 : 1;
        holds += word == "yes" ? 1 : 0;
        unbroken += word == "yes*" ? 1 : 0;
      }
      const std::string more = unbroken == 0 ? "" : fmt::format("+{}\\*", unbroken);
      text += all == 0
                  ? std::string(" - |")
                  : fmt::format(" {0}{1}{3}/{2}{0} |", holds == all ? "**" : "", holds, all, more);
    }
    text += "\n";
  }
  return text + "\n";
}

std::string operations_table(const Rows& rows) {
  std::string text = "## The operations\n\n| operation | is |\n|---|---|\n";
  for (const ContractRow* row : rows) {
    text += fmt::format("| {} | {} |\n", short_name(row->operation), row->about);
  }
  return text + "\n";
}

std::string table_of(const Rows& rows) {
  std::string text = "| operation |";
  std::string line = "|---|";
  for (const Contract contract : contracts()) {
    text += fmt::format(" {} |", contract_info(contract).name);
    line += "---|";
  }
  text += "\n" + line + "\n";
  for (const ContractRow* row : rows) {
    text += fmt::format("| {} |", short_name(row->operation));
    for (const Contract contract : contracts()) {
      text += fmt::format(" {} |", cell_text(*row, contract));
    }
    text += "\n";
  }
  return text + "\n";
}

// Cells that are broken in one way, for one reason.
struct Case {
  Contract contract;
  std::string kind;
  std::string reason;
  std::vector<const ContractRow*> rows;
};

// `base`: the default's rows; what is broken there is left out. Empty: nothing is.
std::vector<Case> cases_of(const Rows& rows, const Rows& base) {
  std::vector<Case> cases;
  for (const Contract contract : contracts()) {
    for (size_t i = 0; i < rows.size(); ++i) {
      const ContractCell& cell = cell_of(*rows[i], contract);
      if (!cell.broken || (!base.empty() && cell_of(*base[i], contract).broken)) continue;
      const harness::Violation& violation = cell.broken->violation;
      const std::string reason = base.empty() ? harness::explain(*cell.broken) : std::string();
      auto place = std::find_if(cases.begin(), cases.end(), [&](const Case& one) {
        return one.contract == contract && one.kind == violation.kind && one.reason == reason;
      });
      if (place == cases.end()) {
        place = cases.insert(place, Case{contract, violation.kind, reason, {}});
      }
      place->rows.push_back(rows[i]);
    }
  }
  return cases;
}

std::string names_of(const std::vector<const ContractRow*>& rows) {
  std::string text;
  for (const ContractRow* row : rows) {
    if (!text.empty()) text += ", ";
    text += short_name(row->operation);
  }
  return text;
}

// A crash state's name can hold anything: bytes that are not plain text by their number.
std::string printable(const std::string& text) {
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte >= 0x20 && byte < 0x7F) {
      out.push_back(c);
    } else {
      out += fmt::format("\\x{:02x}", byte);
    }
  }
  return out;
}

// `all`: how many operations there are.
std::string cases_text(const std::vector<Case>& cases, size_t all) {
  std::string text;
  for (const Case& one : cases) {
    const harness::Finding& example = *cell_of(*one.rows.front(), one.contract).broken;
    text += fmt::format("- **{}**, {}", contract_info(one.contract).name, one.kind);
    if (!one.reason.empty()) text += fmt::format(": {}", one.reason);
    text += fmt::format(".\n  In {}: {}.\n", one.rows.size(),
                        one.rows.size() == all ? "all" : names_of(one.rows));
    text += fmt::format("  For one, '{}': {}.\n  `scripts/zerotail repro {}`\n",
                        printable(example.violation.path), printable(example.violation.detail),
                        id_of(example));
  }
  return text.empty() ? text : text + "\n";
}

// What holds on this device and not on the default's.
std::string holds_here(const Rows& rows, const Rows& base) {
  std::string text;
  for (const Contract contract : contracts()) {
    std::vector<const ContractRow*> better;
    for (size_t i = 0; i < rows.size(); ++i) {
      if (cell_of(*base[i], contract).broken && !cell_of(*rows[i], contract).broken) {
        better.push_back(rows[i]);
      }
    }
    if (better.empty()) continue;
    text += fmt::format("- **{}** holds here for {}.\n", contract_info(contract).name,
                        names_of(better));
  }
  return text.empty() ? text : text + "\n";
}

// What stands before the state in the ids of a device's rows.
std::string id_form(const ContractRow& row) {
  for (const ContractCell& cell : row.cells) {
    if (!cell.broken) continue;
    const std::string id = id_of(*cell.broken);
    const size_t device = id.find(':', id.find(':') + 1);
    return fmt::format("`zt1:op-OPERATION{}STATE`", id.substr(device, id.rfind(':') - device + 1));
  }
  return {};
}

std::string device_section(const Rows& rows, const Rows& base) {
  const std::string& name = rows.front()->device;
  std::string text = fmt::format("## {}\n\n", name);
  for (const fault::DeviceClass& device : fault::device_classes()) {
    if (device.name != name) continue;
    text += fmt::format("`--device {}`: {}.", device.device, device.about);
  }
  for (const DeviceRemark& remark : kRemarks) {
    if (remark.name == name) text += fmt::format("\n{}", remark.says);
  }
  for (const ContractRow* row : rows) {
    const std::string form = id_form(*row);
    if (form.empty()) continue;
    text += fmt::format("\nThe states are {}.", form);
    break;
  }
  text += "\n\n" + table_of(rows);
  if (base.empty())
    return text + "What is broken, and why:\n\n" + cases_text(cases_of(rows, {}), rows.size());
  const std::string& other = base.front()->device;
  const std::string more = cases_text(cases_of(rows, base), rows.size());
  const std::string less = holds_here(rows, base);
  if (more.empty() && less.empty()) return text + fmt::format("As on `{}`.\n\n", other);
  text += fmt::format("Other than on `{}`:\n\n", other);
  return text + less + more;
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
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

std::string contracts_to_page(const std::vector<ContractRow>& rows, const std::string& command) {
  std::string text = kIntroduction;
  text += fmt::format("This page was made by `{}`; a test compares.\n\n", command);
  if (rows.empty()) return text;
  const std::vector<std::string> devices = devices_of(rows);
  const Rows base = rows_on(rows, devices.front());
  text += summary(rows) + operations_table(base);
  for (const std::string& device : devices) {
    text += device_section(rows_on(rows, device), device == devices.front() ? Rows{} : base);
  }
  text.pop_back();
  return text;
}

}  // namespace zerotail::reports
