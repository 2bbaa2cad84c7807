#include <gtest/gtest.h>

#include "core/exfat/volume_fixture.h"

namespace zerotail::exfat {
namespace {

using sim::Errno;

TEST(Namei, FindsWhatWasCreatedInAnyCase) {
  VolumeFixture volume;
  volume.mount();
  const InodeRef made = volume.create("Été.txt");
  const auto found = volume.fs->lookup(*volume.fs->root(), "ÉTÉ.TXT");
  ASSERT_TRUE(found.ok());
  EXPECT_EQ(*found, made);
  EXPECT_EQ(volume.lookup_error("ete.txt"), Errno::kNoEnt);
}

TEST(Namei, KeepsNamesOverARemount) {
  VolumeFixture volume;
  volume.mount();
  volume.create("b");
  const InodeRef d = volume.mkdir("d");
  volume.create(*d, "inside with a name of more than fifteen units");
  const_cast<InodeRef&>(d).reset();
  volume.unmount();
  volume.mount();
  EXPECT_EQ(volume.names(*volume.fs->root()), (std::vector<std::string>{"b", "d"}));
  const auto again = volume.fs->lookup(*volume.fs->root(), "d");
  ASSERT_TRUE(again.ok());
  EXPECT_EQ(volume.names(**again),
            (std::vector<std::string>{"inside with a name of more than fifteen units"}));
}

}  // namespace
}  // namespace zerotail::exfat
