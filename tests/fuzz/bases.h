// The sound volumes that recipes start from: small, each with another geometry, and between them
// everything a volume can hold. Made once a process, by the core itself.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "zerotail/harness/image_edit.h"
#include "zerotail/harness/trace.h"
#include "zerotail/sim/mem_disk.h"

namespace zerotail::fuzz {

struct Base {
  std::string name;
  harness::TraceHeader header;
  sim::Snapshot disk;
  harness::ImageEditor editor;
};

[[nodiscard]] const std::vector<Base>& bases();
// Null: no such base.
[[nodiscard]] const Base* find_base(std::string_view name);

}  // namespace zerotail::fuzz
