// What changed sectors touch: directories, chains, file data, bitmap words.
#include "check_state.h"

#include <algorithm>
#include <cstring>

namespace zerotail::harness {

void StateNotes::reset(uint64_t clusters) {
  stamp_ = 0;
  pages_.clear();
  pages_.resize((clusters + kPageClusters - 1) / kPageClusters);
}

StateNotes::Page& StateNotes::page(uint64_t index) {
  std::unique_ptr<Page>& page = pages_[index / kPageClusters];
  if (page == nullptr) page = std::make_unique<Page>();
  return *page;
}

void StateNotes::bump(uint64_t index, int32_t delta) {
  Page& p = page(index);
  const uint64_t at = index % kPageClusters;
  if (p.stamp[at] != stamp_) {
    p.stamp[at] = stamp_;
    p.delta[at] = 0;
    clusters_.push_back(index);
    touch_word(index / 64);
  }
  p.delta[at] += delta;
}

void StateNotes::touch_word(uint64_t word) {
  uint32_t& stamp = page(word * 64).word_stamp[word % kPageWords];
  if (stamp == stamp_) return;
  stamp = stamp_;
  words_.push_back(word);
}

bool StateNotes::touched(uint64_t index) const {
  const Page* p = pages_[index / kPageClusters].get();
  return p != nullptr && p->stamp[index % kPageClusters] == stamp_;
}

bool StateNotes::word_touched(uint64_t word) const {
  const Page* p = pages_[word / kPageWords].get();
  return p != nullptr && p->word_stamp[word % kPageWords] == stamp_;
}

int32_t StateNotes::delta(uint64_t index) const {
  return touched(index) ? pages_[index / kPageClusters]->delta[index % kPageClusters] : 0;
}

StateJudge::StateJudge(const Context& context, const sim::SectorReader& disk)
    : in_(context),
      disk_(disk),
      geometry_(*context.base.view->geometry),
      tree_(context.base.tree),
      flags_(context.base.boot.flags),
      root_chain_(context.base.view->root_chain) {
  in_.notes.begin_state();
}

StateJudge::~StateJudge() {
  for (const uint32_t index : touched_directories_) {
    BaseDirectory& directory = tree_.directories[index];
    directory.dirty = false;
    directory.changed.clear();
    directory.marks.clear();
    directory.data_nodes.clear();
  }
}

// False: a structure changed on which everything rests.
bool StateJudge::classify(std::span<const sim::Sector> changed) {
  const sim::Sector boot_end = sim::Sector{} + 2 * geometry_.boot_region;
  const sim::Sector fat_end = geometry_.fat + geometry_.fat_length;
  for (const sim::Sector sector : changed) {
    if (sector < boot_end) {
      if (!classify_boot(sector)) return false;
    } else if (sector >= geometry_.fat && sector < fat_end) {
      classify_fat(sector);
    } else if (!classify_heap(sector)) {
      return false;
    }
  }
  return true;
}

bool StateJudge::classify_boot(sim::Sector sector) {
  const std::byte* before = in_.base_disk.sector(sector);
  const std::byte* now = disk_.sector(sector);
  if (sector == sim::Sector{}) {
    flags_ = volume_flags(now);
    return same_but_flags(before, now);
  }
  return std::memcmp(before, now, sim::kSectorSize.value()) == 0;
}

void StateJudge::classify_fat(sim::Sector sector) {
  const std::byte* before = in_.base_disk.sector(sector);
  const std::byte* now = disk_.sector(sector);
  if (before == now) return;
  const uint64_t first = (sector - geometry_.fat).value() * disk::kFatEntriesPerSector;
  for (uint32_t i = 0; i < disk::kFatEntriesPerSector; ++i) {
    if (std::memcmp(before + size_t{i} * 4, now + size_t{i} * 4, 4) == 0) continue;
    const uint64_t cluster = first + i;
    if (geometry_.contains(sim::Cluster{cluster})) touch_fat_entry(cluster);
  }
}

void StateJudge::touch_fat_entry(uint64_t cluster) {
  const uint64_t index = cluster - 2;
  const uint32_t owner = in_.base.owners.first(index);
  if (owner == kNoOwner) return;
  touch_chain(owner);
  if (const auto* more = in_.base.owners.more(index)) {
    for (const uint32_t other : *more) touch_chain(other);
  }
}

// A FAT entry of one of the owner's clusters changed.
void StateJudge::touch_chain(uint32_t owner) {
  if (owner < kFirstOwner) {
    bool& touched = owner == kRootOwner ? root_chain_touched_ : system_chain_touched_;
    touched = true;
    return;
  }
  const OwnerPlace& place = tree_.owners[owner - kFirstOwner];
  const TreeNode& node = *tree_.directories[place.directory].view->nodes[place.node];
  const Chain& chain = place.part == 0 ? *node.chain : *node.vendor[place.part - 1];
  if (!chain.no_fat_chain) mark_node(place.directory, place.node, kChainMark);
}

bool StateJudge::classify_heap(sim::Sector sector) {
  const std::optional<sim::Cluster> cluster = geometry_.cluster_at(sector);
  if (!cluster) return true;  // between the regions or behind the heap: nobody reads it
  heap_sectors_.push_back(sector);
  const uint64_t index = cluster->value() - 2;
  const uint32_t owner = in_.base.owners.first(index);
  if (owner == kNoOwner) return true;
  if (!touch_owner(owner, sector)) return false;
  if (const auto* more = in_.base.owners.more(index)) {
    for (const uint32_t other : *more) {
      if (!touch_owner(other, sector)) return false;
    }
  }
  return true;
}

bool StateJudge::touch_owner(uint32_t owner, sim::Sector sector) {
  switch (owner) {
    case kBitmapOwner:
      touch_bitmap(sector);
      return true;
    case kStaleBitmapOwner:
      return true;  // nobody reads it
    case kUpcaseOwner:
      return std::memcmp(in_.base_disk.sector(sector), disk_.sector(sector),
                         sim::kSectorSize.value()) == 0;
    case kRootOwner:
      touch_directory(0, sector);
      return true;
  }
  const OwnerPlace& place = tree_.owners[owner - kFirstOwner];
  const TreeNode& node = *tree_.directories[place.directory].view->nodes[place.node];
  if (place.child != UINT32_MAX) {
    touch_directory(place.child, sector);
  } else if (!node.set->directory && place.part == 0) {
    mark_data(place.directory, place.node);
  }
  return true;
}

namespace {

// The index of a sector among the sectors of the runs; the sector is in one of their clusters.
std::optional<uint64_t> index_in(const CheckGeometry& g, std::span<const ClusterRun> runs,
                                 sim::Sector sector) {
  uint64_t before = 0;
  for (const ClusterRun& run : runs) {
    const sim::Sector first = g.sector_of(run.first);
    const sim::SectorCount count = g.cluster_sectors() * run.count.value();
    if (sector >= first && sector < first + count) return before + (sector - first).value();
    before += count.value();
  }
  return std::nullopt;
}

}  // namespace

void StateJudge::touch_directory(uint32_t index, sim::Sector sector) {
  BaseDirectory& directory = tree_.directories[index];
  // Two sets may point to one directory: it is told twice of each sector then.
  if (!directory.changed.empty() && directory.changed.back() == sector) return;
  const auto place = index_in(geometry_, directory.view->runs, sector);
  if (!place || *place * sim::kSectorSize.value() >= directory.view->length) return;
  mark_dirty(index);
  directory.changed.push_back(sector);
}

void StateJudge::touch_bitmap(sim::Sector sector) {
  const auto place = index_in(geometry_, in_.base.view->bitmap->runs, sector);
  ZT_ASSERT(place.has_value());
  const uint64_t words = (uint64_t{geometry_.cluster_count} + 63) / 64;
  const uint64_t begin = *place * disk::kWordsPerSector;
  const uint64_t end = std::min(begin + disk::kWordsPerSector, words);
  for (uint64_t word = begin; word < end; ++word) in_.notes.touch_word(word);
}

void StateJudge::mark_node(uint32_t directory, uint32_t node, uint8_t mark) {
  mark_dirty(directory);
  tree_.directories[directory].marks.emplace_back(node, mark);
}

void StateJudge::mark_dirty(uint32_t index) {
  std::vector<uint32_t> todo{index};
  while (!todo.empty()) {
    const uint32_t at = todo.back();
    todo.pop_back();
    BaseDirectory& directory = tree_.directories[at];
    if (directory.dirty) continue;
    directory.dirty = true;
    touched_directories_.push_back(at);
    for (const auto& [parent, node] : directory.parents) {
      tree_.directories[parent].marks.emplace_back(node, kBelowMark);
      todo.push_back(parent);
    }
  }
}

void StateJudge::mark_data(uint32_t index, uint32_t node) {
  std::vector<std::pair<uint32_t, uint32_t>> todo{{index, node}};
  while (!todo.empty()) {
    const auto [at, child] = todo.back();
    todo.pop_back();
    BaseDirectory& directory = tree_.directories[at];
    const bool first = directory.data_nodes.empty();
    if (first || directory.data_nodes.back() != child) directory.data_nodes.push_back(child);
    if (!first) continue;
    touched_directories_.push_back(at);
    todo.insert(todo.end(), directory.parents.begin(), directory.parents.end());
  }
}

std::optional<CheckJudgement> StateJudge::judge(std::span<const sim::Sector> changed) {
  if (!classify(changed) || !build_tree()) return std::nullopt;
  return report();
}

}  // namespace zerotail::harness
