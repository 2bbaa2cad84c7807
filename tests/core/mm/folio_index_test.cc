#include "zerotail/mm/folio_index.h"

#include <gtest/gtest.h>

#include <vector>

#include "zerotail/mm/address_space.h"
#include "zerotail/sim/world.h"

namespace zerotail::mm {
namespace {

// Folios only come out of an address space: this one makes them, the index under test holds them.
class FolioIndexTest : public ::testing::Test {
 protected:
  ~FolioIndexTest() override { folios_.clear(); }
  Folio& folio(uint64_t index) {
    FolioRef ref = space_.find_or_create_locked(index);
    space_.unlock(*ref);
    folios_.push_back(ref);
    return *ref;
  }
  sim::World world_{1};
  FolioPool pool_{sim::kib(4)};
  AddressSpace space_{world_.scheduler, pool_, sim::ByteCount{512}};
  std::vector<FolioRef> folios_;
  FolioIndex index_;
};

TEST_F(FolioIndexTest, FindsWhatWasInsertedFarApart) {
  const std::vector<uint64_t> places = {
      0, 63, 64, 4095, 4096, uint64_t{1} << 40, ~uint64_t{0} >> 12};
  for (const uint64_t place : places) index_.insert({place}, folio(place));
  EXPECT_EQ(index_.count(), places.size());
  for (const uint64_t place : places) {
    ASSERT_NE(index_.find(place), nullptr);
    EXPECT_EQ(index_.find(place)->index(), place);
    EXPECT_EQ(index_.find(place + 1) == nullptr, place != 63 && place != 4095);
  }
}

TEST_F(FolioIndexTest, WalksInAscendingOrder) {
  for (const uint64_t place : {70000U, 3U, 64U, 5U}) index_.insert({place}, folio(place));
  std::vector<uint64_t> seen;
  for (Folio* at = index_.next(0); at != nullptr; at = index_.next(at->index() + 1)) {
    seen.push_back(at->index());
  }
  EXPECT_EQ(seen, (std::vector<uint64_t>{3, 5, 64, 70000}));
}

TEST_F(FolioIndexTest, DirtyWalkSeesTaggedOnly) {
  for (const uint64_t place : {1U, 2U, 100U, 9000U}) index_.insert({place}, folio(place));
  index_.set_dirty({2}, true);
  index_.set_dirty({9000}, true);
  EXPECT_EQ(index_.next_dirty(0)->index(), 2U);
  EXPECT_EQ(index_.next_dirty(3)->index(), 9000U);
  index_.set_dirty({2}, false);
  index_.set_dirty({9000}, false);
  EXPECT_EQ(index_.next_dirty(0), nullptr);
  EXPECT_FALSE(index_.any_dirty());
}

TEST_F(FolioIndexTest, TagsSurviveGrowingTheTree) {
  index_.insert({1}, folio(1));
  index_.set_dirty({1}, true);
  index_.insert({uint64_t{1} << 30}, folio(uint64_t{1} << 30));
  EXPECT_EQ(index_.next_dirty(0)->index(), 1U);
}

TEST_F(FolioIndexTest, EraseTakesTheTagAway) {
  index_.insert({77}, folio(77));
  index_.set_dirty({77}, true);
  index_.erase({77});
  EXPECT_EQ(index_.count(), 0U);
  EXPECT_EQ(index_.find(77), nullptr);
  EXPECT_FALSE(index_.any_dirty());
}

}  // namespace
}  // namespace zerotail::mm
