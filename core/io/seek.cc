#include "zerotail/io/seek.h"

#include "zerotail/iomap/seek.h"

namespace zerotail::io {

namespace {

sim::Status check(FileNode& node, sim::FilePos pos) {
  if (pos < node.size()) return {};
  return sim::Error(sim::Errno::kNxio, "seek: at or past the size");
}

}  // namespace

sim::Result<sim::FilePos> seek_hole(FileNode& node, sim::FilePos pos) {
  if (!node.buffer_heads()) return iomap::seek_hole(node, pos);
  ZT_TRY(check(node, pos));
  return node.size();
}

sim::Result<sim::FilePos> seek_data(FileNode& node, sim::FilePos pos) {
  if (!node.buffer_heads()) return iomap::seek_data(node, pos);
  ZT_TRY(check(node, pos));
  return pos;
}

}  // namespace zerotail::io
