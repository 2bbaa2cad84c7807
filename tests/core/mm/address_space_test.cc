#include "zerotail/mm/address_space.h"

#include <gtest/gtest.h>

#include <string>

#include "zerotail/sim/world.h"

namespace zerotail::mm {
namespace {

class AddressSpaceTest : public ::testing::Test {
 protected:
  FolioRef folio(uint64_t index) {
    FolioRef ref = space_.find_or_create_locked(index);
    ref->zero(0, ref->size().value());
    ref->set_uptodate(0, ref->size().value());
    space_.unlock(*ref);
    return ref;
  }
  FolioRef dirty_folio(uint64_t index) {
    FolioRef ref = folio(index);
    space_.lock(*ref);
    space_.mark_dirty(*ref);
    space_.unlock(*ref);
    return ref;
  }
  sim::World world_{1};
  FolioPool pool_{sim::kib(4)};
  AddressSpace space_{world_.scheduler, pool_, sim::ByteCount{512}};
};

TEST_F(AddressSpaceTest, ANewFolioHasNothingUptodate) {
  const FolioRef ref = space_.find_or_create_locked(5);
  EXPECT_FALSE(ref->uptodate());
  EXPECT_FALSE(ref->range_uptodate(0, 1));
  EXPECT_EQ(ref->blocks(), 8U);
  EXPECT_EQ(ref->pos(), sim::FilePos{20480});
  space_.unlock(*ref);
}

TEST_F(AddressSpaceTest, UptodateGoesByTheBlock) {
  const FolioRef ref = space_.find_or_create_locked(0);
  ref->set_uptodate(600, 1000);
  EXPECT_FALSE(ref->range_uptodate(0, 513));
  EXPECT_TRUE(ref->range_uptodate(512, 1536));
  EXPECT_FALSE(ref->uptodate());
  ref->set_uptodate(0, 512);
  ref->set_uptodate(2048, 2048);
  EXPECT_TRUE(ref->uptodate());
  space_.unlock(*ref);
}

TEST_F(AddressSpaceTest, DirtyGoesByTheBlock) {
  const FolioRef ref = folio(0);
  space_.lock(*ref);
  space_.mark_dirty(*ref, 1000, 100);
  space_.unlock(*ref);
  EXPECT_EQ(ref->next_dirty(0, 8), 1U);
  EXPECT_EQ(ref->dirty_run_end(1, 8), 3U);
  EXPECT_EQ(ref->next_dirty(3, 8), 8U);
}

TEST_F(AddressSpaceTest, TruncateDropsFoliosBehindAndZeroesTheStraddle) {
  const FolioRef kept = folio(0);
  const FolioRef straddle = dirty_folio(1);
  const FolioRef gone = dirty_folio(2);
  std::fill_n(straddle->data(), 4096, std::byte{7});
  space_.truncate(sim::FilePos{4096 + 100});
  EXPECT_EQ(straddle->data()[99], std::byte{7});
  EXPECT_EQ(straddle->data()[100], std::byte{0});
  EXPECT_EQ(straddle->data()[4095], std::byte{0});
  EXPECT_TRUE(straddle->dirty());
  EXPECT_EQ(gone->owner(), nullptr);
  EXPECT_EQ(space_.folio_count(), 2U);
  EXPECT_EQ(kept->owner(), &space_);
}

TEST_F(AddressSpaceTest, TruncateAtAFolioEdgeDropsTheFolioBehind) {
  const FolioRef kept = folio(0);
  const FolioRef gone = folio(1);
  space_.truncate(sim::FilePos{4096});
  EXPECT_EQ(kept->owner(), &space_);
  EXPECT_EQ(gone->owner(), nullptr);
}

TEST_F(AddressSpaceTest, InvalidateLeavesDirtyAndMappedFolios) {
  const FolioRef clean = folio(0);
  const FolioRef dirty = dirty_folio(1);
  const FolioRef mapped = folio(2);
  mapped->map(2, false);
  EXPECT_FALSE(space_.invalidate(sim::FilePos{0}, sim::FilePos{1 << 20}, false));
  EXPECT_EQ(clean->owner(), nullptr);
  EXPECT_EQ(dirty->owner(), &space_);
  EXPECT_EQ(mapped->owner(), &space_);
}

TEST_F(AddressSpaceTest, CleaningWriteProtectsMappings) {
  const FolioRef ref = dirty_folio(0);
  ref->map(0, true);
  space_.lock(*ref);
  space_.begin_clean(*ref);
  space_.clear_dirty_blocks(*ref);
  space_.unlock(*ref);
  EXPECT_EQ(ref->map_state(0), MapState::kReadOnly);
  EXPECT_FALSE(space_.any_dirty());
}

TEST_F(AddressSpaceTest, ARemovedFolioLivesAsLongAsItsReference) {
  FolioRef ref = dirty_folio(3);
  ref->data()[0] = std::byte{9};
  space_.truncate(sim::FilePos{0});
  EXPECT_EQ(pool_.in_use(), 1U);
  EXPECT_EQ(ref->data()[0], std::byte{9});
  ref = FolioRef();
  EXPECT_EQ(pool_.in_use(), 0U);
}

TEST_F(AddressSpaceTest, LockWaitsForTheHolder) {
  std::string order;
  const FolioRef ref = folio(0);
  world_.scheduler.spawn("holder", [&] {
    space_.lock(*ref);
    order += "a";
    world_.scheduler.yield();
    world_.scheduler.yield();
    order += "b";
    space_.unlock(*ref);
  });
  world_.scheduler.spawn("waiter", [&] {
    space_.lock(*ref);
    order += "c";
    space_.unlock(*ref);
  });
  world_.scheduler.run();
  EXPECT_EQ(order, "abc");
}

TEST_F(AddressSpaceTest, WhoWaitedForARemovedFolioGetsANewOne) {
  const FolioRef old = folio(0);
  FolioRef found;
  world_.scheduler.spawn("remover", [&] {
    space_.lock(*old);
    world_.scheduler.yield();
    space_.remove(*old);
    space_.unlock(*old);
  });
  world_.scheduler.spawn("finder", [&] {
    found = space_.find_or_create_locked(0);
    space_.unlock(*found);
  });
  world_.scheduler.run();
  EXPECT_NE(found.get(), old.get());
  EXPECT_EQ(found->owner(), &space_);
}

TEST_F(AddressSpaceTest, TruncateWaitsForWriteback) {
  std::string order;
  const FolioRef ref = dirty_folio(0);
  world_.scheduler.spawn("writer", [&] {
    space_.lock(*ref);
    space_.begin_clean(*ref);
    space_.clear_dirty_blocks(*ref);
    space_.start_writeback(*ref);
    space_.unlock(*ref);
    world_.scheduler.sleep(sim::micros(50));
    order += "written ";
    space_.end_writeback(*ref);
  });
  world_.scheduler.spawn("truncater", [&] {
    space_.truncate(sim::FilePos{0});
    order += "truncated";
  });
  world_.scheduler.run();
  EXPECT_EQ(order, "written truncated");
}

TEST_F(AddressSpaceTest, ABlockLargerThanTheFolioCountsAsOne) {
  AddressSpace wide(world_.scheduler, pool_, sim::kib(16));
  const FolioRef ref = wide.find_or_create_locked(1);
  EXPECT_EQ(ref->blocks(), 1U);
  wide.unlock(*ref);
}

}  // namespace
}  // namespace zerotail::mm
