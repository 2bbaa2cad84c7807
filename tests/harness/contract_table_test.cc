// The table of contracts: its operations, its cells, the states behind its "no"s.
#include "zerotail/harness/contract_table.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "zerotail/harness/workloads.h"

namespace zerotail::harness {
namespace {

Workload operation(const std::string& name) {
  auto workload = builtin_workload(name);
  EXPECT_TRUE(workload.ok()) << name;
  return std::move(*workload);
}

ContractRow judged(const std::string& name, const std::string& device,
                   const ContractOptions& options = {}) {
  auto row = judge_operation(operation(name), device, options);
  EXPECT_TRUE(row.ok()) << (row.ok() ? "" : row.error().message());
  return std::move(*row);
}

const ContractCell& cell(const ContractRow& row, Contract contract) {
  return row.cells[static_cast<size_t>(contract)];
}

TEST(ContractOperations, AreKnownToReproAndNotExploredByThemselves) {
  std::set<std::string> explored;
  for (const Workload& workload : builtin_workloads()) explored.insert(workload.name);
  const std::vector<Workload> operations = contract_operations();
  EXPECT_GE(operations.size(), 28U);
  for (const Workload& one : operations) {
    EXPECT_TRUE(builtin_workload(one.name).ok()) << one.name;
    EXPECT_EQ(explored.count(one.name), 0U) << one.name;
    EXPECT_FALSE(one.trace.header.about.empty()) << one.name;
  }
}

TEST(ContractTable, AnOverwriteBreaksNothingWhereSectorsAreAtomic) {
  const ContractRow row = judged("op-overwrite", "sector");
  EXPECT_TRUE(row.exhaustive);
  EXPECT_GT(row.states, 0U);
  for (size_t i = 0; i < kContractCount; ++i) EXPECT_FALSE(row.cells[i].broken) << i;
}

TEST(ContractTable, FsyncPromisesNothingOnADeviceThatIgnoresFlushes) {
  EXPECT_FALSE(cell(judged("op-create", "sector"), Contract::kDurable).broken);
  const ContractRow row = judged("op-create", "lying-flush");
  ASSERT_TRUE(cell(row, Contract::kDurable).broken);
  EXPECT_EQ(cell(row, Contract::kDurable).broken->violation.kind, "lost");
}

TEST(ContractTable, TheStateOfANoShowsIt) {
  for (const char* device : {"sector", "lying-flush", "write-through"}) {
    for (const char* name :
         {"op-directory-grows", "op-sync-mount-truncate-up", "op-rename-across"}) {
      const ContractRow row = judged(name, device);
      for (const ContractCell& one : row.cells) {
        if (!one.broken) continue;
        const std::string text = one.broken->repro.substr(one.broken->repro.rfind(' ') + 1);
        const auto id = parse_repro_id(text);
        ASSERT_TRUE(id.ok()) << text;
        const auto state = rebuild(operation(name), *id, {});
        ASSERT_TRUE(state.ok()) << text;
        EXPECT_TRUE(std::any_of(
            state->violations.begin(), state->violations.end(),
            [&one](const Violation& v) { return v.contract == one.broken->violation.contract; }))
            << text;
      }
    }
  }
}

// The set alone on the medium, without the data: one unit kept is all it takes.
TEST(ContractTable, TheStateOfANoIsTheSmallest) {
  const ContractRow row = judged("op-append", "sector");
  const ContractCell& stale = cell(row, Contract::kNoStale);
  ASSERT_TRUE(stale.broken);
  EXPECT_GT(stale.states, 1U);
  EXPECT_NE(stale.broken->state.find('+'), std::string::npos) << stale.broken->state;
  EXPECT_EQ(stale.broken->state.find_first_of(",~"), std::string::npos) << stale.broken->state;
}

// 4 MiB of garbage show it; 4 KiB of them do, too.
TEST(ContractTable, DamageIsAsSmallAsItCanBe) {
  const ContractRow row = judged("op-append", "sd");
  for (const ContractCell& one : row.cells) {
    if (!one.broken) continue;
    const auto id = parse_repro_id(one.broken->repro.substr(one.broken->repro.rfind(' ') + 1));
    ASSERT_TRUE(id.ok());
    const size_t tear = id->state.find('~');
    if (tear == std::string::npos) continue;
    EXPECT_EQ(id->state.find('-', tear), std::string::npos) << id->state;
  }
}

TEST(ContractTable, ABudgetThatLeavesStatesOutIsNotExhaustive) {
  ContractOptions options;
  options.budget = 8;
  EXPECT_FALSE(judged("op-chain", "sector", options).exhaustive);
}

TEST(ContractTable, CarefulHoldsWhatLinuxDoesNot) {
  ContractOptions careful;
  careful.ordering = volume::Ordering::kCareful;
  for (const char* name : {"op-append", "op-directory-grows", "op-sync", "op-rename-directory"}) {
    const ContractRow row = judged(name, "sector", careful);
    for (const Contract contract : {Contract::kDurable, Contract::kContained, Contract::kReachable,
                                    Contract::kNoStale, Contract::kFlagged}) {
      EXPECT_FALSE(cell(row, contract).broken) << name << " " << contract_info(contract).name;
    }
  }
}

TEST(ContractTable, RowsComeOperationByOperation) {
  ContractChoice choice;
  choice.operations = {operation("op-create"), operation("op-overwrite")};
  choice.devices = {"sector", "ordered"};
  const auto rows = contract_table(choice, {});
  ASSERT_TRUE(rows.ok());
  std::string order;
  for (const ContractRow& row : *rows) order += row.operation + "@" + row.device + " ";
  EXPECT_EQ(order, "op-create@sector op-create@ordered op-overwrite@sector op-overwrite@ordered ");
}

}  // namespace
}  // namespace zerotail::harness
