#include "zerotail/exfat/directory_index.h"

#include <gtest/gtest.h>

#include <map>

#include "zerotail/sim/prng.h"

namespace zerotail::exfat {
namespace {

std::vector<uint32_t> find(const DirectoryIndex& index, uint32_t hash) {
  std::vector<uint32_t> found;
  index.for_each(hash, [&found](uint32_t entry) {
    found.push_back(entry);
    return false;
  });
  return found;
}

TEST(DirectoryIndex, FindsTheFirstRunThatIsLongEnough) {
  DirectoryIndex index;
  index.set_entries(16);
  index.mark_used(0, 3);
  index.mark_used(5, 3);
  EXPECT_EQ(index.find_free(2), 3U);
  EXPECT_EQ(index.find_free(3), 8U);
  EXPECT_EQ(index.find_free(8), 8U);
  EXPECT_EQ(index.find_free(9), std::nullopt);
}

TEST(DirectoryIndex, AFreedEntryJoinsItsNeighbours) {
  DirectoryIndex index;
  index.set_entries(64);
  index.mark_used(0, 64);
  index.mark_free(10, 3);
  index.mark_free(16, 3);
  EXPECT_EQ(index.find_free(4), std::nullopt);
  index.mark_free(13, 3);
  EXPECT_EQ(index.find_free(9), 10U);
}

TEST(DirectoryIndex, AGrownDirectoryJoinsItsFreeEnd) {
  DirectoryIndex index;
  index.set_entries(16);
  index.mark_used(0, 14);
  EXPECT_EQ(index.find_free(3), std::nullopt);
  EXPECT_EQ(index.free_tail(), 2U);
  index.set_entries(32);
  EXPECT_EQ(index.find_free(3), 14U);
}

TEST(DirectoryIndex, TellsEqualHashesApartByTheirPlace) {
  DirectoryIndex index;
  index.set_entries(64);
  index.add(7, {.entry = 0, .count = 3});
  index.add(7, {.entry = 3, .count = 3, .directory = true});
  EXPECT_EQ(find(index, 7), (std::vector<uint32_t>{0, 3}));
  EXPECT_EQ(index.subdirectories(), 1U);
  index.remove(7, {.entry = 0, .count = 3});
  EXPECT_EQ(find(index, 7), (std::vector<uint32_t>{3}));
  EXPECT_EQ(index.find_free(3), 0U);
}

TEST(DirectoryIndex, AgreesWithAModelOverManyChanges) {
  sim::Prng prng(3);
  constexpr uint32_t kEntries = 3000;
  DirectoryIndex index;
  index.set_entries(kEntries);
  std::map<uint32_t, DirectoryIndex::Set> sets;  // by entry
  std::map<uint32_t, uint32_t> hashes;
  std::vector<bool> used(kEntries);
  for (int step = 0; step < 20000; ++step) {
    const auto count = static_cast<uint32_t>(prng.between(3, 19));
    if (prng.chance(1, 2) || sets.empty()) {
      std::optional<uint32_t> wanted;
      for (uint32_t at = 0, run = 0; at < kEntries && !wanted; ++at) {
        run = used[at] ? 0 : run + 1;
        if (run == count) wanted = at + 1 - count;
      }
      ASSERT_EQ(index.find_free(count), wanted) << step;
      if (!wanted) continue;
      const auto hash = static_cast<uint32_t>(prng.below(100));
      sets[*wanted] = {.entry = *wanted, .count = count};
      hashes[*wanted] = hash;
      index.add(hash, sets[*wanted]);
      for (uint32_t i = 0; i < count; ++i) used[*wanted + i] = true;
    } else {
      auto at = sets.lower_bound(static_cast<uint32_t>(prng.below(kEntries)));
      if (at == sets.end()) at = sets.begin();
      index.remove(hashes[at->first], at->second);
      for (uint32_t i = 0; i < at->second.count; ++i) used[at->first + i] = false;
      sets.erase(at);
    }
    ASSERT_EQ(index.sets(), sets.size());
  }
  for (const auto& [entry, set] : sets) {
    const std::vector<uint32_t> found = find(index, hashes[entry]);
    EXPECT_EQ(std::count(found.begin(), found.end(), entry), 1) << entry;
  }
}

}  // namespace
}  // namespace zerotail::exfat
