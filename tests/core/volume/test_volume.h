// A formatted disk and a volume mounted on it, for tests of the facade.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "zerotail/exfat/mkfs.h"
#include "zerotail/sim/io_log.h"
#include "zerotail/sim/mem_disk.h"
#include "zerotail/volume/volume.h"

namespace zerotail::volume {

class VolumeTest : public ::testing::Test {
 protected:
  VolumeTest() : disk_({.capacity = sim::sectors(sim::mib(8)), .fill = std::byte{0xDB}}) {
    exfat::MkfsOptions mkfs;
    mkfs.cluster_size = sim::kib(4);
    EXPECT_TRUE(exfat::make_filesystem(disk_, mkfs).ok());
    mount();
  }
  void mount(const MountOptions& options = {}) {
    auto mounted = Volume::mount(world_, log_, options);
    ASSERT_TRUE(mounted.ok()) << mounted.error().message();
    volume_ = std::move(*mounted);
  }
  void remount() {
    ASSERT_TRUE(volume_->unmount().ok());
    volume_.reset();
    mount();
  }
  Fd open(std::string_view path, const OpenFlags& flags = {.write = true, .create = true}) {
    auto fd = volume_->open(path, flags);
    EXPECT_TRUE(fd.ok()) << (fd.ok() ? "" : fd.error().message());
    return fd.ok() ? *fd : Fd{-1};
  }
  sim::Errno open_error(std::string_view path, const OpenFlags& flags = {}) {
    return volume_->open(path, flags).code();
  }
  void put(std::string_view path, std::string_view text) {
    const Fd fd = open(path, {.write = true, .create = true, .truncate = true});
    auto written = volume_->write(fd, 0, {.bytes = std::as_bytes(std::span(text))});
    ASSERT_TRUE(written.ok());
    ASSERT_TRUE(volume_->close(fd).ok());
  }
  std::string get(std::string_view path) {
    auto fd = volume_->open(path, {});
    if (!fd.ok()) return sim::errno_name(fd.code());
    std::string text = get(*fd);
    EXPECT_TRUE(volume_->close(*fd).ok());
    return text;
  }
  std::string get(Fd fd) {
    std::vector<std::byte> out(4096);
    auto count = volume_->read(fd, 0, out);
    if (!count.ok()) return sim::errno_name(count.code());
    return {reinterpret_cast<const char*>(out.data()), *count};
  }
  std::string names(std::string_view path) {
    auto entries = volume_->list(path);
    if (!entries.ok()) return sim::errno_name(entries.code());
    std::string text;
    for (const ListEntry& entry : *entries) {
      text += entry.name + (entry.directory ? "/ " : " ");
    }
    return text;
  }
  uint64_t free_clusters() { return volume_->statfs()->blocks_free; }

  sim::World world_{1};
  sim::MemDisk disk_;
  sim::IoLog log_{disk_, world_.loop};
  std::unique_ptr<Volume> volume_;
};

}  // namespace zerotail::volume
