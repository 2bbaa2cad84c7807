// Opening and closing: O_CREAT, O_EXCL, O_TRUNC, and the table of descriptors.
#include <algorithm>
#include <mutex>

#include "impl.h"

namespace zerotail::volume {

sim::Result<OpenFile*> Volume::Impl::file(Fd fd) {
  ZT_ASSIGN(OpenFile * found, any_file(fd));
  ZT_TRY(alive());
  return found;
}

sim::Result<OpenFile*> Volume::Impl::any_file(Fd fd) {
  const auto number = static_cast<size_t>(fd);
  if (static_cast<int32_t>(fd) < 0 || number >= files.size() || files[number] == nullptr) {
    return sim::Error(sim::Errno::kBadf, "no such descriptor");
  }
  return files[number].get();
}

sim::Result<OpenFile*> Volume::Impl::data_file(Fd fd, bool for_write) {
  ZT_ASSIGN(OpenFile * found, file(fd));
  if (for_write && !found->flags.write) {
    return sim::Error(sim::Errno::kBadf, "not open for writing");
  }
  if (found->inode->is_directory()) return sim::Error(sim::Errno::kIsDir, "a directory");
  return found;
}

Fd Volume::Impl::add_file(std::unique_ptr<OpenFile> added) {
  const auto place = std::find(files.begin(), files.end(), nullptr);
  const auto number = static_cast<int32_t>(place - files.begin());
  if (place == files.end()) {
    files.push_back(std::move(added));
  } else {
    *place = std::move(added);
  }
  return Fd{number};
}

bool Volume::Impl::any_open_for_write() const {
  const auto writable = [](const auto& entry) { return entry != nullptr && entry->writable(); };
  return std::any_of(files.begin(), files.end(), writable) ||
         std::any_of(mappings.begin(), mappings.end(), writable);
}

sim::Result<exfat::InodeRef> Volume::Impl::open_inode(std::string_view path,
                                                      const OpenFlags& flags) {
  const bool changes = flags.write || flags.truncate;
  ZT_ASSIGN(const Place place, resolve_place(path));
  exfat::InodeRef inode;
  bool created = false;
  if (place.kind == Place::Kind::kName) {
    std::unique_lock<sim::RwLock> guard(place.directory->lock());
    auto found = fs().lookup(*place.directory, place.name);
    if (!found.ok() && found.code() == sim::Errno::kNoEnt && flags.create) {
      found = fs().create(*place.directory, place.name);
      created = true;
    } else if (found.ok() && flags.create && flags.exclusive) {
      return sim::Error(sim::Errno::kExist, "open: " + std::string(path));
    }
    ZT_TRY(found);
    inode = *found;
  } else {
    if (flags.create) return sim::Error(sim::Errno::kIsDir, "open: " + std::string(path));
    ZT_ASSIGN(inode, resolve(path));
  }
  if (inode->is_directory() && (changes || flags.create)) {
    return sim::Error(sim::Errno::kIsDir, "open: " + std::string(path));
  }
  if (changes && fs().options().read_only) {
    return sim::Error(sim::Errno::kRofs, "open: " + std::string(path));
  }
  if (flags.truncate && !created) {
    ZT_TRY(io::truncate(mount->node(*inode), sim::FilePos{0}));
  }
  return inode;
}

sim::Result<Fd> Volume::open(std::string_view path, const OpenFlags& flags) {
  ZT_ASSIGN(exfat::InodeRef inode, impl_->open_inode(path, flags));
  auto opened = std::make_unique<OpenFile>();
  opened->inode = std::move(inode);
  opened->flags = flags;
  if (!opened->inode->is_directory()) {
    opened->errors = impl_->node(*opened).cache().errors().sample();
  }
  return impl_->add_file(std::move(opened));
}

sim::Status Volume::close(Fd fd) {
  ZT_TRY(impl_->any_file(fd));
  impl_->files[static_cast<size_t>(fd)].reset();
  return impl_->fs().free_unlinked();
}

}  // namespace zerotail::volume
