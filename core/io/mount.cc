#include "zerotail/io/mount.h"

#include "zerotail/io/file_node.h"

namespace zerotail::io {

Mount::Mount(sim::World& world, sim::BlockDevice& device, const CacheOptions& cache)
    : world_(world),
      device_(device),
      path_(cache.path),
      pool_(cache.page_size,
            cache.path == IoPath::kIomap ? cache.folios : mm::FolioSizes::kSinglePage) {}

Mount::~Mount() {
  if (flusher_ != nullptr) flusher_->stop();
}

sim::Result<std::unique_ptr<Mount>> Mount::open(sim::World& world, sim::BlockDevice& device,
                                                const exfat::Options& options,
                                                const CacheOptions& cache) {
  std::unique_ptr<Mount> mount(new Mount(world, device, cache));
  ZT_ASSIGN(mount->fs_, exfat::FileSystem::mount(world, device, options));
  mount->flusher_ = std::make_unique<Flusher>(*mount);
  mount->fs_->set_dirty_hook([flusher = mount->flusher_.get()] { flusher->wake(); });
  return mount;
}

sim::FilePos Mount::max_file_size() const {
  const exfat::Geometry& geometry = fs_->geometry();
  if (path_ == IoPath::kIomap) return geometry.max_file_size();
  return sim::FilePos{0} + geometry.bytes(geometry.cluster_count());
}

FileNode& Mount::node(exfat::Inode& inode) {
  if (inode.attachment == nullptr) inode.attachment = std::make_unique<FileNode>(*this, inode);
  return static_cast<FileNode&>(*inode.attachment);
}

void Mount::drop_caches() {
  for (const auto& [number, node] : nodes_) {
    static_cast<void>(node->cache().invalidate(sim::FilePos{0}, iomap::kNoLimit, false));
  }
  fs_->buffers().drop_clean();
  fs_->drop_inodes();
}

}  // namespace zerotail::io
