// See size_text.h.
#include "zerotail/cli/size_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstdint>

namespace zerotail::cli {
namespace {

constexpr std::string_view kUnits = "KMGTP";  // 1024, 1024^2, ...
constexpr unsigned kShiftPerUnit = 10;
constexpr uint64_t kLargest = INT64_MAX;  // what a file's offset can hold

char upper(char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; }

// How far a suffix shifts; -1 for one that is none.
int shift_of(std::string_view suffix) {
  if (suffix.empty()) return 0;
  const size_t unit = kUnits.find(upper(suffix.front()));
  const std::string_view rest = suffix.substr(1);
  const bool tail = rest.empty() || rest == "iB" || rest == "ib" || rest == "i";
  if (unit == std::string_view::npos || !tail) return -1;
  return static_cast<int>(kShiftPerUnit * (unit + 1));
}

}  // namespace

sim::Result<sim::ByteCount> parse_size(std::string_view text) {
  const auto bad = [text](std::string_view why) {
    return sim::Error(sim::Errno::kInval, fmt::format("\"{}\" {}", text, why));
  };
  uint64_t number = 0;
  const char* end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data(), end, number);
  if (parsed.ec == std::errc::result_out_of_range) return bad("is too large");
  if (parsed.ec != std::errc{})
    return bad("is no size; write bytes, or a number with K, M, G or T");
  const int shift = shift_of({parsed.ptr, static_cast<size_t>(end - parsed.ptr)});
  if (shift < 0) return bad("has an unknown unit; K, M, G and T are known");
  if (number > kLargest >> shift) return bad("is too large");
  return sim::ByteCount{number << shift};
}

std::string size_text(sim::ByteCount size) {
  constexpr std::string_view kNames[] = {"KiB", "MiB", "GiB", "TiB", "PiB"};
  uint64_t number = size.value();
  size_t unit = 0;
  while (number != 0 && number % 1024 == 0 && unit < std::size(kNames)) {
    number /= 1024;
    ++unit;
  }
  if (unit == 0) return fmt::format("{} bytes", number);
  return fmt::format("{} {}", number, kNames[unit - 1]);
}

}  // namespace zerotail::cli
