// What an operation answered: a count or a negative errno, and named fields, as one JSON object a
// line: {"i":3,"ret":100,"fnv":"…","map":"d100"}.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "zerotail/sim/result.h"

namespace zerotail::harness {

using FieldValue = std::variant<int64_t, std::string, std::vector<std::string>>;

struct OpResult {
  struct Field {
    std::string name;
    FieldValue value;
    bool operator==(const Field&) const = default;
  };

  int64_t ret = 0;
  std::vector<Field> fields;  // in the order in which they are printed
  std::string note;           // why, for people; neither printed as a field nor compared

  void set(std::string name, FieldValue value);
  [[nodiscard]] const FieldValue* find(std::string_view name) const;
  [[nodiscard]] bool failed_with(sim::Errno code) const { return ret == -static_cast<int>(code); }
};

[[nodiscard]] OpResult failure(const sim::Error& error);

// Without `index` there is no "i".
[[nodiscard]] std::string print_result(const OpResult& result, std::optional<size_t> index);
// The inverse; "i" is accepted and ignored. EINVAL: not such an object.
[[nodiscard]] sim::Result<OpResult> parse_result(std::string_view json);

// Empty when equal; else "ret: want 0, got -28; map: want d10, got z10". Fields in `ignored` are
// not compared.
[[nodiscard]] std::string difference(const OpResult& want, const OpResult& got,
                                     const std::vector<std::string>& ignored = {});

}  // namespace zerotail::harness
