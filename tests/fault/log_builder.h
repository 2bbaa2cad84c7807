// Makes I/O logs by hand: bios are submitted and completed one by one, in any order, to a device
// that only remembers them.
#pragma once

#include <deque>
#include <memory>
#include <span>
#include <vector>

#include "zerotail/fault/crash_model.h"
#include "zerotail/sim/assert.h"
#include "zerotail/sim/event_loop.h"
#include "zerotail/sim/io_log.h"
#include "zerotail/sim/mem_disk.h"

namespace zerotail::fault {

// Holds each bio until the test completes it.
class HoldingDevice : public sim::BlockDevice {
 public:
  explicit HoldingDevice(sim::SectorCount capacity) { info_.capacity = capacity; }
  [[nodiscard]] const sim::DeviceInfo& info() const override { return info_; }
  void submit(sim::Bio&) override {}

 private:
  sim::DeviceInfo info_;
};

class LogBuilder {
 public:
  struct How {
    bool preflush = false;
    bool fua = false;
  };

  explicit LogBuilder(uint64_t capacity = 64)
      : disk_({.capacity = sim::SectorCount{capacity}}),
        device_(sim::SectorCount{capacity}),
        log_(device_, loop_) {}

  // Submits a write of one byte value a sector; returns its record.
  uint32_t submit(uint64_t sector, std::vector<int> values, How how) {
    Held& held = hold(sim::BioOp::kWrite, sector, values.size());
    for (const int value : values) {
      held.data.insert(held.data.end(), sim::kSectorSize.value(), static_cast<std::byte>(value));
    }
    held.bio.segments = {held.data};
    held.bio.preflush = how.preflush;
    held.bio.fua = how.fua;
    return submit_held(held);
  }
  uint32_t submit(uint64_t sector, std::vector<int> values) {
    return submit(sector, std::move(values), How{});
  }
  uint32_t submit_flush() { return submit_held(hold(sim::BioOp::kFlush, 0, 0)); }
  uint32_t submit_discard(uint64_t sector, uint64_t count) {
    return submit_held(hold(sim::BioOp::kDiscard, sector, count));
  }
  void complete(uint32_t record, sim::Errno status = sim::Errno::kOk) {
    held_[record]->bio.complete(status);
  }

  uint32_t write(uint64_t sector, std::vector<int> values) {
    return write(sector, std::move(values), How{});
  }
  uint32_t write(uint64_t sector, std::vector<int> values, How how) {
    const uint32_t record = submit(sector, std::move(values), how);
    complete(record);
    return record;
  }
  uint32_t flush() {
    const uint32_t record = submit_flush();
    complete(record);
    return record;
  }
  uint32_t mark() {
    log_.mark(0, 0);
    marks_.push_back(static_cast<uint32_t>(log_.marks().size() - 1));
    return marks_.back();
  }

  // What the disk held when the log began.
  void put(uint64_t sector, int value) {
    const std::vector<std::byte> data(sim::kSectorSize.value(), static_cast<std::byte>(value));
    disk_.write(sim::dev_pos(sim::Sector{sector}), data);
  }
  [[nodiscard]] sim::Snapshot base() const { return disk_.snapshot(); }
  [[nodiscard]] const sim::IoLog& log() const { return log_; }
  [[nodiscard]] std::span<const uint32_t> marks() const { return marks_; }
  [[nodiscard]] CrashModel model(const CrashModelOptions& options = {}) const {
    return CrashModel(log_, base(), options, marks_);
  }

 private:
  struct Held {
    sim::Bio bio;
    std::vector<std::byte> data;
  };

  Held& hold(sim::BioOp op, uint64_t sector, uint64_t count) {
    held_.push_back(std::make_unique<Held>());
    Held& held = *held_.back();
    held.bio.op = op;
    held.bio.sector = sim::Sector{sector};
    held.bio.count = sim::SectorCount{count};
    return held;
  }
  uint32_t submit_held(Held& held) {
    log_.submit(held.bio);
    ZT_ASSERT(log_.records().size() == held_.size());
    return static_cast<uint32_t>(held_.size() - 1);
  }

  sim::EventLoop loop_;
  sim::MemDisk disk_;
  HoldingDevice device_;
  sim::IoLog log_;
  std::vector<std::unique_ptr<Held>> held_;
  std::vector<uint32_t> marks_;
};

}  // namespace zerotail::fault
