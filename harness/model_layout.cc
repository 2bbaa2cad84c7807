// Direct writes that are not waited for, and where files are, as far as a model can know.

#include <algorithm>

#include "zerotail/harness/model.h"

namespace zerotail::harness {

using sim::Errno;

namespace {

Prediction answer(int64_t ret) {
  Prediction prediction;
  prediction.result.ret = ret;
  return prediction;
}

Prediction answer(Errno code) { return answer(-static_cast<int64_t>(code)); }

uint64_t up(uint64_t value, uint64_t unit) { return (value + unit - 1) / unit * unit; }

}  // namespace

bool Model::in_flight(FileId id) const {
  return std::any_of(flights_.begin(), flights_.end(),
                     [id](const Flight& flight) { return flight.id == id; });
}

// What the operation names, by path or by descriptor, is being written to; or it asks for the free
// space, which a write that fails gives back when it ends.
bool Model::in_flight(const Operation& op) const {
  if (flights_.empty() || op.kind == OpKind::kWait || op.kind == OpKind::kRemount) return false;
  if (op.kind == OpKind::kStatfs) return true;
  const Or<FileId> named = resolve(op.path);
  const FileId* const id = std::get_if<FileId>(&named);
  if (id != nullptr && in_flight(*id)) return true;
  const auto known = handles_.find(op.path);
  if (known == handles_.end()) return false;
  return std::any_of(known->second.begin(), known->second.end(),
                     [this](const auto& entry) { return in_flight(entry.second); });
}

Prediction Model::submit(const Operation& op) {
  const Or<FileId> found = handle(op.path, Use::kDirect);
  if (const Errno* error = std::get_if<Errno>(&found)) return answer(*error);
  const FileId id = std::get<FileId>(found);
  flights_.push_back({id, op.task, write(op, Use::kDirect)});
  edit(id).clean = false;
  return answer(0);
}

Prediction Model::wait(const Operation& op) {
  std::vector<Flight> mine;
  std::vector<Flight> others;
  for (const Flight& flight : flights_) {
    (!op.task || flight.task == op.task ? mine : others).push_back(flight);
  }
  flights_ = std::move(others);
  std::vector<std::string> done;
  Prediction prediction = answer(static_cast<int64_t>(mine.size()));
  for (const Flight& flight : mine) {
    done.push_back(std::to_string(flight.answer.result.ret));
    prediction.any = prediction.any || flight.answer.any;
    release(flight.id);
  }
  prediction.result.set("done", std::move(done));
  prediction.open = {"order"};
  return prediction;
}

// The whole block that holds `off`, if anything in it was written.
Prediction Model::bmap(const Operation& op) {
  const Or<FileId> found = handle(op.path, Use::kBuffered);
  if (const Errno* error = std::get_if<Errno>(&found)) return answer(*error);
  if (op.off < 0) return answer(Errno::kInval);
  const uint64_t block = static_cast<uint64_t>(op.off) / geometry_.sector * geometry_.sector;
  const bool mapped = block < get(std::get<FileId>(found)).valid_size;
  Prediction prediction = answer(0);
  prediction.result.set("mapped", int64_t{mapped ? 1 : 0});
  if (mapped) prediction.open = {"block"};
  prediction.any = bh_valid_unknown(std::get<FileId>(found));
  return prediction;
}

// Mapped to the end of the block that holds the valid size, unwritten from there to the end of the
// one that holds the size; a hole from the size on, for who begins there or comes to it.
Prediction Model::map(const Operation& op) {
  const Or<FileId> found = handle(op.path, Use::kBuffered);
  if (const Errno* error = std::get_if<Errno>(&found)) return answer(*error);
  if (op.off < 0 || op.len < 0) return answer(Errno::kInval);
  const ModelNode& node = get(std::get<FileId>(found));
  auto pos = static_cast<uint64_t>(op.off);
  const uint64_t end = pos + static_cast<uint64_t>(op.len);
  std::string kinds;
  const auto add = [&](char letter, uint64_t until) {
    until = std::min(until, end);
    if (until <= pos) return;
    kinds += letter + std::to_string(until - pos);
    pos = until;
  };
  if (pos < node.valid_size) add('m', up(node.valid_size, geometry_.sector));
  if (pos < node.size) add('u', up(node.size, geometry_.sector));
  add('h', end);
  Prediction prediction = answer(op.len);
  prediction.result.set("kinds", kinds);
  prediction.open = {"extents"};
  prediction.any = bh_valid_unknown(node.id);
  return prediction;
}

// Nothing but whole pages that were written.
Prediction Model::swap_map(const Operation& op) {
  const Or<FileId> found = handle(op.path, Use::kBuffered);
  if (const Errno* error = std::get_if<Errno>(&found)) return answer(*error);
  const FileId id = std::get<FileId>(found);
  mark_clean(id);  // it is synced first
  const ModelNode& node = get(id);
  const uint64_t pages = node.size / geometry_.page;
  if (bh_valid_unknown(id)) {
    Prediction unknown;
    unknown.any = true;
    return unknown;
  }
  if (pages == 0 || node.valid_size < pages * geometry_.page) return answer(Errno::kInval);
  Prediction prediction = answer(static_cast<int64_t>(pages));
  prediction.open = {"extents"};
  prediction.any = !geometry_.clusters_hold_pages || read_only_;
  return prediction;
}

}  // namespace zerotail::harness
