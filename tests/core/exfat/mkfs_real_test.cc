// Compares make_filesystem() with the real mkfs.exfat, byte for byte: boot regions with their
// checksums, and every byte that one of the two wrote or left. The only input taken from the real
// image is the volume serial number, which the tool makes from the time of day.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <optional>

#include "zerotail/exfat/mkfs.h"
#include "zerotail/exfat/mkfs_file.h"
#include "zerotail/sim/prng.h"
#include "zerotail/support/real_tools.h"

namespace zerotail::exfat {
namespace {

using sim::ByteCount;
using sim::DevPos;
using sim::gib;
using sim::kib;
using sim::mib;
using support::kPoison;

constexpr ByteCount kSerialOffset{100};  // VolumeSerialNumber
constexpr ByteCount kCompareStep = mib(1);
// Images up to here are poisoned and compared whole; larger ones are sparse behind the metadata.
constexpr ByteCount kWholeCompare = mib(64);

struct Case {
  ByteCount size;
  MkfsOptions options;
};

std::vector<std::string> tool_options(const MkfsOptions& options) {
  std::vector<std::string> arguments;
  const auto add = [&arguments](const char* name, const std::optional<ByteCount>& value) {
    if (!value.has_value()) return;
    arguments.emplace_back(name);
    arguments.push_back(std::to_string(value->value()));
  };
  add("-c", options.cluster_size);
  add("-b", options.boundary_align);
  if (!options.label.empty()) {
    arguments.emplace_back("-L");
    arguments.push_back(options.label);
  }
  if (options.pack_bitmap) arguments.emplace_back("--pack-bitmap");
  if (options.full_format) arguments.emplace_back("-f");
  return arguments;
}

std::string describe(const Case& c) {
  std::string text = std::to_string(c.size.value()) + " bytes, sectors of " +
                     std::to_string(c.options.sector_size.value()) + ":";
  for (const std::string& argument : tool_options(c.options)) text += " " + argument;
  return text;
}

class File {
 public:
  explicit File(const std::string& path) : fd_(::open(path.c_str(), O_RDONLY | O_CLOEXEC)) {}
  ~File() { ::close(fd_); }
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  [[nodiscard]] bool open() const { return fd_ >= 0; }
  [[nodiscard]] ByteCount size() const {
    struct stat info {};
    return ByteCount{::fstat(fd_, &info) == 0 ? static_cast<uint64_t>(info.st_size) : 0};
  }
  [[nodiscard]] bool read(DevPos pos, std::span<std::byte> out) const {
    return ::pread(fd_, out.data(), out.size(), static_cast<off_t>(pos.value())) ==
           static_cast<ssize_t>(out.size());
  }
  // The next allocated range at or after `pos`.
  [[nodiscard]] std::optional<std::pair<DevPos, DevPos>> data(DevPos pos) const {
    const off_t begin = ::lseek(fd_, static_cast<off_t>(pos.value()), SEEK_DATA);
    if (begin < 0) return std::nullopt;
    const off_t end = ::lseek(fd_, begin, SEEK_HOLE);
    return std::make_pair(DevPos{static_cast<uint64_t>(begin)}, DevPos{static_cast<uint64_t>(end)});
  }

 private:
  int fd_;
};

uint32_t serial_of(const File& image) {
  std::array<std::byte, 4> bytes{};
  EXPECT_TRUE(image.read(DevPos{kSerialOffset.value()}, bytes));
  uint32_t serial = 0;
  for (size_t i = 0; i < bytes.size(); ++i) {
    serial |= std::to_integer<uint32_t>(bytes[i]) << (8 * i);
  }
  return serial;
}

std::string difference_at(DevPos pos, std::span<const std::byte> real,
                          std::span<const std::byte> ours) {
  const auto [a, b] = std::mismatch(real.begin(), real.end(), ours.begin());
  const auto offset = static_cast<uint64_t>(a - real.begin());
  return "byte " + std::to_string(pos.value() + offset) + " is " +
         std::to_string(std::to_integer<int>(*a)) + " in the real image, " +
         std::to_string(std::to_integer<int>(*b)) + " in ours";
}

// First difference in what the real image has allocated; empty when there is none.
std::string compare_real_data(const File& real, const sim::MemDisk& ours) {
  const DevPos end = DevPos{0} + sim::bytes(ours.capacity());
  std::vector<std::byte> a(kCompareStep.value());
  std::vector<std::byte> b(kCompareStep.value());
  for (auto range = real.data(DevPos{0}); range.has_value(); range = real.data(range->second)) {
    // What the tool wrote behind the end of the volume is no part of it.
    const DevPos stop = std::min(range->second, end);
    for (DevPos pos = range->first; pos < stop;) {
      const ByteCount step = std::min(kCompareStep, stop - pos);
      const auto left = std::span(a).first(step.value());
      const auto right = std::span(b).first(step.value());
      if (!real.read(pos, left)) return "the real image cannot be read";
      ours.read(pos, right);
      if (std::memcmp(left.data(), right.data(), left.size()) != 0) {
        return difference_at(pos, left, right);
      }
      pos += step;
    }
  }
  return {};
}

// First difference in what we have written.
std::string compare_our_data(const File& real, const sim::MemDisk& ours) {
  std::string first;
  std::array<std::byte, sim::kChunkSize.value()> buffer{};
  ours.snapshot().for_each_chunk([&](DevPos pos, std::span<const std::byte> chunk) {
    if (!first.empty()) return;
    const auto out = std::span(buffer).first(chunk.size());
    if (!real.read(pos, out)) {
      first = "the real image cannot be read at " + std::to_string(pos.value());
    } else if (std::memcmp(out.data(), chunk.data(), chunk.size()) != 0) {
      first = difference_at(pos, out, chunk);
    }
  });
  return first;
}

// Formats with both and returns the first difference.
std::string compare(const Case& c) {
  const support::ScratchDir scratch;
  const std::string path = scratch.file("real.img");
  const auto plan = plan_volume(c.size, c.options);
  if (!plan) return "no plan: " + plan.error().message();
  const bool whole = c.size <= kWholeCompare;
  const ByteCount poison = whole ? c.size : std::min(c.size, plan->zeroed + mib(1));
  if (const auto made = support::create_image(path, c.size, poison); !made) {
    return made.error().message();
  }
  const auto run = support::real_mkfs(path, c.options.sector_size, tool_options(c.options));
  if (run.exit_code != 0) return "mkfs.exfat failed: " + run.output;
  const File real(path);
  if (!real.open()) return "mkfs.exfat left no image";

  sim::MemDisk ours({.capacity = sim::sectors(c.size), .fill = whole ? kPoison : std::byte{0}});
  if (!whole) {
    const std::vector<std::byte> filled(poison.value(), kPoison);
    ours.write(DevPos{0}, filled);
  }
  MkfsOptions options = c.options;
  options.volume_serial = serial_of(real);
  const auto layout = make_filesystem(ours, options);
  if (!layout) return layout.error().message();
  std::string difference = compare_real_data(real, ours);
  return difference.empty() ? compare_our_data(real, ours) : difference;
}

void expect_same(const Case& c) { EXPECT_EQ(compare(c), "") << describe(c); }

TEST(MkfsReal, AMissingToolIsAFailedRunAndSaysSo) {
  const auto run = support::run_tool("mkfs.exfat-that-is-not-there", {});
  EXPECT_EQ(run.exit_code, 127);
  EXPECT_NE(run.output.find("install exfatprogs"), std::string::npos);
}

TEST(MkfsReal, DefaultsOfEveryVolumeSize) {
  for (const ByteCount size : {mib(3), mib(4), mib(8), mib(16), mib(64), mib(255), mib(256),
                               mib(257), gib(1), gib(32), gib(33), gib(256), gib(257), gib(1024)}) {
    for (const ByteCount sector : {ByteCount{512}, ByteCount{4096}}) {
      expect_same({size, {.sector_size = sector}});
    }
  }
}

TEST(MkfsReal, DefaultClusterSizeChangesBehind256MibAnd32Gib) {
  for (const ByteCount edge : {mib(256), gib(32)}) {
    expect_same({edge - sim::kSectorSize, {}});
    expect_same({edge, {}});
    expect_same({edge + sim::kSectorSize, {}});
  }
}

TEST(MkfsReal, EveryClusterSizeOnSmallVolumes) {
  for (const ByteCount sector : {ByteCount{512}, ByteCount{4096}}) {
    for (ByteCount cluster = sector; cluster <= kib(512); cluster = cluster * 2) {
      for (const ByteCount size : {mib(6), mib(16), mib(64)}) {
        expect_same({size, {.sector_size = sector, .cluster_size = cluster}});
      }
    }
  }
}

TEST(MkfsReal, LargeClustersOnLargeVolumes) {
  for (ByteCount cluster = mib(1); cluster <= mib(32); cluster = cluster * 2) {
    expect_same({gib(1), {.cluster_size = cluster}});
    expect_same({gib(300), {.sector_size = ByteCount{4096}, .cluster_size = cluster}});
  }
}

TEST(MkfsReal, SmallClustersOnALargeVolumeMakeALongFatAndBitmap) {
  expect_same({gib(4), {.cluster_size = ByteCount{512}}});
  expect_same({gib(64), {.sector_size = ByteCount{4096}, .cluster_size = kib(4)}});
}

TEST(MkfsReal, EveryBoundaryAlignment) {
  for (const ByteCount sector : {ByteCount{512}, ByteCount{4096}}) {
    for (ByteCount boundary = sector; boundary <= mib(8); boundary = boundary * 2) {
      expect_same({mib(24), {.sector_size = sector, .boundary_align = boundary}});
    }
  }
}

TEST(MkfsReal, PackedBitmap) {
  for (const ByteCount cluster : {ByteCount{512}, kib(1), kib(4), kib(64)}) {
    for (const ByteCount boundary : {ByteCount{512}, kib(4), kib(64), mib(1), mib(4)}) {
      expect_same(
          {mib(24), {.cluster_size = cluster, .boundary_align = boundary, .pack_bitmap = true}});
    }
  }
  expect_same({gib(33), {.pack_bitmap = true}});
  expect_same({gib(1024), {.sector_size = ByteCount{4096}, .pack_bitmap = true}});
}

// Volumes where the packed bitmap just fits into the gap, and where only the bits for the clusters
// that packing wins make it too long.
TEST(MkfsReal, PackedBitmapAtTheEdgeOfItsGap) {
  struct Edge {
    uint64_t size;
    uint64_t cluster;
    uint64_t boundary;
  };
  for (const Edge& edge :
       {Edge{22293504, 512, 8192}, Edge{15140352, 1024, 4096}, Edge{52883456, 512, 32768},
        Edge{33636864, 2048, 4096}, Edge{2126848, 512, 1024}, Edge{62913024, 512, 4194304}}) {
    expect_same({ByteCount{edge.size},
                 {.cluster_size = ByteCount{edge.cluster},
                  .boundary_align = ByteCount{edge.boundary},
                  .pack_bitmap = true}});
  }
}

TEST(MkfsReal, FullFormatZeroesTheWholeVolume) {
  for (const ByteCount sector : {ByteCount{512}, ByteCount{4096}}) {
    expect_same({mib(12), {.sector_size = sector, .full_format = true}});
    expect_same({mib(12) + sector, {.sector_size = sector, .full_format = true}});
  }
}

TEST(MkfsReal, Labels) {
  for (const char* label : {"A", "hello world", "\xC3\xA9t\xC3\xA9 \xE2\x82\xAC", "a*b:c/d",
                            "\xF0\x9F\x92\xBE\xF0\x9F\x92\xBE\xF0\x9F\x92\xBE\xF0\x9F\x92\xBE"
                            "\xF0\x9F\x92\xBE!"}) {
    expect_same({mib(4), {.label = label}});
  }
}

ByteCount power_of_two_between(sim::Prng& prng, uint64_t low_shift, uint64_t high_shift) {
  return ByteCount{uint64_t{1} << prng.between(low_shift, high_shift)};
}

Case random_case(sim::Prng& prng) {
  Case c;
  const bool small_sectors = prng.chance(1, 2);
  c.options.sector_size = ByteCount{small_sectors ? 512U : 4096U};
  const uint64_t shift = small_sectors ? 9 : 12;
  const ByteCount scale = power_of_two_between(prng, 16, 24);
  c.size = sim::round_down(scale + ByteCount{prng.below(scale.value())}, sim::kSectorSize);
  if (prng.chance(2, 3)) c.options.cluster_size = power_of_two_between(prng, shift, 18);
  if (prng.chance(2, 3)) c.options.boundary_align = power_of_two_between(prng, shift, 22);
  c.options.pack_bitmap = prng.chance(1, 3);
  c.options.full_format = prng.chance(1, 10);
  return c;
}

TEST(MkfsReal, RandomGeometries) {
  sim::Prng prng(20260101);
  size_t compared = 0;
  for (int i = 0; i < 300; ++i) {
    const Case c = random_case(prng);
    if (!plan_volume(c.size, c.options)) continue;
    expect_same(c);
    ++compared;
  }
  EXPECT_GT(compared, 100U);
}

// What we refuse, the tool refuses too, or it "formats" a volume that fsck.exfat rejects: one that
// has fewer clusters than the structures need, where the tool writes behind the end.
TEST(MkfsReal, WhatIsRefusedIsNoVolumeForTheToolsEither) {
  sim::Prng prng(7);
  size_t refused = 0;
  size_t broken = 0;
  for (int i = 0; i < 400; ++i) {
    const Case c = random_case(prng);
    if (plan_volume(c.size, c.options)) continue;
    ++refused;
    const support::ScratchDir scratch;
    const std::string path = scratch.file("real.img");
    ASSERT_TRUE(support::create_image(path, c.size, c.size));
    const auto run = support::real_mkfs(path, c.options.sector_size, tool_options(c.options));
    ASSERT_NE(run.exit_code, 127) << run.output;
    if (run.exit_code != 0) continue;
    ++broken;
    // As on a device, which cannot grow.
    ASSERT_EQ(::truncate(path.c_str(), static_cast<off_t>(c.size.value())), 0);
    EXPECT_NE(support::real_fsck(path, c.options.sector_size).exit_code, 0) << describe(c);
  }
  EXPECT_GT(refused, 20U);
  EXPECT_GT(broken, 5U);
}

TEST(MkfsReal, BadOptionsAreRefusedByBoth) {
  const std::vector<Case> bad = {
      {mib(8), {.cluster_size = ByteCount{256}}},
      {mib(8), {.cluster_size = ByteCount{3072}}},
      {mib(8), {.cluster_size = mib(64)}},
      {mib(8), {.sector_size = ByteCount{4096}, .cluster_size = kib(2)}},
      {mib(8), {.boundary_align = ByteCount{256}}},
      {mib(8), {.boundary_align = ByteCount{3072}}},
      {mib(8), {.boundary_align = mib(4)}},
      {mib(8), {.sector_size = ByteCount{4096}, .boundary_align = ByteCount{512}}},
      {mib(8), {.label = "twelve chars"}},
      {mib(8), {.label = "\xFF\xFE"}},
      {mib(2), {}},
  };
  for (const Case& c : bad) {
    EXPECT_EQ(plan_volume(c.size, c.options).code(), sim::Errno::kInval) << describe(c);
    const support::ScratchDir scratch;
    const std::string path = scratch.file("real.img");
    ASSERT_TRUE(support::create_image(path, c.size, ByteCount{0}));
    const auto run = support::real_mkfs(path, c.options.sector_size, tool_options(c.options));
    // For some of these the tool prints its reason and exits with 0.
    EXPECT_EQ(run.output.find("format complete"), std::string::npos) << describe(c);
    EXPECT_NE(run.exit_code, 127) << run.output;
  }
}

TEST(MkfsReal, AFileIsFormattedAsADiskIs) {
  for (const uint64_t size : {16777216U, 16777216U + 700U, 16777216U + 4095U}) {
    for (const ByteCount sector : {ByteCount{512}, ByteCount{4096}}) {
      const support::ScratchDir scratch;
      const std::string real_path = scratch.file("real.img");
      const std::string our_path = scratch.file("ours.img");
      ASSERT_TRUE(support::create_image(real_path, ByteCount{size}, ByteCount{size}));
      const auto run = support::real_mkfs(real_path, sector, {"-L", "file"});
      ASSERT_EQ(run.exit_code, 0) << run.output;
      const File real(real_path);
      const MkfsOptions options{
          .sector_size = sector, .label = "file", .volume_serial = serial_of(real)};
      ASSERT_TRUE(make_image_file(our_path, {.size = ByteCount{size}, .fill = kPoison}, options));
      const File ours(our_path);
      ASSERT_EQ(real.size(), ours.size());
      std::vector<std::byte> a(size);
      std::vector<std::byte> b(size);
      ASSERT_TRUE(real.read(DevPos{0}, a) && ours.read(DevPos{0}, b));
      EXPECT_TRUE(a == b) << difference_at(DevPos{0}, a, b);
    }
  }
}

}  // namespace
}  // namespace zerotail::exfat
