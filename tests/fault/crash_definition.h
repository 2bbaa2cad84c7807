// The crash model's definition, to compare the model with: by brute force, without segments,
// versions or points.
//
// A write is a set of atoms: one a unit, or the whole bio. At a moment, some atoms must be on the
// medium (what a finished flush covered, what a finished FUA write wrote), some cannot be (writes
// not submitted, writes behind a PREFLUSH that has not been done); each other atom may be there or
// not. The medium shows what is there, laid down in any order in which no atom comes before one
// that was finished when it was submitted. Whether the flush of a PREFLUSH in flight has been done
// is unknown: each choice for each of them is followed.
//
// A discard is two atoms a unit (the fill, garbage), and nothing forces them. Units larger than a
// sector are written as a cache holds them: an atom takes the earlier ones of its unit with it.
// Where nothing overtakes, the atoms that are there are a first part of all. A device that tears
// shows, in one place that an atom not forced lies in, any run of words as another content that the
// place could have, or as garbage; one that damages shows any run of grains as garbage or erased.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "fault/log_builder.h"

namespace zerotail::fault {

using Contents = std::set<std::string>;

inline constexpr uint64_t kSectors = 4;
// Words that the tests tear are larger than a device's, so that all of them can be tried.
inline constexpr uint64_t kWordsPerSector = 4;
inline constexpr sim::ByteCount kTearWord = sim::kSectorSize / kWordsPerSector;

// The first sectors of a disk, a letter a word.
[[nodiscard]] std::string first_sectors(const sim::SectorReader& disk);

class CrashDefinition {
 public:
  CrashDefinition(const LogBuilder& log, const CrashModelOptions& options);
  // What the medium can hold right after an event.
  [[nodiscard]] Contents at(uint64_t event) const;

 private:
  struct Atom {
    uint32_t record = 0;
    uint64_t sector = 0;
    uint64_t count = 0;
    bool forced = false;
    char value = 0;  // of a discard; else 0: the write's own bytes
    [[nodiscard]] bool holds(uint64_t s) const { return s >= sector && s < sector + count; }
  };
  using Atoms = std::vector<Atom>;

  [[nodiscard]] bool is_preflush(uint32_t record) const;
  [[nodiscard]] bool completed(uint32_t record, uint64_t event) const;
  [[nodiscard]] bool forced(uint32_t record, uint64_t event, const std::set<uint32_t>& done) const;
  void cut(uint32_t record, bool is_forced, Atoms& atoms) const;
  [[nodiscard]] bool before(const Atom& a, const Atom& b) const;
  void lay(const Atom& atom, std::string& medium) const;

  void add_contents(uint64_t event, const std::set<uint32_t>& done, Contents& found) const;
  [[nodiscard]] Contents prefixes(const Atoms& atoms) const;
  [[nodiscard]] Contents by_sector(const Atoms& atoms) const;
  [[nodiscard]] Contents by_unit(const Atoms& atoms) const;
  [[nodiscard]] Contents by_bio(const Atoms& atoms) const;
  void choose(const Atoms& atoms, size_t next, Atoms& chosen, Contents& found) const;
  void lay_in_any_order(const Atoms& left, const std::string& medium, Contents& found) const;
  void tear(const Atoms& atoms, const Contents& whole, Contents& found) const;
  [[nodiscard]] bool being_written(const Atoms& atoms, uint64_t begin, uint64_t end) const;

  const std::vector<sim::IoRecord>& records_;
  CrashModelOptions options_;
  std::string base_;
};

}  // namespace zerotail::fault
