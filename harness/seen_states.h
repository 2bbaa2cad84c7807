// Which crash states of one context have been judged, or need not be. Internal to the harness.
//
// Near units are those that every look at the volume may read. Far ones lie where nothing of the
// segment's base points to; a state reads some of them only when something else of it points there.
// Invariant: a state is equivalent to one that was judged when both agree in the near units and in
// all far units which that one has read. So nothing need be known of a far unit before it is read.
#pragma once

#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "zerotail/fault/crash_model.h"

namespace zerotail::harness {

class SeenStates {
 public:
  enum class Known : uint8_t { kNo, kSame, kEquivalent };

  // A new context: other expectations, or another segment.
  void begin(std::vector<uint32_t> far_units);
  // Was this disk seen before, or one that only differs where nobody reads? Remembers the disk.
  Known look_up(const fault::CrashImage& image);
  // The state was judged and has read these far units.
  void add(const fault::CrashImage& image, const std::vector<uint32_t>& read);

 private:
  struct DigestHash {
    size_t operator()(const sim::Digest& digest) const { return digest.low; }
  };
  using Digests = std::unordered_set<sim::Digest, DigestHash>;
  // Judged states that read the same far units.
  struct Group {
    std::vector<uint32_t> read;
    Digests states;  // of near units and these
  };
  [[nodiscard]] sim::Digest near(const fault::CrashImage& image) const;

  std::vector<uint32_t> far_;
  Digests disks_;
  std::unordered_map<sim::Digest, std::vector<Group>, DigestHash> groups_;  // by near units
  size_t size_ = 0;
};

}  // namespace zerotail::harness
