// Names in the reference model: create, remove, rename, list, stat, and the entries of directories.

#include <algorithm>
#include <utility>

#include "model_names.h"
#include "zerotail/harness/model.h"

namespace zerotail::harness {

using sim::Errno;

namespace {

constexpr uint64_t kSlotSize = 32;
constexpr uint64_t kBlockUnit = 512;  // of stat's blocks
constexpr int64_t kNameLength = 1530;

Prediction answer(int64_t ret) {
  Prediction prediction;
  prediction.result.ret = ret;
  return prediction;
}

Prediction answer(Errno code) { return answer(-static_cast<int64_t>(code)); }

int64_t number(uint64_t n) { return static_cast<int64_t>(n); }

}  // namespace

// The first run of free entries that is long enough; a directory grows by a cluster at a time,
// never shrinks. Nothing: no space (the clusters it took before it noticed stay with it).
std::optional<ModelNode::Place> Model::find_slots(FileId parent, uint64_t count) {
  const uint64_t per_sector = geometry_.sector / kSlotSize;
  const bool aligned = geometry_.one_sector && count <= per_sector;
  uint64_t run = 0;
  for (uint64_t i = 0;; ++i) {
    if (i == get(parent).slots.size()) {
      if (!take(1)) return std::nullopt;
      ModelNode& directory = edit(parent);
      directory.size += geometry_.cluster;
      directory.slots.resize(directory.size / kSlotSize);
      directory.clean = false;
    }
    if (aligned && i % per_sector == 0) run = 0;
    run = get(parent).slots[i] ? 0 : run + 1;
    if (run == count) return ModelNode::Place{i + 1 - count, count};
  }
}

bool Model::add_entry(FileId parent, const std::u16string& name, FileId id) {
  const std::optional<ModelNode::Place> place = find_slots(parent, names::entry_count(name));
  if (!place) return false;
  ModelNode& directory = edit(parent);
  std::fill_n(directory.slots.begin() + static_cast<ptrdiff_t>(place->first), place->count, true);
  directory.places[id] = *place;
  directory.children[names::fold(name)] = {names::narrow(name), id};
  return true;
}

void Model::remove_entry(FileId parent, FileId id) {
  ModelNode& directory = edit(parent);
  const ModelNode::Place place = directory.places.at(id);
  std::fill_n(directory.slots.begin() + static_cast<ptrdiff_t>(place.first), place.count, false);
  directory.places.erase(id);
  for (auto it = directory.children.begin(); it != directory.children.end(); ++it) {
    if (it->second.id == id) {
      directory.children.erase(it);
      return;
    }
  }
}

Prediction Model::create(const Operation& op) {
  const Or<Target> found = walk(op.path);
  if (const Errno* error = std::get_if<Errno>(&found)) return answer(*error);
  const Target& target = std::get<Target>(found);
  if (target.id) {
    if ((op.mode & kCreateExclusive) != 0) return answer(Errno::kExist);
    if (get(*target.id).directory) return answer(Errno::kIsDir);
    if ((op.mode & kCreateTruncate) != 0) set_size(edit(*target.id), 0);
    handles_[op.path].try_emplace(Use::kBuffered, *target.id);
    return answer(0);
  }
  if (names::has_forbidden(target.name)) return answer(Errno::kInval);
  const FileId id = add_node(/*directory=*/false, target.parent);
  if (!add_entry(target.parent, target.name, id)) {
    nodes_.erase(id);
    return answer(Errno::kNoSpc);
  }
  handles_[op.path].try_emplace(Use::kBuffered, id);
  return answer(0);
}

Prediction Model::mkdir(const Operation& op) {
  const Or<Target> found = walk(op.path);
  if (const Errno* error = std::get_if<Errno>(&found)) return answer(*error);
  const Target& target = std::get<Target>(found);
  if (target.id) return answer(Errno::kExist);
  if (names::has_forbidden(target.name)) return answer(Errno::kInval);
  if (!find_slots(target.parent, names::entry_count(target.name))) return answer(Errno::kNoSpc);
  if (!take(1)) return answer(Errno::kNoSpc);
  const FileId id = add_node(/*directory=*/true, target.parent);
  ModelNode& node = edit(id);
  node.size = geometry_.cluster;
  node.slots.resize(node.size / kSlotSize);
  const bool added = add_entry(target.parent, target.name, id);
  return answer(added ? Errno::kOk : Errno::kNoSpc);
}

// unlink, unlink_keep and rmdir.
Prediction Model::remove(const Operation& op) {
  const Or<Target> found = walk(op.path);
  if (const Errno* error = std::get_if<Errno>(&found)) return answer(*error);
  const Target& target = std::get<Target>(found);
  if (!target.id) return answer(Errno::kNoEnt);
  if (target.is_root) return answer(Errno::kBusy);
  const FileId id = *target.id;
  const ModelNode& node = get(id);
  if (op.kind == OpKind::kRmdir) {
    if (!node.directory) return answer(Errno::kNotDir);
    if (!node.children.empty()) return answer(Errno::kNotEmpty);
  } else if (node.directory) {
    return answer(Errno::kIsDir);
  }
  remove_entry(target.parent, id);
  edit(id).links = 0;
  release(id);
  return answer(0);
}

Prediction Model::rename(const Operation& op) {
  const Or<Target> from_walk = walk(op.path);
  const Or<Target> to_walk = walk(op.to);
  // The directories are looked up first, then the two names: a name that is too long is a matter
  // of its own look-up.
  const Errno* from_error = std::get_if<Errno>(&from_walk);
  const Errno* to_error = std::get_if<Errno>(&to_walk);
  if (from_error != nullptr) return answer(*from_error);
  const Target& from = std::get<Target>(from_walk);
  if (!from.id) {
    return answer(to_error != nullptr && *to_error == Errno::kNotDir ? *to_error : Errno::kNoEnt);
  }
  if (to_error != nullptr) return answer(*to_error);
  const Target& to = std::get<Target>(to_walk);
  if (from.is_root || to.is_root) return answer(Errno::kBusy);

  if ((op.mode & kRenameNoReplace) != 0 && to.id) return answer(Errno::kExist);
  if ((op.mode & kRenameExchange) != 0 && !to.id) return answer(Errno::kNoEnt);
  const auto above = [this](FileId ancestor, FileId id) {
    while (id != ancestor && id != root_) id = get(id).parent;
    return id == ancestor;
  };
  if (above(*from.id, to.parent)) return answer(Errno::kInval);
  if (to.id && above(*to.id, from.parent)) {
    return answer((op.mode & kRenameExchange) != 0 ? Errno::kInval : Errno::kNotEmpty);
  }
  if (from.id == to.id) {
    // The name keeps its spelling, but descriptors are found by the new path from now on.
    if (op.path != op.to) move_handles(op.path, op.to);
    return answer(0);
  }
  const bool is_directory = get(*from.id).directory;
  if (to.id && (op.mode & kRenameExchange) == 0) {
    if (is_directory && !get(*to.id).directory) return answer(Errno::kNotDir);
    if (!is_directory && get(*to.id).directory) return answer(Errno::kIsDir);
  }
  if ((op.mode & kRenameExchange) != 0) return answer(Errno::kInval);
  if (names::has_forbidden(to.name)) return answer(Errno::kInval);
  if (to.id && is_directory && !get(*to.id).children.empty()) return answer(Errno::kNotEmpty);

  const uint64_t held = get(from.parent).places.at(*from.id).count;
  const bool onto = to.id && geometry_.replace_in_place;
  const bool in_place = from.parent == to.parent && names::entry_count(to.name) <= held;
  if (!in_place && !onto && !find_slots(to.parent, names::entry_count(to.name))) {
    return answer(Errno::kNoSpc);
  }
  replace_name(from, to, in_place && !onto, onto);
  move_handles(op.path, op.to);
  return answer(0);
}

// The new set is written while the old one and the target's still stand; then they go.
void Model::replace_name(const Target& from, const Target& to, bool in_place, bool onto) {
  const FileId id = *from.id;
  std::string spelling = names::narrow(to.name);
  std::optional<ModelNode::Place> place;
  if (onto) {
    place = get(to.parent).places.at(*to.id);
  } else if (!in_place) {
    place = find_slots(to.parent, names::entry_count(to.name));
  }
  const ModelNode::Place old = get(from.parent).places.at(id);
  if (in_place) place = ModelNode::Place{old.first, names::entry_count(to.name)};
  if (to.id) {
    // Which spelling a replaced name keeps depends on a cache; like the recorded kernels, keep it.
    spelling = get(to.parent).children.at(names::fold(to.name)).name;
  }
  remove_entry(from.parent, id);
  if (to.id) {
    const FileId victim = *to.id;
    remove_entry(to.parent, victim);
    edit(victim).links = 0;
    release(victim);
  }
  ModelNode& directory = edit(to.parent);
  std::fill_n(directory.slots.begin() + static_cast<ptrdiff_t>(place->first), place->count, true);
  directory.places[id] = *place;
  directory.children[names::fold(to.name)] = {spelling, id};
  ModelNode& node = edit(id);
  node.parent = to.parent;
  node.clean = false;
}

Prediction Model::list(const Operation& op) const {
  const Or<FileId> id = resolve(op.path);
  if (const Errno* error = std::get_if<Errno>(&id)) return answer(*error);
  const ModelNode& node = get(std::get<FileId>(id));
  if (!node.directory) return answer(Errno::kNotDir);
  std::vector<std::pair<std::string, bool>> found;
  for (const auto& [key, child] : node.children) {
    found.emplace_back(child.name, get(child.id).directory);
  }
  std::sort(found.begin(), found.end());
  std::vector<std::string> list;
  for (const auto& [name, directory] : found) list.push_back(directory ? name + "/" : name);
  Prediction prediction = answer(number(list.size()));
  prediction.result.set("names", std::move(list));
  return prediction;
}

Prediction Model::stat(const Operation& op) const {
  Or<FileId> id = Errno::kNoEnt;
  const auto known = handles_.find(op.path);
  if (known != handles_.end() && known->second.count(Use::kBuffered) != 0) {
    id = known->second.at(Use::kBuffered);
  } else {
    id = resolve(op.path);
  }
  if (const Errno* error = std::get_if<Errno>(&id)) return answer(*error);
  const ModelNode& node = get(std::get<FileId>(id));
  uint64_t links = node.links;
  if (node.directory) {
    links = 2;
    for (const auto& [key, child] : node.children) links += get(child.id).directory ? 1 : 0;
  }
  Prediction prediction = answer(0);
  OpResult& result = prediction.result;
  result.set("size", number(node.size));
  result.set("blocks", number(clusters_of(node.size) * geometry_.cluster / kBlockUnit));
  result.set("blksize", number(geometry_.cluster));
  result.set("dir", int64_t{node.directory ? 1 : 0});
  result.set("nlink", number(links));
  return prediction;
}

Prediction Model::statfs() const {
  Prediction prediction = answer(0);
  prediction.result.set("bsize", number(geometry_.cluster));
  prediction.result.set("blocks", number(geometry_.cluster_count));
  prediction.result.set("bfree", number(free_));
  prediction.result.set("namelen", kNameLength);
  return prediction;
}

}  // namespace zerotail::harness
