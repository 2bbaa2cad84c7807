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
  // contract, operation -> the words of its devices, in the order of the classes
  std::map<std::pair<std::string, std::string>, std::vector<std::string>> rows;
  std::map<std::string, bool> holds_everywhere;
  std::vector<std::pair<std::string, std::string>> states;  // contract, repro id
};

Page read_page() {
  std::ifstream file(std::string(ZEROTAIL_SOURCE_DIR) + "/docs/CRASH-CONTRACTS.md");
  EXPECT_TRUE(file.good());
  Page page;
  std::string section;
  for (std::string line; std::getline(file, line);) {
    if (line.rfind("## ", 0) == 0) section = line.substr(3);
    if (line == "Holds everywhere.") page.holds_everywhere[section] = true;
    if (!harness::contract_by_name(section)) continue;
    if (line.rfind("| ", 0) == 0) {
      std::istringstream cells(line.substr(2));
      std::string name;
      std::getline(cells, name, '|');
      name = name.substr(0, name.find(' '));
      std::vector<std::string>& words = page.rows[{section, name}];
      for (std::string text; std::getline(cells, text, '|');) {
        std::istringstream word(text);
        std::string first;
        word >> first;
        words.push_back(first);
      }
    }
    const size_t id = line.find("`zt1:");
    if (id != std::string::npos) {
      page.states.emplace_back(section, line.substr(id + 1, line.find('`', id + 1) - id - 1));
    }
  }
  return page;
}

TEST(ContractPage, HasEveryOperation) {
  const Page page = read_page();
  for (const harness::Workload& operation : harness::contract_operations()) {
    EXPECT_EQ(page.rows.count({"consistent", operation.name.substr(3)}), 1U) << operation.name;
  }
}

TEST(ContractPage, RowsAreWhatTheProgramSays) {
  const Page page = read_page();
  const auto classes = fault::device_classes();
  for (const char* name : {"create", "append", "rename-over", "dirsync-truncate"}) {
    const auto operation = harness::builtin_workload(std::string("op-") + name);
    ASSERT_TRUE(operation.ok());
    for (size_t device = 0; device < classes.size(); device += 3) {
      const auto row = harness::judge_operation(*operation, std::string(classes[device].name), {});
      ASSERT_TRUE(row.ok());
      for (size_t i = 0; i < harness::kContractCount; ++i) {
        const auto contract = static_cast<Contract>(i);
        const std::string said = contract_info(contract).name;
        if (contract == Contract::kAnswers) continue;
        if (page.holds_everywhere.count(said) != 0) {
          EXPECT_FALSE(row->cells[i].broken) << said << " " << name;
          continue;
        }
        const auto& words = page.rows.at({said, name});
        ASSERT_EQ(words.size(), classes.size());
        EXPECT_EQ(words[device], contract_word(*row, contract))
            << said << " " << name << " " << classes[device].name;
      }
    }
  }
}

TEST(ContractPage, ItsStatesShowWhatItSays) {
  const Page page = read_page();
  ASSERT_GT(page.states.size(), 100U);
  for (size_t i = 0; i < page.states.size(); i += 11) {
    const auto& [contract, text] = page.states[i];
    const auto id = harness::parse_repro_id(text);
    ASSERT_TRUE(id.ok()) << text;
    const auto operation = harness::builtin_workload(id->workload);
    ASSERT_TRUE(operation.ok()) << text;
    const auto state = harness::rebuild(*operation, *id, {});
    ASSERT_TRUE(state.ok()) << text;
    bool shown = false;
    for (const harness::Violation& violation : state->violations) {
      shown = shown || contract == contract_info(violation.contract).name;
    }
    EXPECT_TRUE(shown) << contract << " " << text;
  }
}

}  // namespace
}  // namespace zerotail::reports
