// Shared mappings as a process has them: made from a descriptor, kept until munmap.
#include <algorithm>

#include "impl.h"

namespace zerotail::volume {

sim::Result<SharedMapping*> Volume::Impl::mapping(MapId map) {
  const auto number = static_cast<size_t>(map);
  if (static_cast<int32_t>(map) < 0 || number >= mappings.size() || mappings[number] == nullptr) {
    return sim::Error(sim::Errno::kInval, "no such mapping");
  }
  return mappings[number].get();
}

void Volume::Impl::drop_mapping(std::unique_ptr<SharedMapping>& dropped) {
  const exfat::InodeRef inode = dropped->inode;
  dropped.reset();
  const bool others = std::any_of(
      mappings.begin(), mappings.end(),
      [&](const std::unique_ptr<SharedMapping>& m) { return m != nullptr && m->inode == inode; });
  if (!others) io::unmap_all(mount->node(*inode));
}

sim::Result<MapId> Volume::mmap(Fd fd) {
  ZT_ASSIGN(const OpenFile* file, impl_->data_file(fd, false));
  auto made = std::make_unique<SharedMapping>();
  made->inode = file->inode;
  made->stores = file->flags.write;
  made->errors = impl_->node(*file).cache().errors().sample();
  io::touch_access_time(*made->inode);
  auto& mappings = impl_->mappings;
  const auto place = std::find(mappings.begin(), mappings.end(), nullptr);
  const auto number = static_cast<int32_t>(place - mappings.begin());
  if (place == mappings.end()) {
    mappings.push_back(std::move(made));
  } else {
    *place = std::move(made);
  }
  return MapId{number};
}

sim::Status Volume::munmap(MapId map) {
  ZT_TRY(impl_->mapping(map));
  impl_->drop_mapping(impl_->mappings[static_cast<size_t>(map)]);
  return impl_->fs().free_unlinked();
}

sim::Status Volume::msync(MapId map) {
  ZT_ASSIGN(SharedMapping * mapping, impl_->mapping(map));
  ZT_TRY(impl_->alive());
  return io::fsync(impl_->mount->node(*mapping->inode), sim::FilePos{0}, iomap::kNoLimit, true,
                   mapping->errors);
}

sim::Result<MapAccess> Volume::load(MapId map, int64_t pos, std::span<std::byte> out) {
  ZT_ASSIGN(const SharedMapping* mapping, impl_->mapping(map));
  if (pos < 0) return sim::Error(sim::Errno::kInval, "load: negative position");
  if (!impl_->alive().ok()) return MapAccess{.count = 0, .sigbus = true};
  const io::MappedAccess access =
      io::load(impl_->mount->node(*mapping->inode), sim::FilePos{static_cast<uint64_t>(pos)}, out);
  return MapAccess{.count = access.count, .sigbus = access.sigbus};
}

sim::Result<MapAccess> Volume::store(MapId map, int64_t pos, std::span<const std::byte> bytes) {
  ZT_ASSIGN(const SharedMapping* mapping, impl_->mapping(map));
  if (pos < 0) return sim::Error(sim::Errno::kInval, "store: negative position");
  if (!mapping->writable()) return sim::Error(sim::Errno::kAcces, "store: a read-only mapping");
  if (!impl_->alive().ok()) return MapAccess{.count = 0, .sigbus = true};
  const io::MappedAccess access = io::store(impl_->mount->node(*mapping->inode),
                                            sim::FilePos{static_cast<uint64_t>(pos)}, bytes);
  return MapAccess{.count = access.count, .sigbus = access.sigbus};
}

}  // namespace zerotail::volume
