#include "zerotail/exfat/dentry_set.h"

#include <algorithm>
#include <string>

namespace zerotail::exfat {

namespace {

constexpr unsigned kFirstNameEntry = 2;

uint8_t type_of(const DentrySet::Raw& entry) { return static_cast<uint8_t>(entry[0]); }

unsigned entries_for(unsigned units) {
  return (units + kNameUnitsPerEntry - 1) / kNameUnitsPerEntry;
}

sim::Error broken(const std::string& what) {
  return sim::Error(sim::Errno::kIo, "dentry set: " + what);
}

}  // namespace

uint16_t set_checksum(std::span<const DentrySet::Raw> entries) {
  constexpr size_t kField = offsetof(FileDentry, set_checksum);
  uint32_t sum = 0;
  for (size_t i = 0; i < entries.size(); ++i) {
    for (size_t at = 0; at < kDentrySize; ++at) {
      if (i == 0 && (at == kField || at == kField + 1)) continue;
      sum = (((sum & 1) << 15) + (sum >> 1) + static_cast<uint32_t>(entries[i][at])) & 0xFFFF;
    }
  }
  return static_cast<uint16_t>(sum);
}

DentrySet DentrySet::make(const Name& name, uint16_t attributes, TimeStamp now) {
  DentrySet set;
  set.count_ = kFirstNameEntry;
  FileDentry file{};
  file.entry_type = static_cast<uint8_t>(EntryType::kFile);
  StreamDentry stream{};
  stream.entry_type = static_cast<uint8_t>(EntryType::kStreamExtension);
  stream.general_secondary_flags = kAllocationPossible;
  store(set.entries_[0], file);
  store(set.entries_[1], stream);
  set.set_attributes(attributes);
  set.set_times(now, now, now);
  ZT_ASSERT(set.set_name(name).ok());  // 19 entries at most
  return set;
}

sim::Status DentrySet::check_structure() const {
  if (count_ < 1 + kMinSecondaryCount) return broken("fewer than three entries");
  if (!is_type(type_of(entries_[0]), EntryType::kFile)) return broken("no file entry");
  if (file().secondary_count + 1U != count_) return broken("SecondaryCount does not fit");
  if (!is_type(type_of(entries_[1]), EntryType::kStreamExtension)) {
    return broken("the second entry is no stream extension");
  }
  const unsigned units = stream().name_length;
  if (units == 0) return broken("NameLength is 0");
  const unsigned names = entries_for(units);
  if (kFirstNameEntry + names > count_) return broken("NameLength needs more name entries");
  for (unsigned i = kFirstNameEntry; i < count_; ++i) {
    const uint8_t type = type_of(entries_[i]);
    const bool is_name = is_type(type, EntryType::kFileName);
    if (i < kFirstNameEntry + names ? !is_name
                                    : !(in_use(type) && is_secondary(type) && is_benign(type))) {
      return broken("entry " + std::to_string(i) + " of the set has EntryType " +
                    std::to_string(type));
    }
  }
  return {};
}

uint16_t DentrySet::checksum() const { return set_checksum(entries()); }

sim::Status DentrySet::check_checksum() const {
  if (file().set_checksum == checksum()) return {};
  return broken("SetChecksum does not match");
}

unsigned DentrySet::name_entries() const { return entries_for(stream().name_length); }

std::u16string_view DentrySet::name(NameUnits& units) const {
  const unsigned length = stream().name_length;
  for (unsigned i = 0; i < length; ++i) {
    const Raw& entry = entries_[kFirstNameEntry + i / kNameUnitsPerEntry];
    const size_t at = offsetof(NameDentry, file_name) + sizeof(Le16) * (i % kNameUnitsPerEntry);
    units[i] = static_cast<char16_t>(uint16_t{load<Le16>(std::span(entry).subspan(at))});
  }
  return {units.data(), length};
}

std::vector<DentrySet::VendorClusters> DentrySet::vendor_clusters() const {
  std::vector<VendorClusters> found;
  for (unsigned i = count_ - benign_entries(); i < count_; ++i) {
    const auto entry = load<VendorAllocationDentry>(entries_[i]);
    // A vendor extension has no such fields, whatever its flags say.
    const bool may_own = !is_type(entry.entry_type, EntryType::kVendorExtension);
    const bool owns = may_own && (entry.general_secondary_flags & kAllocationPossible) != 0 &&
                      entry.first_cluster != 0 && entry.data_length != 0;
    if (!owns) continue;
    found.push_back({.first = sim::Cluster{entry.first_cluster},
                     .length = sim::ByteCount{entry.data_length},
                     .no_fat_chain = (entry.general_secondary_flags & kNoFatChain) != 0});
  }
  return found;
}

void DentrySet::set_stream(const StreamFields& fields) {
  StreamDentry entry = stream();
  entry.general_secondary_flags = fields.general_secondary_flags;
  entry.first_cluster = fields.first_cluster;
  entry.valid_data_length = fields.valid_data_length;
  entry.data_length = fields.data_length;
  store(entries_[1], entry);
}

void DentrySet::set_attributes(uint16_t attributes) {
  FileDentry entry = file();
  entry.file_attributes = attributes;
  store(entries_[0], entry);
}

void DentrySet::set_times(TimeStamp created, TimeStamp modified, TimeStamp accessed) {
  const DiskTime create = to_disk_time(created);
  const DiskTime modify = to_disk_time(modified);
  const DiskTime access = to_disk_time(accessed);
  FileDentry entry = file();
  entry.create_timestamp = create.timestamp;
  entry.create_10ms_increment = create.increment_10ms;
  entry.create_utc_offset = create.utc_offset;
  entry.last_modified_timestamp = modify.timestamp;
  entry.last_modified_10ms_increment = modify.increment_10ms;
  entry.last_modified_utc_offset = modify.utc_offset;
  entry.last_accessed_timestamp = access.timestamp;
  entry.last_accessed_utc_offset = access.utc_offset;
  store(entries_[0], entry);
}

sim::Status DentrySet::set_name(const Name& name) {
  const unsigned before = count_ > kFirstNameEntry ? name_entries() : 0;
  const unsigned benign = count_ - kFirstNameEntry - before;
  const unsigned names = entries_for(name.length());
  const unsigned count = kFirstNameEntry + names + benign;
  if (count > kMaxEntries) {
    return sim::Error(sim::Errno::kInval, "dentry set: more than 255 secondary entries");
  }
  Raw* const from = entries_.data() + kFirstNameEntry + before;
  Raw* const to = entries_.data() + kFirstNameEntry + names;
  if (to < from) std::copy(from, from + benign, to);
  if (to > from) std::copy_backward(from, from + benign, to + benign);
  for (unsigned i = 0; i < names; ++i) {
    NameDentry entry{};
    entry.entry_type = static_cast<uint8_t>(EntryType::kFileName);
    const std::u16string_view part =
        name.units().substr(static_cast<size_t>(i) * kNameUnitsPerEntry, kNameUnitsPerEntry);
    for (size_t unit = 0; unit < part.size(); ++unit) entry.file_name[unit] = part[unit];
    store(entries_[kFirstNameEntry + i], entry);
  }
  StreamDentry entry = stream();
  entry.name_length = static_cast<uint8_t>(name.length());
  entry.name_hash = name.hash();
  store(entries_[1], entry);
  count_ = count;
  return {};
}

void DentrySet::seal() {
  FileDentry entry = file();
  entry.secondary_count = static_cast<uint8_t>(count_ - 1);
  store(entries_[0], entry);
  entry.set_checksum = checksum();
  store(entries_[0], entry);
}

}  // namespace zerotail::exfat
