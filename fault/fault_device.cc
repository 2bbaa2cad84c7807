#include "zerotail/fault/fault_device.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "zerotail/sim/assert.h"
#include "zerotail/sim/digest.h"

namespace zerotail::fault {

namespace {

using sim::BioOp;
using sim::ByteCount;
using sim::DevPos;
using sim::Errno;
using sim::Sector;
using sim::SectorCount;

constexpr uint32_t kBitsPerByte = 8;

}  // namespace

struct FaultDevice::Rule {
  FaultRule rule;
  uint64_t key = 0;      // of its text: decisions do not depend on its place in the plan
  uint64_t matched = 0;  // requests so far
  bool written = false;  // something the rule is about was written since the last flush
  const std::vector<Region::Extent>* extents = nullptr;  // of its region
};

// A request that goes down changed, or waits.
struct FaultDevice::Request {
  sim::Bio* above = nullptr;
  Fate fate;
  sim::Bio below;
  std::vector<std::byte> data;
};

FaultDevice::FaultDevice(sim::BlockDevice& below, sim::EventLoop& loop, FaultPlan plan)
    : below_(below), loop_(loop), plan_(std::move(plan)) {
  for (const FaultRule& rule : plan_.rules) {
    const std::string text = print(rule);
    rules_.push_back(std::make_unique<Rule>());
    rules_.back()->rule = rule;
    rules_.back()->key = sim::bytes_digest(text.data(), text.size(), plan_.seed).low;
  }
}

FaultDevice::~FaultDevice() = default;

sim::Status FaultDevice::set_regions(std::vector<Region> regions) {
  regions_ = std::move(regions);
  for (const std::unique_ptr<Rule>& rule : rules_) {
    rule->extents = nullptr;
    if (rule->rule.region.empty()) continue;
    for (const Region& region : regions_) {
      if (region.name == rule->rule.region) rule->extents = &region.extents;
    }
    if (rule->extents != nullptr) continue;
    std::string names;
    for (const Region& region : regions_) names += " " + region.name;
    return sim::Error(Errno::kInval, "fault rule '" + print(rule->rule) +
                                         "': there is no such region; the regions are" + names);
  }
  return {};
}

void FaultDevice::set_operation(uint64_t index, uint64_t key) {
  operation_ = index;
  operation_key_ = key;
}

void FaultDevice::set_allocated(std::function<bool(Sector)> allocated) {
  allocated_ = std::move(allocated);
}

void FaultDevice::replug() {
  armed_ = false;
  state_.failing_requests = 0;
  state_.read_only = false;
  state_.removed = false;
  state_.full = false;
}

void FaultDevice::submit(sim::Bio& bio) {
  if (check_range(info(), bio) != Errno::kOk) return below_.submit(bio);
  const EventSet events = events_of(bio);
  Fate fate;
  if (armed_) {
    for (const std::unique_ptr<Rule>& rule : rules_) {
      if (matches(*rule, bio, events)) strike(*rule, bio, events, &fate);
    }
  }
  apply_state(bio, &fate);
  note_written(bio);
  pass_on(bio, fate);
}

// Whether the bio is one that the rule is about, and its turn in the phases has come.
bool FaultDevice::matches(Rule& rule, const sim::Bio& bio, EventSet events) {
  const EventSet wanted = rule.rule.events != 0 ? rule.rule.events : rule.rule.kind->events;
  if ((events & wanted) == 0) return false;
  if (rule.rule.ops && (operation_ < rule.rule.ops->first || operation_ > rule.rule.ops->last)) {
    return false;
  }
  const bool somewhere = rule.rule.sectors || !rule.rule.region.empty();
  if (bio.op == BioOp::kFlush) {
    if (somewhere && !rule.written) return false;
  } else if (!place_of(rule, bio)) {
    return false;
  }
  uint64_t turn = rule.matched++;
  if (rule.rule.phases.empty()) return true;
  for (const FaultPhase& phase : rule.rule.phases) {
    if (phase.requests == 0 || turn < phase.requests) return phase.failing;
    turn -= phase.requests;
  }
  return false;
}

// The first sector of the bio that the rule is about, and which of its bits.
std::optional<StrikePlace> FaultDevice::place_of(const Rule& rule, const sim::Bio& bio) {
  DevPos begin = sim::dev_pos(bio.sector);
  DevPos end = sim::dev_pos(bio.end());
  if (rule.rule.sectors) {
    begin = std::max(begin, sim::dev_pos(rule.rule.sectors->first));
    // Compared as sectors, because the end of the last one may not fit.
    if (rule.rule.sectors->last < bio.end()) {
      end = std::min(end, sim::dev_pos(rule.rule.sectors->last + SectorCount{1}));
    }
  }
  if (!rule.rule.region.empty()) {
    if (rule.extents == nullptr) return std::nullopt;
    const auto extent =
        std::find_if(rule.extents->begin(), rule.extents->end(),
                     [&](const Region::Extent& e) { return e.begin < end && begin < e.end; });
    if (extent == rule.extents->end()) return std::nullopt;
    begin = std::max(begin, extent->begin);
    end = std::min(end, extent->end);
  }
  if (begin >= end) return std::nullopt;
  StrikePlace place;
  place.sector = sim::sector_at(begin);
  const DevPos sector_end = sim::dev_pos(place.sector + SectorCount{1});
  const ByteCount skip = sim::offset_in(begin, sim::kSectorSize);
  place.first_bit = static_cast<uint32_t>(skip.value()) * kBitsPerByte;
  place.bit_count =
      static_cast<uint32_t>((std::min(end, sector_end) - begin).value()) * kBitsPerByte;
  return place;
}

void FaultDevice::strike(Rule& rule, const sim::Bio& bio, EventSet events, Fate* fate) {
  const StrikePlace place = bio.op == BioOp::kFlush ? StrikePlace{} : *place_of(rule, bio);
  const uint64_t words[] = {plan_.seed, rule.key, operation_key_, place.sector.value(), events};
  const sim::Digest drawn = sim::bytes_digest(words, sizeof(words));
  if (drawn.high % rule.rule.chance_in >= rule.rule.chance_of) return;
  const Strike strike{.bio = bio,
                      .rule = rule.rule,
                      .place = place,
                      .block = sim::sectors(info().logical_block),
                      .capacity = info().capacity,
                      .draw = drawn.low};
  rule.rule.kind->strike(strike, &state_, fate);
  size_t index = 0;
  while (rules_[index].get() != &rule) ++index;
  hits_.push_back({index, events, place.sector, operation_});
}

// What earlier faults left behind.
void FaultDevice::apply_state(const sim::Bio& bio, Fate* fate) {
  const auto fail = [&](Errno status) {
    fate->pass = false;
    fate->status = status;
  };
  const bool changes = bio.op == BioOp::kWrite || bio.op == BioOp::kDiscard;
  if (state_.removed) return fail(Errno::kNoDev);
  if (state_.failing_requests > 0) {
    --state_.failing_requests;
    return fail(Errno::kIo);
  }
  if (changes && state_.read_only) return fail(Errno::kIo);
  if (bio.op == BioOp::kDiscard) state_.full = false;
  if (bio.op == BioOp::kWrite && state_.full) {
    for (Sector s = bio.sector; s < bio.end(); s += SectorCount{1}) {
      if (!allocated_ || !allocated_(s)) return fail(Errno::kNoSpc);
    }
  }
  if (bio.op == BioOp::kRead) {
    const auto bad = state_.bad.lower_bound(bio.sector.value());
    if (bad != state_.bad.end() && *bad < bio.end().value()) return fail(Errno::kIo);
  }
}

void FaultDevice::note_written(const sim::Bio& bio) {
  for (const std::unique_ptr<Rule>& rule : rules_) {
    if (bio.op == BioOp::kFlush || bio.preflush) rule->written = false;
    if (bio.op == BioOp::kWrite && place_of(*rule, bio)) rule->written = true;
  }
}

void FaultDevice::pass_on(sim::Bio& bio, const Fate& fate) {
  const bool changed = !fate.pass || fate.status != Errno::kOk || fate.done || fate.torn ||
                       fate.elsewhere || fate.delay != sim::Nanos{};
  const bool spoilt = bio.op == BioOp::kRead && !state_.rotten.empty();
  if (!changed && !spoilt) {
    if (bio.op == BioOp::kWrite) heal(bio.sector, bio.end());
    return below_.submit(bio);
  }
  requests_.push_back(std::make_unique<Request>());
  Request& request = *requests_.back();
  request.above = &bio;
  request.fate = fate;
  const SectorCount done = std::min(fate.done.value_or(bio.count), bio.count);
  const bool nothing = bio.op != BioOp::kFlush && done == SectorCount{} && !fate.torn;
  if (!fate.pass || nothing) return finish(request, fate.status);
  request.below.op = bio.op;
  request.below.preflush = bio.preflush;
  request.below.fua = bio.fua;
  request.below.tag = bio.tag;
  request.below.sector = fate.elsewhere.value_or(bio.sector);
  request.below.count = done;
  if (bio.op == BioOp::kRead || bio.op == BioOp::kWrite) {
    request.data.resize(sim::bytes(bio.count).value());
    size_t at = 0;
    for (const std::span<std::byte>& segment : bio.segments) {
      std::memcpy(request.data.data() + at, segment.data(), segment.size());
      at += segment.size();
    }
  }
  if (fate.torn) return read_for_tear(request);
  send(request);
}

// The sector behind those that were done is torn: its second half stays what it was.
void FaultDevice::read_for_tear(Request& request) {
  auto old = std::make_shared<std::pair<sim::Bio, std::vector<std::byte>>>();
  const SectorCount block = sim::sectors(info().logical_block);
  old->second.resize(sim::bytes(block).value());
  old->first.op = BioOp::kRead;
  old->first.sector = request.below.sector + request.below.count;
  old->first.count = block;
  old->first.segments = {old->second};
  old->first.end_io = [this, &request, old](sim::Bio& read) {
    const size_t half = old->second.size() / 2;
    const size_t at = sim::bytes(request.below.count).value();
    std::memcpy(request.data.data() + at + half, old->second.data() + half, half);
    request.below.count += sim::sectors(info().logical_block);
    if (read.status != Errno::kOk) return finish(request, read.status);
    send(request);
  };
  below_.submit(old->first);
}

void FaultDevice::send(Request& request) {
  sim::Bio& bio = request.below;
  const size_t length =
      bio.op == BioOp::kRead || bio.op == BioOp::kWrite ? sim::bytes(bio.count).value() : 0;
  if (length > 0) bio.segments = {std::span(request.data).first(length)};
  if (bio.op == BioOp::kWrite) heal(bio.sector, bio.end());
  bio.end_io = [this, &request](sim::Bio& below) {
    sim::Bio& above = *request.above;
    if (below.op == BioOp::kRead && below.status == Errno::kOk) {
      size_t at = 0;
      for (const std::span<std::byte>& segment : above.segments) {
        std::memcpy(segment.data(), request.data.data() + at, segment.size());
        at += segment.size();
      }
      spoil(above);
    }
    finish(request, below.status != Errno::kOk ? below.status : request.fate.status);
  };
  below_.submit(bio);
}

// Flips the rotten bits of what was read.
void FaultDevice::spoil(const sim::Bio& bio) const {
  const auto begin = state_.rotten.lower_bound(bio.sector.value());
  const auto end = state_.rotten.lower_bound(bio.end().value());
  for (auto rotten = begin; rotten != end; ++rotten) {
    size_t at =
        sim::bytes(Sector{rotten->first} - bio.sector).value() + rotten->second / kBitsPerByte;
    for (const std::span<std::byte>& segment : bio.segments) {
      if (at < segment.size()) {
        segment[at] ^= static_cast<std::byte>(1U << (rotten->second % kBitsPerByte));
        break;
      }
      at -= segment.size();
    }
  }
}

void FaultDevice::finish(Request& request, Errno status) {
  const auto complete = [this, &request, status] {
    sim::Bio& above = *request.above;
    const auto place = std::find_if(requests_.begin(), requests_.end(),
                                    [&](const auto& r) { return r.get() == &request; });
    ZT_ASSERT(place != requests_.end());
    // Kept until the completion has run: it is called from within the request's own bio.
    const std::unique_ptr<Request> ended = std::move(*place);
    requests_.erase(place);
    above.complete(status);
  };
  if (request.fate.delay == sim::Nanos{}) return complete();
  loop_.schedule_after(request.fate.delay, complete);
}

// What is written is whole again.
void FaultDevice::heal(Sector begin, Sector end) {
  state_.rotten.erase(state_.rotten.lower_bound(begin.value()),
                      state_.rotten.lower_bound(end.value()));
  state_.bad.erase(state_.bad.lower_bound(begin.value()), state_.bad.lower_bound(end.value()));
}

}  // namespace zerotail::fault
