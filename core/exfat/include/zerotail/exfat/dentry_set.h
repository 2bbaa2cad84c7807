// A dentry set in memory: a file entry, its stream extension, its name entries and what benign
// (vendor) secondary entries follow, as they stand in a directory. Pure data: reading a set from a
// directory and writing it back is FileSystem's.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "zerotail/exfat/name.h"
#include "zerotail/exfat/ondisk.h"
#include "zerotail/exfat/timestamp.h"
#include "zerotail/sim/result.h"

namespace zerotail::exfat {

// Allocation and lengths as the stream extension has them.
struct StreamFields {
  uint8_t general_secondary_flags = kAllocationPossible;
  uint32_t first_cluster = 0;
  uint64_t valid_data_length = 0;
  uint64_t data_length = 0;
};

class DentrySet {
 public:
  using Raw = std::array<std::byte, kDentrySize>;
  static constexpr unsigned kMaxEntries = 1 + kMaxSecondaryCount;

  DentrySet() {}  // NOLINT: the entries are left as they are until count says they are there

  // The set of a new file or directory: name and all fields but the stream's.
  [[nodiscard]] static DentrySet make(const Name& name, uint16_t attributes, TimeStamp now);

  [[nodiscard]] unsigned count() const { return count_; }
  void set_count(unsigned count) { count_ = count; }
  [[nodiscard]] std::span<Raw> entries() { return {entries_.data(), count_}; }
  [[nodiscard]] std::span<const Raw> entries() const { return {entries_.data(), count_}; }
  // Storage for reading entries into, before set_count().
  [[nodiscard]] std::span<Raw, kMaxEntries> storage() {
    return std::span<Raw, kMaxEntries>(entries_);
  }

  // Nothing is out of place: a file entry in use, SecondaryCount as many entries as there are, a
  // stream extension, the name entries that NameLength needs, then benign secondary entries only.
  // EIO saying what is wrong.
  [[nodiscard]] sim::Status check_structure() const;
  // SetChecksum fits. EIO.
  [[nodiscard]] sim::Status check_checksum() const;

  [[nodiscard]] FileDentry file() const { return load<FileDentry>(entries_[0]); }
  [[nodiscard]] StreamDentry stream() const { return load<StreamDentry>(entries_[1]); }
  // After check_structure(): the units of the name, in a buffer of the caller's.
  using NameUnits = std::array<char16_t, kMaxNameUnits>;
  [[nodiscard]] std::u16string_view name(NameUnits& units) const;
  // Name entries of a name as long as this set's.
  [[nodiscard]] unsigned name_entries() const;
  // Benign secondary entries after the name.
  [[nodiscard]] unsigned benign_entries() const { return count_ - 2 - name_entries(); }

  // Clusters that belong to benign secondary entries of the set (vendor allocations), as they say.
  struct VendorClusters {
    sim::Cluster first;
    sim::ByteCount length;
    bool no_fat_chain = false;
  };
  [[nodiscard]] std::vector<VendorClusters> vendor_clusters() const;

  void set_stream(const StreamFields& fields);
  void set_attributes(uint16_t attributes);
  void set_times(TimeStamp created, TimeStamp modified, TimeStamp accessed);
  // Replaces the name and keeps everything else, benign entries included. The count changes with
  // the name's length. EINVAL: the set would exceed 256 entries.
  sim::Status set_name(const Name& name);
  // Recomputes SecondaryCount and SetChecksum: last before it is written.
  void seal();

 private:
  [[nodiscard]] uint16_t checksum() const;
  std::array<Raw, kMaxEntries> entries_;
  unsigned count_ = 0;
};

// Section 6.3.3, over whole entries; SetChecksum itself is left out.
[[nodiscard]] uint16_t set_checksum(std::span<const DentrySet::Raw> entries);

}  // namespace zerotail::exfat
