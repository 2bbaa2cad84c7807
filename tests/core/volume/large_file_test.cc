// Files over 4 GiB, as one run and as a FAT chain: sizes, positions and clusters past 2^32 bytes.
#include <array>

#include "core/volume/test_volume.h"
#include "zerotail/exfat/dentry_set.h"

namespace zerotail::volume {
namespace {

constexpr int64_t kFourGib = int64_t{1} << 32;
constexpr int64_t kSize = kFourGib + (int64_t{1} << 30);

class LargeFileTest : public ::testing::TestWithParam<bool> {
 protected:
  LargeFileTest() : disk_({.capacity = sim::sectors(sim::gib(16))}) {
    exfat::MkfsOptions mkfs;
    mkfs.cluster_size = sim::mib(32);
    const auto layout = exfat::make_filesystem(disk_, mkfs);
    EXPECT_TRUE(layout.ok());
    layout_ = *layout;
    mount();
    const Fd a = open("a");
    const Fd b = open("b");
    if (GetParam()) {
      // The second file takes the cluster behind the first's only one.
      EXPECT_TRUE(volume_->truncate(a, 1).ok());
      EXPECT_TRUE(volume_->truncate(b, 1).ok());
    }
    EXPECT_TRUE(volume_->truncate(a, kSize).ok());
    unmount();
    make_valid();
    mount();
  }
  void mount() {
    auto mounted = Volume::mount(world_, disk_, {});
    ASSERT_TRUE(mounted.ok()) << mounted.error().message();
    volume_ = std::move(*mounted);
  }
  void unmount() {
    ASSERT_TRUE(volume_->unmount().ok());
    volume_.reset();
  }
  Fd open(std::string_view path, bool direct = false) {
    const auto fd = volume_->open(path, {.write = true, .create = true, .direct = direct});
    EXPECT_TRUE(fd.ok());
    return fd.ok() ? *fd : Fd{-1};
  }
  // ValidDataLength becomes DataLength: the disk's zeros are the content, without writing 5 GiB.
  void make_valid() {
    const sim::DevPos root = layout_.heap + layout_.cluster_size * (layout_.root.value() - 2);
    const sim::DevPos pos = root + sim::ByteCount{3 * exfat::kDentrySize};
    exfat::DentrySet set;
    set.set_count(3);
    for (size_t i = 0; i < 3; ++i) {
      disk_.read(pos + sim::ByteCount{i * exfat::kDentrySize}, set.entries()[i]);
    }
    const exfat::StreamDentry stream = set.stream();
    ASSERT_EQ(stream.data_length, static_cast<uint64_t>(kSize));
    set.set_stream({.general_secondary_flags = stream.general_secondary_flags,
                    .first_cluster = stream.first_cluster,
                    .valid_data_length = stream.data_length,
                    .data_length = stream.data_length});
    set.seal();
    for (size_t i = 0; i < 3; ++i) {
      disk_.write(pos + sim::ByteCount{i * exfat::kDentrySize}, set.entries()[i]);
    }
  }
  std::string read(Fd fd, int64_t pos, size_t length) {
    std::vector<std::byte> out(length);
    const auto count = volume_->read(fd, pos, out);
    EXPECT_TRUE(count.ok());
    return {reinterpret_cast<const char*>(out.data()), count.ok() ? *count : 0};
  }
  void write(Fd fd, int64_t pos, std::string_view text) {
    const auto count = volume_->write(fd, pos, {.bytes = std::as_bytes(std::span(text))});
    ASSERT_TRUE(count.ok());
    EXPECT_EQ(*count, text.size());
  }

  sim::World world_{1};
  sim::MemDisk disk_;
  exfat::VolumeLayout layout_;
  std::unique_ptr<Volume> volume_;
};

TEST_P(LargeFileTest, HasItsSizesAndClusters) {
  const auto state = volume_->inspect("a");
  ASSERT_TRUE(state.ok());
  EXPECT_EQ(state->size, static_cast<uint64_t>(kSize));
  EXPECT_EQ(state->valid_size, static_cast<uint64_t>(kSize));
  EXPECT_EQ(state->no_fat_chain, !GetParam());
  EXPECT_EQ(volume_->stat("a")->blocks, static_cast<uint64_t>(kSize) / 512);
  const Fd fd = open("a");
  EXPECT_EQ(*volume_->seek(fd, kFourGib + 5, Whence::kData), static_cast<uint64_t>(kFourGib + 5));
  EXPECT_EQ(*volume_->seek(fd, kFourGib + 5, Whence::kHole), static_cast<uint64_t>(kSize));
}

TEST_P(LargeFileTest, AWriteAcross4GiBIsReadBackByEveryPath) {
  Fd fd = open("a");
  write(fd, kFourGib - 3, "across");
  EXPECT_EQ(read(fd, kFourGib - 3, 6), "across");
  EXPECT_EQ(read(fd, 0, 6), std::string(6, '\0')) << "no position was cut to 32 bits";
  unmount();
  mount();
  fd = open("a");
  EXPECT_EQ(read(fd, kFourGib - 3, 6), "across");
  EXPECT_EQ(read(open("a", true), kFourGib, 512).substr(0, 4), std::string("oss\0", 4));
}

TEST_P(LargeFileTest, ADirectWritePast4GiBStaysThere) {
  write(open("a", true), kFourGib + 4096, std::string(512, 'd'));
  const Fd fd = open("a");
  EXPECT_EQ(read(fd, kFourGib + 4095, 2), std::string("\0d", 2));
  EXPECT_EQ(read(fd, 4096, 1), std::string(1, '\0'));
}

TEST_P(LargeFileTest, CutsAndAppendsPast4GiB) {
  Fd fd = open("a");
  ASSERT_TRUE(volume_->truncate(fd, kFourGib + 1).ok());
  const uint64_t clusters = (kFourGib >> 25) + 1;
  EXPECT_EQ(volume_->stat(fd)->blocks, clusters * 65536);
  const auto append = volume_->open("a", {.write = true, .append = true});
  ASSERT_TRUE(append.ok());
  write(*append, 0, "end");
  unmount();
  mount();
  fd = open("a");
  EXPECT_EQ(volume_->stat(fd)->size, static_cast<uint64_t>(kFourGib + 4));
  EXPECT_EQ(read(fd, kFourGib, 10), std::string("\0end", 4));
}

INSTANTIATE_TEST_SUITE_P(Layouts, LargeFileTest, ::testing::Bool(), [](const auto& layout) {
  return std::string(layout.param ? "FatChain" : "OneRun");
});

}  // namespace
}  // namespace zerotail::volume
