#include "zerotail/exfat/upcase.h"

#include <string>

#include "zerotail/exfat/ondisk.h"
#include "zerotail/exfat/upcase_table.h"

namespace zerotail::exfat {

namespace {
constexpr uint16_t kRunMark = 0xFFFF;

sim::Error bad_table(const std::string& why) {
  return sim::Error(sim::Errno::kInval, "upcase table: " + why);
}
}  // namespace

void Upcase::set(char16_t from, char16_t to) {
  std::shared_ptr<Page>& page = pages_[from >> 8];
  if (page == nullptr) {
    page = std::make_shared<Page>();
    for (size_t i = 0; i < page->size(); ++i) {
      (*page)[i] = static_cast<char16_t>((from & 0xFF00U) + i);
    }
  }
  (*page)[from & 0xFF] = to;
}

sim::Result<Upcase> Upcase::parse(std::span<const std::byte> table, uint32_t checksum) {
  if (table.empty() || table.size() % sizeof(Le16) != 0) {
    return bad_table("DataLength is " + std::to_string(table.size()));
  }
  if (upcase_checksum(table) != checksum) return bad_table("TableChecksum does not match");
  Upcase upcase;
  uint32_t index = 0;
  for (size_t at = 0; at < table.size(); at += sizeof(Le16)) {
    const uint16_t unit = load<Le16>(table.subspan(at));
    if (index >= kUpcaseUnits) return bad_table("more than 65536 units");
    // U+FFFF maps to itself where its own turn comes; elsewhere the value announces a run.
    if (unit == kRunMark && index != kRunMark) {
      at += sizeof(Le16);
      if (at >= table.size()) return bad_table("a run of identities has no length");
      index += load<Le16>(table.subspan(at));
      if (index > kUpcaseUnits) return bad_table("more than 65536 units");
      continue;
    }
    if (unit != index) upcase.set(static_cast<char16_t>(index), static_cast<char16_t>(unit));
    ++index;
  }
  return upcase;
}

}  // namespace zerotail::exfat
