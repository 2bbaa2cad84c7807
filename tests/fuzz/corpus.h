// Recipes and images as files: replaying one, and the seed corpus, which is computed: one recipe
// for every field that can be edited and one for every kind of operation, on every base.
#pragma once

#include <string>
#include <vector>

#include "fuzz/run.h"

namespace zerotail::fuzz {

struct Replay {
  Recipe recipe;  // empty for an image
  Report report;
  // Findings and broken expectations.
  [[nodiscard]] std::vector<std::string> complaints() const;
};

// Errors name the file.
[[nodiscard]] sim::Result<Replay> replay_file(const std::string& path);
// The files of a folder, sorted; none when there is no such folder.
[[nodiscard]] std::vector<std::string> files_of(const std::string& folder);

struct Seed {
  std::string name;
  std::string text;
};
[[nodiscard]] std::vector<Seed> seeds();
// Writes them as files; how many. The folder must be there.
[[nodiscard]] sim::Result<size_t> write_seeds(const std::string& folder);

}  // namespace zerotail::fuzz
