// A file system of one file for testing iomap alone: clusters at even places of a poisoned disk, a
// valid size, and counters of what was asked.
#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include "zerotail/iomap/iomap_file.h"
#include "zerotail/sim/io_log.h"
#include "zerotail/sim/mem_disk.h"
#include "zerotail/sim/world.h"

namespace zerotail::iomap {

inline constexpr std::byte kPoison{0xDB};

// Fails what it is told to fail.
class PickyDevice : public sim::BlockDevice {
 public:
  explicit PickyDevice(sim::BlockDevice& below) : below_(below) {}
  [[nodiscard]] const sim::DeviceInfo& info() const override { return below_.info(); }
  void submit(sim::Bio& bio) override {
    if (fail_reads && bio.op == sim::BioOp::kRead) return bio.complete(sim::Errno::kIo);
    if (fail_writes && bio.op == sim::BioOp::kWrite) return bio.complete(sim::Errno::kIo);
    if (bio.op == sim::BioOp::kRead) ++reads;
    if (bio.op == sim::BioOp::kWrite) writes.push_back({bio.sector.value(), bio.count.value()});
    below_.submit(bio);
  }
  struct Extent {
    uint64_t sector;
    uint64_t count;
    bool operator==(const Extent&) const = default;
  };
  bool fail_reads = false;
  bool fail_writes = false;
  uint64_t reads = 0;
  std::vector<Extent> writes;

 private:
  sim::BlockDevice& below_;
};

class TestFile : public IomapFile {
 public:
  TestFile(sim::World& world, sim::BlockDevice& device, mm::FolioPool& pool,
           sim::ByteCount block_size, sim::ByteCount cluster_size)
      : device_(device),
        cluster_(cluster_size),
        block_(block_size),
        cache_(world.scheduler, pool, block_size) {}

  mm::AddressSpace& cache() override { return cache_; }
  sim::BlockDevice& device() override { return device_; }
  sim::FilePos size() const override { return size_; }
  void grow_size(sim::FilePos size) override { size_ = size; }
  sim::IoTag data_tag() const override { return {6, 1}; }
  sim::FilePos readahead_limit() const override { return valid_; }
  uint64_t mapping_sequence() const override { return 0; }

  sim::DevPos address(sim::FilePos pos) const {
    const uint64_t number = pos.value() / cluster_.value();
    const uint64_t place = contiguous_ ? number : 2 * number;
    return sim::DevPos{place * cluster_.value() + pos.value() % cluster_.value()};
  }

  sim::Result<Mapping> map_begin(const MapRequest& request) override {
    Mapping mapping;
    mapping.pos = request.pos;
    mapping.length = request.length;
    const bool writing = request.intent == Intent::kWrite || request.intent == Intent::kZero;
    if (!writing && request.pos >= size_) return mapping;
    const sim::FilePos cluster_end = sim::round_down(request.pos, cluster_) + cluster_;
    if (!contiguous_) mapping.length = std::min(mapping.length, cluster_end - request.pos);
    mapping.addr = address(request.pos);
    mapping.type = MappingType::kMapped;
    mapping.valid_end = valid_;
    if (!writing) {
      if (request.pos >= valid_) {
        mapping.type =
            request.intent == Intent::kReport ? MappingType::kHole : MappingType::kUnwritten;
      } else if (mapping.end() > valid_) {
        const bool report = request.intent == Intent::kReport;
        mapping.length = (report ? valid_ : sim::round_up(valid_, block_)) - request.pos;
      }
      return mapping;
    }
    if (request.pos >= allocated_) {
      if (request.pos >= limit_) return sim::Error(sim::Errno::kNoSpc, "test file");
      mapping.fresh = true;
      mapping.length = std::min(mapping.length, limit_ - request.pos);
      allocated_ = sim::round_up(mapping.end(), cluster_);
    } else {
      mapping.length = std::min(mapping.length, allocated_ - request.pos);
      mapping.zero_tail = mapping.end() >= valid_;
    }
    return mapping;
  }
  sim::Status map_end(const MapRequest& request, const Mapping& mapping,
                      sim::ByteCount done) override {
    if (request.intent == Intent::kWrite && done > sim::ByteCount{0}) {
      valid_ = std::max(valid_, mapping.pos + done);
    }
    return {};
  }

  void set(uint64_t size, uint64_t valid) {
    size_ = sim::FilePos{size};
    valid_ = sim::FilePos{valid};
    allocated_ = std::max(allocated_, sim::round_up(size_, cluster_));
  }
  void set_limit(uint64_t limit) { limit_ = sim::FilePos{limit}; }
  void set_contiguous(bool contiguous) { contiguous_ = contiguous; }
  sim::FilePos valid() const { return valid_; }

 private:
  sim::BlockDevice& device_;
  sim::ByteCount cluster_;
  sim::ByteCount block_;
  mm::AddressSpace cache_;
  sim::FilePos size_;
  sim::FilePos valid_;
  sim::FilePos allocated_;
  sim::FilePos limit_{uint64_t{1} << 30};
  bool contiguous_ = true;
};

// The whole stack for one file: 16 MiB of poison.
struct TestBench {
  explicit TestBench(sim::ByteCount block = sim::ByteCount{512},
                     sim::ByteCount cluster = sim::kib(4),
                     mm::FolioSizes folios = mm::FolioSizes::kSinglePage)
      : disk({.capacity = sim::sectors(sim::mib(16)), .fill = kPoison}),
        device(disk),
        pool(sim::kib(4), folios),
        file(world, device, pool, block, cluster) {}

  // What the disk holds where the file has [pos, pos + length).
  std::vector<std::byte> on_disk(uint64_t pos, uint64_t length) {
    std::vector<std::byte> out(length);
    for (uint64_t i = 0; i < length; ++i) {
      disk.read(file.address(sim::FilePos{pos + i}), std::span(out).subspan(i, 1));
    }
    return out;
  }
  void put_on_disk(uint64_t pos, uint64_t length, std::byte value) {
    const std::vector<std::byte> data(length, value);
    disk.write(file.address(sim::FilePos{pos}), data);
  }

  sim::World world{1};
  sim::MemDisk disk;
  PickyDevice device;
  mm::FolioPool pool;
  TestFile file;
};

// Runs of equal bytes: "d3:65 ..." as value:length pairs, for readable failures.
inline std::string runs(const std::vector<std::byte>& bytes) {
  std::string text;
  for (size_t i = 0; i < bytes.size();) {
    size_t end = i;
    while (end < bytes.size() && bytes[end] == bytes[i]) ++end;
    text += std::to_string(std::to_integer<int>(bytes[i])) + "x" + std::to_string(end - i) + " ";
    i = end;
  }
  return text;
}

}  // namespace zerotail::iomap
