// Ownership of clusters, and what it says against the bitmap.
#include "check_owners.h"

#include <algorithm>
#include <bit>

namespace zerotail::harness {

void OwnerMap::clear(uint64_t clusters) {
  pages_.clear();
  pages_.resize((clusters + kPageClusters - 1) / kPageClusters);
  more_.clear();
  claims_ = 0;
}

void OwnerMap::claim(const ClusterRun& run, uint32_t owner) {
  const uint64_t begin = run.first.value() - 2;
  const uint64_t end = begin + run.count.value();
  claims_ += run.count.value();
  for (uint64_t i = begin; i < end; ++i) {
    std::unique_ptr<Page>& page = pages_[i / kPageClusters];
    if (page == nullptr) page = std::make_unique<Page>();
    const uint64_t in_page = i % kPageClusters;
    if (page->owner[in_page] != kNoOwner) {
      more_[i].push_back(owner);
      continue;
    }
    page->owner[in_page] = owner;
    page->used[in_page / 64] |= uint64_t{1} << (in_page % 64);
  }
}

uint32_t OwnerMap::count(uint64_t index) const {
  if (first(index) == kNoOwner) return 0;
  const std::vector<uint32_t>* others = more(index);
  return 1 + (others == nullptr ? 0 : static_cast<uint32_t>(others->size()));
}

std::vector<uint64_t> OwnerMap::shared_clusters() const {
  std::vector<uint64_t> clusters;
  clusters.reserve(more_.size());
  for (const auto& entry : more_) clusters.push_back(entry.first);
  std::sort(clusters.begin(), clusters.end());
  return clusters;
}

uint64_t BitmapReader::word(uint64_t index) {
  const std::byte* p =
      reader_.sector(index / disk::kWordsPerSector) + (index % disk::kWordsPerSector) * 8;
  const uint64_t bits = disk::u64(p);
  const uint64_t left = clusters_ - index * 64;
  return left >= 64 ? bits : bits & ((uint64_t{1} << left) - 1);
}

unsigned BitmapReader::tail_bits() {
  const unsigned valid = static_cast<unsigned>(clusters_ % 8);
  if (valid == 0) return 0;
  const uint64_t byte = clusters_ / 8;
  const std::byte* sector = reader_.sector(byte / sim::kSectorSize.value());
  const unsigned bits = disk::u8(sector + byte % sim::kSectorSize.value());
  return static_cast<unsigned>(std::popcount(bits >> valid));
}

std::vector<CheckProblem> AllocationReport::make(const AllocationFindings& findings) {
  for (const AllocationFindings::Word& word : findings.words) {
    if (problems_.size() >= kProblemLimit) break;
    add_word(word);
  }
  // A run of shared clusters must not grow into one of unmarked clusters.
  last_owners_.clear();
  for (const uint64_t index : findings.shared) {
    if (problems_.size() >= 2 * kProblemLimit) break;
    add_shared(index);
  }
  return std::move(problems_);
}

void AllocationReport::add_word(const AllocationFindings::Word& word) {
  uint64_t differ = word.used ^ word.marked;
  while (differ != 0) {
    const auto bit = static_cast<unsigned>(std::countr_zero(differ));
    differ &= differ - 1;
    const uint64_t index = word.index * 64 + bit;
    if ((word.marked >> bit & 1) != 0) {
      add_leak(index);
    } else {
      add_unmarked(index);
    }
  }
}

// True when the cluster was added to the last problem.
bool AllocationReport::grows(CheckClass kind, uint64_t index, bool same_owners) {
  if (problems_.empty() || !same_owners) return false;
  CheckProblem& last = problems_.back();
  if (last.kind != kind || last.cluster.value() + last.count.value() != index + 2) return false;
  last.count += sim::ClusterCount{1};
  return true;
}

void AllocationReport::add(CheckProblem problem, uint64_t index) {
  problem.cluster = sim::Cluster{index + 2};
  problem.count = sim::ClusterCount{1};
  problems_.push_back(std::move(problem));
}

void AllocationReport::add_leak(uint64_t index) {
  // A cluster that the FAT calls bad is marked used so that nobody takes it.
  if (fat_.entry(index + 2) == disk::kFatBad) return;
  if (grows(CheckClass::kLeak, index, true)) return;
  CheckProblem p;
  p.kind = CheckClass::kLeak;
  add(std::move(p), index);
}

void AllocationReport::add_unmarked(uint64_t index) {
  owners_.clear();
  owners_of_(index, owners_);
  const std::vector<std::string> names = labels(owners_);
  ZT_ASSERT(!names.empty());
  const bool system = std::any_of(owners_.begin(), owners_.end(),
                                  [](const OwnerRef& owner) { return owner.system != 0; });
  const CheckClass kind = system ? CheckClass::kSystemUnmarked : CheckClass::kUnmarked;
  const bool same = !problems_.empty() && problems_.back().path == names.front();
  if (grows(kind, index, same)) return;
  CheckProblem p;
  p.kind = kind;
  p.path = names.front();
  add(std::move(p), index);
}

void AllocationReport::add_shared(uint64_t index) {
  owners_.clear();
  owners_of_(index, owners_);
  const bool same = owners_ == last_owners_;
  last_owners_ = owners_;
  if (grows(CheckClass::kCrossLink, index, same)) return;
  const std::vector<std::string> names = labels(owners_);
  ZT_ASSERT(names.size() >= 2);
  CheckProblem p;
  p.kind = CheckClass::kCrossLink;
  p.path = names[0];
  p.other = names[1];
  p.found = names.size();
  // Owners may come in another order for the next cluster; the names decide.
  if (!problems_.empty() && problems_.back().path == p.path && problems_.back().other == p.other &&
      problems_.back().found == p.found && grows(CheckClass::kCrossLink, index, true)) {
    return;
  }
  add(std::move(p), index);
}

std::string AllocationReport::label(const OwnerRef& owner) const {
  switch (owner.system) {
    case kBitmapOwner:
      return "<bitmap>";
    case kStaleBitmapOwner:
      return "<inactive bitmap>";
    case kUpcaseOwner:
      return "<upcase>";
    case kRootOwner:
      return "/";
  }
  return join_path(path_of_(*owner.directory), owner.node->set->utf8);
}

std::vector<std::string> AllocationReport::labels(const std::vector<OwnerRef>& owners) const {
  std::vector<std::string> names;
  names.reserve(owners.size());
  for (const OwnerRef& owner : owners) names.push_back(label(owner));
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace zerotail::harness
