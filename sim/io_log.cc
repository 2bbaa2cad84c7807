#include "zerotail/sim/io_log.h"

#include <utility>

#include "zerotail/sim/assert.h"

namespace zerotail::sim {

namespace {

std::shared_ptr<const std::vector<std::byte>> captured(const Bio& bio) {
  auto data = std::make_shared<std::vector<std::byte>>();
  data->reserve(bytes(bio.count).value());
  for (const std::span<const std::byte> segment : bio.segments) {
    data->insert(data->end(), segment.begin(), segment.end());
  }
  return data;
}

}  // namespace

IoLog::IoLog(BlockDevice& below, EventLoop& loop) : below_(below), loop_(loop) {}

void IoLog::submit(Bio& bio) {
  if (bio.op == BioOp::kRead) {
    ++reads_;
    below_.submit(bio);
    return;
  }
  if (!recording_ || check_range(below_.info(), bio) != Errno::kOk) {
    below_.submit(bio);  // a bio that no device takes changes nothing
    return;
  }
  const size_t index = records_.size();
  IoRecord record;
  record.submit_event = next_event_++;
  record.submit_time = loop_.now();
  record.op = bio.op;
  record.preflush = bio.preflush;
  record.fua = bio.fua;
  record.sector = bio.sector;
  record.count = bio.count;
  record.tag = bio.tag;
  if (bio.op == BioOp::kWrite) record.data = captured(bio);
  records_.push_back(std::move(record));
  // The completion is counted before the submitter hears of it: what it submits then comes later.
  bio.end_io = [this, index, generation = generation_, inner = std::move(bio.end_io)](Bio& done) {
    if (generation == generation_) completed(index, done.status);
    if (inner) inner(done);
  };
  below_.submit(bio);
}

void IoLog::completed(size_t index, Errno status) {
  IoRecord& record = records_[index];
  record.complete_event = next_event_++;
  record.complete_time = loop_.now();
  record.status = status;
}

void IoLog::mark(uint32_t kind, uint64_t id) {
  if (!recording_) return;
  marks_.push_back({.event = next_event_++, .kind = kind, .id = id, .time = loop_.now()});
}

void IoLog::clear() {
  records_.clear();
  marks_.clear();
  reads_ = 0;
  next_event_ = 1;
  ++generation_;  // bios under way complete into nothing
}

}  // namespace zerotail::sim
