// What the checker's sources share: boot region, chains, directories. Internal to the checker.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <unordered_map>
#include <vector>

#include "check_disk.h"
#include "zerotail/harness/check_view.h"

namespace zerotail::harness {

struct VolumeFlags {
  bool dirty = false;
  bool media_failure = false;
};

struct BootInfo {
  bool exfat = false;
  std::optional<CheckGeometry> geometry;  // nothing: not mountable, the problems say why
  VolumeFlags flags;
  std::vector<CheckProblem> problems;
};
[[nodiscard]] BootInfo parse_boot(const sim::SectorReader& disk);
// Two boot sectors that differ in VolumeFlags and PercentInUse at most.
[[nodiscard]] bool same_but_flags(const std::byte* a, const std::byte* b);
[[nodiscard]] VolumeFlags volume_flags(const std::byte* boot_sector);

struct DigestHash {
  size_t operator()(const sim::Digest& d) const { return static_cast<size_t>(d.low); }
};

// What a directory entry says about clusters.
struct ChainSpec {
  sim::Cluster first_cluster;
  uint64_t data_length = 0;
  bool no_fat_chain = false;
  bool operator==(const ChainSpec&) const = default;
};

// Follows a chain to its end, or to where it stops. `follow_all`: the length is not known (the root
// directory), all there is is needed.
[[nodiscard]] Chain walk_chain(disk::FatReader& fat, const CheckGeometry& geometry,
                               const ChainSpec& spec, bool follow_all = false);

// What is wrong with a set in the light of its chain; path and entry are left to the caller.
void append_chain_problems(const CheckGeometry& geometry, const ChainSpec& spec, const Chain& chain,
                           std::vector<CheckProblem>& problems);

// A bitmap, upcase or label entry.
struct SpecialEntry {
  uint8_t type = 0;
  uint32_t entry = 0;
  sim::Cluster first_cluster;
  uint64_t data_length = 0;
  uint32_t checksum = 0;  // upcase
  uint8_t flags = 0;      // bitmap: which one; label: CharacterCount
  std::u16string label;
  bool operator==(const SpecialEntry&) const = default;
};

// Which FAT a bitmap entry belongs to. With one FAT a driver passes over the bitmap of a second.
[[nodiscard]] inline unsigned bitmap_of(const SpecialEntry& entry) { return entry.flags & 1U; }

// The entries of one directory without what they point to: a function of its bytes and of the
// upcase table.
struct RawDirectory {
  std::vector<ClusterRun> runs;
  uint64_t length = 0;
  uint32_t end = 0;
  std::vector<std::shared_ptr<const EntrySet>> sets;
  std::vector<uint32_t> name_keys;
  std::vector<SpecialEntry> specials;
  std::vector<CheckProblem> problems;
};

// Parsed results by content. A table that reaches the limit is emptied: results never depend on
// what is remembered, only the time does.
class CheckMemo {
 public:
  explicit CheckMemo(size_t limit) : limit_(limit) {}
  template <class T>
  using Table = std::unordered_map<sim::Digest, std::shared_ptr<const T>, DigestHash>;

  [[nodiscard]] std::shared_ptr<const EntrySet> set(const sim::Digest& key) const {
    return find(sets_, key);
  }
  [[nodiscard]] std::shared_ptr<const RawDirectory> directory(const sim::Digest& key) const {
    return find(directories_, key);
  }
  void keep(const sim::Digest& key, const std::shared_ptr<const EntrySet>& value) {
    insert(sets_, key, value);
  }
  void keep(const sim::Digest& key, const std::shared_ptr<const RawDirectory>& value) {
    insert(directories_, key, value);
  }
  // The upcase table that was read last: it hardly ever is another one.
  [[nodiscard]] std::shared_ptr<const UpcaseTable> upcase(const sim::Digest& stored) const {
    return stored == upcase_key_ ? upcase_ : nullptr;
  }
  void keep(const sim::Digest& stored, const std::shared_ptr<const UpcaseTable>& table) {
    upcase_key_ = stored;
    upcase_ = table;
  }
  [[nodiscard]] uint64_t clears() const { return clears_; }

 private:
  template <class T>
  static std::shared_ptr<const T> find(const Table<T>& table, const sim::Digest& key) {
    const auto it = table.find(key);
    return it == table.end() ? nullptr : it->second;
  }
  template <class T>
  void insert(Table<T>& table, const sim::Digest& key, const std::shared_ptr<const T>& value) {
    if (table.size() >= limit_) {
      table.clear();
      ++clears_;
    }
    table.emplace(key, value);
  }

  size_t limit_;
  uint64_t clears_ = 0;
  Table<EntrySet> sets_;
  Table<RawDirectory> directories_;
  sim::Digest upcase_key_;
  std::shared_ptr<const UpcaseTable> upcase_;
};

struct ParseCounters {
  uint64_t sets_parsed = 0, sets_recalled = 0;
};

// Parses a directory of `length` bytes in `runs` (which hold at least that many).
[[nodiscard]] std::shared_ptr<const RawDirectory> parse_directory(
    const sim::SectorReader& disk, const CheckGeometry& geometry, std::span<const ClusterRun> runs,
    uint64_t length, const UpcaseTable& upcase, CheckMemo* memo, ParseCounters& counters);

// The bitmap, upcase and label entries alone: the upcase table must be known before names are read.
[[nodiscard]] std::vector<SpecialEntry> find_specials(const sim::SectorReader& disk,
                                                      const CheckGeometry& geometry,
                                                      std::span<const ClusterRun> runs,
                                                      uint64_t length);

// Runs cut to what `length` bytes need.
[[nodiscard]] std::vector<ClusterRun> cut_runs(const CheckGeometry& geometry,
                                               std::span<const ClusterRun> runs, uint64_t length);

}  // namespace zerotail::harness
