// Generates the recommended up-case table from rules over ranges of code units.
//
// The recommended table is the simple upper-case mapping of Unicode 5.0 (basic multilingual plane),
// restricted to letters that come back when lowered again, with the deviations listed below. It
// knows no locale and no mapping to several characters; surrogates map to themselves.
#include "zerotail/exfat/upcase_table.h"

#include "zerotail/sim/assert.h"

namespace zerotail::exfat {
namespace {

// Lower-case letters first, first + step, ..., last are `delta` away from their capitals.
struct Rule {
  uint16_t first;
  uint16_t last;
  uint16_t step;
  int32_t delta;
};

// Blocks whose small letters lie in one piece.
constexpr Rule kShiftedBlocks[] = {
    {0x0061, 0x007A, 1, -32},    // basic Latin
    {0x00E0, 0x00F6, 1, -32},    // Latin-1, around the division sign
    {0x00F8, 0x00FE, 1, -32},    //
    {0x037B, 0x037D, 1, 130},    // Greek lunate sigma symbols
    {0x03AC, 0x03AC, 1, -38},    // Greek with tonos
    {0x03AD, 0x03AF, 1, -37},    //
    {0x03B1, 0x03CB, 1, -32},    // Greek (the final sigma: see the deviations)
    {0x03CC, 0x03CC, 1, -64},    //
    {0x03CD, 0x03CE, 1, -63},    //
    {0x0430, 0x044F, 1, -32},    // Cyrillic
    {0x0450, 0x045F, 1, -80},    //
    {0x0561, 0x0586, 1, -48},    // Armenian
    {0x1F00, 0x1F07, 1, 8},      // polytonic Greek: capitals lie behind the small letters
    {0x1F10, 0x1F15, 1, 8},      //
    {0x1F20, 0x1F27, 1, 8},      //
    {0x1F30, 0x1F37, 1, 8},      //
    {0x1F40, 0x1F45, 1, 8},      //
    {0x1F51, 0x1F57, 2, 8},      // upsilon has capitals with dasia only
    {0x1F60, 0x1F67, 1, 8},      //
    {0x1F70, 0x1F71, 1, 74},     //
    {0x1F72, 0x1F75, 1, 86},     //
    {0x1F76, 0x1F77, 1, 100},    //
    {0x1F78, 0x1F79, 1, 128},    //
    {0x1F7A, 0x1F7B, 1, 112},    //
    {0x1F7C, 0x1F7D, 1, 126},    //
    {0x1F80, 0x1F87, 1, 8},      //
    {0x1F90, 0x1F97, 1, 8},      //
    {0x1FA0, 0x1FA7, 1, 8},      //
    {0x1FB0, 0x1FB1, 1, 8},      //
    {0x1FB3, 0x1FB3, 1, 9},      //
    {0x1FD0, 0x1FD1, 1, 8},      //
    {0x1FE0, 0x1FE1, 1, 8},      //
    {0x1FE5, 0x1FE5, 1, 7},      //
    {0x214E, 0x214E, 1, -28},    // turned f
    {0x2170, 0x217F, 1, -16},    // Roman numerals
    {0x24D0, 0x24E9, 1, -26},    // circled Latin
    {0x2C30, 0x2C5E, 1, -48},    // Glagolitic
    {0x2D00, 0x2D25, 1, -7264},  // Georgian
    {0xFF41, 0xFF5A, 1, -32},    // fullwidth Latin
};

// Letters in pairs: the capital, then its small letter.
constexpr Rule kPairs[] = {
    {0x0101, 0x012F, 2, -1},
    {0x0133, 0x0137, 2, -1},
    {0x013A, 0x0148, 2, -1},
    {0x014B, 0x0177, 2, -1},
    {0x017A, 0x017E, 2, -1},
    {0x0183, 0x0185, 2, -1},
    {0x0188, 0x0188, 2, -1},
    {0x018C, 0x018C, 2, -1},
    {0x0192, 0x0192, 2, -1},
    {0x0199, 0x0199, 2, -1},
    {0x01A1, 0x01A5, 2, -1},
    {0x01A8, 0x01A8, 2, -1},
    {0x01AD, 0x01AD, 2, -1},
    {0x01B0, 0x01B0, 2, -1},
    {0x01B4, 0x01B6, 2, -1},
    {0x01B9, 0x01B9, 2, -1},
    {0x01BD, 0x01BD, 2, -1},
    {0x01CE, 0x01DC, 2, -1},
    {0x01DF, 0x01EF, 2, -1},
    {0x01F5, 0x01F5, 2, -1},
    {0x01F9, 0x021F, 2, -1},
    {0x0223, 0x0233, 2, -1},
    {0x023C, 0x023C, 2, -1},
    {0x0242, 0x0242, 2, -1},
    {0x0247, 0x024F, 2, -1},
    {0x03D9, 0x03EF, 2, -1},
    {0x03F8, 0x03F8, 2, -1},
    {0x03FB, 0x03FB, 2, -1},
    {0x0461, 0x0481, 2, -1},
    {0x048B, 0x04BF, 2, -1},
    {0x04C2, 0x04CE, 2, -1},
    {0x04D1, 0x0513, 2, -1},
    {0x1E01, 0x1E95, 2, -1},
    {0x1EA1, 0x1EF9, 2, -1},
    {0x2184, 0x2184, 2, -1},
    {0x2C61, 0x2C61, 2, -1},
    {0x2C68, 0x2C6C, 2, -1},
    {0x2C76, 0x2C76, 2, -1},
    {0x2C81, 0x2CE3, 2, -1},
    // Capital, title-case digraph, small digraph: DZ with caron, LJ, NJ, DZ.
    {0x01C6, 0x01CC, 3, -2},
    {0x01F3, 0x01F3, 3, -2},
};

// Single letters whose capital lies in another block: the phonetic letters, mostly.
constexpr Rule kStrays[] = {
    {0x00FF, 0x00FF, 1, 121},  {0x0180, 0x0180, 1, 195},   {0x0195, 0x0195, 1, 97},
    {0x019A, 0x019A, 1, 163},  {0x019E, 0x019E, 1, 130},   {0x01BF, 0x01BF, 1, 56},
    {0x01DD, 0x01DD, 1, -79},  {0x0253, 0x0253, 1, -210},  {0x0254, 0x0254, 1, -206},
    {0x0256, 0x0257, 1, -205}, {0x0259, 0x0259, 1, -202},  {0x025B, 0x025B, 1, -203},
    {0x0260, 0x0260, 1, -205}, {0x0263, 0x0263, 1, -207},  {0x0268, 0x0268, 1, -209},
    {0x0269, 0x0269, 1, -211}, {0x026B, 0x026B, 1, 10743}, {0x026F, 0x026F, 1, -211},
    {0x0272, 0x0272, 1, -213}, {0x0275, 0x0275, 1, -214},  {0x027D, 0x027D, 1, 10727},
    {0x0280, 0x0280, 1, -218}, {0x0283, 0x0283, 1, -218},  {0x0288, 0x0288, 1, -218},
    {0x0289, 0x0289, 1, -69},  {0x028A, 0x028B, 1, -217},  {0x028C, 0x028C, 1, -71},
    {0x0292, 0x0292, 1, -219}, {0x03F2, 0x03F2, 1, 7},     {0x04CF, 0x04CF, 1, -15},
    {0x1D7D, 0x1D7D, 1, 3814},
};

// Where the recommended table departs from Unicode.
constexpr Rule kDeviations[] = {
    {0x03C2, 0x03C2, 1, -31},    // final sigma counts as sigma, though it does not come back
    {0x023A, 0x023A, 1, 10795},  // A with stroke: the capital maps to the small letter
    {0x023E, 0x023E, 1, 10792},  // T with diagonal stroke: the same
    {0x1FCC, 0x1FCC, 1, -9},     // eta with prosgegrammeni: the same
    {0x1FFC, 0x1FFC, 1, -9},     // omega with prosgegrammeni: the same
};

void apply(std::span<const Rule> rules, std::vector<uint16_t>& mapping) {
  for (const Rule& rule : rules) {
    for (uint32_t unit = rule.first; unit <= rule.last; unit += rule.step) {
      mapping[unit] = static_cast<uint16_t>(static_cast<int32_t>(unit) + rule.delta);
    }
  }
}

// The recommended table spells out identity runs of up to 337 entries and compresses those of 843
// and more; any threshold between gives the same bytes.
constexpr uint32_t kShortestCompressedRun = 512;
constexpr uint16_t kRunMark = 0xFFFF;
constexpr uint32_t kLongestRun = 0xFFFF;

void append_unit(std::vector<std::byte>& out, uint16_t unit) {
  out.push_back(static_cast<std::byte>(unit & 0xFF));
  out.push_back(static_cast<std::byte>(unit >> 8));
}

uint32_t identity_run(std::span<const uint16_t> mapping, uint32_t from) {
  uint32_t unit = from;
  while (unit < mapping.size() && mapping[unit] == unit && unit - from < kLongestRun) ++unit;
  return unit - from;
}

}  // namespace

std::vector<uint16_t> default_upcase_mapping() {
  std::vector<uint16_t> mapping(kUpcaseUnits);
  for (uint32_t unit = 0; unit < kUpcaseUnits; ++unit) mapping[unit] = static_cast<uint16_t>(unit);
  apply(kShiftedBlocks, mapping);
  apply(kPairs, mapping);
  apply(kStrays, mapping);
  apply(kDeviations, mapping);
  return mapping;
}

std::vector<std::byte> compress_upcase(std::span<const uint16_t> mapping) {
  ZT_ASSERT(mapping.size() <= kUpcaseUnits);
  std::vector<std::byte> out;
  uint32_t unit = 0;
  while (unit < mapping.size()) {
    const uint32_t run = identity_run(mapping, unit);
    if (run >= kShortestCompressedRun) {
      append_unit(out, kRunMark);
      append_unit(out, static_cast<uint16_t>(run));
      unit += run;
      continue;
    }
    // An identity run that is not compressed is spelled out whole; 0xFFFF itself can only come
    // last, where a reader cannot take it for a mark.
    const uint32_t end = unit + (run > 0 ? run : 1);
    for (; unit < end; ++unit) append_unit(out, mapping[unit]);
  }
  return out;
}

std::vector<std::byte> default_upcase_table() { return compress_upcase(default_upcase_mapping()); }

uint32_t upcase_checksum(std::span<const std::byte> table) {
  uint32_t sum = 0;
  for (const std::byte byte : table) {
    sum = ((sum & 1) != 0 ? 0x80000000U : 0U) + (sum >> 1) + std::to_integer<uint32_t>(byte);
  }
  return sum;
}

}  // namespace zerotail::exfat
