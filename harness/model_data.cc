// Bytes in the reference model: buffered, direct and mapped access, size changes, seek, and what
// the disk must hold once synced.

#include <algorithm>
#include <limits>
#include <utility>

#include "zerotail/harness/model.h"
#include "zerotail/harness/pattern.h"

namespace zerotail::harness {

using sim::Errno;

namespace {

constexpr uint64_t kMaxClusters = 0xFFFFFFF5;
constexpr uint64_t kMemoryAlignment = 512;

Prediction answer(int64_t ret) {
  Prediction prediction;
  prediction.result.ret = ret;
  return prediction;
}

Prediction answer(Errno code) { return answer(-static_cast<int64_t>(code)); }

uint64_t up(uint64_t value, uint64_t unit) { return (value + unit - 1) / unit * unit; }

bool overflows(int64_t pos, int64_t length) {
  return pos > std::numeric_limits<int64_t>::max() - length;
}

}  // namespace

uint64_t Model::max_size() const {
  const uint64_t clusters = geometry_.buffer_heads ? geometry_.cluster_count : kMaxClusters;
  return clusters * geometry_.cluster;
}

// Frees or has taken (the caller did) clusters; valid size never exceeds size.
void Model::set_size(ModelNode& node, uint64_t size) {
  const uint64_t before = node.size;
  if (size < node.size) {
    free_ += clusters_of(node.size) - clusters_of(size);
    node.valid_size = std::min(node.valid_size, size);
    node.content.truncate(size);
  }
  node.size = size;
  node.clean = false;
  node.tail_stored = false;
  if (geometry_.buffer_heads) bh_resized(node, before);
}

// Makes [valid size, pos) zero and valid, as a write past the valid size does first.
Errno Model::fill_gap(FileId id, uint64_t pos) {
  const uint64_t size = get(id).size;
  if (pos > size && !take(clusters_of(pos) - clusters_of(size))) return Errno::kNoSpc;
  ModelNode& node = edit(id);
  if (pos > size) set_size(node, pos);
  node.valid_size = pos;
  node.clean = false;
  return Errno::kOk;
}

void Model::store(FileId id, uint64_t pos, uint64_t seed, uint64_t length) {
  ModelNode& node = edit(id);
  const uint64_t end = pos + length;
  if (end > node.size) {
    // Only a gap is zeroed first: what a mapping stored behind the old end stays in the page.
    const bool stored = node.tail_stored && pos <= node.size;
    set_size(node, end);
    node.tail_stored = stored;
  }
  node.content.write(pos, pattern(seed, pos, length));
  node.valid_size = std::max(node.valid_size, end);
  node.clean = false;
}

Prediction Model::write(const Operation& op, Use use) {
  const Or<FileId> found = handle(op.path, use);
  if (const Errno* error = std::get_if<Errno>(&found)) return answer(*error);
  const FileId id = std::get<FileId>(found);
  if (use != Use::kAppend && (op.off < 0 || overflows(op.off, op.len))) {
    return answer(Errno::kInval);
  }
  if (op.len == 0) return answer(0);
  const uint64_t pos = use == Use::kAppend ? get(id).size : static_cast<uint64_t>(op.off);
  if (pos >= max_size()) return answer(Errno::kFBig);
  if (geometry_.buffer_heads) return bh_write(id, op, pos, use == Use::kDirect);
  // A cache that cannot be dropped turns a direct write into a buffered one.
  if (use == Use::kDirect && !op.no_invalidate) return direct_write(id, op);
  const uint64_t length = std::min(static_cast<uint64_t>(op.len), max_size() - pos);

  if (pos > get(id).valid_size) {
    if (const Errno error = fill_gap(id, pos); error != Errno::kOk) return answer(error);
  }
  // As many bytes as there are clusters for.
  const uint64_t held = clusters_of(get(id).size);
  const uint64_t reach = (held + free_) * geometry_.cluster;
  uint64_t count = std::min(length, reach - std::min(reach, pos));
  if (count == 0) return answer(Errno::kNoSpc);
  count = std::min(count, op.fault_at.value_or(count));
  if (count == 0) return answer(Errno::kFault);
  const uint64_t needed = clusters_of(pos + count);
  if (needed > held) free_ -= needed - held;
  store(id, pos, op.seed, count);
  return answer(static_cast<int64_t>(count));
}

// Unlike a buffered write it never stops short for lack of space. The gap before it is filled first
// and stays, whatever becomes of the write itself. Clusters are asked for piece by piece: those
// that the file has come first, and misalignment is noticed once a piece has its clusters.
Prediction Model::direct_write(FileId id, const Operation& op) {
  const auto pos = static_cast<uint64_t>(op.off);
  const uint64_t length = std::min(static_cast<uint64_t>(op.len), max_size() - pos);
  const bool bad_start = pos % geometry_.logical != 0 || op.moff % kMemoryAlignment != 0;
  const bool bad_length = length % geometry_.logical != 0;
  if (pos > get(id).valid_size) {
    if (const Errno error = fill_gap(id, pos); error != Errno::kOk) return answer(error);
  }
  const uint64_t held = clusters_of(get(id).size);
  const uint64_t needed = clusters_of(pos + length);
  const bool no_space = needed > held && needed - held > free_;
  const uint64_t old_end = held * geometry_.cluster;
  if (pos >= old_end && no_space) return answer(Errno::kNoSpc);
  if (bad_start) return answer(Errno::kInval);
  if (no_space) return answer(Errno::kNoSpc);
  if (bad_length) {
    // What lies on the clusters that the file has is written all the same.
    if (pos < old_end && old_end < pos + length) {
      const uint64_t size = get(id).size;
      store(id, pos, op.seed, old_end - pos);
      set_size(edit(id), std::min(size, old_end));
    }
    return answer(Errno::kInval);
  }
  if (needed > held) free_ -= needed - held;
  store(id, pos, op.seed, length);
  return answer(static_cast<int64_t>(length));
}

Prediction Model::bytes_read(const ModelNode& node, uint64_t pos, uint64_t length) const {
  const uint64_t count = pos < node.size ? std::min(length, node.size - pos) : 0;
  std::vector<std::byte> bytes(count);
  node.content.read(pos, bytes);
  Prediction prediction = answer(static_cast<int64_t>(count));
  describe_bytes(prediction.result, bytes, length);
  return prediction;
}

Prediction Model::read(const Operation& op) {
  const Or<FileId> found = handle(op.path, Use::kBuffered);
  if (const Errno* error = std::get_if<Errno>(&found)) return answer(*error);
  if (op.off < 0 || overflows(op.off, op.len)) return answer(Errno::kInval);
  return bytes_read(get(std::get<FileId>(found)), static_cast<uint64_t>(op.off),
                    static_cast<uint64_t>(op.len));
}

Prediction Model::direct_read(const Operation& op) {
  const Or<FileId> found = handle(op.path, Use::kDirect);
  if (const Errno* error = std::get_if<Errno>(&found)) return answer(*error);
  if (op.off < 0 || overflows(op.off, op.len)) return answer(Errno::kInval);
  const ModelNode& node = get(std::get<FileId>(found));
  const auto pos = static_cast<uint64_t>(op.off);
  const uint64_t end = pos + static_cast<uint64_t>(op.len);
  const uint64_t logical = geometry_.logical;
  if (geometry_.buffer_heads) {
    if (bh_direct_read_refused(node, op)) return answer(Errno::kInval);
  } else if (pos < node.size && pos < node.valid_size) {
    const bool bad_end = end % logical != 0 && end < up(node.valid_size, geometry_.sector);
    if (pos % logical != 0 || bad_end || op.moff % kMemoryAlignment != 0) {
      return answer(Errno::kInval);
    }
  }
  return bytes_read(node, pos, static_cast<uint64_t>(op.len));
}

Prediction Model::map_write(const Operation& op) {
  const Or<FileId> found = handle(op.path, Use::kMapping);
  if (const Errno* error = std::get_if<Errno>(&found)) return answer(*error);
  const FileId id = std::get<FileId>(found);
  const uint64_t size = get(id).size;
  const auto pos = static_cast<uint64_t>(op.off);
  const uint64_t end = pos + static_cast<uint64_t>(op.len);
  const uint64_t limit = up(size, geometry_.page);
  const uint64_t stored_end = std::max(pos, std::min(end, limit));
  Prediction prediction = answer(static_cast<int64_t>(stored_end - pos));
  if (stored_end < end) prediction.result.set("sigbus", int64_t{1});
  if (stored_end == pos) return prediction;
  const uint64_t file_end = std::max(pos, std::min(stored_end, size));
  if (geometry_.buffer_heads) bh_store_fault(id, file_end);
  if (file_end > pos) store(id, pos, op.seed, file_end - pos);
  ModelNode& node = edit(id);
  if (!geometry_.buffer_heads) {
    node.valid_size = std::max(node.valid_size, std::min(up(stored_end, geometry_.page), size));
  }
  node.clean = false;
  node.tail_stored = node.tail_stored || stored_end > size;
  return prediction;
}

Prediction Model::map_read(const Operation& op) {
  const Or<FileId> found = handle(op.path, Use::kMapping);
  if (const Errno* error = std::get_if<Errno>(&found)) return answer(*error);
  const ModelNode& node = get(std::get<FileId>(found));
  const auto pos = static_cast<uint64_t>(op.off);
  const uint64_t end = pos + static_cast<uint64_t>(op.len);
  const uint64_t read_end = std::max(pos, std::min(end, up(node.size, geometry_.page)));
  std::vector<std::byte> bytes(read_end - pos);
  node.content.read(pos, bytes);
  Prediction prediction = answer(static_cast<int64_t>(bytes.size()));
  if (read_end < end) prediction.result.set("sigbus", int64_t{1});
  describe_bytes(prediction.result, bytes, static_cast<uint64_t>(op.len));
  if (node.tail_stored && read_end > node.size) prediction.open = {"fnv", "hex", "map"};
  return prediction;
}

Prediction Model::truncate(const Operation& op) {
  const Or<FileId> found = handle(op.path, Use::kBuffered);
  if (const Errno* error = std::get_if<Errno>(&found)) return answer(*error);
  const FileId id = std::get<FileId>(found);
  if (op.size < 0) return answer(Errno::kInval);
  const auto size = static_cast<uint64_t>(op.size);
  if (size > max_size()) return answer(Errno::kFBig);
  const uint64_t held = clusters_of(get(id).size);
  if (clusters_of(size) > held && !take(clusters_of(size) - held)) return answer(Errno::kNoSpc);
  set_size(edit(id), size);
  return answer(0);
}

Prediction Model::fallocate(const Operation& op) {
  const Or<FileId> found = handle(op.path, Use::kBuffered);
  if (const Errno* error = std::get_if<Errno>(&found)) return answer(*error);
  const FileId id = std::get<FileId>(found);
  if (op.off < 0 || op.len <= 0) return answer(Errno::kInval);
  if (overflows(op.off, op.len)) return answer(Errno::kFBig);
  const uint64_t end = static_cast<uint64_t>(op.off) + static_cast<uint64_t>(op.len);
  if (end > max_size()) return answer(Errno::kFBig);
  if (op.mode != 0 || geometry_.buffer_heads) return answer(Errno::kOpNotSupp);
  if (end <= get(id).size) return answer(0);
  const uint64_t held = clusters_of(get(id).size);
  if (!take(clusters_of(end) - held)) return answer(Errno::kNoSpc);
  set_size(edit(id), end);
  return answer(0);
}

Prediction Model::seek(const Operation& op) {
  const Or<FileId> found = handle(op.path, Use::kBuffered);
  if (const Errno* error = std::get_if<Errno>(&found)) return answer(*error);
  const ModelNode& node = get(std::get<FileId>(found));
  const auto size = static_cast<int64_t>(node.size);
  const auto valid = static_cast<int64_t>(node.valid_size);
  if (op.kind == OpKind::kSeekEnd) {
    if (op.off > 0 && overflows(op.off, size)) return answer(Errno::kInval);
    const int64_t pos = size + op.off;
    const bool beyond = pos > static_cast<int64_t>(max_size());
    return pos < 0 || beyond ? answer(Errno::kInval) : answer(pos);
  }
  if (geometry_.buffer_heads) return bh_seek(node, op);
  if (op.off < 0 || op.off >= size) return answer(Errno::kNxio);
  if (op.kind == OpKind::kSeekHole) return answer(std::max(op.off, valid));
  return op.off < valid ? answer(op.off) : answer(Errno::kNxio);
}

// fsync and fdatasync of a file, fsync of a directory.
Prediction Model::sync_path(const Operation& op) {
  const bool named_directory = op.kind == OpKind::kFsyncDir;
  const Or<FileId> found = named_directory ? resolve(op.path) : handle(op.path, Use::kBuffered);
  if (const Errno* error = std::get_if<Errno>(&found)) {
    return answer(*error == Errno::kIsDir ? Errno::kOk : *error);
  }
  const FileId id = std::get<FileId>(found);
  if (named_directory) return answer(get(id).directory ? Errno::kOk : Errno::kNotDir);
  mark_clean(id);
  return answer(0);
}

Prediction Model::remount(const Operation& op) {
  flights_.clear();  // waited for; what they answered is nobody's
  for (const auto& [id, node] : std::map(nodes_)) release(id);
  close_all();
  shut_down_ = false;
  mark_all_clean();
  bh_reload(/*certain=*/true);
  read_only_ = false;
  for (const std::string& word : op.mount.value_or(std::vector<std::string>{})) {
    read_only_ = read_only_ || word == "ro";
  }
  return answer(0);
}

Prediction Model::dirent(const Operation& op) const {
  const Or<FileId> found = resolve(op.path);
  const FileId* id = std::get_if<FileId>(&found);
  Prediction prediction = answer(0);
  if (id == nullptr || *id == root_ || !on_disk(*id)) {
    prediction.any = true;
    return prediction;
  }
  const ModelNode& node = get(*id);
  const auto clusters = static_cast<int64_t>(clusters_of(node.size));
  OpResult& result = prediction.result;
  result.set("dsize", static_cast<int64_t>(node.size));
  result.set("dvalid", static_cast<int64_t>(node.directory ? node.size : node.valid_size));
  if (node.valid_size_limit() != node.valid_size) prediction.open.push_back("dvalid");
  result.set("alloc", int64_t{1});
  result.set("nclu", clusters);
  result.set("attr", int64_t{node.attributes});
  if (node.attributes_open) prediction.open.push_back("attr");
  // Where the clusters lie is not the model's business, but none and one leave no choice.
  if (clusters == 0) result.set("nofat", int64_t{0});
  if (clusters <= 1) result.set("runs", clusters);
  if (clusters != 0) prediction.open.push_back("nofat");
  if (clusters > 1) prediction.open.push_back("runs");
  return prediction;
}

Prediction Model::raw_read(const Operation& op) const {
  const Or<FileId> found = resolve(op.path);
  const FileId* id = std::get_if<FileId>(&found);
  Prediction prediction = answer(0);
  if (id == nullptr || get(*id).directory || !on_disk(*id)) {
    prediction.any = true;
    return prediction;
  }
  const ModelNode& node = get(*id);
  if (op.off < 0) return answer(Errno::kInval);
  const uint64_t held = clusters_of(node.size) * geometry_.cluster;
  const uint64_t pos = std::min(static_cast<uint64_t>(op.off), held);
  const uint64_t count = std::min(static_cast<uint64_t>(op.len), held - pos);
  std::vector<std::byte> bytes(count);
  node.content.read(pos, bytes);
  prediction.result.ret = static_cast<int64_t>(count);
  describe_bytes(prediction.result, bytes, static_cast<uint64_t>(op.len));
  if (pos + count > node.valid_size) prediction.open = {"fnv", "hex", "map"};
  return prediction;
}

}  // namespace zerotail::harness
