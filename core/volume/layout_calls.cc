// Where a file is on the device: FIBMAP, the mappings of a range, swap files.
#include "impl.h"
#include "zerotail/io/layout.h"

namespace zerotail::volume {

namespace {

FileExtent::Kind kind_of(iomap::MappingType type) {
  switch (type) {
    case iomap::MappingType::kHole:
      return FileExtent::Kind::kHole;
    case iomap::MappingType::kMapped:
      return FileExtent::Kind::kMapped;
    case iomap::MappingType::kUnwritten:
      return FileExtent::Kind::kUnwritten;
  }
  return FileExtent::Kind::kHole;
}

FileExtent extent_of(const iomap::Mapping& mapping) {
  FileExtent extent;
  extent.pos = mapping.pos.value();
  extent.length = mapping.length.value();
  extent.kind = kind_of(mapping.type);
  if (extent.kind != FileExtent::Kind::kHole) extent.addr = mapping.addr;
  if (extent.kind == FileExtent::Kind::kMapped && mapping.valid_end < mapping.end()) {
    extent.zero_from = mapping.valid_end.value();
  }
  return extent;
}

}  // namespace

sim::Result<std::optional<uint64_t>> Volume::bmap(Fd fd, int64_t block) {
  ZT_ASSIGN(OpenFile * file, impl_->file(fd));
  if (block < 0 || file->inode->is_directory()) {
    return sim::Error(sim::Errno::kInval, "bmap: a negative block or a directory");
  }
  const uint64_t size = impl_->fs().geometry().sector_size().value();
  std::optional<uint64_t> found;
  // A block behind any file's end cannot be turned into a position.
  if (static_cast<uint64_t>(block) > impl_->fs().geometry().max_file_size().value() / size) {
    return found;
  }
  const auto addr = io::bmap(impl_->node(*file), sim::FilePos{static_cast<uint64_t>(block) * size});
  if (addr) found = addr->value() / size;
  return found;
}

sim::Result<std::vector<FileExtent>> Volume::map_range(Fd fd, int64_t pos, int64_t length) {
  ZT_ASSIGN(OpenFile * file, impl_->data_file(fd, false));
  if (pos < 0 || length < 0) return sim::Error(sim::Errno::kInval, "map: a negative range");
  // Both are below 2^63, so the end does not wrap.
  ZT_ASSIGN(const std::vector<iomap::Mapping> mappings,
            io::map_range(impl_->node(*file), sim::FilePos{static_cast<uint64_t>(pos)},
                          sim::ByteCount{static_cast<uint64_t>(length)}));
  std::vector<FileExtent> extents;
  extents.reserve(mappings.size());
  for (const iomap::Mapping& mapping : mappings) extents.push_back(extent_of(mapping));
  return extents;
}

sim::Result<std::vector<SwapExtent>> Volume::swap_map(Fd fd) {
  ZT_ASSIGN(OpenFile * file, impl_->data_file(fd, true));
  ZT_ASSIGN(const std::vector<iomap::SwapExtent> found,
            io::swap_map(impl_->node(*file), file->errors));
  std::vector<SwapExtent> extents;
  for (const iomap::SwapExtent& extent : found) {
    extents.push_back({extent.page, extent.pages, extent.addr});
  }
  return extents;
}

}  // namespace zerotail::volume
