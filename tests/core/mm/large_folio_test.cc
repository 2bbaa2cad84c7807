// Folios of several pages: how large a new one is, how every page finds it, how it is split.
#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "zerotail/mm/address_space.h"
#include "zerotail/sim/world.h"

namespace zerotail::mm {
namespace {

constexpr uint64_t kPage = 4096;

class LargeFolioTest : public ::testing::Test {
 protected:
  FolioRef locked(uint64_t index, uint64_t pages) {
    return space_.find_or_create_locked(index, pages);
  }
  // Uptodate, every byte `value`, dirty, not locked.
  FolioRef written(uint64_t index, uint64_t pages, int value = 1) {
    FolioRef ref = locked(index, pages);
    std::fill_n(ref->data(), ref->size().value(), static_cast<std::byte>(value));
    ref->set_uptodate(0, ref->size().value());
    space_.mark_dirty(*ref);
    space_.unlock(*ref);
    return ref;
  }
  std::vector<std::string> layout() {
    std::vector<std::string> folios;
    for (FolioRef ref = space_.next(0); ref; ref = space_.next(ref->end_index())) {
      folios.push_back(std::to_string(ref->index()) + "+" + std::to_string(ref->pages()));
    }
    return folios;
  }
  using Layout = std::vector<std::string>;
  sim::World world_{1};
  FolioPool pool_{sim::kib(4), FolioSizes::kLarge};
  AddressSpace space_{world_.scheduler, pool_, sim::ByteCount{512}};
};

TEST_F(LargeFolioTest, ANewFolioHasAsManyPagesAsWereAskedFor) {
  written(0, 16);
  written(16, 5);  // a power of two
  EXPECT_EQ(layout(), (Layout{"0+16", "16+4"}));
}

TEST_F(LargeFolioTest, AlignmentLimitsTheSize) {
  written(4, 16);
  written(9, 16);
  EXPECT_EQ(layout(), (Layout{"4+4", "9+1"}));
}

TEST_F(LargeFolioTest, NeighboursLimitTheSize) {
  written(5, 1);
  written(0, 16);
  EXPECT_EQ(layout(), (Layout{"0+4", "5+1"}));
}

TEST_F(LargeFolioTest, TheLargestIs256KiB) {
  written(0, 1000);
  EXPECT_EQ(layout(), (Layout{"0+64"}));
  EXPECT_EQ(space_.find(0)->blocks(), kMaxBlocksPerFolio);
}

TEST_F(LargeFolioTest, APoolOfSinglePagesMakesNoLargeOnes) {
  FolioPool pool(sim::kib(4));
  AddressSpace space(world_.scheduler, pool, sim::ByteCount{512});
  const FolioRef ref = space.find_or_create_locked(0, 16);
  EXPECT_EQ(ref->pages(), 1U);
  space.unlock(*ref);
}

TEST_F(LargeFolioTest, EveryPageFindsTheFolio) {
  const FolioRef ref = written(16, 16);
  for (uint64_t index = 16; index < 32; ++index) EXPECT_EQ(space_.find(index).get(), ref.get());
  EXPECT_FALSE(space_.find(15));
  EXPECT_FALSE(space_.find(32));
  EXPECT_EQ(space_.next(20).get(), ref.get());
  EXPECT_EQ(space_.next_dirty(31).get(), ref.get());
  EXPECT_EQ(space_.folio_count(), 1U);
}

TEST_F(LargeFolioTest, BlocksAreDirtyAndUptodateOneByOne) {
  const FolioRef ref = locked(0, 16);
  ref->set_uptodate(20000, 1000);
  space_.mark_dirty(*ref, 20480, 1);
  EXPECT_EQ(ref->next_uptodate(0, 128), 39U);
  EXPECT_EQ(ref->next_not_uptodate(39, 128), 42U);
  EXPECT_EQ(ref->next_dirty(0, 128), 40U);
  EXPECT_EQ(ref->dirty_run_end(40, 128), 41U);
  EXPECT_FALSE(ref->uptodate());
  ref->set_uptodate(0, 16 * kPage);
  EXPECT_TRUE(ref->uptodate());
  space_.unlock(*ref);
}

TEST_F(LargeFolioTest, NeighboursInMemoryHaveTheirOwnBits) {
  const FolioRef first = locked(0, 2);
  const FolioRef second = locked(2, 2);
  first->set_uptodate(0, 2 * kPage);
  space_.mark_dirty(*first);
  EXPECT_TRUE(first->uptodate());
  EXPECT_FALSE(second->range_uptodate(0, 1));
  EXPECT_EQ(second->next_dirty(0, 16), 16U);
  space_.unlock(*first);
  space_.unlock(*second);
}

TEST_F(LargeFolioTest, TruncateSplitsTheStraddlingFolioAndDropsWhatIsBehind) {
  written(0, 16);
  space_.truncate(sim::FilePos{5 * kPage + 100});
  EXPECT_EQ(layout(), (Layout{"0+4", "4+2"}));
  const FolioRef straddle = space_.find(5);
  EXPECT_EQ(straddle->data()[kPage + 99], std::byte{1});
  EXPECT_EQ(straddle->data()[kPage + 100], std::byte{0});
  EXPECT_TRUE(straddle->dirty());
  EXPECT_TRUE(straddle->uptodate());
  EXPECT_TRUE(space_.find(0)->dirty());
  EXPECT_EQ(pool_.in_use(), 2U);
}

// The size is in the last of three parts.
TEST_F(LargeFolioTest, TruncateOfASplitInThreeZeroesTheStraddleAlone) {
  written(0, 8);
  space_.truncate(sim::FilePos{6 * kPage + 100});
  EXPECT_EQ(layout(), (Layout{"0+4", "4+2", "6+1"}));
  EXPECT_EQ(space_.find(4)->data()[2 * kPage - 1], std::byte{1});
  EXPECT_EQ(space_.find(6)->data()[99], std::byte{1});
  EXPECT_EQ(space_.find(6)->data()[100], std::byte{0});
}

TEST_F(LargeFolioTest, TruncateAtAPageEdgeKeepsWholePages) {
  written(0, 8);
  space_.truncate(sim::FilePos{6 * kPage});
  EXPECT_EQ(layout(), (Layout{"0+4", "4+2"}));
}

TEST_F(LargeFolioTest, SplitPartsKeepTheirOwnBits) {
  {
    const FolioRef ref = locked(0, 8);
    ref->set_uptodate(0, 4 * kPage);
    space_.mark_dirty(*ref, 3 * kPage, kPage);
    space_.unlock(*ref);
  }
  space_.truncate(sim::FilePos{6 * kPage});
  const FolioRef first = space_.find(0);
  const FolioRef second = space_.find(4);
  EXPECT_TRUE(first->uptodate());
  EXPECT_EQ(first->next_dirty(0, 32), 24U);
  EXPECT_EQ(first->dirty_run_end(24, 32), 32U);
  EXPECT_FALSE(second->range_uptodate(0, 1));
  EXPECT_EQ(second->next_dirty(0, 16), 16U);
}

TEST_F(LargeFolioTest, AFolioThatSomebodyUsesStaysWhole) {
  const FolioRef used = written(0, 16);
  space_.lock(*used);
  used->map(2, true);
  used->map(9, true);
  space_.unlock(*used);
  space_.truncate(sim::FilePos{5 * kPage});
  EXPECT_EQ(layout(), (Layout{"0+16"}));
  EXPECT_EQ(used->data()[5 * kPage], std::byte{0});
  EXPECT_EQ(used->map_state(2), MapState::kWritable);
  EXPECT_EQ(used->map_state(9), MapState::kUnmapped);
}

TEST_F(LargeFolioTest, SplitPartsKeepTheirMappings) {
  {
    const FolioRef ref = written(0, 8);
    ref->map(1, true);
    ref->map(4, false);
    ref->map(7, false);
  }
  space_.truncate(sim::FilePos{6 * kPage});
  EXPECT_EQ(space_.find(1)->map_state(1), MapState::kWritable);
  const FolioRef second = space_.find(4);
  EXPECT_EQ(second->map_state(4), MapState::kReadOnly);
  second->unmap();
  EXPECT_FALSE(second->mapped());
  EXPECT_TRUE(space_.find(1)->mapped());
}

TEST_F(LargeFolioTest, PagesAreMappedOneByOneAndProtectedTogether) {
  const FolioRef ref = written(0, 4);
  ref->map(1, true);
  EXPECT_EQ(ref->map_state(0), MapState::kUnmapped);
  EXPECT_EQ(ref->map_state(1), MapState::kWritable);
  space_.lock(*ref);
  space_.begin_clean(*ref);
  space_.clear_dirty_blocks(*ref);
  space_.unlock(*ref);
  EXPECT_EQ(ref->map_state(1), MapState::kReadOnly);
  EXPECT_FALSE(space_.any_dirty());
}

TEST_F(LargeFolioTest, InvalidateDropsTheWholeFolioOrNothing) {
  {
    const FolioRef ref = locked(0, 16);
    space_.unlock(*ref);
  }
  EXPECT_TRUE(space_.invalidate(sim::FilePos{3 * kPage}, sim::FilePos{4 * kPage}, false));
  EXPECT_EQ(layout(), Layout{});
  written(0, 16);
  EXPECT_FALSE(space_.invalidate(sim::FilePos{3 * kPage}, sim::FilePos{4 * kPage}, false));
  EXPECT_EQ(layout(), (Layout{"0+16"}));
}

TEST_F(LargeFolioTest, FreedPagesJoinIntoALargeFolioAgain) {
  const std::byte* const memory = written(0, 64)->data();
  space_.truncate(sim::FilePos{0});
  for (uint64_t index = 0; index < 64; ++index) written(index, 1);
  EXPECT_EQ(pool_.in_use(), 64U);
  space_.truncate(sim::FilePos{0});
  EXPECT_EQ(written(0, 64)->data(), memory);
}

TEST_F(LargeFolioTest, MemoryThatWasNeverUsedIsPoison) {
  const FolioRef ref = locked(0, 4);
  EXPECT_EQ(std::count(ref->data(), ref->data() + ref->size().value(), kFolioPoison),
            static_cast<ptrdiff_t>(ref->size().value()));
  space_.unlock(*ref);
}

}  // namespace
}  // namespace zerotail::mm
