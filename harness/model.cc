// The tree, descriptors and dispatch of the reference model.

#include "zerotail/harness/model.h"

#include <algorithm>
#include <utility>

#include "model_names.h"
#include "zerotail/sim/assert.h"
#include "zerotail/volume/volume.h"

namespace zerotail::harness {

using sim::Errno;

namespace {

constexpr uint64_t kSlotSize = 32;

Prediction answer(int64_t ret) {
  Prediction prediction;
  prediction.result.ret = ret;
  return prediction;
}

Prediction answer(Errno code) { return answer(-static_cast<int64_t>(code)); }

Prediction unknown() {
  Prediction prediction;
  prediction.any = true;
  return prediction;
}

std::vector<std::string_view> split(std::string_view path) {
  std::vector<std::string_view> parts;
  while (!path.empty()) {
    const size_t slash = path.find('/');
    const std::string_view part = path.substr(0, slash);
    if (!part.empty() && part != ".") parts.push_back(part);
    path.remove_prefix(slash == std::string_view::npos ? path.size() : slash + 1);
  }
  return parts;
}

}  // namespace

std::string disagreement(const Prediction& prediction, const OpResult& got) {
  return prediction.any ? "" : difference(prediction.result, got, prediction.open);
}

ModelGeometry model_geometry(const TraceHeader& header, uint64_t cluster_count,
                             uint64_t clusters_free) {
  ModelGeometry geometry;
  geometry.sector = header.sector;
  geometry.logical = header.logical_block();
  geometry.cluster = header.cluster;
  geometry.page = header.page;
  geometry.clusters_hold_pages =
      header.cluster % header.page == 0 && header.mkfs.boundary_align % header.page == 0;
  geometry.buffer_heads = header.io_path == "buffer-head";
  geometry.cluster_count = cluster_count;
  geometry.clusters_free = clusters_free;
  // A header that was read has an ordering that can be read.
  if (const auto ordering = volume::parse_ordering(header.ordering); ordering.ok()) {
    geometry.one_sector = ordering->has(volume::Rule::kOneSector);
    geometry.replace_in_place = ordering->has(volume::Rule::kReplaceInPlace);
  }
  if (header.mkfs.fats == 2) ++geometry.root_entries;  // the second bitmap's
  return geometry;
}

Model::Model(const ModelGeometry& geometry) : geometry_(geometry), free_(geometry.clusters_free) {
  root_ = add_node(/*directory=*/true, FileId{});
  ModelNode& root = edit(root_);
  root.parent = root_;
  root.clean = true;
  root.size = geometry.root_clusters * geometry.cluster;
  root.slots.resize(root.size / kSlotSize);
  for (uint64_t i = 0; i < geometry.root_entries; ++i) root.slots[i] = true;
}

ModelNode& Model::edit(FileId id) {
  std::shared_ptr<const ModelNode>& slot = nodes_.at(id);
  auto copy = std::make_shared<ModelNode>(*slot);
  ModelNode& node = *copy;
  slot = std::move(copy);
  return node;
}

FileId Model::add_node(bool directory, FileId parent) {
  auto node = std::make_shared<ModelNode>();
  node->id = FileId{next_id_++};
  node->directory = directory;
  node->parent = parent;
  node->attributes = directory ? kModelDirectory : kModelArchive;
  const FileId id = node->id;
  nodes_[id] = std::move(node);
  return id;
}

uint64_t Model::clusters_of(uint64_t size) const {
  return size / geometry_.cluster + (size % geometry_.cluster != 0 ? 1 : 0);
}

bool Model::take(uint64_t clusters) {
  if (clusters > free_) return false;
  free_ -= clusters;
  return true;
}

void Model::free_node(FileId id) {
  // After a shutdown nobody frees them: the bitmap has them for ever.
  if (!shut_down_) free_ += clusters_of(get(id).size);
  nodes_.erase(id);
}

void Model::mark_clean(FileId id) {
  if (in_flight(id)) return;
  if (get(id).clean && !get(id).tail_stored && !get(id).page_stored) return;
  ModelNode& node = edit(id);
  node.clean = true;
  node.page_stored = false;
  node.tail_stored = false;
}

void Model::mark_all_clean() {
  std::vector<FileId> ids;
  for (const auto& [id, node] : nodes_) ids.push_back(id);
  for (const FileId id : ids) mark_clean(id);
}

// Its entry can be found on the disk and says what the model says.
bool Model::on_disk(FileId id) const {
  while (true) {
    const ModelNode& node = get(id);
    if (!node.clean) return false;
    if (id == root_) return true;
    id = node.parent;
  }
}

Model::Or<Model::Target> Model::walk(std::string_view path) const {
  const std::vector<std::string_view> parts = split(path);
  Target target{.parent = root_, .name = {}, .id = root_, .is_root = true};
  for (const std::string_view part : parts) {
    if (!target.id) return Errno::kNoEnt;  // a name in the middle
    const ModelNode& here = get(*target.id);
    if (!here.directory) return Errno::kNotDir;
    if (part == "..") {
      target = {.parent = here.parent, .name = {}, .id = here.parent, .is_root = true};
      continue;
    }
    const std::u16string whole = names::widen(part);
    const std::u16string_view name = names::strip_dots(whole);
    if (name.size() > names::kMaxUnits) return Errno::kNameTooLong;
    if (name.empty()) return Errno::kNoEnt;
    target.parent = here.id;
    target.name = name;
    target.is_root = false;
    const auto child = here.children.find(names::fold(name));
    target.id.reset();
    if (child != here.children.end()) target.id = child->second.id;
  }
  return target;
}

Model::Or<FileId> Model::resolve(std::string_view path) const {
  const Or<Target> target = walk(path);
  if (const Errno* error = std::get_if<Errno>(&target)) return *error;
  const std::optional<FileId> id = std::get<Target>(target).id;
  if (!id) return Errno::kNoEnt;
  return *id;
}

Model::Or<FileId> Model::handle(const std::string& path, Use use) {
  const auto known = handles_.find(path);
  if (known != handles_.end()) {
    const auto fd = known->second.find(use);
    if (fd != known->second.end()) return fd->second;
  }
  Or<FileId> id = resolve(path);
  if (const FileId* found = std::get_if<FileId>(&id)) {
    if (get(*found).directory) return Errno::kIsDir;
    handles_[path][use] = *found;
  }
  return id;
}

bool Model::has_handle(FileId id) const {
  for (const auto& [path, handles] : handles_) {
    for (const auto& [use, file] : handles) {
      if (file == id) return true;
    }
  }
  return in_flight(id);
}

std::set<FileId> Model::open_files(const std::string& path) const {
  std::set<FileId> files;
  const auto known = handles_.find(path);
  if (known == handles_.end()) return files;
  for (const auto& [use, id] : known->second) files.insert(id);
  return files;
}

bool Model::mapped(const std::string& path) const {
  const auto known = handles_.find(path);
  return known != handles_.end() && known->second.contains(Use::kMapping);
}

void Model::release(FileId id) {
  const auto it = nodes_.find(id);
  if (it != nodes_.end() && it->second->links == 0 && !has_handle(id)) free_node(id);
}

void Model::close_path(const std::string& path) {
  const auto it = handles_.find(path);
  if (it == handles_.end()) return;
  const Handles handles = std::move(it->second);
  handles_.erase(it);
  for (const auto& [use, id] : handles) release(id);
}

void Model::close_all() {
  while (!handles_.empty()) close_path(std::string(handles_.begin()->first));
}

void Model::move_handles(const std::string& from, const std::string& to) {
  if (from == to) return;
  std::vector<std::string> paths;
  for (const auto& [path, handles] : handles_) {
    if (path == from || path.starts_with(from + "/")) paths.push_back(path);
  }
  // Whatever the new paths had is closed first, while what moves still keeps its files.
  const auto moved = [&](const std::string& path) { return to + path.substr(from.size()); };
  close_path(to);
  for (const std::string& path : paths) close_path(moved(path));
  for (const std::string& path : paths) {
    auto handles = handles_.extract(path);
    handles.key() = moved(path);
    handles_.insert(std::move(handles));
  }
}

std::vector<Model::Entry> Model::entries() const {
  std::vector<Entry> out;
  std::vector<std::pair<std::string, FileId>> todo = {{"", root_}};
  while (!todo.empty()) {
    const auto [prefix, id] = std::move(todo.back());
    todo.pop_back();
    for (const auto& [key, child] : get(id).children) {
      const ModelNode& node = get(child.id);
      const std::string path = prefix + child.name;
      out.push_back({path, node.id, node.directory, node.size, node.valid_size});
      if (node.directory) todo.emplace_back(path + "/", node.id);
    }
  }
  std::sort(out.begin(), out.end(), [](const Entry& a, const Entry& b) { return a.path < b.path; });
  return out;
}

std::optional<Model::Entry> Model::find(std::string_view path) const {
  const Or<FileId> id = resolve(path);
  if (!std::holds_alternative<FileId>(id)) return std::nullopt;
  const ModelNode& node = get(std::get<FileId>(id));
  return Entry{std::string(path), node.id, node.directory, node.size, node.valid_size};
}

std::shared_ptr<const ModelNode> Model::node(FileId id) const {
  const auto it = nodes_.find(id);
  return it == nodes_.end() ? nullptr : it->second;
}

bool Model::import(const Import& item) {
  const Or<Target> found = walk(item.path);
  if (!std::holds_alternative<Target>(found)) return false;
  const Target& target = std::get<Target>(found);
  if (target.id || !get(target.parent).directory) return false;
  const FileId id = add_node(item.directory, target.parent);
  ModelNode& node = edit(id);
  node.size = item.size;
  node.valid_size = item.valid_size;
  node.attributes = item.attributes;
  node.valid_low = node.valid_high = item.valid_size;
  node.clean = true;
  node.content.write(0, item.bytes.first(std::min<uint64_t>(item.bytes.size(), item.valid_size)));
  if (item.directory) node.slots.resize(item.size / kSlotSize);
  ModelNode& parent = edit(target.parent);
  const ModelNode::Place place{item.first_entry, item.entry_count};
  for (uint64_t i = place.first; i < place.first + place.count && i < parent.slots.size(); ++i) {
    parent.slots[i] = true;
  }
  parent.places[id] = place;
  parent.clean = true;
  parent.children[names::fold(target.name)] = {names::narrow(target.name), id};
  return true;
}

Prediction Model::apply(const Operation& op) {
  if (lost_ && !shut_down_) return unknown();
  if (shut_down_) return apply_shut_down(op);
  // Where a direct write faults depends on where its clusters lie.
  const bool strange = op.fault_at && op.kind == OpKind::kDwrite;
  if (strange || (read_only_ && op_changes(op.kind))) return unknown();
  const bool racing = in_flight(op);
  Prediction prediction = op.async ? submit(op) : dispatch(op);
  prediction.any = prediction.any || racing;
  note_archive(op);
  if (!keep_) {
    close_path(op.path);
    if (op.kind == OpKind::kRename) close_path(op.to);
  }
  return prediction;
}

Prediction Model::dispatch(const Operation& op) {
  switch (op.kind) {
    case OpKind::kCreate:
      return create(op);
    case OpKind::kMkdir:
      return mkdir(op);
    case OpKind::kUnlink:
      close_path(op.path);
      return remove(op);
    case OpKind::kUnlinkKeep:
    case OpKind::kRmdir:
      return remove(op);
    case OpKind::kRename:
      return rename(op);
    case OpKind::kWrite:
      return write(op, Use::kBuffered);
    case OpKind::kAppend:
      return write(op, Use::kAppend);
    case OpKind::kDwrite:
      return write(op, Use::kDirect);
    case OpKind::kMwrite:
      return map_write(op);
    case OpKind::kRead:
      return read(op);
    case OpKind::kDread:
      return direct_read(op);
    case OpKind::kMread:
      return map_read(op);
    case OpKind::kTruncate:
      return truncate(op);
    case OpKind::kFallocate:
      return fallocate(op);
    case OpKind::kFsync:
    case OpKind::kFdatasync:
    case OpKind::kFsyncDir:
      return sync_path(op);
    case OpKind::kMunmap: {
      const auto it = handles_.find(op.path);
      if (it == handles_.end()) return answer(0);
      const auto mapping = it->second.find(Use::kMapping);
      if (mapping == it->second.end()) return answer(0);
      const FileId id = mapping->second;
      it->second.erase(mapping);
      release(id);
      return answer(0);
    }
    case OpKind::kClose:
      close_path(op.path);
      return answer(0);
    case OpKind::kSync:
    case OpKind::kSyncfs:
      mark_all_clean();
      return answer(0);
    case OpKind::kDropCaches:
      bh_reload(/*certain=*/false);
      return answer(0);
    case OpKind::kMsync:
    case OpKind::kWriteback:
    case OpKind::kSleep:
      return answer(0);
    case OpKind::kRemount:
      return remount(op);
    case OpKind::kSeekHole:
    case OpKind::kSeekData:
    case OpKind::kSeekEnd:
      return seek(op);
    case OpKind::kStat:
      return stat(op);
    case OpKind::kStatfs:
      return statfs();
    case OpKind::kList:
      return list(op);
    case OpKind::kDirent:
      return dirent(op);
    case OpKind::kRawRead:
      return raw_read(op);
    case OpKind::kOpenSync: {
      close_path(op.path);
      const Or<FileId> id = handle(op.path, Use::kBuffered);
      const Errno* error = std::get_if<Errno>(&id);
      return error == nullptr ? answer(0) : answer(*error);
    }
    case OpKind::kBmap:
      return bmap(op);
    case OpKind::kMap:
      return map(op);
    case OpKind::kSwapMap:
      return swap_map(op);
    case OpKind::kWait:
      return wait(op);
    case OpKind::kReaddir:
      return readdir(op);
    case OpKind::kLabel:
      return label(op);
    case OpKind::kAttributes:
      return attributes(op);
    case OpKind::kFitrim:
      return fitrim(op);
    case OpKind::kShutdown:
      return shutdown(op);
    case OpKind::kCrash:
      lost_ = true;
      return unknown();
    case OpKind::kRemountRo:
    case OpKind::kRemountRw:
    case OpKind::kEdit:
      break;
  }
  return unknown();
}

}  // namespace zerotail::harness
