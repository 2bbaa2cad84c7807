// One JSON object from one line, without exceptions reaching the caller. Stricter than the library:
// no duplicate keys, bounded depth.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "zerotail/sim/result.h"

namespace zerotail::harness {

// Keeps the order of keys.
using Json = nlohmann::ordered_json;

// EINVAL with `place` in front: not JSON (and where), not an object, a key twice, too deep.
[[nodiscard]] sim::Result<Json> parse_json_object(std::string_view text, const std::string& place);

// Compact text; invalid UTF-8 is replaced.
[[nodiscard]] std::string dump_json(const Json& json);

}  // namespace zerotail::harness
