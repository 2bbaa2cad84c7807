// The recorder: passes bios through and keeps what the crash model needs: every write, flush and
// discard with its data, when it was submitted and when it completed, and marks between them.
// Reads are counted, not kept. A bio that is out of range is passed on and not kept: no device
// takes it. A bio submitted while recording is off leaves no record, even if it completes later.
//
// Order: submissions, completions and marks share one counter ("event"), so that "completed before
// it was submitted" can be told. Data is captured at submission.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "zerotail/sim/block_device.h"
#include "zerotail/sim/event_loop.h"

namespace zerotail::sim {

struct IoRecord {
  uint64_t submit_event = 0;
  uint64_t complete_event = 0;  // 0: not complete
  Nanos submit_time;
  Nanos complete_time;
  BioOp op = BioOp::kWrite;
  bool preflush = false;
  bool fua = false;
  Sector sector;
  SectorCount count;
  IoTag tag;
  Errno status = Errno::kOk;
  std::shared_ptr<const std::vector<std::byte>> data;  // writes only; count * 512 bytes
  [[nodiscard]] bool complete() const { return complete_event != 0; }
};

// Something the submitter wants to find again: the harness marks the begin and end of operations.
struct IoMark {
  uint64_t event = 0;
  uint32_t kind = 0;  // the harness's own numbers
  uint64_t id = 0;
  Nanos time;
};

class IoLog : public BlockDevice {
 public:
  IoLog(BlockDevice& below, EventLoop& loop);

  [[nodiscard]] const DeviceInfo& info() const override { return below_.info(); }
  void submit(Bio& bio) override;
  void mark(uint32_t kind, uint64_t id);

  [[nodiscard]] const std::vector<IoRecord>& records() const { return records_; }
  [[nodiscard]] const std::vector<IoMark>& marks() const { return marks_; }
  [[nodiscard]] uint64_t last_event() const { return next_event_ - 1; }
  [[nodiscard]] uint64_t reads() const { return reads_; }
  void set_recording(bool on) { recording_ = on; }
  // Forgets all; events count from 1 again. Bios under way will not be recorded.
  void clear();

 private:
  void completed(size_t index, Errno status);

  BlockDevice& below_;
  EventLoop& loop_;
  bool recording_ = true;
  uint64_t next_event_ = 1;
  uint64_t generation_ = 0;  // of the records: counts clear()
  uint64_t reads_ = 0;
  std::vector<IoRecord> records_;
  std::vector<IoMark> marks_;
};

}  // namespace zerotail::sim
