// Directory entries: cuts a directory into entry sets and judges each by its own bytes.
//
// A set is its primary entry and the in-use secondary entries that follow it, at most as many as
// SecondaryCount says. Deleted entries are skipped. Benign entries that are not known are accepted
// with their secondaries, as the specification asks.
#include <array>
#include <cstring>

#include "check_parse.h"

namespace zerotail::harness {

namespace {

constexpr size_t kLargestSet = 256;  // SecondaryCount is one byte

CheckProblem set_problem(CheckClass kind, uint32_t entry, uint64_t found, uint64_t wanted,
                         const char* field = "") {
  CheckProblem p;
  p.kind = kind;
  p.entry = entry;
  p.found = found;
  p.wanted = wanted;
  p.field = field;
  return p;
}

// Specification 7.7.3: no control characters and none of these.
const char* name_fault(std::u16string_view name) {
  if (name.empty()) return "the name is empty";
  if (name == u"." || name == u"..") return "the name is . or ..";
  for (const char16_t unit : name) {
    if (unit < 0x20) return "a control character in the name";
    if (unit < 0x80 && std::strchr("\"*/:<>?\\|", static_cast<int>(unit)) != nullptr) {
      return "a forbidden character in the name";
    }
  }
  return nullptr;
}

bool ascii(std::u16string_view name) {
  for (const char16_t unit : name) {
    if (unit >= 0x80) return false;
  }
  return true;
}

// Parses one set from its contiguous bytes.
class SetParser {
 public:
  SetParser(const std::byte* bytes, uint32_t entry, uint32_t entries, const UpcaseTable& upcase)
      : bytes_(bytes), upcase_(upcase) {
    set_.entry = entry;
    set_.entries = entries;
  }

  EntrySet parse() {
    set_.attributes = disk::u16(bytes_ + 4);
    set_.directory = (set_.attributes & disk::kAttributeDirectory) != 0;
    set_.fault = structure_fault();
    if (set_.fault != nullptr) {
      set_.problems.push_back(set_problem(CheckClass::kSetBroken, set_.entry, 0, 0, set_.fault));
      return std::move(set_);
    }
    load_times();
    load_stream();
    load_name();
    load_vendor();
    judge();
    return std::move(set_);
  }

 private:
  [[nodiscard]] const std::byte* at(uint32_t index) const {
    return bytes_ + size_t{index} * disk::kEntrySize;
  }

  [[nodiscard]] SetFault structure_fault() const {
    const uint32_t wanted = 1u + disk::u8(bytes_ + 1);
    if (wanted < 3) return "SecondaryCount is below 2";
    if (set_.entries < wanted) return "fewer secondary entries than SecondaryCount says";
    if (disk::u8(at(1)) != disk::kTypeStream) return "the second entry is no stream extension";
    const uint32_t names = name_entries();
    if (2 + names > wanted) return "fewer name entries than NameLength needs";
    for (uint32_t i = 2; i < wanted; ++i) {
      const uint8_t type = disk::u8(at(i));
      if (i < 2 + names) {
        if (type != disk::kTypeName) return "an entry among the names is none";
      } else if (type == disk::kTypeName) {
        return "more name entries than NameLength needs";
      } else if (!disk::benign(type)) {
        return "an unknown critical secondary entry";
      }
    }
    return nullptr;
  }

  // An empty name still has one name entry.
  [[nodiscard]] uint32_t name_entries() const {
    const uint32_t length = disk::u8(at(1) + 3);
    return length == 0 ? 1 : (length + disk::kNameUnitsPerEntry - 1) / disk::kNameUnitsPerEntry;
  }

  void load_times() {
    set_.create_time = disk::u32(bytes_ + 8);
    set_.modify_time = disk::u32(bytes_ + 12);
    set_.access_time = disk::u32(bytes_ + 16);
    set_.create_10ms = disk::u8(bytes_ + 20);
    set_.modify_10ms = disk::u8(bytes_ + 21);
    set_.create_utc = disk::u8(bytes_ + 22);
    set_.modify_utc = disk::u8(bytes_ + 23);
    set_.access_utc = disk::u8(bytes_ + 24);
  }

  void load_stream() {
    const std::byte* stream = at(1);
    const uint8_t flags = disk::u8(stream + 1);
    set_.allocation_possible = (flags & 1) != 0;
    set_.no_fat_chain = (flags & 2) != 0;
    set_.name_hash = disk::u16(stream + 4);
    set_.valid_data_length = disk::u64(stream + 8);
    set_.first_cluster = sim::Cluster{disk::u32(stream + 20)};
    set_.data_length = disk::u64(stream + 24);
  }

  void load_name() {
    const uint32_t length = disk::u8(at(1) + 3);
    set_.name.reserve(length);
    for (uint32_t i = 0; i < length; ++i) {
      const std::byte* entry = at(2 + i / disk::kNameUnitsPerEntry);
      const uint32_t unit = i % disk::kNameUnitsPerEntry;
      set_.name += static_cast<char16_t>(disk::u16(entry + 2 + 2 * unit));
    }
    set_.utf8 = to_utf8(set_.name);
    set_.name_key = upcase_.name_key(set_.name);
  }

  void load_vendor() {
    for (uint32_t i = 2 + name_entries(); i < set_.entries; ++i) {
      const std::byte* entry = at(i);
      if (disk::u8(entry) != disk::kTypeVendorAllocation) continue;
      const uint8_t flags = disk::u8(entry + 1);
      if ((flags & 1) == 0) continue;
      set_.vendor.push_back({.first_cluster = sim::Cluster{disk::u32(entry + 20)},
                             .data_length = disk::u64(entry + 24),
                             .no_fat_chain = (flags & 2) != 0});
    }
  }

  [[nodiscard]] uint16_t right_checksum() const {
    uint16_t sum = 0;
    const size_t length = size_t{set_.entries} * disk::kEntrySize;
    for (size_t i = 0; i < length; ++i) {
      if (i != 2 && i != 3) sum = disk::add16(sum, disk::u8(bytes_ + i));
    }
    return sum;
  }

  void complain(CheckClass kind, uint64_t found, uint64_t wanted, const char* field = "") {
    CheckProblem p = set_problem(kind, set_.entry, found, wanted, field);
    p.path = set_.utf8;
    set_.problems.push_back(std::move(p));
  }

  void judge() {
    set_.set_checksum = disk::u16(bytes_ + 2);
    const uint16_t sum = right_checksum();
    set_.checksum_ok = sum == set_.set_checksum;
    if (!set_.checksum_ok) complain(CheckClass::kSetChecksum, set_.set_checksum, sum);
    const char* fault = name_fault(set_.name);
    set_.name_ok = fault == nullptr;
    if (!set_.name_ok) complain(CheckClass::kBadName, 0, 0, fault);
    const uint16_t hash = upcase_.name_hash(set_.name);
    // Without the volume's table nothing can be said of names beyond ASCII.
    set_.name_hash_ok = hash == set_.name_hash || !(upcase_.from_volume() || ascii(set_.name));
    if (!set_.name_hash_ok) complain(CheckClass::kNameHash, set_.name_hash, hash);
    judge_sizes();
  }

  void judge_sizes() {
    const uint64_t size = set_.data_length;
    const uint64_t valid = set_.valid_data_length;
    const uint64_t first = set_.first_cluster.value();
    if (first != 0 && !set_.allocation_possible) complain(CheckClass::kAllocationFlag, first, 0);
    if (first == 0 && size == 0 && set_.no_fat_chain) complain(CheckClass::kEmptyNoFatChain, 0, 0);
    if (set_.directory) {
      if (valid != size) complain(CheckClass::kDirectoryValidSize, valid, size);
    } else {
      if (valid > size) complain(CheckClass::kValidSize, valid, size);
      if (first != 0 && size == 0) complain(CheckClass::kEmptyWithCluster, first, 0);
    }
  }

  const std::byte* bytes_;
  const UpcaseTable& upcase_;
  EntrySet set_;
};

// Finds equal names: an open-addressed table of indices into the directory's sets.
void find_duplicates(RawDirectory& raw, const UpcaseTable& upcase) {
  size_t size = 16;
  while (size < 2 * raw.sets.size()) size *= 2;
  std::vector<uint32_t> slots(size, 0);  // index + 1
  for (uint32_t i = 0; i < raw.sets.size(); ++i) {
    const uint32_t key = raw.name_keys[i];
    if (key == 0) continue;
    size_t slot = key * 0x9E3779B1u & (size - 1);
    for (; slots[slot] != 0; slot = (slot + 1) & (size - 1)) {
      const uint32_t other = slots[slot] - 1;
      const bool same =
          raw.name_keys[other] == key && upcase.same_name(raw.sets[other]->name, raw.sets[i]->name);
      if (!same) continue;
      CheckProblem p = set_problem(CheckClass::kDuplicateName, raw.sets[i]->entry, 0, 0);
      p.path = raw.sets[i]->utf8;
      p.other = raw.sets[other]->utf8;
      raw.problems.push_back(std::move(p));
      break;
    }
    if (slots[slot] == 0) slots[slot] = i + 1;
  }
}

class DirectoryParser {
 public:
  DirectoryParser(const sim::SectorReader& disk, const CheckGeometry& geometry,
                  std::span<const ClusterRun> runs, uint64_t length)
      : reader_(disk, geometry, runs), limit_(static_cast<uint32_t>(length / disk::kEntrySize)) {}

  [[nodiscard]] uint32_t limit() const { return limit_; }
  [[nodiscard]] const std::byte* entry(uint32_t index) {
    return reader_.sector(index / disk::kEntriesPerSector) +
           size_t{index % disk::kEntriesPerSector} * disk::kEntrySize;
  }
  [[nodiscard]] uint8_t type(uint32_t index) { return disk::u8(entry(index)); }

  // Entries of the set whose primary is at `index`: 1 + the secondaries that are really there.
  [[nodiscard]] uint32_t set_length(uint32_t index, uint32_t secondaries) {
    uint32_t n = 1;
    while (n <= secondaries && index + n < limit_) {
      const uint8_t t = type(index + n);
      if (!disk::in_use(t) || !disk::secondary(t)) break;
      ++n;
    }
    return n;
  }

  // The bytes of `count` entries in one piece: in place where they do not cross a sector.
  [[nodiscard]] const std::byte* gather(uint32_t index, uint32_t count) {
    if (index / disk::kEntriesPerSector == (index + count - 1) / disk::kEntriesPerSector) {
      return entry(index);
    }
    for (uint32_t i = 0; i < count; ++i) {
      std::memcpy(buffer_.data() + size_t{i} * disk::kEntrySize, entry(index + i),
                  disk::kEntrySize);
    }
    return buffer_.data();
  }

  [[nodiscard]] SpecialEntry special(uint32_t index) {
    const std::byte* e = entry(index);
    SpecialEntry s;
    s.type = disk::u8(e);
    s.entry = index;
    s.flags = disk::u8(e + 1);
    if (s.type == disk::kTypeLabel) {
      for (uint32_t i = 0; i < s.flags && i < 11; ++i) {
        s.label += static_cast<char16_t>(disk::u16(e + 2 + 2 * size_t{i}));
      }
    } else {
      s.first_cluster = sim::Cluster{disk::u32(e + 20)};
      s.data_length = disk::u64(e + 24);
      if (s.type == disk::kTypeUpcase) s.checksum = disk::u32(e + 4);
    }
    return s;
  }

 private:
  disk::RunReader reader_;
  uint32_t limit_;
  std::array<std::byte, kLargestSet * disk::kEntrySize> buffer_;
};

bool special_type(uint8_t type) {
  return type == disk::kTypeBitmap || type == disk::kTypeUpcase || type == disk::kTypeLabel;
}

// A run of entries of one kind becomes one problem.
void grow_run(std::vector<CheckProblem>& problems, CheckClass kind, uint32_t entry) {
  if (!problems.empty()) {
    CheckProblem& last = problems.back();
    if (last.kind == kind && last.entry + last.found == entry) {
      ++last.found;
      return;
    }
  }
  problems.push_back(set_problem(kind, entry, 1, 0));
}

std::shared_ptr<const EntrySet> recall_or_parse(DirectoryParser& parser, uint32_t index,
                                                uint32_t entries, const UpcaseTable& upcase,
                                                CheckMemo* memo, ParseCounters& counters) {
  const std::byte* bytes = parser.gather(index, entries);
  const sim::Digest digest = sim::bytes_digest(bytes, size_t{entries} * disk::kEntrySize, index);
  if (memo != nullptr) {
    if (auto known = memo->set(digest + upcase.digest())) {
      ++counters.sets_recalled;
      return known;
    }
  }
  ++counters.sets_parsed;
  EntrySet parsed = SetParser{bytes, index, entries, upcase}.parse();
  parsed.digest = digest;
  auto set = std::make_shared<const EntrySet>(std::move(parsed));
  if (memo != nullptr) memo->keep(digest + upcase.digest(), set);
  return set;
}

}  // namespace

std::shared_ptr<const RawDirectory> parse_directory(const sim::SectorReader& disk,
                                                    const CheckGeometry& geometry,
                                                    std::span<const ClusterRun> runs,
                                                    uint64_t length, const UpcaseTable& upcase,
                                                    CheckMemo* memo, ParseCounters& counters) {
  auto raw = std::make_shared<RawDirectory>();
  raw->runs.assign(runs.begin(), runs.end());
  raw->length = length;
  DirectoryParser parser{disk, geometry, runs, length};
  uint32_t index = 0;
  while (index < parser.limit()) {
    const uint8_t type = parser.type(index);
    if (type == disk::kTypeEnd) break;
    uint32_t taken = 1;
    if (!disk::in_use(type)) {
      // deleted
    } else if (disk::secondary(type)) {
      grow_run(raw->problems, CheckClass::kOrphanSecondary, index);
    } else if (type == disk::kTypeFile) {
      taken = parser.set_length(index, disk::u8(parser.entry(index) + 1));
      raw->sets.push_back(recall_or_parse(parser, index, taken, upcase, memo, counters));
      raw->name_keys.push_back(raw->sets.back()->name_key);
    } else if (special_type(type)) {
      raw->specials.push_back(parser.special(index));
    } else {
      if (!disk::benign(type)) {
        raw->problems.push_back(set_problem(CheckClass::kUnknownCritical, index, type, 0));
      }
      taken = parser.set_length(index, disk::u8(parser.entry(index) + 1));
    }
    index += taken;
  }
  raw->end = index;
  for (; index < parser.limit(); ++index) {
    if (disk::in_use(parser.type(index))) grow_run(raw->problems, CheckClass::kAfterEnd, index);
  }
  find_duplicates(*raw, upcase);
  return raw;
}

std::vector<SpecialEntry> find_specials(const sim::SectorReader& disk,
                                        const CheckGeometry& geometry,
                                        std::span<const ClusterRun> runs, uint64_t length) {
  std::vector<SpecialEntry> specials;
  DirectoryParser parser{disk, geometry, runs, length};
  for (uint32_t i = 0; i < parser.limit(); ++i) {
    const uint8_t type = parser.type(i);
    if (type == disk::kTypeEnd) break;
    // Secondary entries have other types, so that the sets need not be told apart here.
    if (special_type(type)) specials.push_back(parser.special(i));
  }
  return specials;
}

}  // namespace zerotail::harness
