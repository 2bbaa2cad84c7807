// The tree of sequences, one node a beginning: what stands on the volume after its steps, and which
// steps may follow.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "zerotail/harness/enumerate.h"
#include "zerotail/harness/model.h"

namespace zerotail::harness {

// What a path is before the first step.
enum class Initial : uint8_t {
  kAbsent,
  kPartial,    // a file with valid size < size, neither at a boundary
  kEmpty,      // a file of no bytes
  kFull,       // a file with valid size = size
  kChained,    // as kPartial, in clusters that do not follow each other
  kDirectory,  // an empty directory; `d` itself holds an untouched file
};

struct Need {
  std::string path;
  Initial initial = Initial::kAbsent;
  bool operator==(const Need&) const = default;
};

// The sizes that every boundary is made of, in bytes.
struct Scale {
  uint64_t sector = 0;
  uint64_t page = 4096;
  uint64_t cluster = 0;
  uint64_t valid = 0;  // of a kPartial file
  uint64_t size = 0;
};
[[nodiscard]] Scale scale_of(const EnumerateOptions& options);

struct Step {
  std::string text;            // as in the name
  std::vector<Operation> ops;  // the operation and what makes it persist
  std::vector<Need> needs;     // paths that this step is the first to use
};

// A beginning of a sequence. A value: extending it makes another one.
class Beginning {
 public:
  struct Node {
    bool directory = false;
    uint64_t valid = 0;
    uint64_t size = 0;
  };

  Beginning(const EnumerateOptions& options, const ModelGeometry& geometry);
  [[nodiscard]] Beginning with(const Step& step) const;

  [[nodiscard]] const Scale& scale() const { return scale_; }
  [[nodiscard]] size_t steps() const { return step_count_; }
  // The path has been used by a step: what it was at the start is decided.
  [[nodiscard]] bool used(const std::string& path) const { return used_.contains(path); }
  [[nodiscard]] bool open(const std::string& path) const { return open_.contains(path); }
  // What used paths are now, and what lies below them.
  [[nodiscard]] const std::map<std::string, Node>& tree() const { return tree_; }
  [[nodiscard]] Trace trace(const std::string& name) const;
  // Equal for beginnings that have the same continuations.
  [[nodiscard]] std::string signature() const;

 private:
  void look();
  [[nodiscard]] std::vector<Operation> setup() const;
  void make(const Need& need, std::vector<Operation>* ops) const;

  EnumerateOptions options_;
  Scale scale_;
  // What a step needs is made here when the step comes, in the trace before the first one: names
  // and sizes, all that is asked of it, are the same.
  Model model_;
  size_t step_count_ = 0;
  std::vector<Need> needs_;
  std::vector<Operation> ops_;
  std::set<std::string> used_;
  std::set<std::string> open_;
  std::map<std::string, Node> tree_;
};

// Every step that may follow, in order; what is dropped is counted. `last`: it ends the sequence.
[[nodiscard]] std::vector<Step> steps_after(const Beginning& beginning, bool last,
                                            std::array<uint64_t, kDropRuleCount>* dropped);

// How many they are, without making them.
[[nodiscard]] uint64_t count_steps_after(const Beginning& beginning, bool last,
                                         std::array<uint64_t, kDropRuleCount>* dropped);

// Paths in names: `d/f` is `df`.
[[nodiscard]] std::string path_word(const std::string& path);

}  // namespace zerotail::harness
