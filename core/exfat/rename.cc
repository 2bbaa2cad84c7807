// Renaming, in the driver's order: new set, old set deleted, replaced set deleted, the inode's set
// once more; the replaced file's clusters last.
#include <algorithm>
#include <mutex>
#include <string>

#include "zerotail/exfat/file_system.h"

namespace zerotail::exfat {

struct FileSystem::Renaming {
  Inode& from_directory;
  Inode& to_directory;
  RenameMode mode;
  Name to;
  Found source;
  InodeRef inode;
  std::optional<Found> target;
  InodeRef victim;  // of the target
};

namespace {
bool is_at_or_above(const Inode& inode, const Inode& directory) {
  for (const Inode* at = &directory; at != nullptr; at = at->parent().get()) {
    if (at == &inode) return true;
  }
  return false;
}

sim::Error refuse(sim::Errno code, const char* why) {
  return sim::Error(code, std::string("rename: ") + why);
}
}  // namespace

sim::Status FileSystem::rename(Inode& from_directory, std::string_view from, Inode& to_directory,
                               std::string_view to, RenameMode mode) {
  if (options_.read_only) return refuse(sim::Errno::kRofs, "mounted read-only");
  ZT_ASSIGN(const Name from_name, Name::parse(from, upcase_));
  sim::Status renamed;
  {
    const std::lock_guard guard(volume_lock_);
    std::optional<Found> found;
    ZT_TRY(find(from_directory, from_name, found));
    if (!found) return refuse(sim::Errno::kNoEnt, "no such name");
    ZT_ASSIGN(const Name to_name, Name::parse(to, upcase_));
    Renaming work{.from_directory = from_directory,
                  .to_directory = to_directory,
                  .mode = mode,
                  .to = to_name,
                  .source = *found,
                  .inode = {},
                  .target = {},
                  .victim = {}};
    ZT_ASSIGN(work.inode, instantiate(from_directory, work.source));
    ZT_TRY(find(to_directory, work.to, work.target));
    if (work.target) {
      ZT_ASSIGN(work.victim, instantiate(to_directory, *work.target));
    }
    if (work.victim != work.inode || mode != RenameMode::kReplace) ZT_TRY(check_rename(work));
    // The same file, perhaps in another spelling: nothing happens.
    if (work.victim == work.inode) return {};
    if (work.target) {
      // A replaced name keeps its spelling, as on Linux while its dentry is cached.
      DentrySet::NameUnits units;
      work.to = Name::from_units(work.target->set.name(units), upcase_);
    }
    ZT_TRY(set_volume_dirty());
    ZT_TRY(check_new_name(work.to));
    renamed = rename_entries(work);
  }
  (void)free_unlinked();  // the victim; errors of that are lost, as in the kernel's evict
  return renamed;
}

sim::Status FileSystem::check_rename(const Renaming& work) {
  const Inode& inode = *work.inode;
  if (work.victim && work.mode == RenameMode::kNoReplace) {
    return refuse(sim::Errno::kExist, "the new name is there");
  }
  if (!work.victim && work.mode == RenameMode::kExchange) {
    return refuse(sim::Errno::kNoEnt, "nothing to exchange with");
  }
  if (is_at_or_above(inode, work.to_directory)) {
    return refuse(sim::Errno::kInval, "a directory into itself");
  }
  if (work.mode == RenameMode::kExchange) {
    return refuse(sim::Errno::kInval, "exchanging is not supported");
  }
  if (!work.victim) return {};
  if (is_at_or_above(*work.victim, work.from_directory)) {
    return refuse(sim::Errno::kNotEmpty, "onto a directory above it");
  }
  if (inode.is_directory() && !work.victim->is_directory()) {
    return refuse(sim::Errno::kNotDir, "a directory onto a file");
  }
  if (!inode.is_directory() && work.victim->is_directory()) {
    return refuse(sim::Errno::kIsDir, "a file onto a directory");
  }
  if (!work.victim->is_directory()) return {};
  ZT_ASSIGN(const bool empty, is_empty(*work.victim));
  return empty ? sim::Status{} : refuse(sim::Errno::kNotEmpty, "onto a directory with names");
}

sim::Status FileSystem::rename_entries(Renaming& work) {
  // Benign secondary entries (vendor extensions) stay with the file.
  DentrySet renamed = work.source.set;
  ZT_TRY(renamed.set_name(work.to));
  if (!work.inode->is_directory()) {
    work.inode->set_attributes(work.inode->attributes() | kAttributeArchive);
    renamed.set_attributes(work.inode->attributes());
  }
  renamed.seal();
  sim::Status written;
  const bool onto =
      work.target && has(Rule::kReplaceInPlace) && renamed.count() <= work.target->set.count();
  ZT_TRY(onto ? rename_onto(work, renamed) : rename_beside(work, renamed, written));
  // From here on the rename has happened: what cannot be written is told, not undone.
  // The directories' times and the inode's set: the driver waits for the latter only.
  mark_dirty(*work.inode, DirtyBits::kTimes);
  if (options_.directories_sync()) {
    const sim::Status stored = store_inode(*work.inode, true);
    if (written.ok()) written = stored;
  }
  ZT_TRY(touch_directory(work.from_directory, false));
  ZT_TRY(touch_directory(work.to_directory, false));
  return written;
}

// The new set beside the replaced one, which goes last; `written` tells of its removal.
sim::Status FileSystem::rename_beside(Renaming& work, const DentrySet& renamed,
                                      sim::Status& written) {
  const Found& source = work.source;
  const bool sync = options_.directories_sync();
  const bool in_place =
      &work.from_directory == &work.to_directory && renamed.count() <= source.set.count();
  if (in_place) {
    // The set is rewritten where it stands; entries that the shorter name does not need are
    // deleted.
    ZT_TRY(rewrite_set(work.from_directory, source.entry, source.set, renamed, sync));
  } else {
    ZT_TRY(rename_by_copy(work, renamed));
  }
  if (!work.target) return {};
  if (in_place) {
    const sim::Status first = harden_name(work.from_directory, source.entry, renamed.count());
    if (!first.ok()) {
      (void)rewrite_set(work.from_directory, source.entry, renamed, source.set, false);
      return first;
    }
  }
  ZT_TRY(remove_set(work.to_directory, *work.target, false));
  free_vendor_clusters(work.target->set);
  inodes_.unlink(*work.victim);
  if (sync) {
    written = open_directory(work.to_directory).sync(work.target->entry, work.target->set.count());
  }
  return {};
}

// The rule replace-in-place: the target's set becomes the file's, in one step where it lies in one
// sector; then the old name goes. At every moment the name is there, with the old file or the new.
sim::Status FileSystem::rename_onto(Renaming& work, const DentrySet& renamed) {
  const Found& target = *work.target;
  const bool sync = options_.directories_sync();
  ZT_TRY(rewrite_set(work.to_directory, target.entry, target.set, renamed, sync));
  sim::Status removed = harden_name(work.to_directory, target.entry, renamed.count());
  if (removed.ok()) removed = remove_set(work.from_directory, work.source, sync);
  if (!removed.ok()) {
    (void)rewrite_set(work.to_directory, target.entry, renamed, target.set, false);
    return removed;
  }
  free_vendor_clusters(work.target->set);
  inodes_.unlink(*work.victim);
  inodes_.move(*work.inode, work.to_directory, target.entry);
  return {};
}

sim::Status FileSystem::rename_by_copy(Renaming& work, const DentrySet& renamed) {
  ZT_ASSIGN(const uint32_t entry, make_room(work.to_directory, renamed.count()));
  ZT_TRY(add_set(work.to_directory, renamed, entry));
  sim::Status removed = harden_name(work.to_directory, entry, renamed.count());
  if (removed.ok()) {
    removed = remove_set(work.from_directory, work.source, options_.directories_sync());
  }
  if (!removed.ok()) {
    // Both names would be there: the new one goes again. The old one's error is the one to tell.
    (void)remove_set(work.to_directory, {.entry = entry, .set = renamed}, false);
    return removed;
  }
  inodes_.move(*work.inode, work.to_directory, entry);
  return {};
}

}  // namespace zerotail::exfat
