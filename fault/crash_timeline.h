// Builds the segments and points of a CrashModel by walking the log's events once. Private to
// fault.
//
// The walk keeps a list of worlds. The first is the log as it went with every flush done as late as
// it can be: at its completion. A PREFLUSH in flight opens one more world, in which its flush has
// been done and its write is possible; when the bio completes, the worlds without that flush end.
// So the worlds differ only in how many of the PREFLUSHes in flight have done their flush, in order
// of submission. (That a later one has done it and an earlier one not adds nothing: the later flush
// covers what the earlier one covers.)
//
// On a device that keeps order (`ordered`) there is one world only, because nothing behind a
// PREFLUSH overtakes what its flush covers; and what becomes durable takes all that is older with
// it.
//
// Two writes of a sector that were in flight together may land in either order. When both are
// durable the later one goes into the durable content, and the other lingers: it stays pending, no
// flush takes it away, until a write submitted after its completion is durable. So does a discard
// that leaves anything.
//
// A segment is made when a point needs one, so flushes and FUA writes with nothing between them
// cost no more than one of them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "tear_space.h"
#include "zerotail/fault/crash_model.h"

namespace zerotail::fault {

// The part of one write that falls into one unit, or what later writes have left of it.
struct Piece {
  uint32_t record = 0;
  sim::Sector sector;
  sim::SectorCount count;
  const std::byte* data = nullptr;
  sim::Sector unit_sector;
  sim::SectorCount unit_count;
  uint8_t variant = 0;   // of what the write may leave there, which this is: discards have two
  bool lingers = false;  // pending whatever is flushed
  bool written = true;   // false: durable, or overwritten by something durable: one of the two
};

// A segment that still grows.
class OpenSegment {
 public:
  OpenSegment(uint32_t index, Segment& segment, const CrashModelOptions& options,
              std::vector<std::unique_ptr<std::byte[]>>& contents);
  [[nodiscard]] uint32_t index() const { return index_; }
  [[nodiscard]] uint32_t version_count() const;
  // log2 of the number of states: picks of all units, and tears.
  [[nodiscard]] double log2_states() const;
  // Adds the versions of pieces, those of one write, unit and variant standing side by side.
  void add(std::span<const Piece> pieces);

 private:
  void add_version(std::span<const Piece> parts);
  [[nodiscard]] const std::byte* content_of(std::span<const Piece> parts, const std::byte* before);
  [[nodiscard]] bool repeats(const Piece& part, const std::byte* content,
                             const std::byte* before) const;
  [[nodiscard]] bool covered_by_others(const Piece& part, int64_t unit) const;

  void count_version(const Unit& unit, bool written_before);

  uint32_t index_;
  Segment& segment_;
  const CrashModelOptions& options_;
  TearSpace space_;
  std::vector<std::unique_ptr<std::byte[]>>& contents_;
  double log2_picks_ = 0;
  uint64_t tears_ = 0;
  std::unordered_set<uint64_t> blocks_;  // damage: those with a version; asked, never walked
  struct KeyHash {
    size_t operator()(const std::pair<uint64_t, uint64_t>& key) const {
      return static_cast<size_t>(key.first * 0x9E3779B97F4A7C15 ^ key.second);
    }
  };
  std::unordered_map<std::pair<uint64_t, uint64_t>, uint32_t, KeyHash> unit_by_place_;
  // Atomic bios only: the unit whose version was the last to cover a sector.
  std::unordered_map<uint64_t, uint32_t> last_unit_;
};

class TimelineBuilder {
 public:
  TimelineBuilder(CrashModel& model, const sim::IoLog& log, sim::Snapshot base,
                  std::span<const uint32_t> wanted_marks);
  void build();

 private:
  struct World {
    explicit World(const sim::Snapshot& base) : durable(base, {}) {}
    sim::MemDisk durable;
    std::vector<Piece> pending;  // in order of submission
    uint32_t epoch = 0;
    uint64_t opened = 0;  // the event of the PREFLUSH that opened it; 0: the first world
    // Only in a log with unordered writes: whose content the durable sectors hold.
    std::unordered_map<uint64_t, Piece> writers;
    std::unique_ptr<OpenSegment> segment;
  };
  // Where a PREFLUSH in flight stands.
  struct Preflush {
    uint64_t world_opened = 0;
    bool counted = false;  // its flush is in its world's epoch already
  };
  using Covered = std::function<bool(uint32_t record)>;

  [[nodiscard]] bool changed(BarrierChange::Kind kind, uint32_t index) const;
  void on_submit(uint32_t record);
  void on_complete(uint32_t record);
  void on_mark(uint32_t mark);
  void flush_completed(uint64_t submitted, bool honoured = true);
  void preflush_completed(uint32_t record);
  World& world_after_preflush(uint32_t record);

  [[nodiscard]] bool completed_before(uint32_t record, uint64_t event) const;
  [[nodiscard]] std::vector<Piece> cut(uint32_t record) const;
  [[nodiscard]] bool lands_before(uint32_t older, uint32_t newer) const;
  [[nodiscard]] bool any_unordered() const;
  // Moves what is covered into the durable content.
  void settle(World& world, const Covered& covered) const;
  void settle_unordered(World& world, const std::vector<Piece>& settled,
                        std::vector<Piece>& kept) const;
  void drop_overwritten(std::vector<Piece>& kept, const std::vector<Piece>& settled) const;
  static void end_epoch(World& world);
  OpenSegment& open_segment(World& world);
  void add_write(World& world, uint32_t record, const std::vector<Piece>& pieces);
  void add_point(const CrashPoint& point, double log2);
  void close_segments();

  CrashModel& model_;
  const sim::IoLog& log_;
  std::vector<uint32_t> wanted_marks_;
  bool unordered_ = false;  // some writes of one sector were in flight together
  std::vector<std::unique_ptr<World>> worlds_;
  std::unordered_map<uint32_t, Preflush> preflushes_;  // by record; looked up, never walked
};

}  // namespace zerotail::fault
