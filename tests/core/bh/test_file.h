// A file of one poisoned disk for testing the buffer-head path alone: a valid end, clusters of
// which every other one is somebody else's, and a count of what was asked.
#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include "zerotail/bh/block_file.h"
#include "zerotail/sim/mem_disk.h"
#include "zerotail/sim/world.h"

namespace zerotail::bh {

inline constexpr std::byte kPoison{0xDB};

// Remembers what was asked of it, as "sector+count", reads and writes apart.
class ListeningDevice : public sim::BlockDevice {
 public:
  explicit ListeningDevice(sim::BlockDevice& below) : below_(below) {}
  [[nodiscard]] const sim::DeviceInfo& info() const override { return below_.info(); }
  void submit(sim::Bio& bio) override {
    std::string& text = bio.op == sim::BioOp::kRead ? reads : writes;
    text += std::to_string(bio.sector.value()) + "+" + std::to_string(bio.count.value()) + " ";
    below_.submit(bio);
  }
  std::string reads;
  std::string writes;

 private:
  sim::BlockDevice& below_;
};

class TestFile : public BlockFile {
 public:
  TestFile(sim::World& world, sim::BlockDevice& device, mm::FolioPool& pool)
      : device_(device), cache_(world.scheduler, pool, kBlock) {}

  mm::AddressSpace& cache() override { return cache_; }
  sim::BlockDevice& device() override { return device_; }
  [[nodiscard]] sim::FilePos size() const override { return size_; }
  [[nodiscard]] sim::IoTag data_tag() const override { return {6, 1}; }
  [[nodiscard]] sim::FilePos valid_end() const override { return valid_; }
  void set_valid_end(sim::FilePos end) override { valid_ = end; }
  void written_to(sim::FilePos end) override {
    size_ = std::max(size_, end);
    valid_ = std::max(valid_, end);
  }

  [[nodiscard]] sim::DevPos address(sim::FilePos pos) const {
    const uint64_t cluster = pos.value() / kCluster.value();
    const uint64_t place = scattered ? 2 * cluster : cluster;
    return sim::DevPos{(place + 1) * kCluster.value() + pos.value() % kCluster.value()};
  }

  sim::Result<BlockMapping> get_block(const BlockRequest& request) override {
    ++asked;
    BlockMapping mapping;
    mapping.length = request.length;
    if (!request.create && request.pos >= size_) return mapping;
    if (request.create && request.pos >= limit) return sim::Error(sim::Errno::kNoSpc, "test file");
    const sim::FilePos cluster_end = sim::round_down(request.pos, kCluster) + kCluster;
    mapping.length = std::min(request.length, cluster_end - request.pos);
    mapping.addr = address(request.pos);
    const sim::FilePos written = sim::round_up(valid_, kBlock);
    if (request.pos < written) {
      mapping.length = std::min(mapping.length, written - request.pos);
      mapping.mapped = true;
    } else if (request.create) {
      mapping.mapped = mapping.fresh = true;
      valid_ = request.pos + mapping.length;
    }
    return mapping;
  }

  void set(uint64_t size, uint64_t valid) {
    size_ = sim::FilePos{size};
    valid_ = sim::FilePos{valid};
  }

  static constexpr sim::ByteCount kBlock{512};
  static constexpr sim::ByteCount kCluster{1024};
  bool scattered = false;
  sim::FilePos limit{uint64_t{1} << 20};
  uint64_t asked = 0;

 private:
  sim::BlockDevice& device_;
  mm::AddressSpace cache_;
  sim::FilePos size_;
  sim::FilePos valid_;
};

struct TestBench {
  TestBench()
      : disk({.capacity = sim::sectors(sim::mib(4)), .fill = kPoison}),
        device(disk),
        pool(sim::kib(4), mm::FolioSizes::kSinglePage),
        file(world, device, pool) {}

  void put_on_disk(uint64_t pos, uint64_t length, std::byte value) {
    const std::vector<std::byte> data(length, value);
    disk.write(file.address(sim::FilePos{pos}), data);
  }
  [[nodiscard]] std::string on_disk(uint64_t pos, uint64_t length) {
    std::vector<std::byte> out(length);
    disk.read(file.address(sim::FilePos{pos}), out);
    return runs(out);
  }
  // Runs of equal bytes, as value x length.
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

  sim::World world{1};
  sim::MemDisk disk;
  ListeningDevice device;
  mm::FolioPool pool;
  TestFile file;
};

}  // namespace zerotail::bh
