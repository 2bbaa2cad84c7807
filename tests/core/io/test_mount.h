// A fresh volume on a poisoned disk, mounted at the level of core/io, and files of its root.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "zerotail/exfat/mkfs.h"
#include "zerotail/io/file_ops.h"
#include "zerotail/io/mount.h"
#include "zerotail/io/shared_mapping.h"
#include "zerotail/sim/io_log.h"
#include "zerotail/sim/mem_disk.h"

namespace zerotail::io {

inline constexpr std::byte kPoison{0xDB};

// Fails the bios that it is told to fail.
class FailingDevice : public sim::BlockDevice {
 public:
  explicit FailingDevice(sim::BlockDevice& below) : below_(below) {}
  [[nodiscard]] const sim::DeviceInfo& info() const override { return below_.info(); }
  void submit(sim::Bio& bio) override {
    const bool data = bio.tag.kind == 6;  // buffer::IoKind::kData
    if (fail_data_writes && data && bio.op == sim::BioOp::kWrite) {
      return bio.complete(sim::Errno::kIo);
    }
    if (fail_data_reads && data && bio.op == sim::BioOp::kRead) {
      return bio.complete(sim::Errno::kIo);
    }
    if (fail_metadata_writes && !data && bio.op == sim::BioOp::kWrite) {
      return bio.complete(sim::Errno::kIo);
    }
    below_.submit(bio);
  }
  bool fail_data_writes = false;
  bool fail_data_reads = false;
  bool fail_metadata_writes = false;

 private:
  sim::BlockDevice& below_;
};

struct TestVolume {
  struct Shape {
    sim::ByteCount size = sim::mib(8);
    sim::ByteCount sector{512};
    sim::ByteCount cluster = sim::kib(4);
    sim::ByteCount logical{512};
  };
  explicit TestVolume(const Shape& shape, const exfat::Options& options = {})
      : disk({.capacity = sim::sectors(shape.size),
              .logical_block = shape.logical,
              .physical_block = shape.logical,
              .fill = kPoison}),
        log(disk, world.loop),
        device(log) {
    exfat::MkfsOptions mkfs;
    mkfs.sector_size = shape.sector;
    mkfs.cluster_size = shape.cluster;
    const auto layout = exfat::make_filesystem(disk, mkfs);
    EXPECT_TRUE(layout.ok()) << (layout.ok() ? "" : layout.error().message());
    open(options);
  }
  TestVolume() : TestVolume(Shape{}) {}

  void open(const exfat::Options& options = {}) {
    auto opened = Mount::open(world, device, options, cache);
    ASSERT_TRUE(opened.ok()) << opened.error().message();
    mount = std::move(*opened);
  }
  void remount(const exfat::Options& options = {}) {
    ASSERT_TRUE(mount->quiesce().ok());
    mount.reset();
    open(options);
  }

  sim::World world{1};
  sim::MemDisk disk;
  sim::IoLog log;
  FailingDevice device;
  CacheOptions cache;
  std::unique_ptr<Mount> mount;
};

// A file of the root, with what a test does to it.
class TestFile {
 public:
  TestFile(TestVolume& volume, const std::string& name) : volume_(volume) {
    const exfat::InodeRef root = volume.mount->fs().root();
    auto found = volume.mount->fs().lookup(*root, name);
    if (!found.ok()) found = volume.mount->fs().create(*root, name);
    EXPECT_TRUE(found.ok()) << (found.ok() ? "" : found.error().message());
    inode_ = *found;
    errors_ = node().cache().errors().sample();
  }

  FileNode& node() { return volume_.mount->node(*inode_); }
  exfat::Inode& inode() { return *inode_; }

  sim::Result<uint64_t> write(uint64_t pos, uint64_t length, int value, const WriteMode& mode = {},
                              std::optional<uint64_t> fault_at = std::nullopt) {
    const std::vector<std::byte> data(length, std::byte{static_cast<uint8_t>(value)});
    return io::write(node(), sim::FilePos{pos}, {.bytes = data, .fault_at = fault_at}, mode,
                     errors_);
  }
  sim::Result<uint64_t> direct_write(uint64_t pos, uint64_t length, int value,
                                     const DirectMode& direct = {}) {
    const std::vector<std::byte> data(length, std::byte{static_cast<uint8_t>(value)});
    return io::direct_write(node(), sim::FilePos{pos}, {.bytes = data, .fault_at = {}}, direct, {},
                            errors_);
  }
  // Runs of equal bytes, as value x length.
  std::string read(uint64_t pos, uint64_t length) {
    std::vector<std::byte> out(length);
    iomap::ReadaheadState readahead;
    const auto count = io::read(node(), readahead, sim::FilePos{pos}, out);
    if (!count.ok()) return sim::errno_name(count.code());
    out.resize(*count);
    return runs(out);
  }
  std::string direct_read(uint64_t pos, uint64_t length) {
    std::vector<std::byte> out(length);
    const auto count = io::direct_read(node(), sim::FilePos{pos}, out, true);
    if (!count.ok()) return sim::errno_name(count.code());
    out.resize(*count);
    return runs(out);
  }
  std::string store(uint64_t pos, uint64_t length, int value) {
    const std::vector<std::byte> data(length, std::byte{static_cast<uint8_t>(value)});
    const MappedAccess access = io::store(node(), sim::FilePos{pos}, data);
    return std::to_string(access.count) + (access.sigbus ? " SIGBUS" : "");
  }
  std::string load(uint64_t pos, uint64_t length) {
    std::vector<std::byte> out(length);
    const MappedAccess access = io::load(node(), sim::FilePos{pos}, out);
    out.resize(access.count);
    return runs(out) + (access.sigbus ? "SIGBUS" : "");
  }
  sim::Status truncate(uint64_t size) { return io::truncate(node(), sim::FilePos{size}); }
  sim::Status fsync(bool data_only = false) {
    return io::fsync(node(), sim::FilePos{0}, iomap::kNoLimit, data_only, errors_);
  }
  // "V Z S".
  std::string state() {
    return std::to_string(inode_->valid_size().value()) + " " +
           std::to_string(inode_->zeroed_size().value()) + " " +
           std::to_string(inode_->size().value());
  }
  uint64_t clusters() { return inode_->allocated().value(); }
  // Everything written back, nothing cached.
  void make_cold() {
    ASSERT_TRUE(volume_.mount->sync().ok());
    ASSERT_TRUE(node().cache().invalidate(sim::FilePos{0}, iomap::kNoLimit, true));
  }

  static std::string runs(const std::vector<std::byte>& bytes) {
    std::string text;
    for (size_t i = 0; i < bytes.size();) {
      size_t end = i;
      while (end < bytes.size() && bytes[end] == bytes[i]) ++end;
      text += std::to_string(std::to_integer<int>(bytes[i])) + "x" + std::to_string(end - i) + " ";
      i = end;
    }
    return text;
  }

 private:
  TestVolume& volume_;
  exfat::InodeRef inode_;
  ErrorSample errors_ = 0;
};

}  // namespace zerotail::io
