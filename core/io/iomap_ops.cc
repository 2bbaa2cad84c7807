// exFAT's answers to iomap: which clusters hold a range, and what they mean at and past V.
#include <algorithm>

#include "zerotail/exfat/file_system.h"
#include "zerotail/io/file_node.h"
#include "zerotail/io/mount.h"

namespace zerotail::io {

namespace {

bool is_write(iomap::Intent intent) {
  switch (intent) {
    case iomap::Intent::kWrite:
    case iomap::Intent::kZero:
    case iomap::Intent::kDirectWrite:
      return true;
    case iomap::Intent::kRead:
    case iomap::Intent::kFault:
    case iomap::Intent::kWriteback:
    case iomap::Intent::kReport:
    case iomap::Intent::kDirectRead:
      return false;
  }
  return false;
}

// Applies V to a mapped range. A report ends data at V to the byte; reads and writeback work in
// whole blocks, so the block that V lies in still comes from the device.
void apply_valid_size(iomap::Mapping& mapping, iomap::Intent intent, sim::FilePos valid,
                      sim::ByteCount block) {
  if (intent == iomap::Intent::kReport) {
    if (mapping.pos >= valid) {
      mapping.type = iomap::MappingType::kHole;
    } else {
      mapping.length = std::min(mapping.length, valid - mapping.pos);
    }
    return;
  }
  mapping.valid_end = valid;
  if (mapping.pos >= valid) {
    mapping.type = iomap::MappingType::kUnwritten;
  } else if (mapping.end() > valid) {
    mapping.length = std::min(mapping.length, sim::round_up(valid, block) - mapping.pos);
  }
}

}  // namespace

sim::Result<iomap::Mapping> FileNode::map_begin(const iomap::MapRequest& request) {
  const exfat::Geometry& geometry = mount_.fs().geometry();
  const sim::ByteCount block = geometry.sector_size();
  const bool writing = is_write(request.intent);
  const bool reading =
      request.intent == iomap::Intent::kRead || request.intent == iomap::Intent::kDirectRead;
  while (reading && unlanded_from_ && request.pos + request.length > *unlanded_from_) {
    // V is past these bytes already, but the device may still hold what is not the file's.
    direct_waiters_.wait("a direct write that moves the valid size");
  }
  iomap::Mapping mapping;
  mapping.pos = request.pos;
  mapping.length = request.length;
  if (!writing) {
    if (request.pos >= inode_.size()) return mapping;  // a hole
    if (mapping.end() > inode_.size()) {
      mapping.length = sim::round_up(inode_.size(), block) - request.pos;
      mapping.length = std::min(mapping.length, request.length);
    }
  }
  const exfat::MapRequest clusters{
      .first = geometry.file_cluster(mapping.pos),
      .count = geometry.clusters_touched(mapping.pos, mapping.length),
      .may_allocate = writing,
      // A buffered write that does not fit becomes a short one; a direct one fails as a whole.
      .partial = request.intent != iomap::Intent::kDirectWrite};
  ZT_ASSIGN(const exfat::Mapping found, mount_.fs().map_clusters(inode_, clusters));
  const sim::ByteCount in_cluster = geometry.offset_in_cluster(mapping.pos);
  mapping.length = std::min(mapping.length, geometry.bytes(found.count) - in_cluster);
  if (found.hole()) return mapping;
  mapping.type = iomap::MappingType::kMapped;
  mapping.addr = geometry.cluster_pos(found.cluster) + in_cluster;
  const sim::FilePos valid = inode_.valid_size();
  if (!writing) {
    apply_valid_size(mapping, request.intent, valid, block);
    return mapping;
  }
  mapping.fresh = found.allocated;
  mapping.zero_tail = !found.allocated && mapping.end() >= valid;
  mapping.valid_end = valid;
  if (request.intent == iomap::Intent::kDirectWrite) {
    // Buffered reads must see the data while it is on its way.
    valid_before_direct_ = valid;
    inode_.set_valid_size(std::max(valid, mapping.end()));
  }
  return mapping;
}

sim::Status FileNode::map_end(const iomap::MapRequest& request, const iomap::Mapping& mapping,
                              sim::ByteCount done) {
  if (!is_write(request.intent)) return {};
  if (request.intent == iomap::Intent::kDirectWrite && done < mapping.length) {
    // What did not reach the device is not valid.
    const sim::FilePos reached = done > sim::ByteCount{0} ? mapping.pos + done : sim::FilePos{0};
    inode_.set_valid_size(std::max(valid_before_direct_, reached));
  }
  if (done == sim::ByteCount{0}) return {};
  const sim::ByteCount block = mount_.fs().geometry().sector_size();
  const sim::FilePos end = mapping.pos + done;
  if (request.intent == iomap::Intent::kDirectWrite) {
    // Z follows when the bytes have landed.
    if (end > valid_before_direct_) {
      mount_.fs().mark_dirty(inode_, exfat::DirtyBits::kMetadata);
    }
    return {};
  }
  const sim::FilePos zeroed = mapping.zero_tail ? sim::round_up(end, block) : end;
  inode_.set_zeroed_size(std::max(inode_.zeroed_size(), zeroed));
  mount_.fs().mark_dirty(inode_, exfat::DirtyBits::kPages);
  if (end > inode_.valid_size()) {
    inode_.set_valid_size(end);
    mount_.fs().mark_dirty(inode_, exfat::DirtyBits::kMetadata);
  }
  return {};
}

}  // namespace zerotail::io
