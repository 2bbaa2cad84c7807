#include "command/log_file.h"

#include <gtest/gtest.h>

#include "zerotail/support/real_tools.h"

namespace zerotail::command {
namespace {

constexpr uint64_t kMagic = 0x6a736677736872;
constexpr uint64_t kDiscard = 4;
constexpr size_t kSector = 512;

std::string number(uint64_t value, size_t width) {
  std::string text;
  for (size_t i = 0; i < width; ++i) text.push_back(static_cast<char>(value >> (8 * i) & 0xff));
  return text;
}

uint64_t number_at(const std::string& text, size_t at) {
  uint64_t value = 0;
  for (size_t i = 8; i-- > 0;) value = value << 8 | static_cast<uint8_t>(text.at(at + i));
  return value;
}

std::string unpack(const std::string& name) {
  const std::string path = std::string(ZEROTAIL_SOURCE_DIR) + "/tests/logs/" + name + ".gz";
  const support::ToolRun unpacked = support::run_tool("gzip", {"-dc", path});
  EXPECT_EQ(unpacked.exit_code, 0) << path;
  return unpacked.output;
}

}  // namespace

std::string raw_log(const std::vector<RawEntry>& entries) {
  std::string log = number(kMagic, 8) + number(1, 8) + number(entries.size(), 8) + number(512, 4);
  log.resize(kSector);
  for (const RawEntry& entry : entries) {
    const bool mark = (entry.flags & kMark) != 0;
    std::string header = number(entry.sector, 8) + number(entry.count, 8) + number(entry.flags, 8) +
                         number(mark ? entry.data.size() : 0, 8) + (mark ? entry.data : "");
    header.resize(kSector);
    log += header;
    if (!mark) log += entry.data;
  }
  return log;
}

std::vector<RawEntry> raw_entries(const std::string& log) {
  std::vector<RawEntry> entries;
  const uint64_t count = number_at(log, 16);
  for (size_t at = kSector; entries.size() < count;) {
    RawEntry entry{number_at(log, at), number_at(log, at + 8), number_at(log, at + 16), {}};
    const uint64_t text = number_at(log, at + 24);
    if ((entry.flags & kMark) != 0) entry.data = log.substr(at + 32, text);
    at += kSector;
    if ((entry.flags & (kMark | kDiscard)) == 0) {
      entry.data = log.substr(at, entry.count * kSector);
      at += entry.count * kSector;
    }
    entries.push_back(std::move(entry));
  }
  return entries;
}

RecordedLog recorded_log(const std::string& name, const ScratchFolder& folder) {
  return {folder.put(name + ".log", unpack(name + ".log")),
          folder.put(name + ".img", unpack(name + ".img"))};
}

}  // namespace zerotail::command
