#include "crash_timeline.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <tuple>
#include <utility>

#include "zerotail/sim/assert.h"

namespace zerotail::fault {

namespace {

using sim::BioOp;
using sim::ByteCount;
using sim::Errno;
using sim::IoRecord;
using sim::Sector;
using sim::SectorCount;

size_t byte_count(SectorCount n) { return sim::bytes(n).value(); }

// What happens, in the order of the log's event counter.
enum class StepKind : uint8_t { kSubmit, kComplete, kMark };
struct Step {
  uint64_t event = 0;
  StepKind kind = StepKind::kSubmit;
  uint32_t index = 0;
};

std::vector<Step> steps_of(const sim::IoLog& log, std::span<const uint32_t> marks) {
  std::vector<Step> steps;
  for (uint32_t i = 0; i < log.records().size(); ++i) {
    const IoRecord& record = log.records()[i];
    steps.push_back({record.submit_event, StepKind::kSubmit, i});
    if (record.complete()) steps.push_back({record.complete_event, StepKind::kComplete, i});
  }
  for (const uint32_t mark : marks) {
    ZT_ASSERT(mark < log.marks().size());
    steps.push_back({log.marks()[mark].event, StepKind::kMark, mark});
  }
  std::stable_sort(steps.begin(), steps.end(),
                   [](const Step& a, const Step& b) { return a.event < b.event; });
  return steps;
}

// log2(2^a - 2^b), for a > b.
double log2_difference(double a, double b) {
  return a + std::log2(-std::expm1((b - a) * std::log(2.0)));
}

// Gives units their final order and every version its unit's place and its digest.
void close_segment(Segment& segment) {
  std::vector<uint32_t> order(segment.units.size());
  for (uint32_t i = 0; i < order.size(); ++i) order[i] = i;
  std::sort(order.begin(), order.end(), [&](uint32_t a, uint32_t b) {
    const Unit& left = segment.units[a];
    const Unit& right = segment.units[b];
    return left.sector != right.sector ? left.sector < right.sector : left.count < right.count;
  });
  std::vector<Unit> sorted;
  std::vector<uint32_t> place(order.size());
  Sector end;
  for (uint32_t i = 0; i < order.size(); ++i) {
    place[order[i]] = i;
    sorted.push_back(std::move(segment.units[order[i]]));
    segment.overlapping = segment.overlapping || sorted.back().sector < end;
    end = std::max(end, sorted.back().sector + sorted.back().count);
  }
  segment.units = std::move(sorted);
  const std::byte fill = segment.base.fill();
  for (Version& version : segment.versions) {
    version.unit = place[version.unit];
    for (uint64_t i = 0; i < version.count.value(); ++i) {
      const Sector sector = version.sector + SectorCount{i};
      const std::byte* content = version.data + byte_count(SectorCount{i});
      const std::byte* base = segment.base.sector(sector);
      if (std::memcmp(content, base, sim::kSectorSize.value()) == 0) continue;
      version.delta += sim::disk_digest(sector, content, fill);
      version.delta -= sim::disk_digest(sector, base, fill);
    }
  }
}

}  // namespace

// ---- OpenSegment

OpenSegment::OpenSegment(uint32_t index, Segment& segment, const CrashModelOptions& options,
                         std::vector<std::unique_ptr<std::byte[]>>& contents)
    : index_(index),
      segment_(segment),
      options_(options),
      space_(options, segment.base.capacity()),
      contents_(contents) {}

uint32_t OpenSegment::version_count() const {
  return static_cast<uint32_t>(segment_.versions.size());
}

double OpenSegment::log2_states() const {
  if (options_.ordered) return std::log2(static_cast<double>(version_count()) + 1);
  return log2_picks_ + std::log2(1 + static_cast<double>(tears_));
}

// A unit has got one more version.
void OpenSegment::count_version(const Unit& unit, bool written_before) {
  const size_t versions = unit.versions.size();
  log2_picks_ -= std::log2(static_cast<double>(versions));
  log2_picks_ += std::log2(static_cast<double>(versions + 1));
  if (space_.empty() || !space_.written(segment_, unit, version_count())) return;
  if (space_.tears_units()) {
    tears_ += space_.count_of_unit(unit, versions);
    if (written_before) tears_ -= space_.count_of_unit(unit, versions - 1);
  } else {
    const uint64_t block = space_.block_of(unit.sector);
    if (blocks_.insert(block).second) tears_ += space_.count_of_block(block);
  }
}

void OpenSegment::add(std::span<const Piece> pieces) {
  while (!pieces.empty()) {
    size_t n = 1;
    while (n < pieces.size() && pieces[n].record == pieces[0].record &&
           pieces[n].unit_sector == pieces[0].unit_sector &&
           pieces[n].variant == pieces[0].variant) {
      ++n;
    }
    add_version(pieces.first(n));
    pieces = pieces.subspan(n);
  }
}

void OpenSegment::add_version(std::span<const Piece> parts) {
  const Piece& part = parts.front();
  const std::pair key{part.unit_sector.value(), part.unit_count.value()};
  const auto known = unit_by_place_.find(key);
  const std::byte* before = nullptr;
  if (known != unit_by_place_.end()) {
    before = segment_.versions[segment_.units[known->second].versions.back()].data;
  }
  const std::byte* content = content_of(parts, before);
  const int64_t unit = known == unit_by_place_.end() ? -1 : static_cast<int64_t>(known->second);
  const bool others = options_.atomic_bios && covered_by_others(part, unit);
  // Where writes tear, one that changes nothing can still leave garbage.
  if (!others && space_.empty() && repeats(part, content, before)) return;

  uint32_t place = 0;
  if (unit >= 0) {
    place = known->second;
  } else {
    place = static_cast<uint32_t>(segment_.units.size());
    segment_.units.push_back(
        {.sector = part.unit_sector, .count = part.unit_count, .versions = {}});
    unit_by_place_.emplace(key, place);
  }
  std::vector<uint32_t>& versions = segment_.units[place].versions;
  ZT_ASSERT_MSG(versions.size() < std::numeric_limits<uint16_t>::max(),
                "a unit is written more than 65535 times between two flushes");
  const bool written_before = space_.written(segment_, segment_.units[place], version_count());
  versions.push_back(version_count());
  segment_.versions.push_back({.unit = place,
                               .record = part.record,
                               .sector = part.unit_sector,
                               .count = part.unit_count,
                               .data = content,
                               .delta = {},
                               .written = part.written});
  count_version(segment_.units[place], written_before);
  if (!options_.atomic_bios) return;
  for (uint64_t i = 0; i < part.unit_count.value(); ++i) {
    last_unit_[part.unit_sector.value() + i] = place;
  }
}

// The whole unit after these parts: the write's own bytes where they cover it, else a copy of what
// was there with the parts over it.
const std::byte* OpenSegment::content_of(std::span<const Piece> parts, const std::byte* before) {
  const Piece& part = parts.front();
  if (part.count == part.unit_count) return part.data;
  const size_t length = byte_count(part.unit_count);
  contents_.push_back(std::make_unique<std::byte[]>(length));
  std::byte* content = contents_.back().get();
  if (before != nullptr) {
    std::memcpy(content, before, length);
  } else {
    segment_.base.read(sim::dev_pos(part.unit_sector), {content, length});
  }
  for (const Piece& p : parts) {
    std::memcpy(content + byte_count(p.sector - p.unit_sector), p.data, byte_count(p.count));
  }
  return content;
}

bool OpenSegment::repeats(const Piece& part, const std::byte* content,
                          const std::byte* before) const {
  if (before != nullptr) return std::memcmp(content, before, byte_count(part.unit_count)) == 0;
  for (uint64_t i = 0; i < part.unit_count.value(); ++i) {
    const std::byte* base = segment_.base.sector(part.unit_sector + SectorCount{i});
    const std::byte* now = content + byte_count(SectorCount{i});
    if (std::memcmp(now, base, sim::kSectorSize.value()) != 0) return false;
  }
  return true;
}

// Atomic bios: whether another unit's version lies over what this unit held before, so that writing
// the same again is not the same.
bool OpenSegment::covered_by_others(const Piece& part, int64_t unit) const {
  for (uint64_t i = 0; i < part.unit_count.value(); ++i) {
    const auto last = last_unit_.find(part.unit_sector.value() + i);
    if (last != last_unit_.end() && static_cast<int64_t>(last->second) != unit) return true;
  }
  return false;
}

// ---- TimelineBuilder

TimelineBuilder::TimelineBuilder(CrashModel& model, const sim::IoLog& log, sim::Snapshot base,
                                 std::span<const uint32_t> wanted_marks)
    : model_(model), log_(log), wanted_marks_(wanted_marks.begin(), wanted_marks.end()) {
  worlds_.push_back(std::make_unique<World>(base));
  model_.discarded_.assign(model_.options_.atomic_unit.value(), model_.options_.discard_fill);
  unordered_ = !model_.options_.ordered && any_unordered();
}

void TimelineBuilder::build() {
  const OpenSegment& first = open_segment(*worlds_.front());
  add_point({.kind = PointKind::kStart, .segment = first.index()}, 0);
  for (const Step& step : steps_of(log_, wanted_marks_)) {
    switch (step.kind) {
      case StepKind::kSubmit:
        on_submit(step.index);
        break;
      case StepKind::kComplete:
        on_complete(step.index);
        break;
      case StepKind::kMark:
        on_mark(step.index);
        break;
    }
  }
  close_segments();
}

bool TimelineBuilder::changed(BarrierChange::Kind kind, uint32_t index) const {
  return model_.options_.barrier == BarrierChange{kind, index};
}

void TimelineBuilder::on_submit(uint32_t index) {
  const IoRecord& record = log_.records()[index];
  if (changed(BarrierChange::Kind::kFlushBefore, index)) flush_completed(record.submit_event);
  if (record.op != BioOp::kWrite && record.op != BioOp::kDiscard) return;
  const std::vector<Piece> pieces = cut(index);
  if (record.preflush && model_.options_.honour_flush && !model_.options_.ordered &&
      !changed(BarrierChange::Kind::kNoFlush, index)) {
    // Only where its flush has been done can the write be on the medium.
    World& world = world_after_preflush(index);
    add_write(world, index, pieces);
    return;
  }
  for (const std::unique_ptr<World>& world : worlds_) add_write(*world, index, pieces);
}

TimelineBuilder::World& TimelineBuilder::world_after_preflush(uint32_t index) {
  const uint64_t submitted = log_.records()[index].submit_event;
  const Covered covered = [&](uint32_t r) { return completed_before(r, submitted); };
  World& last = *worlds_.back();
  const bool any = std::any_of(last.pending.begin(), last.pending.end(),
                               [&](const Piece& piece) { return covered(piece.record); });
  if (!any) {
    preflushes_[index] = {.world_opened = last.opened, .counted = false};
    return last;
  }
  auto opened = std::make_unique<World>(last.durable.snapshot());
  opened->pending = last.pending;
  opened->epoch = last.epoch;
  opened->opened = submitted;
  opened->writers = last.writers;
  settle(*opened, covered);
  end_epoch(*opened);
  preflushes_[index] = {.world_opened = submitted, .counted = true};
  worlds_.push_back(std::move(opened));
  return *worlds_.back();
}

void TimelineBuilder::on_complete(uint32_t index) {
  const IoRecord& record = log_.records()[index];
  // A failed flush promises nothing; a failed write stays pending until a later one replaces it.
  if (record.status != Errno::kOk) return;
  switch (record.op) {
    case BioOp::kRead:
      break;
    case BioOp::kFlush:
      flush_completed(record.submit_event, !changed(BarrierChange::Kind::kNoFlush, index));
      break;
    case BioOp::kWrite:
    case BioOp::kDiscard:
      if (record.preflush) preflush_completed(index);
      if (model_.options_.write_through || (record.fua && model_.options_.honour_fua &&
                                            !changed(BarrierChange::Kind::kNoFua, index))) {
        for (const std::unique_ptr<World>& world : worlds_) {
          settle(*world, [&](uint32_t r) { return r == index; });
        }
      }
      break;
  }
}

void TimelineBuilder::flush_completed(uint64_t submitted, bool honoured) {
  for (const std::unique_ptr<World>& world : worlds_) {
    if (model_.options_.honour_flush && honoured) {
      settle(*world, [&](uint32_t r) { return completed_before(r, submitted); });
    }
    end_epoch(*world);
  }
  if (!honoured) return;
  // This flush covers what a PREFLUSH submitted before it covers, whatever became of that one.
  size_t first = 0;
  while (first + 1 < worlds_.size() && worlds_[first + 1]->opened < submitted) ++first;
  worlds_.erase(worlds_.begin(), worlds_.begin() + static_cast<ptrdiff_t>(first));
}

void TimelineBuilder::preflush_completed(uint32_t index) {
  if (!model_.options_.honour_flush || changed(BarrierChange::Kind::kNoFlush, index)) {
    for (const std::unique_ptr<World>& world : worlds_) end_epoch(*world);
    return;
  }
  if (model_.options_.ordered) return flush_completed(log_.records()[index].submit_event);
  const Preflush& preflush = preflushes_.at(index);
  size_t first = 0;
  while (first < worlds_.size() && worlds_[first]->opened < preflush.world_opened) ++first;
  ZT_ASSERT(first < worlds_.size());
  worlds_.erase(worlds_.begin(), worlds_.begin() + static_cast<ptrdiff_t>(first));
  if (preflush.counted) return;
  for (const std::unique_ptr<World>& world : worlds_) end_epoch(*world);
}

void TimelineBuilder::on_mark(uint32_t mark) {
  if (changed(BarrierChange::Kind::kFlushAtMark, mark)) flush_completed(log_.marks()[mark].event);
  for (const std::unique_ptr<World>& world : worlds_) {
    const OpenSegment& segment = open_segment(*world);
    add_point({.kind = PointKind::kMark,
               .segment = segment.index(),
               .event = log_.marks()[mark].event,
               .mark = mark,
               .version_begin = segment.version_count(),
               .version_limit = segment.version_count()},
              segment.log2_states());
  }
}

bool TimelineBuilder::completed_before(uint32_t index, uint64_t event) const {
  const IoRecord& record = log_.records()[index];
  return record.complete() && record.complete_event < event && record.status == Errno::kOk;
}

// Whether one write's content is older than the other's, whatever the device does.
bool TimelineBuilder::lands_before(uint32_t older, uint32_t newer) const {
  if (older >= newer) return false;
  if (!unordered_) return true;
  const IoRecord& first = log_.records()[older];
  return first.complete() && first.complete_event < log_.records()[newer].submit_event;
}

bool TimelineBuilder::any_unordered() const {
  const std::vector<IoRecord>& records = log_.records();
  std::vector<uint32_t> in_flight;
  for (uint32_t i = 0; i < records.size(); ++i) {
    const IoRecord& record = records[i];
    if (record.op != BioOp::kWrite && record.op != BioOp::kDiscard) continue;
    in_flight.erase(std::remove_if(in_flight.begin(), in_flight.end(),
                                   [&](uint32_t r) {
                                     return records[r].complete() &&
                                            records[r].complete_event < record.submit_event;
                                   }),
                    in_flight.end());
    for (const uint32_t r : in_flight) {
      if (records[r].sector < record.sector + record.count &&
          record.sector < records[r].sector + records[r].count) {
        return true;
      }
    }
    in_flight.push_back(i);
  }
  return false;
}

std::vector<Piece> TimelineBuilder::cut(uint32_t index) const {
  const IoRecord& record = log_.records()[index];
  const CrashModelOptions& options = model_.options_;
  const bool discard = record.op == BioOp::kDiscard;
  if (record.count == SectorCount{}) return {};
  if (options.atomic_bios && !discard) {
    return {{.record = index,
             .sector = record.sector,
             .count = record.count,
             .data = record.data->data(),
             .unit_sector = record.sector,
             .unit_count = record.count}};
  }
  const uint64_t unit = sim::sectors(options.atomic_unit).value();
  const Sector disk_end = Sector{} + worlds_.front()->durable.capacity();
  const Sector end = record.sector + record.count;
  ZT_ASSERT(end <= disk_end);
  std::vector<Piece> pieces;
  for (Sector sector = record.sector; sector < end;) {
    Piece piece;
    piece.record = index;
    piece.sector = sector;
    piece.unit_sector = Sector{sim::round_down(sector.value(), unit)};
    const Sector unit_end = std::min(piece.unit_sector + SectorCount{unit}, disk_end);
    piece.unit_count = unit_end - piece.unit_sector;
    piece.count = std::min(unit_end, end) - sector;
    piece.lingers = discard && options.discard_any;
    piece.data = discard ? model_.discarded_.data()
                         : record.data->data() + byte_count(sector - record.sector);
    pieces.push_back(piece);
    if (piece.lingers) {
      piece.variant = 1;
      piece.data = model_.add_garbage(piece.sector, piece.count);
      pieces.push_back(piece);
    }
    sector += piece.count;
  }
  return pieces;
}

void TimelineBuilder::settle(World& world, const Covered& covered) const {
  std::vector<Piece> settled;
  std::vector<Piece> kept;
  const std::vector<Piece>& pending = world.pending;
  if (model_.options_.ordered) {
    size_t end = pending.size();  // what is older than a covered write is durable with it
    while (end > 0 && !covered(pending[end - 1].record)) --end;
    const auto middle = pending.begin() + static_cast<std::ptrdiff_t>(end);
    settled.assign(pending.begin(), middle);
    kept.assign(middle, pending.end());
  } else {
    for (const Piece& piece : pending) {
      (!piece.lingers && covered(piece.record) ? settled : kept).push_back(piece);
    }
  }
  if (settled.empty()) return;
  if (unordered_) {
    settle_unordered(world, settled, kept);
  } else {
    for (const Piece& piece : settled) {
      world.durable.write(sim::dev_pos(piece.sector), {piece.data, byte_count(piece.count)});
    }
  }
  drop_overwritten(kept, settled);
  world.pending = std::move(kept);
  world.segment = nullptr;
}

// Sector by sector: what lands last goes into the durable content; of two that may both land last,
// the later submitted one, and the other lingers.
void TimelineBuilder::settle_unordered(World& world, const std::vector<Piece>& settled,
                                       std::vector<Piece>& kept) const {
  for (const Piece& piece : settled) {
    for (uint64_t i = 0; i < piece.count.value(); ++i) {
      Piece one = piece;
      one.sector += SectorCount{i};
      one.count = SectorCount{1};
      one.data += byte_count(SectorCount{i});
      const auto [place, first] = world.writers.try_emplace(one.sector.value(), one);
      if (!first) {
        Piece& now = place->second;
        const bool later = now.record < one.record;
        if (!lands_before(now.record, one.record)) {
          Piece& other = later ? now : one;
          other.lingers = true;
          other.written = false;
          kept.push_back(other);
        }
        if (!later) continue;
        now = one;
      }
      world.durable.write(sim::dev_pos(one.sector), {one.data, byte_count(one.count)});
    }
  }
  std::stable_sort(kept.begin(), kept.end(), [](const Piece& a, const Piece& b) {
    return std::tuple(a.record, a.unit_sector, a.variant, a.sector) <
           std::tuple(b.record, b.unit_sector, b.variant, b.sector);
  });
}

// A version that is older than the durable one can no longer be found on the medium.
void TimelineBuilder::drop_overwritten(std::vector<Piece>& kept,
                                       const std::vector<Piece>& settled) const {
  const uint32_t newest_settled = settled.back().record;
  const bool any_older = std::any_of(
      kept.begin(), kept.end(), [&](const Piece& piece) { return piece.record < newest_settled; });
  if (!any_older) return;
  std::unordered_map<uint64_t, std::vector<uint32_t>> writers;  // sector -> records, ascending
  for (const Piece& piece : settled) {
    for (uint64_t i = 0; i < piece.count.value(); ++i) {
      writers[piece.sector.value() + i].push_back(piece.record);
    }
  }
  const auto overwritten = [&](const Piece& piece, uint64_t i) {
    const auto found = writers.find(piece.sector.value() + i);
    if (found == writers.end()) return false;
    if (!unordered_) return found->second.back() > piece.record;
    return std::any_of(found->second.begin(), found->second.end(),
                       [&](uint32_t record) { return lands_before(piece.record, record); });
  };
  std::vector<Piece> left;
  for (const Piece& piece : kept) {
    for (uint64_t i = 0; i < piece.count.value();) {
      uint64_t end = i;
      while (end < piece.count.value() && !overwritten(piece, end)) ++end;
      if (end > i) {
        Piece part = piece;
        part.sector += SectorCount{i};
        part.count = SectorCount{end - i};
        part.data += byte_count(SectorCount{i});
        left.push_back(part);
      }
      i = std::max(end, i + 1);
    }
  }
  kept = std::move(left);
}

void TimelineBuilder::end_epoch(World& world) {
  ++world.epoch;
  world.segment = nullptr;
}

OpenSegment& TimelineBuilder::open_segment(World& world) {
  if (world.segment == nullptr) {
    auto segment = std::make_unique<Segment>();
    segment->epoch = world.epoch;
    segment->base = world.durable.snapshot();
    const auto index = static_cast<uint32_t>(model_.segments_.size());
    world.segment =
        std::make_unique<OpenSegment>(index, *segment, model_.options_, model_.contents_);
    model_.segments_.push_back(std::move(segment));
    world.segment->add(world.pending);
  }
  return *world.segment;
}

void TimelineBuilder::add_write(World& world, uint32_t index, const std::vector<Piece>& pieces) {
  if (pieces.empty()) return;
  OpenSegment& segment = open_segment(world);
  const uint32_t begin = segment.version_count();
  const double log2_before = segment.log2_states();
  segment.add(pieces);
  world.pending.insert(world.pending.end(), pieces.begin(), pieces.end());
  if (segment.version_count() == begin) return;
  add_point({.kind = PointKind::kWrite,
             .segment = segment.index(),
             .event = log_.records()[index].submit_event,
             .record = index,
             .version_begin = begin,
             .version_limit = segment.version_count()},
            log2_difference(segment.log2_states(), log2_before));
}

void TimelineBuilder::add_point(const CrashPoint& point, double log2) {
  model_.points_.push_back(point);
  model_.points_.back().index = static_cast<uint32_t>(model_.points_.size() - 1);
  model_.point_log2_.push_back(log2);
}

void TimelineBuilder::close_segments() {
  for (const std::unique_ptr<Segment>& segment : model_.segments_) close_segment(*segment);
}

}  // namespace zerotail::fault
