// The table contract x operation x device class, as JSON for tools and as the page
// docs/CRASH-CONTRACTS.md. All figures are the same on every machine.
#pragma once

#include <string>
#include <vector>

#include "zerotail/harness/contract_table.h"

namespace zerotail::reports {

[[nodiscard]] std::string contracts_to_json(const std::vector<harness::ContractRow>& rows);
// `command`: what made it.
[[nodiscard]] std::string contracts_to_page(const std::vector<harness::ContractRow>& rows,
                                            const std::string& command);
// What a cell of the page says: "yes", "yes*" (not every state was judged), "no", "-" (the contract
// promises nothing there).
[[nodiscard]] std::string contract_word(const harness::ContractRow& row,
                                        harness::Contract contract);

}  // namespace zerotail::reports
