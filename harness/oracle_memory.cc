// Verdicts on single files, remembered with everything that they rest on.
#include "zerotail/harness/oracle.h"

namespace zerotail::harness {

// A verdict on a file is made of the nodes at its names and the bytes of their clusters, and of the
// expectation, which is the same throughout a context.
void Oracle::judge_remembered(const sim::SectorReader& disk, const VolumeView& view, size_t index,
                              const DataKey& data, std::vector<Violation>* out) {
  constexpr size_t kMost = 1 << 16;  // verdicts in memory; beyond it all is forgotten
  const Expectation& e = expectations_[index];
  std::vector<uint64_t> words;
  const auto add = [&](const std::string& path, bool content) {
    const std::shared_ptr<const TreeNode> node = view.find(path);
    words.push_back(node == nullptr ? 0 : 1);
    if (node == nullptr || !content) return;
    words.push_back(node->digest.low);
    words.push_back(node->digest.high);
    if (node->set->directory || node->chain == nullptr) return;
    sim::Digest bytes;
    for (const ClusterRun& run : node->chain->runs) {
      const sim::Sector first = view.geometry->sector_of(run.first);
      bytes += data(first, first + view.geometry->cluster_sectors() * run.count.value());
    }
    words.push_back(bytes.low);
    words.push_back(bytes.high);
  };
  for (const std::string& path : e.paths) add(path, true);
  for (const std::string& path : e.gone_paths) add(path, false);
  const sim::Digest key = sim::bytes_digest(words.data(), words.size() * sizeof(words[0]));
  const auto [place, fresh] = remembered_[index].try_emplace(key);
  if (fresh) {
    judge_file(disk, view, e, &place->second);
    ++remembered_count_;
  }
  out->insert(out->end(), place->second.begin(), place->second.end());
  if (remembered_count_ < kMost) return;
  for (Verdicts& verdicts : remembered_) verdicts.clear();
  remembered_count_ = 0;
}

}  // namespace zerotail::harness
