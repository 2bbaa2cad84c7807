// exFAT's answers on the buffer-head path: one cluster at a time, the volume lock taken for each,
// and V moved by whoever creates a block past it.
#include <algorithm>

#include "zerotail/exfat/file_system.h"
#include "zerotail/io/file_node.h"
#include "zerotail/io/mount.h"

namespace zerotail::io {

void FileNode::set_valid_end(sim::FilePos end) {
  valid_end_ = end;
  size_changed();
}

void FileNode::size_changed() {
  if (!buffer_heads()) return;
  const sim::FilePos valid = std::min(valid_end_, inode_.size());
  inode_.set_valid_size(valid);
  inode_.set_zeroed_size(valid);
}

void FileNode::written_to(sim::FilePos end) {
  exfat::DirtyBits dirty = exfat::DirtyBits::kPages;
  if (end > inode_.size()) {
    inode_.set_size(end);
    dirty = dirty | exfat::DirtyBits::kMetadata;
  }
  if (end > valid_end_) {
    valid_end_ = end;
    dirty = dirty | exfat::DirtyBits::kMetadata;
  }
  size_changed();
  mount_.fs().mark_dirty(inode_, dirty);
}

sim::Result<bh::BlockMapping> FileNode::get_block(const bh::BlockRequest& request) {
  const exfat::Geometry& geometry = mount_.fs().geometry();
  bh::BlockMapping mapping;
  mapping.length = request.length;
  if (!request.create && request.pos >= inode_.size()) return mapping;
  const exfat::MapRequest cluster{.first = geometry.file_cluster(request.pos),
                                  .count = sim::ClusterCount{1},
                                  .may_allocate = request.create};
  ZT_ASSIGN(const exfat::Mapping found, mount_.fs().map_clusters(inode_, cluster));
  const sim::ByteCount in_cluster = geometry.offset_in_cluster(request.pos);
  mapping.length = std::min(request.length, geometry.cluster_size() - in_cluster);
  if (found.hole()) return mapping;
  mapping.addr = geometry.cluster_pos(found.cluster) + in_cluster;
  const sim::FilePos written = sim::round_up(valid_end_, geometry.sector_size());
  if (request.pos < written) {
    mapping.mapped = true;
    mapping.length = std::min(mapping.length, written - request.pos);
    return mapping;
  }
  if (!request.create) return mapping;  // never written: a hole to whoever reads
  mapping.mapped = true;
  mapping.fresh = true;
  set_valid_end(request.pos + mapping.length);
  mount_.fs().mark_dirty(inode_, exfat::DirtyBits::kMetadata);
  return mapping;
}

}  // namespace zerotail::io
