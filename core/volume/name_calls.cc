// System calls on names: mkdir, rmdir, unlink, rename, listings.
#include <algorithm>
#include <mutex>
#include <shared_mutex>

#include "impl.h"

namespace zerotail::volume {

namespace {

constexpr size_t kListPage = 1024;

sim::Error at(sim::Errno code, std::string_view what, std::string_view path) {
  return sim::Error(code, std::string(what) + ": " + std::string(path));
}

// Holds the inode locks of one or two directories, taken in the order of their numbers.
class DirectoryLocks {
 public:
  DirectoryLocks(exfat::Inode& a, exfat::Inode& b)
      : first_(a.number() <= b.number() ? a : b), second_(a.number() <= b.number() ? b : a) {
    first_.lock().lock();
    if (&first_ != &second_) second_.lock().lock();
  }
  ~DirectoryLocks() {
    if (&first_ != &second_) second_.lock().unlock();
    first_.lock().unlock();
  }
  DirectoryLocks(const DirectoryLocks&) = delete;
  DirectoryLocks& operator=(const DirectoryLocks&) = delete;

 private:
  exfat::Inode& first_;
  exfat::Inode& second_;
};

}  // namespace

sim::Status Volume::mkdir(std::string_view path) {
  ZT_ASSIGN(const Place place, impl_->resolve_place(path));
  if (place.kind != Place::Kind::kName) return at(sim::Errno::kExist, "mkdir", path);
  const std::lock_guard<sim::RwLock> guard(place.directory->lock());
  ZT_TRY(impl_->fs().mkdir(*place.directory, place.name));
  return {};
}

sim::Status Volume::rmdir(std::string_view path) {
  ZT_ASSIGN(const Place place, impl_->resolve_place(path));
  switch (place.kind) {
    case Place::Kind::kRoot:
      return at(sim::Errno::kBusy, "rmdir", path);
    case Place::Kind::kDot:
      return at(sim::Errno::kInval, "rmdir", path);
    case Place::Kind::kDotDot:
      return at(sim::Errno::kNotEmpty, "rmdir", path);
    case Place::Kind::kName:
      break;
  }
  const std::lock_guard<sim::RwLock> guard(place.directory->lock());
  return impl_->fs().rmdir(*place.directory, place.name);
}

sim::Status Volume::unlink(std::string_view path) {
  ZT_ASSIGN(const Place place, impl_->resolve_place(path));
  if (place.kind != Place::Kind::kName) return at(sim::Errno::kIsDir, "unlink", path);
  const std::lock_guard<sim::RwLock> guard(place.directory->lock());
  return impl_->fs().unlink(*place.directory, place.name);
}

sim::Status Volume::rename(std::string_view from, std::string_view to, RenameMode mode) {
  ZT_ASSIGN(const Place source, impl_->resolve_place(from));
  ZT_ASSIGN(const Place target, impl_->resolve_place(to));
  if (source.kind != Place::Kind::kName) return at(sim::Errno::kBusy, "rename", from);
  if (target.kind != Place::Kind::kName) {
    const bool must_be_new = mode == RenameMode::kNoReplace;
    return at(must_be_new ? sim::Errno::kExist : sim::Errno::kBusy, "rename", to);
  }
  exfat::RenameMode fs_mode = exfat::RenameMode::kReplace;
  switch (mode) {
    case RenameMode::kReplace:
      break;
    case RenameMode::kNoReplace:
      fs_mode = exfat::RenameMode::kNoReplace;
      break;
    case RenameMode::kExchange:
      fs_mode = exfat::RenameMode::kExchange;
      break;
  }
  const DirectoryLocks guard(*source.directory, *target.directory);
  return impl_->fs().rename(*source.directory, source.name, *target.directory, target.name,
                            fs_mode);
}

sim::Result<std::vector<ListEntry>> Volume::list(std::string_view path) {
  ZT_ASSIGN(const exfat::InodeRef directory, impl_->resolve(path));
  if (!directory->is_directory()) return at(sim::Errno::kNotDir, "list", path);
  std::vector<ListEntry> entries;
  exfat::DirectoryPage page;
  do {
    const std::shared_lock<sim::RwLock> guard(directory->lock());
    ZT_ASSIGN(page, impl_->fs().read_directory(*directory, page.next, kListPage));
    for (exfat::DirectoryItem& item : page.items) {
      // A set so broken that it has no name is passed over; a slash in a name is what the kernel's
      // getdents answers EIO to.
      if (item.name.empty()) continue;
      if (item.name.find('/') != std::string::npos) return at(sim::Errno::kIo, "list", path);
      entries.push_back({std::move(item.name), item.directory});
    }
  } while (!page.end);
  io::touch_access_time(*directory);
  std::sort(entries.begin(), entries.end(),
            [](const ListEntry& a, const ListEntry& b) { return a.name < b.name; });
  return entries;
}

sim::Result<DirectoryListing> Volume::read_directory(std::string_view path, uint64_t pos) {
  ZT_ASSIGN(const exfat::InodeRef directory, impl_->resolve(path));
  if (!directory->is_directory()) return at(sim::Errno::kNotDir, "readdir", path);
  DirectoryListing listing;
  exfat::DirectoryPage page;
  page.next = pos / exfat::kDentrySize + (pos % exfat::kDentrySize != 0 ? 1 : 0);
  do {
    const std::shared_lock<sim::RwLock> guard(directory->lock());
    ZT_ASSIGN(page, impl_->fs().read_directory(*directory, page.next, kListPage));
    for (exfat::DirectoryItem& item : page.items) {
      listing.entries.push_back({std::move(item.name), item.directory});
    }
  } while (!page.end);
  listing.next = page.next * exfat::kDentrySize;
  io::touch_access_time(*directory);
  return listing;
}

sim::Status Volume::fsync_directory(std::string_view path) {
  ZT_ASSIGN(const exfat::InodeRef directory, impl_->resolve(path));
  if (!directory->is_directory()) return at(sim::Errno::kNotDir, "fsync", path);
  return io::fsync_metadata(*directory, false);
}

}  // namespace zerotail::volume
