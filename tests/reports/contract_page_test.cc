// docs/CRASH-CONTRACTS.md says what the program says. The whole page is compared by
// `scripts/pages --check`; here some rows are judged again, and some of its states rebuilt.
#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <sstream>

#include "zerotail/fault/device_class.h"
#include "zerotail/harness/workloads.h"
#include "zerotail/reports/contract_report.h"

namespace zerotail::reports {
namespace {

using harness::Contract;

struct Page {
  // device, operation -> the cells of its contracts, in their order
  std::map<std::pair<std::string, std::string>, std::vector<std::string>> rows;
  std::map<std::string, std::string> id_forms;  // by device, with OPERATION and STATE
  std::vector<std::string> shown;               // ids of the examples
};

std::vector<std::string> cells_of(const std::string& line) {
  std::vector<std::string> cells;
  std::istringstream text(line.substr(2));
  for (std::string cell; std::getline(text, cell, '|');) {
    const size_t begin = cell.find_first_not_of(' ');
    const size_t end = cell.find_last_not_of(' ');
    cells.push_back(begin == std::string::npos ? "" : cell.substr(begin, end - begin + 1));
  }
  return cells;
}

std::string between(const std::string& line, const std::string& begin, const std::string& end) {
  const size_t at = line.find(begin);
  if (at == std::string::npos) return {};
  const size_t from = at + begin.size();
  return line.substr(from, line.find(end, from) - from);
}

Page read_page() {
  std::ifstream file(std::string(ZEROTAIL_SOURCE_DIR) + "/docs/CRASH-CONTRACTS.md");
  EXPECT_TRUE(file.good());
  Page page;
  std::string section;
  for (std::string line; std::getline(file, line);) {
    if (line.rfind("## ", 0) == 0) section = line.substr(3);
    if (line.rfind("The states are ", 0) == 0) page.id_forms[section] = between(line, "`", "`");
    const std::string id = between(line, "scripts/zerotail repro ", "`");
    if (id.rfind("zt1:op-", 0) == 0 && id.find("OPERATION") == std::string::npos) {
      page.shown.push_back(id);
    }
    if (line.rfind("| ", 0) != 0 || line.rfind("| operation", 0) == 0) continue;
    const std::vector<std::string> cells = cells_of(line);
    page.rows[{section, cells.front()}] = {cells.begin() + 1, cells.end()};
  }
  return page;
}

std::string replaced(std::string text, const std::string& what, const std::string& with) {
  const size_t at = text.find(what);
  return at == std::string::npos ? text : text.replace(at, what.size(), with);
}

void expect_shown(const std::string& text, const std::string& contract) {
  const auto id = harness::parse_repro_id(text);
  ASSERT_TRUE(id.ok()) << text;
  const auto operation = harness::builtin_workload(id->workload);
  ASSERT_TRUE(operation.ok()) << text;
  const auto state = harness::rebuild(*operation, *id, {});
  ASSERT_TRUE(state.ok()) << text;
  bool shown = false;
  for (const harness::Violation& violation : state->violations) {
    shown = shown || contract.empty() || contract == contract_info(violation.contract).name;
  }
  EXPECT_TRUE(shown) << contract << " " << text;
}

TEST(ContractPage, HasEveryOperation) {
  const Page page = read_page();
  for (const harness::Workload& operation : harness::contract_operations()) {
    EXPECT_EQ(page.rows.count({"sector", operation.name.substr(3)}), 1U) << operation.name;
  }
}

TEST(ContractPage, RowsAreWhatTheProgramSays) {
  const Page page = read_page();
  const auto classes = fault::device_classes();
  for (const char* name : {"create", "append", "rename-over", "dirsync-truncate"}) {
    const auto operation = harness::builtin_workload(std::string("op-") + name);
    ASSERT_TRUE(operation.ok());
    for (size_t device = 0; device < classes.size(); device += 3) {
      const std::string device_name(classes[device].name);
      const auto row = harness::judge_operation(*operation, device_name, {});
      ASSERT_TRUE(row.ok());
      const auto& cells = page.rows.at({device_name, name});
      size_t column = 0;
      for (size_t i = 0; i < harness::kContractCount; ++i) {
        const auto contract = static_cast<Contract>(i);
        if (contract == Contract::kAnswers) continue;
        std::string said = contract_word(*row, contract);
        if (row->cells[i].broken) said += " `" + row->cells[i].broken->state + "`";
        ASSERT_LT(column, cells.size());
        EXPECT_EQ(cells[column++], said)
            << contract_info(contract).name << " " << name << " " << device_name;
      }
    }
  }
}

TEST(ContractPage, TheStatesInItsCellsAreThere) {
  const Page page = read_page();
  std::vector<std::string> contracts;
  for (size_t i = 0; i < harness::kContractCount; ++i) {
    const auto contract = static_cast<Contract>(i);
    if (contract != Contract::kAnswers) contracts.emplace_back(contract_info(contract).name);
  }
  size_t seen = 0;
  size_t rebuilt = 0;
  for (const auto& [key, cells] : page.rows) {
    const auto form = page.id_forms.find(key.first);
    if (form == page.id_forms.end()) continue;
    for (size_t i = 0; i < cells.size(); ++i) {
      const std::string state = between(cells[i], "no `", "`");
      if (state.empty() || ++seen % 13 != 0) continue;
      ++rebuilt;
      expect_shown(replaced(replaced(form->second, "OPERATION", key.second), "STATE", state),
                   contracts[i]);
    }
  }
  EXPECT_GT(rebuilt, 50U);
}

TEST(ContractPage, ItsExamplesAreThere) {
  const Page page = read_page();
  ASSERT_GT(page.shown.size(), 30U);
  for (size_t i = 0; i < page.shown.size(); i += 3) expect_shown(page.shown[i], {});
}

}  // namespace
}  // namespace zerotail::reports
