#include "zerotail/fault/log_writes.h"

#include <gtest/gtest.h>

#include "fault/log_builder.h"

namespace zerotail::fault {
namespace {

using sim::ByteCount;
using sim::Errno;
using sim::Sector;
using sim::SectorCount;

constexpr SectorCount kCapacity{64};

LogWritesEntry write_entry(uint64_t sector, std::vector<int> values) {
  LogWritesEntry entry;
  entry.sector = Sector{sector};
  entry.count = SectorCount{values.size()};
  for (const int value : values) {
    entry.data.insert(entry.data.end(), sim::kSectorSize.value(), static_cast<std::byte>(value));
  }
  return entry;
}

LogWritesEntry flush_entry() {
  LogWritesEntry entry;
  entry.flush = true;
  return entry;
}

LogWritesEntry mark_entry(const std::string& text) {
  LogWritesEntry entry;
  entry.is_mark = true;
  entry.mark = text;
  return entry;
}

LogWritesEntry discard_entry(uint64_t sector, uint64_t count) {
  LogWritesEntry entry;
  entry.discard = true;
  entry.sector = Sector{sector};
  entry.count = SectorCount{count};
  return entry;
}

LogWrites sample(ByteCount sector_size) {
  LogWrites log;
  log.sector_size = sector_size;
  log.entries = {write_entry(8, {1, 2, 3, 4, 5, 6, 7, 8}), flush_entry(), mark_entry("synced"),
                 discard_entry(16, 8), write_entry(0, {9, 9, 9, 9, 9, 9, 9, 9})};
  log.entries.back().flush = true;
  log.entries.back().fua = true;
  log.entries.back().metadata = true;
  return log;
}

std::string printed(const LogWrites& log) {
  auto text = print_log_writes(log);
  EXPECT_TRUE(text.ok());
  return *text;
}

sim::Result<LogWrites> parse(std::string_view content, const LogReadOptions& options) {
  return parse_log_writes(content, "LOG", options);
}
sim::Result<LogWrites> parse(std::string_view content) {
  return parse(content, {.capacity = kCapacity});
}

void poke(std::string* content, size_t at, uint64_t value) {
  for (size_t i = 0; i < 8; ++i) (*content)[at + i] = static_cast<char>(value >> (8 * i) & 0xff);
}

// The whole content, with the reason in the error.
void refused(const std::string& content, const std::string& why) {
  const auto log = parse(content);
  ASSERT_FALSE(log.ok()) << why;
  EXPECT_EQ(log.code(), Errno::kInval);
  EXPECT_NE(log.error().where().find(why), std::string::npos) << log.error().where();
  EXPECT_EQ(log.error().where().rfind("LOG: ", 0), 0U) << log.error().where();
}

TEST(LogWrites, WhatIsWrittenIsReadAgain) {
  for (const uint64_t size : {512U, 1024U, 4096U}) {
    const LogWrites log = sample(ByteCount{size});
    auto again = parse(printed(log));
    ASSERT_TRUE(again.ok()) << again.error().message();
    EXPECT_EQ(again->sector_size, ByteCount{size});
    EXPECT_EQ(again->uncounted, 0U);
    for (LogWritesEntry& entry : again->entries) entry.place = {};
    EXPECT_EQ(again->entries, log.entries);
  }
}

TEST(LogWrites, SectorsCountInTheLogsOwnSize) {
  const std::string content = printed(sample(ByteCount{4096}));
  EXPECT_EQ(content[4096], 1);      // sector 8 of 512 bytes
  EXPECT_EQ(content[4096 + 8], 1);  // one sector of 4096 bytes
  EXPECT_EQ(parse(content)->entries[0].sector, Sector{8});
}

TEST(LogWrites, NoLogIsRefused) {
  refused("", "too short");
  refused(std::string(4096, 'x'), "no magic at byte 0");
  std::string content = printed(sample(ByteCount{512}));
  poke(&content, 8, 2);
  refused(content, "version 2 at byte 8");
}

TEST(LogWrites, StrangeSectorSizesAreRefused) {
  for (const uint64_t size : {0U, 256U, 513U, 131072U}) {
    std::string content = printed(sample(ByteCount{512}));
    poke(&content, 24, size);
    refused(content, "sector size " + std::to_string(size) + " at byte 24");
  }
  const auto odd = parse(printed(sample(ByteCount{4096})), {.capacity = SectorCount{63}});
  ASSERT_FALSE(odd.ok());
  EXPECT_NE(odd.error().where().find("no multiple"), std::string::npos);
}

TEST(LogWrites, EveryCutNamesTheEntryThatItHits) {
  const std::string content = printed(sample(ByteCount{512}));
  for (size_t length = 28; length < content.size(); length += 100) {
    refused(content.substr(0, length), "entry ");
  }
  refused(content.substr(0, 1024), "entry 0 at byte 512: its 4096 bytes of data are cut off");
  refused(content.substr(0, 512 + 512 + 4096), "entry 1 at byte 5120: the file ends");
}

TEST(LogWrites, ACountLargerThanTheFileIsRefused) {
  std::string content = printed(sample(ByteCount{512}));
  poke(&content, 16, uint64_t{1} << 60);
  refused(content, "entry 5 at byte");
  refused(content, "should have 1152921504606846976 entries");
}

TEST(LogWrites, EntriesBeyondTheDeviceAreRefused) {
  std::string content = printed(sample(ByteCount{512}));
  poke(&content, 512, 60);
  refused(content, "entry 0 at byte 512: sectors 60 and the next 8");
  poke(&content, 512, ~uint64_t{0});
  refused(content, "do not fit the device");
  poke(&content, 512, 1);
  poke(&content, 520, ~uint64_t{0});
  refused(content, "do not fit the device");
}

TEST(LogWrites, UnknownFlagsAndTextsAreRefused) {
  std::string content = printed(sample(ByteCount{512}));
  poke(&content, 512 + 16, 64);
  refused(content, "entry 0 at byte 512: unknown flags 64");
  poke(&content, 512 + 16, 0);
  poke(&content, 512 + 24, 5);
  refused(content, "a text of 5 bytes that is no mark's");
  poke(&content, 512 + 16, 8);
  poke(&content, 512 + 24, 480);
  refused(content, "more than a sector holds");
}

TEST(LogWrites, EntriesBehindTheCountAreTakenOnDemandOnly) {
  std::string content = printed(sample(ByteCount{512}));
  poke(&content, 16, 2);
  auto counted = parse(content);
  ASSERT_TRUE(counted.ok());
  EXPECT_EQ(counted->entries.size(), 2U);
  EXPECT_EQ(counted->uncounted, 3U);
  auto all = parse(content, {.capacity = kCapacity, .scan = true});
  ASSERT_TRUE(all.ok());
  EXPECT_EQ(all->entries.size(), 5U);
  // A last entry that is cut off was never finished.
  auto cut = parse(content.substr(0, content.size() - 1), {.capacity = kCapacity, .scan = true});
  ASSERT_TRUE(cut.ok());
  EXPECT_EQ(cut->entries.size(), 4U);
}

TEST(LogWrites, NothingIsLookedForBehindTheClosingMark) {
  LogWrites log = sample(ByteCount{512});
  log.entries.push_back(mark_entry(std::string(kLogEndMark)));
  const std::string content = printed(log) + printed(sample(ByteCount{512})).substr(512);
  EXPECT_EQ(parse(content)->uncounted, 0U);
  EXPECT_EQ(parse(content, {.capacity = kCapacity, .scan = true})->entries.size(), 6U);
}

TEST(LogWrites, WhatIsNotAlignedIsNotPrinted) {
  LogWrites log;
  log.sector_size = ByteCount{4096};
  log.entries = {write_entry(1, {1, 2, 3, 4, 5, 6, 7, 8})};
  EXPECT_EQ(print_log_writes(log).code(), Errno::kInval);
  log.entries = {mark_entry(std::string(4096 - 32, 'm'))};
  EXPECT_EQ(print_log_writes(log).code(), Errno::kInval);
}

// ---- as the crash model takes it

TEST(ImportedLog, EntriesBecomeRecordsAndMarks) {
  LogWrites log = sample(ByteCount{512});
  log.entries.push_back(mark_entry(std::string(kLogEndMark)));
  const ImportedLog imported(std::move(log), kCapacity);
  const std::vector<sim::IoRecord>& records = imported.log().records();
  ASSERT_EQ(records.size(), 4U);
  EXPECT_EQ(records[1].op, sim::BioOp::kFlush);
  EXPECT_EQ(records[2].op, sim::BioOp::kDiscard);
  EXPECT_TRUE(records[3].preflush && records[3].fua);
  EXPECT_EQ(imported.marks(), std::vector<std::string>{"synced"});
  EXPECT_EQ(imported.entry_of(2), 3U);
  EXPECT_LT(records[1].complete_event, imported.log().marks()[0].event);
}

TEST(ImportedLog, AFlushCoversWhatStandsBeforeIt) {
  LogWrites log;
  log.entries = {write_entry(1, {1}), flush_entry(), write_entry(2, {2})};
  const ImportedLog imported(std::move(log), kCapacity);
  const sim::MemDisk base({.capacity = kCapacity});
  const CrashModel model(imported.log(), base.snapshot(), {}, {});
  CrashImage image(model);
  for (const CrashState& state : enumerate_states(model, model.points().back(), {}).states) {
    image.set(state);
    EXPECT_EQ(image.sector(Sector{1})[0], std::byte{1});
  }
}

TEST(ImportedLog, ADigestTellsLogsApart) {
  const auto digest = [](LogWrites log) { return ImportedLog(std::move(log), kCapacity).digest(); };
  const sim::Digest same = digest(sample(ByteCount{512}));
  EXPECT_EQ(digest(sample(ByteCount{512})), same);
  LogWrites other = sample(ByteCount{512});
  other.entries[0].data[5] = std::byte{77};
  EXPECT_NE(digest(other), same);
  other = sample(ByteCount{512});
  other.entries[2].mark = "Synced";
  EXPECT_NE(digest(other), same);
}

// ---- from the recorder

TEST(ExportedLog, ImportGivesTheSameStates) {
  LogBuilder builder;
  builder.write(1, {1, 2});
  builder.flush();
  builder.write(2, {3}, {.fua = true});
  builder.write(4, {4}, {.preflush = true, .fua = true});
  builder.write(1, {5});
  size_t failed = 0;
  auto exported = export_log_writes(builder.log(), {}, sim::kSectorSize, &failed);
  ASSERT_TRUE(exported.ok());
  EXPECT_EQ(failed, 0U);
  EXPECT_EQ(exported->entries.back().mark, kLogEndMark);
  auto parsed = parse(printed(*exported));
  ASSERT_TRUE(parsed.ok());
  const ImportedLog imported(std::move(*parsed), kCapacity);
  const CrashModel before(builder.log(), builder.base(), {}, {});
  const CrashModel after(imported.log(), builder.base(), {}, {});
  ASSERT_EQ(before.points().size(), after.points().size());
  CrashImage left(before);
  CrashImage right(after);
  for (const CrashPoint& point : before.points()) {
    for (const CrashState& state : enumerate_states(before, point, {}).states) {
      left.set(state);
      right.set(state);
      EXPECT_EQ(left.digest(), right.digest()) << before.print(state);
    }
  }
}

TEST(ExportedLog, AWriteInFlightDuringAFlushComesBehindIt) {
  LogBuilder builder;
  const uint32_t write = builder.submit(1, {1});
  const uint32_t flush = builder.submit_flush();
  builder.complete(write);
  builder.complete(flush);
  size_t failed = 0;
  const auto log = export_log_writes(builder.log(), {}, sim::kSectorSize, &failed);
  ASSERT_TRUE(log.ok());
  ASSERT_EQ(log->entries.size(), 3U);
  EXPECT_TRUE(log->entries[0].flush);
  EXPECT_EQ(log->entries[1].sector, Sector{1});
}

TEST(ExportedLog, APreflushThatIsOvertakenStandsApart) {
  LogBuilder builder;
  const uint32_t first = builder.submit(1, {1}, {.preflush = true});
  builder.write(2, {2});
  builder.complete(first);
  size_t failed = 0;
  const auto log = export_log_writes(builder.log(), {}, sim::kSectorSize, &failed);
  ASSERT_TRUE(log.ok());
  ASSERT_EQ(log->entries.size(), 4U);
  EXPECT_TRUE(log->entries[0].flush);
  EXPECT_EQ(log->entries[0].count, SectorCount{});
  EXPECT_EQ(log->entries[1].sector, Sector{2});
  EXPECT_FALSE(log->entries[2].flush);
}

TEST(ExportedLog, FailedRequestsAreCountedAndLeftOut) {
  LogBuilder builder;
  builder.complete(builder.submit(1, {1}), Errno::kIo);
  builder.submit(2, {2});  // never completes: comes last
  builder.write(3, {3});
  size_t failed = 0;
  const auto log = export_log_writes(builder.log(), {}, sim::kSectorSize, &failed);
  ASSERT_TRUE(log.ok());
  EXPECT_EQ(failed, 1U);
  ASSERT_EQ(log->entries.size(), 3U);
  EXPECT_EQ(log->entries[0].sector, Sector{3});
  EXPECT_EQ(log->entries[1].sector, Sector{2});
}

TEST(ExportedLog, MarksStandWhereTheyWere) {
  LogBuilder builder;
  builder.write(1, {1});
  const std::vector<LogWritesMark> marks{{builder.log().last_event(), std::string(2000, 'x')}};
  builder.write(2, {2});
  size_t failed = 0;
  const auto log = export_log_writes(builder.log(), marks, sim::kSectorSize, &failed);
  ASSERT_TRUE(log.ok());
  ASSERT_EQ(log->entries.size(), 4U);
  EXPECT_EQ(log->entries[1].mark.size(), longest_mark(sim::kSectorSize));
  EXPECT_TRUE(print_log_writes(*log).ok());
}

}  // namespace
}  // namespace zerotail::fault
