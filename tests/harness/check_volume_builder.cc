#include "harness/check_volume_builder.h"

#include <array>

#include "zerotail/exfat/mkfs.h"
#include "zerotail/sim/assert.h"

namespace zerotail::harness::testing {

namespace {

constexpr uint32_t kEntry = 32;
constexpr uint32_t kEnd = 0xFFFFFFFF;

uint16_t add16(uint16_t sum, uint8_t byte) {
  return static_cast<uint16_t>(static_cast<uint16_t>(sum << 15 | sum >> 1) + byte);
}

void store(std::byte* p, uint64_t value, unsigned bytes) {
  for (unsigned i = 0; i < bytes; ++i) p[i] = static_cast<std::byte>(value >> (8 * i));
}

}  // namespace

VolumeBuilder::VolumeBuilder() : VolumeBuilder(Options{}) {}

VolumeBuilder::VolumeBuilder(const Options& options)
    : options_(options), disk_({.capacity = sim::sectors(options.size), .fill = std::byte{0xDB}}) {
  exfat::MkfsOptions mkfs;
  mkfs.sector_size = options.sector;
  mkfs.cluster_size = options.cluster;
  const auto layout = exfat::make_filesystem(disk_, mkfs);
  ZT_ASSERT(layout.ok());
  fat_ = layout->fat.value();
  heap_ = layout->heap.value();
  bitmap_ = cluster_pos(static_cast<uint32_t>(layout->bitmap.value()));
  cluster_count_ = static_cast<uint32_t>(layout->cluster_count.value());
  const auto root = static_cast<uint32_t>(layout->root.value());
  next_ = root + 1;
  directories_.push_back({.set = {}, .clusters = {root}, .used = 0});
  while (get(entry_pos(0, directories_[0].used), 1) != 0) ++directories_[0].used;
}

uint64_t VolumeBuilder::get(uint64_t pos, unsigned bytes) const {
  std::array<std::byte, 8> data{};
  disk_.read(sim::DevPos{pos}, std::span{data}.first(bytes));
  uint64_t value = 0;
  for (unsigned i = 0; i < bytes; ++i) value |= std::to_integer<uint64_t>(data[i]) << (8 * i);
  return value;
}

void VolumeBuilder::put(uint64_t pos, uint64_t value, unsigned bytes) {
  std::array<std::byte, 8> data{};
  store(data.data(), value, bytes);
  disk_.write(sim::DevPos{pos}, std::span{data}.first(bytes));
}

void VolumeBuilder::fill(uint64_t pos, uint64_t length, uint8_t byte) {
  const std::vector<std::byte> data(length, std::byte{byte});
  disk_.write(sim::DevPos{pos}, data);
}

uint64_t VolumeBuilder::cluster_pos(uint32_t cluster) const {
  return heap_ + uint64_t{cluster - 2} * options_.cluster.value();
}

uint64_t VolumeBuilder::fat_pos(uint32_t cluster) const { return fat_ + uint64_t{cluster} * 4; }

uint64_t VolumeBuilder::entry_pos(uint32_t directory, uint32_t entry) const {
  const uint64_t offset = uint64_t{entry} * kEntry;
  const auto& clusters = directories_[directory].clusters;
  return cluster_pos(clusters[offset / options_.cluster.value()]) +
         offset % options_.cluster.value();
}

uint32_t VolumeBuilder::first_cluster(const Set& set) const {
  return static_cast<uint32_t>(get(stream(set) + 20, 4));
}

void VolumeBuilder::mark(uint32_t cluster, bool used) {
  const uint64_t pos = bitmap_ + (cluster - 2) / 8;
  const uint64_t bit = uint64_t{1} << ((cluster - 2) % 8);
  const uint64_t byte = get(pos, 1);
  put(pos, used ? byte | bit : byte & ~bit, 1);
}

std::vector<uint32_t> VolumeBuilder::allocate(uint64_t count, bool fragmented) {
  std::vector<uint32_t> clusters;
  for (uint64_t i = 0; i < count; ++i) {
    ZT_ASSERT(next_ < cluster_count_ + 2);
    mark(next_, true);
    clusters.push_back(next_);
    next_ += fragmented ? 2 : 1;
  }
  return clusters;
}

void VolumeBuilder::chain(const std::vector<uint32_t>& clusters) {
  for (size_t i = 0; i < clusters.size(); ++i) {
    set_fat(clusters[i], i + 1 < clusters.size() ? clusters[i + 1] : kEnd);
  }
}

// Room for `entries` entries in one piece; the directory grows by a cluster where it must.
uint32_t VolumeBuilder::reserve(uint32_t index, uint32_t entries) {
  const auto per_cluster = static_cast<uint32_t>(options_.cluster.value() / kEntry);
  Directory& directory = directories_[index];
  while (directory.used + entries > directory.clusters.size() * per_cluster) {
    const uint32_t fresh = allocate(1, false).front();
    fill(cluster_pos(fresh), options_.cluster.value(), 0);
    directory.clusters.push_back(fresh);
    chain(directory.clusters);
    if (index == 0) continue;
    const uint64_t size = directory.clusters.size() * options_.cluster.value();
    put(stream(directory.set) + 1, 1, 1);  // a FAT chain from now on
    put(stream(directory.set) + 8, size, 8);
    put(stream(directory.set) + 24, size, 8);
    fix_set(directory.set);
  }
  const uint32_t entry = directory.used;
  directory.used += entries;
  return entry;
}

uint32_t VolumeBuilder::add_entries(uint32_t directory, const std::vector<std::byte>& bytes) {
  const auto count = static_cast<uint32_t>(bytes.size() / kEntry);
  const uint32_t entry = reserve(directory, count);
  for (uint32_t i = 0; i < count; ++i) {
    disk_.write(sim::DevPos{entry_pos(directory, entry + i)},
                std::span{bytes}.subspan(size_t{i} * kEntry, kEntry));
  }
  return entry;
}

VolumeBuilder::Set VolumeBuilder::add_set(uint32_t parent, const std::string& name,
                                          uint16_t attributes,
                                          const std::vector<uint32_t>& clusters, uint64_t size,
                                          uint64_t valid, bool no_fat) {
  const auto names = static_cast<uint32_t>((name.size() + 14) / 15);
  std::vector<std::byte> bytes(size_t{2 + names} * kEntry);
  std::byte* p = bytes.data();
  store(p, 0x85, 1);
  store(p + 1, 1 + names, 1);
  store(p + 4, attributes, 2);
  for (const unsigned at : {8u, 12u, 16u}) store(p + at, 0x5A210000, 4);  // 2025-01-01
  for (const unsigned at : {22u, 23u, 24u}) store(p + at, 0x80, 1);       // UTC
  p += kEntry;
  store(p, 0xC0, 1);
  store(p + 1, no_fat && !clusters.empty() ? 3 : 1, 1);
  store(p + 3, name.size(), 1);
  store(p + 4, hash_of(name), 2);
  store(p + 8, valid, 8);
  store(p + 20, clusters.empty() ? 0 : clusters.front(), 4);
  store(p + 24, size, 8);
  for (size_t i = 0; i < name.size(); ++i) {
    std::byte* entry = bytes.data() + (2 + i / 15) * kEntry;
    store(entry, 0xC1, 1);
    store(entry + 2 + 2 * (i % 15), static_cast<uint8_t>(name[i]), 2);
  }
  const Set set{parent, add_entries(parent, bytes), 2 + names};
  fix_set(set);
  return set;
}

uint32_t VolumeBuilder::add_directory(uint32_t parent, const std::string& name) {
  const std::vector<uint32_t> clusters = allocate(1, false);
  fill(cluster_pos(clusters.front()), options_.cluster.value(), 0);
  const uint64_t size = options_.cluster.value();
  const Set set = add_set(parent, name, 0x10, clusters, size, size, true);
  directories_.push_back({.set = set, .clusters = clusters, .used = 0});
  return static_cast<uint32_t>(directories_.size()) - 1;
}

uint16_t VolumeBuilder::hash_of(const std::string& ascii_name) {
  uint16_t hash = 0;
  for (const char c : ascii_name) {
    hash = add16(hash, static_cast<uint8_t>(c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c));
    hash = add16(hash, 0);
  }
  return hash;
}

VolumeBuilder::Set VolumeBuilder::add_vendor_file(uint32_t parent, const std::string& name) {
  Set set = add_file(parent, name, {});
  std::vector<std::byte> extension(kEntry);
  extension[0] = std::byte{0xE0};
  add_entries(parent, extension);  // follows the set, as nothing was added since
  put(primary(set) + 1, ++set.entries - 1, 1);
  fix_set(set);
  return set;
}

VolumeBuilder::Set VolumeBuilder::add_file(uint32_t parent, const std::string& name,
                                           const FileOptions& options) {
  const uint64_t size = options_.cluster.value();
  const std::vector<uint32_t> clusters =
      allocate((options.size + size - 1) / size, options.fragmented);
  const bool chained = options.chain || options.fragmented;
  if (chained) chain(clusters);
  return add_set(parent, name, 0x20, clusters, options.size, options.valid.value_or(options.size),
                 !chained);
}

void VolumeBuilder::fix_set(const Set& set) {
  uint16_t sum = 0;
  for (uint32_t i = 0; i < set.entries; ++i) {
    const uint64_t pos = entry_pos(set.directory, set.entry + i);
    for (uint32_t at = 0; at < kEntry; ++at) {
      if (i == 0 && (at == 2 || at == 3)) continue;
      sum = add16(sum, static_cast<uint8_t>(get(pos + at, 1)));
    }
  }
  put(primary(set) + 2, sum, 2);
}

void VolumeBuilder::fix_boot() {
  const uint64_t sector = options_.sector.value();
  uint32_t sum = 0;
  for (uint64_t at = 0; at < 11 * sector; ++at) {
    if (at == 106 || at == 107 || at == 112) continue;
    sum = (sum << 31 | sum >> 1) + static_cast<uint32_t>(get(at, 1));
  }
  for (uint64_t at = 11 * sector; at < 12 * sector; at += 4) put(at, sum, 4);
}

void VolumeBuilder::delete_set(const Set& set) {
  for (uint32_t i = 0; i < set.entries; ++i) {
    const uint64_t pos = entry_pos(set.directory, set.entry + i);
    put(pos, get(pos, 1) & 0x7F, 1);
  }
}

Populated populate(const VolumeBuilder::Options& options, uint32_t files) {
  Populated p{VolumeBuilder{options}, {}, {0}};
  VolumeBuilder& v = p.volume;
  for (uint32_t i = 0; i < 4 + files / 40; ++i) {
    p.directories.push_back(v.add_directory(0, "dir" + std::to_string(i)));
  }
  p.directories.push_back(v.add_directory(p.directories[1], "inner"));
  const uint64_t cluster = v.cluster_size();
  for (uint32_t i = 0; i < files; ++i) {
    // Half of the files in the root, so that it needs many entries.
    const uint32_t parent = i % 2 == 0 ? 0 : p.directories[1 + i % (p.directories.size() - 1)];
    std::string name = "file" + std::to_string(i);
    if (i % 7 == 3) name += "-with-a-name-that-needs-three-entries";
    VolumeBuilder::FileOptions file;
    file.size = i % 5 == 0 ? 0 : cluster * (i % 4) + 100 * i % cluster;
    if (i % 6 == 1) file.valid = file.size / 2;
    file.chain = i % 3 == 0;
    file.fragmented = i % 11 == 2;
    p.files.push_back(v.add_file(parent, name, file));
  }
  return p;
}

}  // namespace zerotail::harness::testing
