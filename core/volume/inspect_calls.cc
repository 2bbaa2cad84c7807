// What can be asked about names, files and the volume without changing anything.
#include <shared_mutex>

#include "impl.h"

namespace zerotail::volume {

namespace {

sim::Result<Stat> stat_inode(exfat::Inode& inode) {
  const std::shared_lock<sim::RwLock> guard(inode.lock());
  const exfat::Geometry& geometry = inode.fs().geometry();
  Stat stat;
  stat.size = inode.size().value();
  stat.blocks = sim::sectors(geometry.bytes(inode.allocated())).value();
  stat.block_size = geometry.cluster_size().value();
  stat.directory = inode.is_directory();
  stat.attributes = inode.attributes();
  const auto time = [](const exfat::TimeStamp& stamp) {
    return FileTime{.seconds = stamp.seconds, .nanoseconds = stamp.nanoseconds};
  };
  stat.created = time(inode.created());
  stat.modified = time(inode.modified());
  stat.accessed = time(inode.accessed());
  if (inode.unlinked()) {
    stat.links = 0;
  } else if (stat.directory) {
    ZT_ASSIGN(const uint64_t subdirectories, inode.fs().subdirectory_count(inode));
    stat.links = static_cast<uint32_t>(2 + subdirectories);
  }
  return stat;
}

}  // namespace

sim::Result<Stat> Volume::stat(std::string_view path) {
  ZT_ASSIGN(const exfat::InodeRef inode, impl_->resolve(path));
  return stat_inode(*inode);
}

sim::Result<Stat> Volume::stat(Fd fd) {
  ZT_ASSIGN(const OpenFile* file, impl_->file(fd));
  return stat_inode(*file->inode);
}

sim::Result<StatFs> Volume::statfs() {
  ZT_TRY(impl_->alive());
  const exfat::SpaceCount space = impl_->fs().space();
  return StatFs{.block_size = impl_->fs().geometry().cluster_size().value(),
                .blocks = space.clusters.value(),
                .blocks_free = space.free.value(),
                .name_length = exfat::kMaxNameBytes};
}

sim::Result<FileState> Volume::inspect(std::string_view path) {
  ZT_ASSIGN(const exfat::InodeRef inode, impl_->resolve(path));
  const std::shared_lock<sim::RwLock> guard(inode->lock());
  FileState state;
  state.size = inode->size().value();
  state.valid_size = inode->valid_size().value();
  state.zeroed_size = inode->zeroed_size().value();
  state.no_fat_chain = inode->no_fat_chain();
  ZT_ASSIGN(const std::vector<exfat::ClusterRun> runs, impl_->fs().runs(*inode));
  for (const exfat::ClusterRun& run : runs) {
    state.runs.push_back({run.file_cluster.value(), run.first, run.count});
  }
  return state;
}

}  // namespace zerotail::volume
