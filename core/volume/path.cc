// Walking paths. Each directory is searched under its inode lock, shared, one at a time.
#include <shared_mutex>

#include "impl.h"

namespace zerotail::volume {

namespace {

constexpr size_t kPathMax = 4096;  // with the terminating zero

// Takes the next component off `path`; empty at the end.
std::string_view next_component(std::string_view& path) {
  const size_t begin = std::min(path.find_first_not_of('/'), path.size());
  path.remove_prefix(begin);
  const size_t length = std::min(path.find('/'), path.size());
  const std::string_view component = path.substr(0, length);
  path.remove_prefix(length);
  return component;
}

Place::Kind kind_of(std::string_view component) {
  if (component == ".") return Place::Kind::kDot;
  if (component == "..") return Place::Kind::kDotDot;
  return Place::Kind::kName;
}

}  // namespace

sim::Result<exfat::InodeRef> Volume::Impl::look_up(exfat::Inode& directory, std::string_view name) {
  const std::shared_lock<sim::RwLock> guard(directory.lock());
  return fs().lookup(directory, name);
}

sim::Result<Place> Volume::Impl::resolve_place(std::string_view path) {
  ZT_TRY(alive());
  if (path.size() >= kPathMax) return sim::Error(sim::Errno::kNameTooLong, "path");
  Place place{.directory = fs().root(), .name = {}, .kind = Place::Kind::kRoot};
  std::string_view component = next_component(path);
  while (!component.empty()) {
    const std::string_view following = next_component(path);
    if (!place.directory->is_directory()) {
      return sim::Error(sim::Errno::kNotDir, "path: through a file");
    }
    place.name = component;
    place.kind = kind_of(component);
    if (following.empty()) return place;
    if (place.kind == Place::Kind::kName) {
      ZT_ASSIGN(place.directory, look_up(*place.directory, component));
    } else if (place.kind == Place::Kind::kDotDot && place.directory->parent()) {
      place.directory = exfat::InodeRef(place.directory->parent());
    }
    component = following;
  }
  return place;
}

sim::Result<exfat::InodeRef> Volume::Impl::resolve(std::string_view path) {
  ZT_ASSIGN(const Place place, resolve_place(path));
  switch (place.kind) {
    case Place::Kind::kRoot:
    case Place::Kind::kDot:
      return place.directory;
    case Place::Kind::kDotDot:
      return place.directory->parent() ? place.directory->parent() : place.directory;
    case Place::Kind::kName:
      break;
  }
  return look_up(*place.directory, place.name);
}

}  // namespace zerotail::volume
