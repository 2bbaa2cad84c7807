// What the core answers about a mounted volume against what the checker reads from the same image.
// Only what is sound is compared: in a directory with a torn set a driver may show an entry, hide
// it or answer an error; what it must do is end.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "zerotail/harness/check_view.h"
#include "zerotail/harness/finding.h"
#include "zerotail/sim/sector_reader.h"
#include "zerotail/volume/volume.h"

namespace zerotail::harness {

// What the core says of a volume: its directories by path, each with its entries in order.
struct CoreAnswers {
  struct Entry {
    bool listed_directory = false;  // as the listing has it
    bool directory = false;         // as stat has it
    uint64_t size = 0;
    std::string error;  // of stat; empty: none
  };
  struct Directory {
    bool listed = false;
    std::string error;
    std::vector<std::pair<std::string, Entry>> entries;  // by name
  };
  bool mounted = false;
  std::string error;  // why it was not
  std::map<std::string, Directory> directories;
};

// Lists the whole tree, but at most `limit` directories by path: the tree may be a DAG.
void list_tree(volume::Volume& volume, uint64_t limit, CoreAnswers* answers);

// Violations of kMountable: "no-mount", or "core-differs" where both see a sound thing and not the
// same.
[[nodiscard]] std::vector<Violation> compare_answers(const CoreAnswers& answers,
                                                     const VolumeView& view);

// Reads the first `limit` bytes of a file through the core and from the image. Nothing is compared
// when the checker finds fault with the file or its directory.
void compare_file(volume::Volume& volume, const sim::SectorReader& disk, const VolumeView& view,
                  const std::string& path, uint64_t limit, std::vector<Violation>* out);

}  // namespace zerotail::harness
