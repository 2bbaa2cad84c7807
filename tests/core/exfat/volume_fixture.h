// A small formatted volume in memory, mounted, with what tests of the file system ask for most.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "zerotail/exfat/file_system.h"
#include "zerotail/exfat/mkfs.h"
#include "zerotail/sim/io_log.h"
#include "zerotail/sim/mem_disk.h"
#include "zerotail/sim/world.h"

namespace zerotail::exfat {

// Passes bios on; writes and reads that touch a chosen range fail while it is set.
class FailingDevice : public sim::BlockDevice {
 public:
  explicit FailingDevice(sim::BlockDevice& below) : below_(below) {}
  [[nodiscard]] const sim::DeviceInfo& info() const override { return below_.info(); }
  void submit(sim::Bio& bio) override {
    if (fail_op_ && bio.op == *fail_op_ && bio.sector < fail_end_ && bio.end() > fail_first_) {
      if (skip_ == 0) {
        bio.complete(sim::Errno::kIo);
        return;
      }
      --skip_;
    }
    below_.submit(bio);
  }
  // `skip`: how many of the matching bios still succeed.
  void fail(sim::BioOp op, sim::DevPos pos, sim::ByteCount length, unsigned skip = 0) {
    fail_op_ = op;
    fail_first_ = sim::sector_at(pos);
    fail_end_ = fail_first_ + sim::sectors(length);
    skip_ = skip;
  }
  void heal() { fail_op_.reset(); }

 private:
  sim::BlockDevice& below_;
  std::optional<sim::BioOp> fail_op_;
  sim::Sector fail_first_;
  sim::Sector fail_end_;
  unsigned skip_ = 0;
};

class VolumeFixture {
 public:
  struct Shape {
    uint64_t mebibytes = 16;
    uint64_t sector = 512;
    uint64_t cluster = 4096;
    unsigned fats = 1;
    std::optional<uint64_t> clusters{};  // at most so many
    std::byte fill{0xDB};                // zero: whatever mkfs zeroes takes no memory
  };
  VolumeFixture() : VolumeFixture(Shape{}) {}
  explicit VolumeFixture(const Shape& shape)
      : disk(sim::MemDisk::Options{.capacity = sim::sectors(sim::mib(shape.mebibytes)),
                                   .logical_block = sim::ByteCount{shape.sector},
                                   .physical_block = sim::ByteCount{shape.sector},
                                   .fill = shape.fill}),
        log(disk, world.loop),
        device(log) {
    MkfsOptions options{.sector_size = sim::ByteCount{shape.sector},
                        .cluster_size = sim::ByteCount{shape.cluster},
                        .fat_count = shape.fats};
    if (shape.clusters) options.cluster_count = sim::ClusterCount{*shape.clusters};
    const auto made = make_filesystem(disk, options);
    EXPECT_TRUE(made.ok()) << made.error().message();
    if (made.ok()) layout = *made;
  }

  void mount(const Options& options = {}) {
    fs.reset();
    auto mounted = FileSystem::mount(world, device, options);
    ASSERT_TRUE(mounted.ok()) << mounted.error().message();
    fs = std::move(*mounted);
  }
  sim::Errno mount_error(const Options& options = {}) {
    fs.reset();
    auto mounted = FileSystem::mount(world, device, options);
    if (mounted.ok()) {
      fs = std::move(*mounted);
      return sim::Errno::kOk;
    }
    last_error = mounted.error().message();
    return mounted.error().code();
  }
  // Everything to disk, VolumeDirty cleared, gone.
  void unmount() {
    for (const InodeRef& inode : fs->dirty_inodes()) {
      EXPECT_TRUE(fs->write_inode(*inode, true).ok());
    }
    EXPECT_TRUE(fs->write_buffers().ok());
    EXPECT_TRUE(fs->clear_dirty().ok());
    fs.reset();
  }

  InodeRef create(const std::string& name) { return create(*fs->root(), name); }
  InodeRef create(Inode& directory, const std::string& name) {
    auto made = fs->create(directory, name);
    EXPECT_TRUE(made.ok()) << name << ": " << made.error().message();
    return made.ok() ? *made : InodeRef();
  }
  InodeRef mkdir(const std::string& name) { return mkdir(*fs->root(), name); }
  InodeRef mkdir(Inode& directory, const std::string& name) {
    auto made = fs->mkdir(directory, name);
    EXPECT_TRUE(made.ok()) << name << ": " << made.error().message();
    return made.ok() ? *made : InodeRef();
  }
  sim::Errno lookup_error(const std::string& name) { return fs->lookup(*fs->root(), name).code(); }
  // Allocates up to `clusters` and sets S and V to whole clusters.
  void grow(Inode& inode, uint64_t clusters) {
    const sim::Status grown = fs->extend(inode, sim::ClusterCount{clusters});
    ASSERT_TRUE(grown.ok()) << grown.error().message();
    inode.set_size(fs->geometry().file_pos(FileCluster{clusters}));
    inode.set_valid_size(inode.size());
    fs->mark_dirty(inode, DirtyBits::kMetadata);
  }
  sim::Status shrink(Inode& inode, uint64_t size) {
    inode.set_size(sim::FilePos{size});
    if (inode.valid_size() > inode.size()) inode.set_valid_size(inode.size());
    return fs->shrink(inode);
  }
  std::vector<std::string> names(Inode& directory) {
    auto page = fs->read_directory(directory, 0, SIZE_MAX);
    EXPECT_TRUE(page.ok());
    std::vector<std::string> result;
    if (!page.ok()) return result;
    for (const DirectoryItem& item : page->items) {
      EXPECT_FALSE(item.error.has_value()) << item.name << ": " << item.error->message();
      result.push_back(item.name);
    }
    return result;
  }
  // The runs as "first+count first+count".
  std::string runs(Inode& inode) {
    const auto found = fs->runs(inode);
    if (!found.ok()) return found.error().message();
    std::string text;
    for (const ClusterRun& run : *found) {
      if (!text.empty()) text += ' ';
      text += std::to_string(run.first.value()) + '+' + std::to_string(run.count.value());
    }
    return text;
  }
  // What went to the disk since the last call, in order: "P" preflush, "F" FUA, "|" a flush,
  // and for each bio its region: boot, fat, bitmap, dir.
  std::string writes() {
    std::string text;
    for (const sim::IoRecord& record : log.records()) {
      if (!text.empty()) text += ' ';
      if (record.op == sim::BioOp::kFlush) {
        text += '|';
        continue;
      }
      if (record.op == sim::BioOp::kDiscard) {
        text += "discard";
        continue;
      }
      text += record.preflush ? "P" : "";
      text += record.fua ? "F" : "";
      text += buffer::io_kind_name(record.tag.kind);
    }
    log.clear();
    return text;
  }
  template <OnDisk T>
  T disk_value(sim::DevPos pos) {
    std::array<std::byte, sizeof(T)> raw;
    disk.read(pos, raw);
    return load<T>(raw);
  }
  template <OnDisk T>
  void put(sim::DevPos pos, const T& value) {
    disk.write(pos, std::as_bytes(std::span<const T, 1>(&value, 1)));
  }
  void put_fat_entry(uint64_t cluster, uint32_t value) {
    put(layout.fat + sim::ByteCount{cluster * kFatEntrySize}, Le32(value));
  }
  uint32_t fat_entry(uint64_t cluster) {
    return disk_value<Le32>(layout.fat + sim::ByteCount{cluster * kFatEntrySize});
  }
  uint16_t volume_flags() { return disk_value<BootSector>(sim::DevPos{0}).volume_flags; }
  sim::DevPos cluster_pos(uint64_t cluster) const {
    return layout.heap + layout.cluster_size * (cluster - 2);
  }

  sim::World world{1};
  sim::MemDisk disk;
  sim::IoLog log;
  FailingDevice device;
  VolumeLayout layout;
  std::unique_ptr<FileSystem> fs;
  std::string last_error;
};

}  // namespace zerotail::exfat
