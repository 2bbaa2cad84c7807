#include "zerotail/iomap/swapfile.h"

#include <gtest/gtest.h>

#include "core/iomap/test_file.h"

namespace zerotail::iomap {
namespace {

constexpr sim::ByteCount kPage = sim::kib(4);

std::string extents(TestBench& bench) {
  const auto found = swap_extents(bench.file, kPage);
  if (!found.ok()) return sim::errno_name(found.code());
  std::string text;
  for (const SwapExtent& extent : *found) {
    text += std::to_string(extent.page) + "+" + std::to_string(extent.pages) + "@" +
            std::to_string(extent.addr.value()) + " ";
  }
  return text;
}

TEST(SwapFile, NeighboursOnTheDeviceAreOneExtent) {
  TestBench bench;
  bench.file.set(16384, 16384);
  EXPECT_EQ(extents(bench), "0+4@0 ");
}

TEST(SwapFile, FragmentsAreExtentsOfTheirOwn) {
  TestBench bench;
  bench.file.set_contiguous(false);
  bench.file.set(8192, 8192);
  EXPECT_EQ(extents(bench), "0+1@0 1+1@8192 ");
}

TEST(SwapFile, WhatWasNeverWrittenRefusesIt) {
  TestBench bench;
  bench.file.set(16384, 16383);
  EXPECT_EQ(extents(bench), "EINVAL");
}

TEST(SwapFile, APageThatTheSizeCutsIsLeftOut) {
  TestBench bench;
  bench.file.set(10000, 8192);
  EXPECT_EQ(extents(bench), "0+2@0 ");
}

TEST(SwapFile, LessThanAPageIsNone) {
  TestBench bench;
  bench.file.set(4095, 4095);
  EXPECT_EQ(extents(bench), "EINVAL");
}

// Clusters of half a page, every second one foreign: no page of the device is wholly the file's.
TEST(SwapFile, PiecesThatFillNoPageOfTheDeviceAreLeftOut) {
  TestBench bench(sim::ByteCount{512}, sim::kib(2));
  bench.file.set_contiguous(false);
  bench.file.set(16384, 16384);
  EXPECT_EQ(extents(bench), "EINVAL");
}

}  // namespace
}  // namespace zerotail::iomap
