// dm-log-writes logs as bytes, written down from the format's description and not with the code
// that is tested; and the recorded ones of tests/logs.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "command/process.h"

namespace zerotail::command {

inline constexpr uint64_t kFlush = 1;
inline constexpr uint64_t kFua = 2;
inline constexpr uint64_t kMark = 8;

struct RawEntry {
  uint64_t sector = 0;
  uint64_t count = 0;
  uint64_t flags = 0;
  std::string data;  // a mark: its text
};

// With sectors of 512 bytes.
[[nodiscard]] std::string raw_log(const std::vector<RawEntry>& entries);
[[nodiscard]] std::vector<RawEntry> raw_entries(const std::string& log);

// Unpacks tests/logs/NAME.log.gz and NAME.img.gz into the folder.
struct RecordedLog {
  std::string log;
  std::string image;
};
[[nodiscard]] RecordedLog recorded_log(const std::string& name, const ScratchFolder& folder);

}  // namespace zerotail::command
