// What a power failure can leave on the medium, from the log of what was written (fault/MODEL.md).
//
// The log is cut into segments. Within one segment the durable base does not change; a segment ends
// where a flush completes (an epoch's end) or a FUA write completes (its own sectors move into the
// base, others do not). A bio with PREFLUSH is a flush followed by a write: the write can only be
// on the medium once the flush has completed. Over the base stand the pending versions: writes
// submitted (in flight or completed) and not yet durable, cut into atomic units. A crash state
// picks for every unit its durable content (pick 0) or one of its pending versions (pick 1..n,
// oldest first). Versions that repeat the content before them are dropped: they make no new state.
//
// A crash point is a place in the log. At kWrite the states are those in which at least one version
// of that write is picked, so that every content of the medium is considered at the earliest moment
// at which it can be found, and no (segment, picks) twice. At kStart it is the base alone. At kMark
// (the caller's own marks, e.g. the return of an fsync) all picks are considered again, because
// what is expected of them has changed. A write that repeats what is there already makes no point.
//
// While a PREFLUSH bio is in flight nobody can say whether its flush has been done: the model
// follows both, so one write or mark can make several points then, one a segment.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "zerotail/sim/digest.h"
#include "zerotail/sim/io_log.h"
#include "zerotail/sim/mem_disk.h"
#include "zerotail/sim/result.h"

namespace zerotail::fault {

// One barrier of the log taken away, or one put where there is none: to tell which barriers matter.
struct BarrierChange {
  enum class Kind : uint8_t {
    kNone,
    kNoFlush,      // the flush, or the PREFLUSH, of a request does nothing
    kNoFua,        // the FUA of a request does nothing
    kFlushBefore,  // everything that has completed before a request is submitted is durable then
    kFlushAtMark,  // the same at a mark that is a crash point
  };
  Kind kind = Kind::kNone;
  uint32_t at = 0;  // index into the log's records, or its marks
  bool operator==(const BarrierChange&) const = default;
};

// A kind of device (device_class.h names the common ones).
struct CrashModelOptions {
  sim::ByteCount atomic_unit{512};  // a power of two, 512 or more
  bool atomic_bios = false;         // the device promises whole write bios: one unit a bio
  bool ordered = false;             // nothing overtakes: the medium holds a prefix of the log
  bool write_through = false;       // no volatile cache: a completed write is durable
  // A lying device, for canaries: flushes (PREFLUSH included) and FUA complete without effect.
  // Epochs are still counted, so that crash points keep their places in the log.
  bool honour_flush = true;
  bool honour_fua = true;
  // A discarded sector may hold what it held, discard_fill, or garbage, whatever is flushed, until
  // something written to it later is durable. False: a discard is a write of discard_fill.
  bool discard_any = true;
  std::byte discard_fill{0};
  // Not 0: the power failure may tear one unit, within words of so many bytes.
  sim::ByteCount tear_word{0};
  // Not 0: it may damage one block of this size (a power of two, at least the unit) to which a
  // write is pending, sectors beside that write included, in pieces of damage_grain. The damaged
  // part holds garbage; with damage_erased also the erased state of flash (0xFF).
  sim::ByteCount damage_block{0};
  sim::ByteCount damage_grain{512};
  bool damage_erased = false;
  BarrierChange barrier{};
  bool operator==(const CrashModelOptions&) const = default;
};

// One pending version of one unit: the unit's content once that write is on the medium. A write
// that covers a part of its unit carries the rest from the version before it, or from the base.
struct Version {
  uint32_t unit = 0;    // index into Segment::units
  uint32_t record = 0;  // index into the log's records
  sim::Sector sector;   // the unit's first sector
  sim::SectorCount count;
  const std::byte* data = nullptr;  // count * 512 bytes, as long as the model and the log live
  sim::Digest delta;                // what it adds to the base's digest
  bool written = true;              // false: finished long ago, so that no power failure tears it
};

struct Unit {
  sim::Sector sector;  // first sector of the unit
  sim::SectorCount count;
  std::vector<uint32_t> versions;  // indices into Segment::versions, in order of submission
};

enum class PointKind : uint8_t { kStart, kWrite, kMark };

struct CrashPoint {
  uint32_t index = 0;  // its place in CrashModel::points()
  PointKind kind = PointKind::kStart;
  uint32_t segment = 0;
  uint64_t event = 0;          // the log's event counter at the crash
  uint32_t record = 0;         // kWrite: the write
  uint32_t mark = 0;           // kMark: index into the log's marks
  uint32_t version_begin = 0;  // kWrite: the write's own versions are [begin, limit)
  uint32_t version_limit = 0;  // versions submitted by now are [0, limit)
};

struct Segment {
  uint32_t epoch = 0;             // flushes completed before it
  sim::Snapshot base;             // durable content
  std::vector<Unit> units;        // ascending by sector, then by count
  std::vector<Version> versions;  // in order of submission
  // Units of atomic bios may overlap: then the newest picked version holds a sector.
  bool overlapping = false;
  // The first unit that holds a sector, or -1.
  [[nodiscard]] int32_t unit_of(sim::Sector sector) const;
  // All of them, ascending: more than one only when units overlap.
  [[nodiscard]] std::vector<int32_t> units_of(sim::Sector sector) const;
  // The content of a unit's sector under a pick (0: the durable content).
  [[nodiscard]] const std::byte* content(const Unit& unit, uint16_t pick, sim::Sector sector) const;
};

// What a power failure did to the one place that was being written, laid over the picks.
struct Tear {
  enum class Fill : uint8_t { kNone, kVersion, kGarbage, kErased };
  Fill fill = Fill::kNone;
  uint16_t version = 0;  // kVersion: the pick (0: durable) that shows in the torn part
  uint32_t first = 0;    // the torn part: words of the unit, or grains of the block
  uint32_t count = 0;
  uint64_t place = 0;  // the unit's index (tear_word), or the block's number (damage_block)
  bool operator==(const Tear&) const = default;
  [[nodiscard]] explicit operator bool() const { return fill != Fill::kNone; }
};

// A state: a crash point and a pick for every unit that has a version there, and perhaps a tear.
// Text form (short, versioned, round-trips): `p<point>` with what differs from "everything pending
// is lost" (`+`) or from "everything is kept, newest version" (`-`), whichever is shorter:
// `p12+` nothing kept; `p12-` all kept; `p12+3,5-8` units 3 and 5 to 8 kept (newest version);
// `p12+3v1` unit 3 has its first version; `p12-4` all but unit 4. A range leaves out units that
// have no version at the point. A tear follows: `p12-~u3w0-7v0` words 0 to 7 of unit 3 show its
// durable content; `p12-~u3w5g` word 5 is garbage; `p12+~b9s1-3g` grains 1 to 3 of block 9 are
// garbage (`e`: erased).
struct CrashState {
  uint32_t point = 0;
  std::vector<uint16_t> picks;  // one a unit of the segment
  Tear tear{};
  bool operator==(const CrashState&) const = default;
};

class CrashModel {
 public:
  // `base` is the disk as it was when the log began. `wanted_marks`: which marks of the log become
  // crash points (indices into log.marks()). The log must outlive the model and not be cleared.
  // Asserts that no unit has more than 65535 versions in one segment.
  CrashModel(const sim::IoLog& log, sim::Snapshot base, const CrashModelOptions& options,
             std::span<const uint32_t> wanted_marks);

  [[nodiscard]] const std::vector<CrashPoint>& points() const { return points_; }
  [[nodiscard]] const Segment& segment(const CrashPoint& point) const {
    return *segments_[point.segment];
  }
  [[nodiscard]] const std::vector<sim::IoRecord>& records() const { return *records_; }
  [[nodiscard]] size_t segment_count() const { return segments_.size(); }
  [[nodiscard]] const CrashModelOptions& options() const { return options_; }

  // log2 of the number of states considered at a point, and over all points.
  [[nodiscard]] double states_log2(const CrashPoint& point) const;
  [[nodiscard]] double states_log2() const;
  // The exact number of states at a point, or nothing when it exceeds `limit`.
  [[nodiscard]] std::optional<uint64_t> state_count(const CrashPoint& point, uint64_t limit) const;

  [[nodiscard]] std::string print(const CrashState& state) const;
  // An error says what is wrong: no such point, unit or version, or not a state id.
  [[nodiscard]] sim::Result<CrashState> parse(std::string_view text) const;

 private:
  friend class TimelineBuilder;  // crash_timeline.h
  CrashModelOptions options_;
  const std::vector<sim::IoRecord>* records_;
  std::vector<std::unique_ptr<Segment>> segments_;
  std::vector<CrashPoint> points_;
  std::vector<double> point_log2_;  // states at each point
  // Contents of versions that no single write holds as a whole.
  std::vector<std::unique_ptr<std::byte[]>> contents_;
  std::vector<std::byte> discarded_;  // one unit of discard_fill
  const std::byte* add_garbage(sim::Sector sector, sim::SectorCount count);
};

// How many of a unit's versions were submitted before version `limit` of its segment.
[[nodiscard]] uint16_t versions_below(const Unit& unit, uint32_t limit);
// What stands in a sector whose content is garbage: always the same bytes for one sector.
void fill_garbage(sim::Sector sector, std::byte* content);

class DamageMemory;

// The disk of one crash state: the segment's base with the picked versions over it. Changing the
// state costs the units whose pick changes; reading a sector copies nothing.
class CrashImage : public sim::SectorReader {
 public:
  explicit CrashImage(const CrashModel& model);
  ~CrashImage() override;
  CrashImage(const CrashImage&) = delete;
  CrashImage& operator=(const CrashImage&) = delete;
  void set(const CrashState& state);
  // Changes one unit's pick. The pick must exist at the state's point.
  void pick(uint32_t unit, uint16_t version);
  [[nodiscard]] const CrashState& state() const { return state_; }

  [[nodiscard]] sim::SectorCount capacity() const override;
  [[nodiscard]] const std::byte* sector(sim::Sector sector) const override {
    const std::byte* picked = overlay(sector);
    return picked != nullptr ? picked : segment_->base.sector(sector);
  }
  [[nodiscard]] const sim::Snapshot& base() const { return segment_->base; }
  [[nodiscard]] const Segment& segment() const { return *segment_; }
  // Sectors whose content differs from the base, ascending. Valid until the state changes.
  [[nodiscard]] std::span<const sim::Sector> changed() const;
  // Whole-disk digest, incremental.
  [[nodiscard]] sim::Digest digest() const { return digest_; }
  // What a unit's pick, and a tear in it, adds to the base's digest; zero for pick 0 alone.
  [[nodiscard]] sim::Digest delta(uint32_t unit) const;
  // The sum of it over the units that touch [begin, end), and over damaged sectors in it that
  // belong to no unit: with one segment, equal sums stand for equal content.
  [[nodiscard]] sim::Digest delta(sim::Sector begin, sim::Sector end) const;
  // A disk with this content, sharing the base's chunks.
  [[nodiscard]] sim::Snapshot materialise() const;

 private:
  [[nodiscard]] const std::byte* overlay(sim::Sector sector) const {
    if (sector.value() < table_.size()) return table_[sector.value()];
    if (sparse_.empty()) return nullptr;
    const auto found = sparse_.find(sector.value());
    return found == sparse_.end() ? nullptr : found->second;
  }
  void put(sim::Sector sector, const std::byte* content);
  void put_version(const Version& version);
  void remove_unit(const Unit& unit);
  void enter(const Segment& segment);
  void apply(uint32_t unit, uint16_t version);
  void apply_overlapping();
  void lay_tear();
  void lift_tear();
  void tear_sector(sim::Sector sector, size_t begin, size_t end);
  void damage_sector(sim::Sector sector);

  const CrashModel& model_;
  const Segment* segment_ = nullptr;
  CrashState state_;
  sim::Digest base_digest_;
  sim::Digest digest_;
  // Sector -> picked content: a table for the disk's first sectors, a hash for those beyond it.
  std::vector<const std::byte*> table_;
  std::unordered_map<uint64_t, const std::byte*> sparse_;
  // The sectors under the tear: what they show, and what they showed before it.
  struct Torn {
    sim::Sector sector;
    const std::byte* before;                 // nullptr: the base's content
    std::unique_ptr<std::byte[]> content{};  // nullptr: the damage memory holds it
    sim::Digest delta{};                     // what the tear adds to the digest of the picks
    bool in_unit = false;
  };
  std::vector<Torn> torn_;  // ascending
  std::unique_ptr<DamageMemory> damage_;
  [[nodiscard]] std::vector<Torn>::const_iterator first_torn(sim::Sector begin) const;
  mutable std::vector<sim::Sector> changed_;  // made when asked for
  mutable bool changed_known_ = false;
};

// Families of states, each with a share of a point's budget. They overlap: a state is given once.
enum class Tier : uint8_t {
  kBoundary,  // everything submitted is kept: a restart without an unmount, e.g. after a kernel's
              // end
  kPersist,   // at a mark: nothing pending is kept, everything is
  kEpochs,    // at every point: up to k units or bios lost, up to k kept
  kTorn,      // the point's own write in parts
  kSample,    // every state where they are few, else a seeded sample
};
inline constexpr size_t kTierCount = 5;
[[nodiscard]] const char* tier_name(Tier tier);  // "boundary", ...

// How much of a tier was looked at. Members of the families are counted, which can coincide.
struct TierCount {
  uint64_t explored = 0;
  uint64_t total = 0;  // saturated at kTierLimit a point
  void add(const TierCount& other) {
    explored += other.explored;
    total += other.total;
  }
  bool operator==(const TierCount&) const = default;
};
inline constexpr uint64_t kTierLimit = uint64_t{1} << 40;
using TierCounts = std::array<TierCount, kTierCount>;

// Budgets over the one model. Deterministic: the same options give the same states in the same
// order.
struct EnumerationOptions {
  uint64_t states_per_point = 64;  // exhaustive where the point has no more than this
  unsigned max_lost = 2;           // up to k units or bios lost, the rest kept
  unsigned max_kept = 2;           // up to k units or bios kept besides the write itself
  bool torn = true;                // the point's own write torn at each atomic unit (at most a few)
  uint64_t seed = 1;               // for the random rest of the budget
  bool boundary = false;           // an operation returns at this point
  std::array<bool, kTierCount> tiers{true, true, true, true, true};
};

struct EnumerationCounts {
  uint64_t states = 0;
  bool exhaustive = false;
  TierCounts tiers;
};
// Calls `visit` with each state until it returns false; the states are made one at a time.
EnumerationCounts for_each_state(const CrashModel& model, const CrashPoint& point,
                                 const EnumerationOptions& options,
                                 const std::function<bool(const CrashState&)>& visit);

struct Enumeration {
  std::vector<CrashState> states;  // no two alike
  bool exhaustive = false;
};
[[nodiscard]] Enumeration enumerate_states(const CrashModel& model, const CrashPoint& point,
                                           const EnumerationOptions& options);

}  // namespace zerotail::fault
