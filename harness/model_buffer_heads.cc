// The reference model's other rules: what exFAT answered before iomap (volumes mounted with
// io_path buffer-head). Where nothing stands here the rules are those of model_data.cc.
//
// The difference in short: V moves a block at a time and may pass size inside its block; writes,
// also into a gap, go page by page and stop at the page that does not fit; direct I/O is aligned as
// a whole or refused; a store through a mapping makes the whole file valid; there is no fallocate,
// and seek knows no holes.

#include <algorithm>

#include "zerotail/harness/model.h"
#include "zerotail/harness/pattern.h"

namespace zerotail::harness {

using sim::Errno;

namespace {

constexpr uint64_t kMemoryAlignment = 512;

Prediction answer(int64_t ret) {
  Prediction prediction;
  prediction.result.ret = ret;
  return prediction;
}

Prediction answer(Errno code) { return answer(-static_cast<int64_t>(code)); }

uint64_t up(uint64_t value, uint64_t unit) { return (value + unit - 1) / unit * unit; }

}  // namespace

// V is as far as a write to `end` makes it: blocks past the one that holds V are valid whole.
void Model::bh_valid_to(ModelNode& node, uint64_t end) const {
  const uint64_t sector = geometry_.sector;
  if (end > up(node.valid_high, sector)) {
    node.valid_low = node.valid_high = up(end, sector);
  } else if (node.valid_low == node.valid_high) {
    node.valid_low = node.valid_high = std::max(node.valid_low, end);
  } else {
    node.valid_low = std::max(node.valid_low, end);
    node.valid_high = std::max(node.valid_high, up(end, sector));
  }
  bh_publish(node);
}

void Model::bh_publish(ModelNode& node) { node.valid_size = std::min(node.valid_low, node.size); }

// After size was moved from `before`.
void Model::bh_resized(ModelNode& node, uint64_t before) const {
  // A truncate to the size that the file has cuts V, too.
  if (node.size <= before) {
    node.valid_low = std::min(node.valid_low, node.size);
    node.valid_high = std::min(node.valid_high, node.size);
  }
  if (node.size >= before && node.page_stored) {
    // The page that held the end of the file is dirty whole: writing it back makes it valid whole.
    const uint64_t page_end = std::min(up(before, geometry_.page), up(node.size, geometry_.sector));
    node.valid_high = std::max(node.valid_high, page_end);
  }
  bh_publish(node);
}

// Writes [pos, end) through the page cache, and says how far it came: to `end`, or to the start of
// the page whose clusters are not there. No seed: zeros.
uint64_t Model::bh_store(FileId id, uint64_t pos, uint64_t end, std::optional<uint64_t> seed) {
  const uint64_t held = clusters_of(get(id).size);
  const uint64_t space = (held + free_) * geometry_.cluster;
  const uint64_t fits = space / geometry_.page * geometry_.page;
  const uint64_t reached = end <= space ? end : std::max(pos, fits);
  if (reached == pos) return pos;
  ModelNode& node = edit(id);
  if (reached > node.size) {
    const uint64_t needed = clusters_of(reached);
    if (needed > held) free_ -= needed - held;
    // Only a gap is zeroed first: what a mapping stored behind the old end stays in the page.
    const bool stored = node.tail_stored && pos <= node.size;
    set_size(node, reached);
    node.tail_stored = stored;
  }
  if (seed) node.content.write(pos, pattern(*seed, pos, reached - pos));
  bh_valid_to(node, reached);
  node.clean = false;
  return reached;
}

// Makes everything before `pos` valid. What was reached before the volume was full stays.
Errno Model::bh_fill_gap(FileId id, uint64_t pos) {
  const uint64_t from = get(id).valid_low;
  if (pos <= from) return Errno::kOk;
  return bh_store(id, from, pos, std::nullopt) == pos ? Errno::kOk : Errno::kNoSpc;
}

Prediction Model::bh_write(FileId id, const Operation& op, uint64_t pos, bool direct) {
  const uint64_t length = std::min(static_cast<uint64_t>(op.len), max_size() - pos);
  if (direct) {
    const uint64_t misaligned = (pos | length) % geometry_.logical;
    if (misaligned != 0 || op.moff % kMemoryAlignment != 0) return answer(Errno::kInval);
  }
  if (const Errno error = bh_fill_gap(id, pos); error != Errno::kOk) return answer(error);
  // A cache that cannot be dropped turns a direct write into a buffered one.
  if (direct && !op.no_invalidate) return bh_direct_write(id, op, pos, length);
  // As far as the source can be copied; that is found out page by page, before space is.
  const uint64_t readable = std::min(length, op.fault_at.value_or(length));
  if (readable == 0) return answer(Errno::kFault);
  const uint64_t reached = bh_store(id, pos, pos + readable, op.seed);
  return reached == pos ? answer(Errno::kNoSpc) : answer(static_cast<int64_t>(reached - pos));
}

// Blocks before V and blocks behind the file's last one go to the device, where a lack of space
// refuses the whole write; from a hole inside the file on it is a buffered write.
Prediction Model::bh_direct_write(FileId id, const Operation& op, uint64_t pos, uint64_t length) {
  const uint64_t sector = geometry_.sector;
  const uint64_t end = pos + length;
  const uint64_t size = get(id).size;
  const uint64_t valid_end = up(get(id).valid_low, sector);
  if (end <= valid_end || valid_end >= up(size, sector)) {
    const uint64_t held = clusters_of(size);
    const uint64_t space = (held + free_) * geometry_.cluster;
    if (end <= space) {
      static_cast<void>(bh_store(id, pos, end, op.seed));
      return answer(static_cast<int64_t>(length));
    }
    // What lies before the missing cluster was written all the same, and counts below V and size.
    ModelNode& node = edit(id);
    node.valid_low = std::min(node.valid_low, node.size);
    node.valid_high = std::min(node.valid_high, node.size);
    const uint64_t written = std::min(node.valid_low, space);
    if (written > pos) node.content.write(pos, pattern(op.seed, pos, written - pos));
    node.clean = false;
    bh_publish(node);
    return answer(Errno::kNoSpc);
  }
  const uint64_t hole = std::max(pos, valid_end);
  if (hole > pos) static_cast<void>(bh_store(id, pos, hole, op.seed));
  const uint64_t reached = bh_store(id, hole, end, op.seed);
  return reached == pos ? answer(Errno::kNoSpc) : answer(static_cast<int64_t>(reached - pos));
}

bool Model::bh_direct_read_refused(const ModelNode& node, const Operation& op) const {
  const auto pos = static_cast<uint64_t>(op.off);
  if (pos >= node.size) return false;
  const uint64_t misaligned = (pos | static_cast<uint64_t>(op.len)) % geometry_.logical;
  return misaligned != 0 || op.moff % kMemoryAlignment != 0;
}

// The fault before a store to [.., end) of the file: V becomes size. A page that was stored to
// before may still take stores without a fault; then it lies before V.
void Model::bh_store_fault(FileId id, uint64_t end) {
  ModelNode& node = edit(id);
  if (node.valid_low >= node.size) {
    // Nothing is left to be made valid.
  } else if (node.page_stored) {
    node.valid_low = std::max(node.valid_low, end);
    node.valid_high = std::max(node.valid_high, up(node.size, geometry_.sector));
  } else {
    bh_valid_to(node, node.size);
  }
  node.page_stored = true;
  bh_publish(node);
}

// The inode may have been read anew (`certain`: it was): the disk has no V past size.
void Model::bh_reloaded(ModelNode& node, bool certain) {
  node.valid_low = std::min(node.valid_low, node.size);
  if (certain) node.valid_high = std::min(node.valid_high, node.size);
}

void Model::bh_reload(bool certain) {
  if (!geometry_.buffer_heads) return;
  std::vector<FileId> ids;
  for (const auto& [id, node] : nodes_) {
    const bool past_size = std::max(node->valid_low, node->valid_high) > node->size;
    if (!node->directory && past_size && (certain || !has_handle(id))) ids.push_back(id);
  }
  for (const FileId id : ids) bh_reloaded(edit(id), certain);
}

Prediction Model::bh_seek(const ModelNode& node, const Operation& op) {
  if (op.off < 0 || op.off >= static_cast<int64_t>(node.size)) return answer(Errno::kNxio);
  return answer(op.kind == OpKind::kSeekHole ? static_cast<int64_t>(node.size) : op.off);
}

}  // namespace zerotail::harness
