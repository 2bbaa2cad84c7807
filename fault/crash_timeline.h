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
// A segment is made when a point needs one, so flushes and FUA writes with nothing between them
// cost no more than one of them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <unordered_map>
#include <vector>

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
};

// A segment that still grows.
class OpenSegment {
 public:
  OpenSegment(uint32_t index, Segment& segment, bool atomic_bios,
              std::vector<std::unique_ptr<std::byte[]>>& contents);
  [[nodiscard]] uint32_t index() const { return index_; }
  [[nodiscard]] uint32_t version_count() const;
  // log2 of the number of picks of all units.
  [[nodiscard]] double log2_picks() const { return log2_picks_; }
  // Adds the versions of pieces, those of one write and unit standing side by side.
  void add(std::span<const Piece> pieces);

 private:
  void add_version(std::span<const Piece> parts);
  [[nodiscard]] const std::byte* content_of(std::span<const Piece> parts, const std::byte* before);
  [[nodiscard]] bool repeats(const Piece& part, const std::byte* content,
                             const std::byte* before) const;
  [[nodiscard]] bool covered_by_others(const Piece& part, int64_t unit) const;

  uint32_t index_;
  Segment& segment_;
  bool atomic_bios_;
  std::vector<std::unique_ptr<std::byte[]>>& contents_;
  double log2_picks_ = 0;
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
    std::unique_ptr<OpenSegment> segment;
  };
  // Where a PREFLUSH in flight stands.
  struct Preflush {
    uint64_t world_opened = 0;
    bool counted = false;  // its flush is in its world's epoch already
  };
  using Covered = std::function<bool(uint32_t record)>;

  void on_submit(uint32_t record);
  void on_complete(uint32_t record);
  void on_mark(uint32_t mark);
  void flush_completed(uint64_t submitted);
  void preflush_completed(uint32_t record);
  World& world_after_preflush(uint32_t record);

  [[nodiscard]] bool completed_before(uint32_t record, uint64_t event) const;
  [[nodiscard]] std::vector<Piece> cut(uint32_t record) const;
  // Moves what is covered into the durable content.
  static void settle(World& world, const Covered& covered);
  static void drop_overwritten(std::vector<Piece>& kept, const std::vector<Piece>& settled);
  static void end_epoch(World& world);
  OpenSegment& open_segment(World& world);
  void add_write(World& world, uint32_t record, const std::vector<Piece>& pieces);
  void add_point(const CrashPoint& point, double log2);
  void close_segments();

  CrashModel& model_;
  const sim::IoLog& log_;
  std::vector<uint32_t> wanted_marks_;
  std::vector<std::unique_ptr<World>> worlds_;
  std::unordered_map<uint32_t, Preflush> preflushes_;  // by record; looked up, never walked
};

}  // namespace zerotail::fault
