#include "fault/crash_definition.h"

#include <algorithm>
#include <cstring>

namespace zerotail::fault {

namespace {

using sim::BioOp;
using sim::IoRecord;

// A word of garbage, and a word that holds more than one value, which none here does.
constexpr char kGarbage = '*';
constexpr char kMixed = '!';

char letter(std::byte value) { return static_cast<char>('.' + std::to_integer<int>(value)); }

char word_of(sim::Sector sector, const std::byte* content, uint64_t word) {
  std::vector<std::byte> garbage(sim::kSectorSize.value());
  fill_garbage(sector, garbage.data());
  const size_t at = word * kTearWord.value();
  if (std::memcmp(content + at, garbage.data() + at, kTearWord.value()) == 0) return kGarbage;
  for (size_t i = 1; i < kTearWord.value(); ++i) {
    if (content[at + i] != content[at]) return kMixed;
  }
  return letter(content[at]);
}

}  // namespace

std::string first_sectors(const sim::SectorReader& disk) {
  std::string text;
  for (uint64_t s = 0; s < kSectors; ++s) {
    const sim::Sector sector{s};
    for (uint64_t w = 0; w < kWordsPerSector; ++w) text += word_of(sector, disk.sector(sector), w);
  }
  return text;
}

CrashDefinition::CrashDefinition(const LogBuilder& log, const CrashModelOptions& options)
    : records_(log.log().records()), options_(options), base_(first_sectors(log.base())) {}

Contents CrashDefinition::at(uint64_t event) const {
  std::vector<uint32_t> unknown;  // PREFLUSHes whose flush may or may not have been done
  for (uint32_t r = 0; r < records_.size(); ++r) {
    if (is_preflush(r) && records_[r].submit_event <= event && !completed(r, event)) {
      unknown.push_back(r);
    }
  }
  Contents found;
  for (uint32_t choice = 0; choice < (1U << unknown.size()); ++choice) {
    std::set<uint32_t> done;
    for (size_t i = 0; i < unknown.size(); ++i) {
      if ((choice >> i & 1) != 0) done.insert(unknown[i]);
    }
    add_contents(event, done, found);
  }
  return found;
}

// Where nothing overtakes, a PREFLUSH does not hold its write back any further.
bool CrashDefinition::is_preflush(uint32_t r) const {
  return records_[r].op == BioOp::kWrite && records_[r].preflush && options_.honour_flush;
}

bool CrashDefinition::completed(uint32_t r, uint64_t event) const {
  const IoRecord& record = records_[r];
  return record.complete() && record.complete_event <= event && record.status == sim::Errno::kOk;
}

// Whether a write is durable for sure, given which PREFLUSHes in flight have flushed.
bool CrashDefinition::forced(uint32_t r, uint64_t event, const std::set<uint32_t>& done) const {
  if (!completed(r, event)) return false;
  if (options_.write_through || (records_[r].fua && options_.honour_fua)) return true;
  if (!options_.honour_flush) return false;
  for (uint32_t f = 0; f < records_.size(); ++f) {
    const bool flushes = records_[f].op == BioOp::kFlush || is_preflush(f);
    const bool finished = completed(f, event) || done.count(f) != 0;
    if (flushes && finished && completed(r, records_[f].submit_event)) return true;
  }
  return false;
}

void CrashDefinition::cut(uint32_t r, bool is_forced, Atoms& atoms) const {
  const IoRecord& record = records_[r];
  const bool discard = record.op == BioOp::kDiscard;
  const uint64_t unit = sim::sectors(options_.atomic_unit).value();
  const uint64_t end = (record.sector + record.count).value();
  for (uint64_t s = record.sector.value(); s < end;) {
    const bool whole = options_.atomic_bios && !discard;
    const uint64_t next = whole ? end : std::min(end, sim::round_down(s, unit) + unit);
    Atom atom{.record = r, .sector = s, .count = next - s, .forced = is_forced, .value = 0};
    if (discard) atom.value = letter(options_.discard_fill);
    const bool any = discard && options_.discard_any && !options_.ordered;
    if (any) atom.forced = false;
    atoms.push_back(atom);
    if (any) {
      atom.value = kGarbage;
      atoms.push_back(atom);
    }
    s = next;
  }
}

// Whether a was finished when b was submitted, so that b lands later.
bool CrashDefinition::before(const Atom& a, const Atom& b) const {
  const IoRecord& first = records_[a.record];
  return a.record < b.record && first.complete() &&
         first.complete_event < records_[b.record].submit_event;
}

void CrashDefinition::lay(const Atom& atom, std::string& medium) const {
  const IoRecord& record = records_[atom.record];
  for (uint64_t s = atom.sector; s < atom.sector + atom.count; ++s) {
    char value = atom.value;
    if (value == 0)
      value = letter((*record.data)[sim::bytes(sim::Sector{s} - record.sector).value()]);
    for (uint64_t w = 0; w < kWordsPerSector; ++w) medium[s * kWordsPerSector + w] = value;
  }
}

void CrashDefinition::add_contents(uint64_t event, const std::set<uint32_t>& done,
                                   Contents& found) const {
  Atoms atoms;
  for (uint32_t r = 0; r < records_.size(); ++r) {
    const IoRecord& record = records_[r];
    if (record.op == BioOp::kFlush || record.submit_event > event) continue;
    const bool waits = is_preflush(r) && !options_.ordered;
    if (waits && !completed(r, event) && done.count(r) == 0) continue;
    cut(r, forced(r, event, done), atoms);
  }
  Contents whole;
  if (options_.ordered) {
    whole = prefixes(atoms);
  } else if (options_.atomic_bios) {
    whole = by_bio(atoms);
  } else if (options_.atomic_unit > sim::kSectorSize) {
    whole = by_unit(atoms);
  } else {
    whole = by_sector(atoms);
  }
  found.insert(whole.begin(), whole.end());
  tear(atoms, whole, found);
}

Contents CrashDefinition::prefixes(const Atoms& atoms) const {
  size_t least = atoms.size();  // atoms up to the last forced one are all there
  while (least > 0 && !atoms[least - 1].forced) --least;
  Contents whole;
  for (size_t n = least; n <= atoms.size(); ++n) {
    std::string medium = base_;
    for (size_t i = 0; i < n; ++i) lay(atoms[i], medium);
    whole.insert(medium);
  }
  return whole;
}

// A sector holds any of its atoms that no forced one lands after, or the base's content when none
// is forced. Sectors are independent.
Contents CrashDefinition::by_sector(const Atoms& atoms) const {
  Contents whole{base_};
  for (uint64_t s = 0; s < kSectors; ++s) {
    const auto forced_after = [&](const Atom* atom) {
      return std::any_of(atoms.begin(), atoms.end(), [&](const Atom& other) {
        return other.forced && other.holds(s) && (atom == nullptr || before(*atom, other));
      });
    };
    Contents next;
    if (!forced_after(nullptr)) next = whole;
    for (const Atom& atom : atoms) {
      if (!atom.holds(s) || forced_after(&atom)) continue;
      for (std::string medium : whole) {
        lay(atom, medium);
        next.insert(medium);
      }
    }
    whole = std::move(next);
  }
  return whole;
}

// Of each unit a first part of the atoms that are not forced, with those that are.
Contents CrashDefinition::by_unit(const Atoms& atoms) const {
  const uint64_t unit = sim::sectors(options_.atomic_unit).value();
  Contents whole{base_};
  for (uint64_t u = 0; u < kSectors; u += unit) {
    Atoms here;
    for (const Atom& atom : atoms) {
      if (atom.sector / unit == u / unit) here.push_back(atom);
    }
    Contents next;
    for (size_t n = 0; n <= here.size(); ++n) {
      for (std::string medium : whole) {
        for (size_t i = 0; i < here.size(); ++i) {
          if (i < n || here[i].forced) lay(here[i], medium);
        }
        next.insert(medium);
      }
    }
    whole = std::move(next);
  }
  return whole;
}

Contents CrashDefinition::by_bio(const Atoms& atoms) const {
  Contents whole;
  Atoms chosen;
  choose(atoms, 0, chosen, whole);
  return whole;
}

void CrashDefinition::choose(const Atoms& atoms, size_t next, Atoms& chosen,
                             Contents& found) const {
  if (next == atoms.size()) return lay_in_any_order(chosen, base_, found);
  if (!atoms[next].forced) choose(atoms, next + 1, chosen, found);
  chosen.push_back(atoms[next]);
  choose(atoms, next + 1, chosen, found);
  chosen.pop_back();
}

// In each order that keeps `before`, as far as atoms touch.
void CrashDefinition::lay_in_any_order(const Atoms& left, const std::string& medium,
                                       Contents& found) const {
  if (left.empty()) {
    found.insert(medium);
    return;
  }
  const auto touch = [](const Atom& a, const Atom& b) {
    return a.sector < b.sector + b.count && b.sector < a.sector + a.count;
  };
  bool alone = false;  // an atom that touches no other can as well be the first
  for (size_t i = 0; i < left.size() && !alone; ++i) {
    const bool first =
        std::none_of(left.begin(), left.end(), [&](const Atom& a) { return before(a, left[i]); });
    if (!first) continue;
    alone = std::none_of(left.begin(), left.end(), [&](const Atom& a) {
      return &a != &left[i] && touch(a, left[i]) && !before(left[i], a);
    });
    std::string with = medium;
    lay(left[i], with);
    Atoms rest = left;
    rest.erase(rest.begin() + static_cast<ptrdiff_t>(i));
    lay_in_any_order(rest, with, found);
  }
}

void CrashDefinition::tear(const Atoms& atoms, const Contents& whole, Contents& found) const {
  const bool unit = options_.tear_word != sim::ByteCount{};
  if (!unit && options_.damage_block == sim::ByteCount{}) return;
  const uint64_t place = sim::sectors(unit ? options_.atomic_unit : options_.damage_block).value();
  const uint64_t part = unit ? 1 : sim::sectors(options_.damage_grain).value() * kWordsPerSector;
  for (uint64_t at = 0; at < kSectors; at += place) {
    if (!being_written(atoms, at, at + place)) continue;
    const uint64_t begin = at * kWordsPerSector;
    const uint64_t limit = (at + place) * kWordsPerSector;
    Contents ways;  // what the place can hold
    for (const std::string& medium : whole) ways.insert(medium.substr(begin, limit - begin));
    for (const std::string& medium : whole) {
      for (uint64_t first = begin; first < limit; first += part) {
        for (uint64_t end = first + part; end <= limit; end += part) {
          std::string torn = medium;
          const auto show = [&](char c) {
            torn.replace(first, end - first, end - first, c);
            found.insert(torn);
          };
          show(kGarbage);
          if (options_.damage_erased) show(letter(std::byte{0xFF}));
          if (!unit) continue;
          for (const std::string& way : ways) {
            torn.replace(first, end - first, way, first - begin, end - first);
            found.insert(torn);
          }
        }
      }
    }
  }
}

// Whether an atom in [begin, end) is not forced, nor gone below a forced one.
bool CrashDefinition::being_written(const Atoms& atoms, uint64_t begin, uint64_t end) const {
  return std::any_of(atoms.begin(), atoms.end(), [&](const Atom& atom) {
    if (atom.forced || atom.sector >= end || begin >= atom.sector + atom.count) return false;
    return std::none_of(atoms.begin(), atoms.end(), [&](const Atom& other) {
      return other.forced && other.holds(atom.sector) && before(atom, other);
    });
  });
}

}  // namespace zerotail::fault
