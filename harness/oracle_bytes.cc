#include "oracle_bytes.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "zerotail/sim/units.h"

namespace zerotail::harness {
namespace {

constexpr size_t kPiece = FileContent::kChunk;
constexpr size_t kSector = sim::kSectorSize.value();

// Are the bytes at `pos` those of this version? False past its end.
bool equals(const ModelNode& node, uint64_t pos, std::span<const std::byte> got) {
  if (pos + got.size() > node.size) return false;
  std::array<std::byte, kPiece> want;
  while (!got.empty()) {
    const size_t length = std::min(got.size(), kPiece);
    node.content.read(pos, std::span(want).first(length));
    if (std::memcmp(want.data(), got.data(), length) != 0) return false;
    got = got.subspan(length);
    pos += length;
  }
  return true;
}

// One sector's bytes; loops over all of them have a constant length, for the compiler's sake.
using SectorBytes = std::array<uint8_t, kSector>;

// Which bytes of a piece of at most a sector are those of this version.
void mark_equal(const ModelNode& node, uint64_t pos, const SectorBytes& piece, SectorBytes* known) {
  if (pos >= node.size) return;
  SectorBytes want;
  const size_t length = std::min<uint64_t>(kSector, node.size - pos);
  node.content.read(pos, std::as_writable_bytes(std::span(want)).first(length));
  // Behind the version's end nothing is equal.
  for (size_t i = length; i < kSector; ++i) want[i] = static_cast<uint8_t>(~piece[i]);
  for (size_t i = 0; i < kSector; ++i) {
    (*known)[i] = static_cast<uint8_t>((*known)[i] | (want[i] == piece[i] ? 1 : 0));
  }
}

}  // namespace

std::optional<Foreign> foreign_bytes(std::span<const std::byte> got,
                                     const std::vector<const ModelNode*>& versions,
                                     bool zero_is_fine, bool whole, std::byte poison) {
  std::optional<Foreign> foreign;
  for (size_t begin = 0; begin < got.size(); begin += kSector) {
    const std::span<const std::byte> piece =
        got.subspan(begin, std::min(kSector, got.size() - begin));
    const auto same = [&](const ModelNode* node) { return equals(*node, begin, piece); };
    if (std::any_of(versions.begin(), versions.end(), same)) continue;
    SectorBytes bytes{};
    std::memcpy(bytes.data(), piece.data(), piece.size());
    SectorBytes known{};
    for (const ModelNode* node : versions) mark_equal(*node, begin, bytes, &known);
    const auto piece_end = known.begin() + static_cast<std::ptrdiff_t>(piece.size());
    if (whole && std::all_of(known.begin(), piece_end, [](uint8_t k) { return k != 0; })) {
      known.fill(0);
    }
    std::fill(piece_end, known.end(), uint8_t{1});
    if (zero_is_fine) {
      for (size_t i = 0; i < kSector; ++i) {
        known[i] = static_cast<uint8_t>(known[i] | (bytes[i] == 0 ? 1 : 0));
      }
    }
    size_t count = 0;
    size_t poisoned = 0;
    for (size_t i = 0; i < kSector; ++i) count += known[i] == 0 ? 1 : 0;
    if (count == 0) continue;
    const auto fill = std::to_integer<uint8_t>(poison);
    for (size_t i = 0; i < kSector; ++i) poisoned += known[i] == 0 && bytes[i] == fill ? 1 : 0;
    const auto at = [](auto from, auto to) {
      return static_cast<size_t>(std::find(from, to, uint8_t{0}) - from);
    };
    if (!foreign) foreign = Foreign{{begin + at(known.begin(), known.end()), 0}, 0, true};
    foreign->range.end = begin + kSector - at(known.rbegin(), known.rend());
    foreign->count += count;
    foreign->all_poison = foreign->all_poison && poisoned == count;
  }
  return foreign;
}

}  // namespace zerotail::harness
