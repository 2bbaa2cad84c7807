// Sizes as people write them on a command line and read them in a result.
#pragma once

#include <string>
#include <string_view>

#include "zerotail/sim/result.h"
#include "zerotail/sim/units.h"

namespace zerotail::cli {

// "512", "64K", "4M", "1G", "2T": bytes, or units of 1024^n; lower case and "KiB" and the like are
// taken too. EINVAL: no number, another suffix, or more than 2^63 - 1 bytes; says which.
[[nodiscard]] sim::Result<sim::ByteCount> parse_size(std::string_view text);

// The shortest exact form: "64 MiB", "1984 bytes".
[[nodiscard]] std::string size_text(sim::ByteCount size);

}  // namespace zerotail::cli
