#include "zerotail/harness/random_trace.h"

#include <algorithm>
#include <array>
#include <utility>

namespace zerotail::harness {
namespace {

constexpr std::array kFiles = {"f0",   "f1",     "F0",
                               "d/f2", "d/e/f3", "long-name-that-needs-two-entries"};
constexpr std::array kDirectories = {"d", "d/e", "g"};
// Largest position that is picked without looking at the file, in clusters.
constexpr uint64_t kReach = 6;
// Caps on what one operation touches: big clusters must not make traces of megabytes.
constexpr uint64_t kMaxLength = 40000;
constexpr uint64_t kMaxPosition = uint64_t{1} << 20;

constexpr std::array<OperationWeight, 40> kUsualWeights = {{
    {OpKind::kWrite, 20},     {OpKind::kAppend, 6},     {OpKind::kTruncate, 14},
    {OpKind::kFallocate, 4},  {OpKind::kRead, 12},      {OpKind::kSeekHole, 4},
    {OpKind::kSeekData, 3},   {OpKind::kSeekEnd, 1},    {OpKind::kStat, 4},
    {OpKind::kStatfs, 2},     {OpKind::kCreate, 5},     {OpKind::kMkdir, 4},
    {OpKind::kUnlink, 3},     {OpKind::kUnlinkKeep, 1}, {OpKind::kRmdir, 2},
    {OpKind::kRename, 5},     {OpKind::kList, 2},       {OpKind::kFsync, 4},
    {OpKind::kFdatasync, 1},  {OpKind::kFsyncDir, 1},   {OpKind::kSync, 3},
    {OpKind::kDropCaches, 5}, {OpKind::kRemount, 3},    {OpKind::kClose, 2},
    {OpKind::kWriteback, 2},  {OpKind::kDirent, 3},     {OpKind::kRawRead, 2},
    {OpKind::kSleep, 1},      {OpKind::kSyncfs, 1},     {OpKind::kOpenSync, 1},
    {OpKind::kBmap, 1},       {OpKind::kMap, 3},        {OpKind::kSwapMap, 1},
    {OpKind::kDwrite, 6},     {OpKind::kDread, 4},      {OpKind::kWait, 2},
    {OpKind::kMwrite, 5},     {OpKind::kMread, 2},      {OpKind::kMsync, 3},
    {OpKind::kMunmap, 2},
}};

bool is_direct(OpKind kind) {
  return kind == OpKind::kDwrite || kind == OpKind::kDread || kind == OpKind::kWait;
}

bool is_mapped(OpKind kind) {
  return kind == OpKind::kMwrite || kind == OpKind::kMread || kind == OpKind::kMsync ||
         kind == OpKind::kMunmap;
}

// Changes the bytes or the size of one file.
bool changes_file(OpKind kind) {
  switch (kind) {
    case OpKind::kWrite:
    case OpKind::kAppend:
    case OpKind::kDwrite:
    case OpKind::kMwrite:
    case OpKind::kTruncate:
    case OpKind::kFallocate:
      return true;
    default:
      return false;
  }
}

class Generator {
 public:
  Generator(const RandomTraceOptions& options, const ModelGeometry& geometry, sim::Prng prng)
      : options_(options), model_(geometry), prng_(prng) {
    ZT_ASSERT(options.files > 0 && options.files <= kFiles.size());
    trace_.header = options.header;
    model_.set_keep(options.header.keep);
    for (const OperationWeight& each : options.weights) {
      const bool left_out =
          (is_direct(each.kind) && !options.direct) || (is_mapped(each.kind) && !options.mapped);
      if (!left_out && each.weight > 0) weights_.push_back(each);
    }
    ZT_ASSERT(!weights_.empty());
    for (const OperationWeight& each : weights_) total_ += each.weight;
  }

  Trace make() {
    take_space();
    const size_t end = trace_.ops.size() + options_.length;
    add({.kind = OpKind::kCreate, .path = "f0"});
    while (trace_.ops.size() < end) {
      const Operation op = pick();
      add(op);
      if (options_.look && changes_file(op.kind)) look_at(op);
    }
    look_at_everything();
    add({.kind = OpKind::kRemount});
    look_at_everything();
    return std::move(trace_);
  }

 private:
  void add(Operation op) {
    (void)model_.apply(op);
    trace_.ops.push_back(std::move(op));
  }

  // Leaves a few clusters, in one piece or one by one.
  void take_space() {
    if (options_.space == FreeSpace::kPlenty) return;
    const uint64_t cluster = options_.header.cluster;
    const uint64_t left = 2 + prng_.below(8);
    if (options_.space == FreeSpace::kScattered) {
      const auto one = static_cast<int64_t>(cluster);
      for (const char* path : {"taken", "holes"}) add({.kind = OpKind::kCreate, .path = path});
      for (uint64_t i = 0; i < left; ++i) {
        for (const char* path : {"taken", "holes"}) {
          const auto size = static_cast<int64_t>(i + 1) * one;
          add({.kind = OpKind::kTruncate, .path = path, .size = size});
        }
      }
    }
    const uint64_t free = model_.clusters_free();
    const uint64_t more = options_.space == FreeSpace::kScattered ? 0 : left;
    add({.kind = OpKind::kCreate, .path = "full"});
    if (free > more) {
      const auto size = static_cast<int64_t>((free - more) * cluster);
      add({.kind = OpKind::kTruncate, .path = "full", .size = size});
    }
    if (options_.space == FreeSpace::kScattered) {
      add({.kind = OpKind::kUnlink, .path = "holes"});
    }
    add({.kind = OpKind::kSync});
  }

  // What a change left of a file, as every view shows it: around the change, and at the ends.
  void look_at(const Operation& change) {
    const std::optional<Model::Entry> entry = model_.find(change.path);
    if (!entry || entry->directory) return;
    const std::string& path = change.path;
    add({.kind = OpKind::kStat, .path = path});
    const bool truncated = change.kind == OpKind::kTruncate;
    const bool appended = change.kind == OpKind::kAppend;
    const uint64_t begin =
        truncated ? entry->valid_size
        : appended
            ? entry->size - std::min<uint64_t>(entry->size, static_cast<uint64_t>(change.len))
            : static_cast<uint64_t>(change.off);
    const uint64_t end = truncated  ? entry->size
                         : appended ? entry->size
                                    : begin + static_cast<uint64_t>(change.len);
    const auto from = static_cast<int64_t>(begin == 0 ? 0 : begin - 1);
    const auto length = static_cast<int64_t>(std::min(end + 2, begin + kMaxLength)) - from;
    add({.kind = OpKind::kMap, .path = path, .off = from, .len = length});
    add({.kind = OpKind::kSeekHole, .path = path, .off = from});
    add({.kind = OpKind::kSeekData, .path = path, .off = from});
    add({.kind = OpKind::kRead, .path = path, .off = from, .len = length});
    for (const uint64_t edge : {entry->valid_size, entry->size}) {
      const auto before = static_cast<int64_t>(edge < 16 ? 0 : edge - 16);
      add({.kind = OpKind::kRead, .path = path, .off = before, .len = 32});
    }
  }

  // The whole state as a caller can see it.
  void look_at_everything() {
    add({.kind = OpKind::kList, .path = ""});
    for (const Model::Entry& entry : model_.entries()) {
      add({.kind = OpKind::kStat, .path = entry.path});
      if (entry.directory) {
        add({.kind = OpKind::kList, .path = entry.path});
        continue;
      }
      add({.kind = OpKind::kSeekHole, .path = entry.path});
      const auto length = static_cast<int64_t>(std::min(entry.size + 100, kMaxPosition));
      add({.kind = OpKind::kRead, .path = entry.path, .len = length});
    }
    add({.kind = OpKind::kStatfs});
  }

  OpKind pick_kind() {
    uint64_t number = prng_.below(total_);
    for (const OperationWeight& each : weights_) {
      if (number < each.weight) return each.kind;
      number -= each.weight;
    }
    return weights_.back().kind;
  }

  Operation pick() {
    Operation op;
    op.kind = pick_kind();
    switch (op.kind) {
      case OpKind::kMkdir:
      case OpKind::kRmdir:
      case OpKind::kList:
      case OpKind::kFsyncDir:
        op.path = prng_.chance(1, 10) ? file() : directory();
        return op;
      case OpKind::kRename:
        op.path = prng_.chance(1, 4) ? directory() : file();
        op.to = prng_.chance(1, 4) ? directory() : file();
        op.mode = prng_.chance(1, 6) ? kRenameNoReplace : 0;
        return op;
      case OpKind::kSync:
      case OpKind::kSyncfs:
      case OpKind::kDropCaches:
      case OpKind::kRemount:
      case OpKind::kStatfs:
      case OpKind::kWriteback:
      case OpKind::kWait:
        return op;
      case OpKind::kSleep:
        op.len = static_cast<int64_t>(prng_.below(40000));
        return op;
      default:
        break;
    }
    op.path = file();
    fill(op);
    return op;
  }

  // Everything but the path of an operation on one file.
  void fill(Operation& op) {
    const uint64_t pos = position(op.path);
    switch (op.kind) {
      case OpKind::kCreate:
        op.mode = static_cast<uint32_t>(prng_.chance(3, 4) ? 0 : prng_.below(4));
        return;
      case OpKind::kOpenSync:
        op.mode = static_cast<uint32_t>(prng_.below(3));
        return;
      case OpKind::kTruncate:
        op.size = static_cast<int64_t>(pos);
        return;
      case OpKind::kDwrite:
      case OpKind::kDread:
        fill_direct(op, pos);
        return;
      case OpKind::kSeekEnd:
        op.off = -static_cast<int64_t>(prng_.below(5000));
        return;
      case OpKind::kSeekHole:
      case OpKind::kSeekData:
      case OpKind::kBmap:
        op.off = static_cast<int64_t>(pos);
        return;
      case OpKind::kRawRead:
        op.len = static_cast<int64_t>(length());
        return;
      case OpKind::kAppend:
        op.len = static_cast<int64_t>(length());
        op.seed = prng_.between(1, 1 << 20);
        fill_fault(op);
        return;
      case OpKind::kMap:
      case OpKind::kRead:
      case OpKind::kMread:
      case OpKind::kFallocate:
        op.off = static_cast<int64_t>(pos);
        op.len = static_cast<int64_t>(length());
        return;
      case OpKind::kWrite:
      case OpKind::kMwrite:
        op.off = static_cast<int64_t>(pos);
        op.len = static_cast<int64_t>(length());
        op.seed = prng_.between(1, 1 << 20);
        if (op.kind == OpKind::kWrite) fill_fault(op);
        return;
      default:
        return;  // a path is all there is
    }
  }

  void fill_direct(Operation& op, uint64_t pos) {
    const uint64_t unit = options_.header.logical_block();
    const bool aligned = prng_.chance(5, 6);
    op.off = static_cast<int64_t>(aligned ? pos / unit * unit : pos);
    const uint64_t bytes = length();
    op.len = static_cast<int64_t>(aligned ? (bytes / unit + 1) * unit : bytes);
    if (op.kind != OpKind::kDwrite) return;
    // Of a write that ends misaligned what lands depends on where the clusters are: the mapping
    // that ends misaligned refuses it, those before it were written.
    const uint64_t cluster = options_.header.cluster;
    const auto begin = static_cast<uint64_t>(op.off);
    const auto end = begin + static_cast<uint64_t>(op.len);
    if (begin % unit == 0 && end % unit != 0 && begin / cluster != (end - 1) / cluster) {
      op.len = static_cast<int64_t>((end + unit - 1) / unit * unit - begin);
    }
    op.seed = prng_.between(1, 1 << 20);
    op.no_invalidate = prng_.chance(1, 8);
    op.async = prng_.chance(1, 4);
    if (prng_.chance(1, 8)) op.task = static_cast<uint32_t>(prng_.below(3));
  }

  // Now and then the memory that is written from ends early.
  void fill_fault(Operation& op) {
    if (!prng_.chance(1, 12)) return;
    op.fault_at = prng_.below(static_cast<uint64_t>(op.len) + 1);
  }

  std::string file() { return kFiles[prng_.below(options_.files)]; }
  std::string directory() { return kDirectories[prng_.below(kDirectories.size())]; }

  // Near a boundary of the file or of the geometry, mostly.
  uint64_t position(const std::string& path) {
    const TraceHeader& header = options_.header;
    const std::optional<Model::Entry> entry = model_.find(path);
    const uint64_t size = entry ? entry->size : 0;
    const uint64_t valid = entry ? entry->valid_size : 0;
    const std::array<uint64_t, 5> units = {512, header.sector, header.page, header.cluster, 1};
    uint64_t pos = 0;
    const PositionWeights& weights = options_.positions;
    uint64_t number =
        prng_.below(weights.size + weights.valid_size + weights.inside + weights.unit);
    const auto drawn = [&number](uint64_t weight) {
      if (number < weight) return true;
      number -= weight;
      return false;
    };
    if (drawn(weights.size)) {
      pos = size;
    } else if (drawn(weights.valid_size)) {
      pos = valid;
    } else if (drawn(weights.inside)) {
      pos = prng_.below(size + 1);
    } else {
      const uint64_t unit = units[prng_.below(4)];
      pos = prng_.below(std::min(kReach * header.cluster, kMaxPosition) / unit + 2) * unit;
    }
    if (prng_.chance(1, 4)) {
      const uint64_t unit = units[prng_.below(units.size())];
      pos = (pos + unit - 1) / unit * unit;
    }
    const uint64_t moved = pos + prng_.below(3);  // the byte before, the byte, the byte after
    return std::min(moved == 0 ? 0 : moved - 1, kMaxPosition);
  }

  uint64_t length() {
    const TraceHeader& header = options_.header;
    const std::array<uint64_t, 4> units = {512, header.sector, header.page, header.cluster};
    if (prng_.chance(1, 3)) return prng_.below(600) + (prng_.chance(1, 20) ? 0 : 1);
    const uint64_t unit = units[prng_.below(units.size())];
    const uint64_t bytes = (1 + prng_.below(3)) * unit + prng_.below(3) - 1;
    return std::min(bytes, kMaxLength);
  }

  const RandomTraceOptions& options_;
  Model model_;
  sim::Prng prng_;
  Trace trace_;
  std::vector<OperationWeight> weights_;
  uint64_t total_ = 0;
};

}  // namespace

std::span<const OperationWeight> usual_weights() { return kUsualWeights; }

Trace random_trace(const RandomTraceOptions& options, const ModelGeometry& geometry,
                   sim::Prng prng) {
  return Generator(options, geometry, prng).make();
}

}  // namespace zerotail::harness
