// The file format: reading and writing. Nothing that the file says is believed before it was held
// against the file's length and the device's.
#include "zerotail/fault/log_writes.h"

#include <algorithm>
#include <array>
#include <cstring>

namespace zerotail::fault {

namespace {

using sim::ByteCount;
using sim::Errno;
using sim::Error;
using sim::Result;
using sim::Sector;
using sim::SectorCount;

constexpr uint64_t kMagic = 0x6a736677736872;
constexpr uint64_t kVersion = 1;
constexpr uint64_t kFlush = 1;
constexpr uint64_t kFua = 2;
constexpr uint64_t kDiscard = 4;
constexpr uint64_t kMark = 8;
constexpr uint64_t kMetadata = 16;
constexpr uint64_t kAllFlags = kFlush | kFua | kDiscard | kMark | kMetadata;

constexpr size_t kSuperBlockBytes = 28;
constexpr size_t kHeaderBytes = 32;  // of an entry, the mark's text not counted
constexpr uint64_t kLargestSector = sim::kib(64).value();

uint64_t get(std::string_view bytes, size_t at, size_t width) {
  uint64_t value = 0;
  for (size_t i = width; i-- > 0;) value = value << 8 | static_cast<uint8_t>(bytes[at + i]);
  return value;
}

void put(std::string* out, uint64_t value, size_t width) {
  for (size_t i = 0; i < width; ++i) out->push_back(static_cast<char>(value >> (8 * i) & 0xff));
}

bool valid_sector_size(uint64_t size) {
  return size >= sim::kSectorSize.value() && size <= kLargestSector && (size & (size - 1)) == 0;
}

class Reader {
 public:
  Reader(std::string_view content, const std::string& name, const LogReadOptions& options)
      : content_(content), name_(name), options_(options) {}

  Result<LogWrites> read() {
    ZT_TRY(read_super_block());
    const uint64_t counted = get(content_, 16, 8);
    position_ = size_;
    while (log_.entries.size() < counted) {
      ZT_ASSIGN(LogWritesEntry entry, read_entry(counted));
      log_.entries.push_back(std::move(entry));
    }
    if (log_.entries.empty() || log_.entries.back().mark != kLogEndMark) read_uncounted();
    return std::move(log_);
  }

 private:
  [[nodiscard]] Error bad(const std::string& what) const {
    return Error(Errno::kInval, name_ + ": " + what);
  }
  [[nodiscard]] Error bad_entry(const std::string& what) const {
    const size_t number = log_.entries.size() + log_.uncounted;
    return bad("entry " + std::to_string(number) + " at byte " + std::to_string(position_) + ": " +
               what);
  }

  sim::Status read_super_block() {
    if (content_.size() < kSuperBlockBytes) {
      return bad("is no dm-log-writes log: its " + std::to_string(content_.size()) +
                 " bytes are too short for a super block");
    }
    if (get(content_, 0, 8) != kMagic) return bad("is no dm-log-writes log: no magic at byte 0");
    if (const uint64_t version = get(content_, 8, 8); version != kVersion) {
      return bad("version " + std::to_string(version) + " at byte 8: only version 1 is known");
    }
    size_ = get(content_, 24, 4);
    if (!valid_sector_size(size_)) {
      return bad("sector size " + std::to_string(size_) +
                 " at byte 24: is no power of two from 512 to 65536");
    }
    log_.sector_size = ByteCount{size_};
    if (options_.capacity && sim::bytes(*options_.capacity).value() % size_ != 0) {
      return bad("sector size " + std::to_string(size_) + " at byte 24: the device has " +
                 std::to_string(sim::bytes(*options_.capacity).value()) +
                 " bytes, which is no multiple of it");
    }
    return {};
  }

  Result<LogWritesEntry> read_entry(uint64_t counted) {
    const size_t left = content_.size() - std::min<size_t>(position_, content_.size());
    if (left < size_) {
      return bad_entry(
          "the file ends at byte " + std::to_string(content_.size()) +
          (counted == 0 ? "" : " and should have " + std::to_string(counted) + " entries"));
    }
    const uint64_t sector = get(content_, position_, 8);
    const uint64_t count = get(content_, position_ + 8, 8);
    const uint64_t flags = get(content_, position_ + 16, 8);
    const uint64_t text = get(content_, position_ + 24, 8);
    if ((flags & ~kAllFlags) != 0) return bad_entry("unknown flags " + std::to_string(flags));
    const bool mark = (flags & kMark) != 0;
    if (text > longest_mark(ByteCount{size_}) || (text != 0 && !mark)) {
      return bad_entry("a text of " + std::to_string(text) + " bytes" +
                       (mark ? ", more than a sector holds" : " that is no mark's"));
    }
    ZT_TRY(check_range(sector, count));
    LogWritesEntry entry;
    entry.flush = (flags & kFlush) != 0;
    entry.fua = (flags & kFua) != 0;
    entry.discard = (flags & kDiscard) != 0;
    entry.metadata = (flags & kMetadata) != 0;
    entry.is_mark = mark;
    entry.mark = std::string(content_.substr(position_ + kHeaderBytes, text));
    const uint64_t ratio = size_ / sim::kSectorSize.value();
    entry.sector = Sector{sector * ratio};
    entry.count = SectorCount{count * ratio};
    entry.place = sim::DevPos{position_};
    const uint64_t length = entry.discard ? 0 : count * size_;
    if (left - size_ < length) {
      return bad_entry("its " + std::to_string(length) + " bytes of data are cut off: the file " +
                       "ends at byte " + std::to_string(content_.size()));
    }
    const auto* data = reinterpret_cast<const std::byte*>(content_.data()) + position_ + size_;
    entry.data.assign(data, data + length);
    position_ += size_ + length;
    return entry;
  }

  [[nodiscard]] sim::Status check_range(uint64_t sector, uint64_t count) const {
    // Without a device: what a 64-bit number of bytes can address.
    const uint64_t limit = options_.capacity ? sim::bytes(*options_.capacity).value() / size_
                                             : (uint64_t{1} << 62) / size_;
    if (sector <= limit && count <= limit - sector) return {};
    return bad_entry("sectors " + std::to_string(sector) + " and the next " +
                     std::to_string(count) + " (of " + std::to_string(size_) +
                     " bytes) do not fit the device of " + std::to_string(limit) + " sectors");
  }

  // Behind the counted entries: as long as it reads as entries that say something.
  void read_uncounted() {
    while (true) {
      auto entry = read_entry(0);
      if (!entry.ok()) return;
      const bool nothing = !entry->flush && !entry->fua && !entry->discard && !entry->is_mark &&
                           !entry->metadata && entry->count == SectorCount{};
      if (nothing) return;
      const bool end = entry->mark == kLogEndMark;
      if (options_.scan) {
        log_.entries.push_back(std::move(*entry));
      } else {
        ++log_.uncounted;
      }
      if (end) return;
    }
  }

  std::string_view content_;
  const std::string& name_;
  const LogReadOptions& options_;
  uint64_t size_ = 0;  // bytes a log sector
  size_t position_ = 0;
  LogWrites log_;
};

uint64_t flags_of(const LogWritesEntry& entry) {
  return (entry.flush ? kFlush : 0) | (entry.fua ? kFua : 0) | (entry.discard ? kDiscard : 0) |
         (entry.is_mark ? kMark : 0) | (entry.metadata ? kMetadata : 0);
}

}  // namespace

size_t longest_mark(ByteCount sector_size) { return sector_size.value() - kHeaderBytes - 1; }

Result<LogWrites> parse_log_writes(std::string_view content, const std::string& name,
                                   const LogReadOptions& options) {
  return Reader(content, name, options).read();
}

Result<std::string> print_log_writes(const LogWrites& log) {
  const uint64_t size = log.sector_size.value();
  ZT_ASSERT(valid_sector_size(size));
  const auto pad = [size](std::string* out) { out->resize(sim::round_up(out->size(), size)); };
  std::string out;
  put(&out, kMagic, 8);
  put(&out, kVersion, 8);
  put(&out, log.entries.size(), 8);
  put(&out, size, 4);
  pad(&out);
  for (size_t i = 0; i < log.entries.size(); ++i) {
    const LogWritesEntry& entry = log.entries[i];
    const uint64_t first = sim::dev_pos(entry.sector).value();
    const uint64_t length = sim::bytes(entry.count).value();
    if (first % size != 0 || length % size != 0) {
      return Error(Errno::kInval, "entry " + std::to_string(i) + ": bytes [" +
                                      std::to_string(first) + ", " +
                                      std::to_string(first + length) + ") are no sectors of " +
                                      std::to_string(size) + " bytes");
    }
    if (entry.mark.size() > longest_mark(log.sector_size)) {
      return Error(Errno::kInval, "entry " + std::to_string(i) + ": a mark of " +
                                      std::to_string(entry.mark.size()) + " bytes is too long");
    }
    ZT_ASSERT(entry.data.size() == (entry.discard ? 0 : length));
    put(&out, first / size, 8);
    put(&out, length / size, 8);
    put(&out, flags_of(entry), 8);
    put(&out, entry.mark.size(), 8);
    out += entry.mark;
    pad(&out);
    out.append(reinterpret_cast<const char*>(entry.data.data()), entry.data.size());
  }
  return out;
}

}  // namespace zerotail::fault
