#include "zerotail/iomap/seek.h"

#include <algorithm>

#include "zerotail/iomap/iter.h"

namespace zerotail::iomap {

namespace {

// The first position in [pos, size) whose mapping is (or is not) data, or the size.
sim::Result<sim::FilePos> find(IomapFile& file, sim::FilePos pos, bool data) {
  const sim::FilePos size = file.size();
  if (pos >= size) return sim::Error(sim::Errno::kNxio, "seek: at or past the size");
  Iter iter(file, Intent::kReport, pos, size - pos);
  sim::FilePos found = size;
  bool searching = true;
  while (iter.next()) {
    if (searching && (iter.mapping().type == MappingType::kMapped) == data) {
      found = iter.pos();
      searching = false;
    }
    // Not advancing ends the walk.
    if (searching) iter.advance(iter.length());
  }
  ZT_TRY(iter.status());
  return found;
}

}  // namespace

sim::Result<sim::FilePos> seek_hole(IomapFile& file, sim::FilePos pos) {
  return find(file, pos, false);
}

sim::Result<sim::FilePos> seek_data(IomapFile& file, sim::FilePos pos) {
  ZT_ASSIGN(const sim::FilePos found, find(file, pos, true));
  if (found >= file.size()) return sim::Error(sim::Errno::kNxio, "seek: no data behind");
  return found;
}

}  // namespace zerotail::iomap
