// A small exFAT volume in memory for the checker's tests: formatted, filled with files and
// directories, then edited field by field. Writes entry sets, FAT and bitmap by itself, from the
// specification; only the empty volume comes from the product's mkfs.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "zerotail/sim/mem_disk.h"
#include "zerotail/sim/sector_reader.h"

namespace zerotail::harness::testing {

class VolumeBuilder {
 public:
  struct Options {
    sim::ByteCount size = sim::mib(8);
    sim::ByteCount sector{512};
    sim::ByteCount cluster{4096};
  };
  // A set: the directory it is in, its first entry there and the number of entries.
  struct Set {
    uint32_t directory = 0;
    uint32_t entry = 0;
    uint32_t entries = 0;
  };
  struct FileOptions {
    uint64_t size = 0;
    std::optional<uint64_t> valid{};  // default: size
    bool chain = false;               // a FAT chain; otherwise one run without
    bool fragmented = false;          // a chain with a foreign cluster's gap after each cluster
  };

  VolumeBuilder();
  explicit VolumeBuilder(const Options& options);

  // Directories are numbered; 0 is the root.
  uint32_t add_directory(uint32_t parent, const std::string& name);
  Set add_file(uint32_t parent, const std::string& name, const FileOptions& options);
  // A file with a vendor extension entry behind its name.
  Set add_vendor_file(uint32_t parent, const std::string& name);
  [[nodiscard]] static uint16_t hash_of(const std::string& ascii_name);
  // Entries of any type (32 bytes each), as they are.
  uint32_t add_entries(uint32_t directory, const std::vector<std::byte>& bytes);
  [[nodiscard]] Set directory_set(uint32_t directory) const { return directories_[directory].set; }

  // The disk. Bytes may be changed at will; positions are from the start of the volume.
  [[nodiscard]] sim::MemDisk& disk() { return disk_; }
  [[nodiscard]] uint64_t get(uint64_t pos, unsigned bytes) const;
  void put(uint64_t pos, uint64_t value, unsigned bytes);
  void fill(uint64_t pos, uint64_t length, uint8_t byte);

  // Where things are.
  [[nodiscard]] uint64_t entry_pos(uint32_t directory, uint32_t entry) const;
  // Entries that a directory's clusters have room for.
  [[nodiscard]] uint32_t entry_limit(uint32_t directory) const {
    return static_cast<uint32_t>(directories_[directory].clusters.size() * cluster_size() / 32);
  }
  [[nodiscard]] uint64_t primary(const Set& set) const {
    return entry_pos(set.directory, set.entry);
  }
  [[nodiscard]] uint64_t stream(const Set& set) const {
    return entry_pos(set.directory, set.entry + 1);
  }
  [[nodiscard]] uint64_t cluster_pos(uint32_t cluster) const;
  [[nodiscard]] uint64_t fat_pos(uint32_t cluster) const;
  [[nodiscard]] uint32_t first_cluster(const Set& set) const;
  [[nodiscard]] uint32_t cluster_count() const { return cluster_count_; }
  [[nodiscard]] uint32_t free_cluster() const { return next_; }  // not taken, only named
  [[nodiscard]] uint32_t directory_cluster(uint32_t directory) const {
    return directories_[directory].clusters.front();
  }
  [[nodiscard]] uint64_t cluster_size() const { return options_.cluster.value(); }
  [[nodiscard]] uint32_t bitmap_cluster() const { return 2; }

  void mark(uint32_t cluster, bool used);
  void set_fat(uint32_t cluster, uint32_t value) { put(fat_pos(cluster), value, 4); }
  void fix_set(const Set& set);  // its checksum
  void fix_boot();               // checksum of the main boot region
  void delete_set(const Set& set);

 private:
  struct Directory {
    Set set;
    std::vector<uint32_t> clusters;
    uint32_t used = 0;  // entries
  };
  std::vector<uint32_t> allocate(uint64_t count, bool fragmented);
  void chain(const std::vector<uint32_t>& clusters);
  uint32_t reserve(uint32_t directory, uint32_t entries);
  Set add_set(uint32_t parent, const std::string& name, uint16_t attributes,
              const std::vector<uint32_t>& clusters, uint64_t size, uint64_t valid, bool no_fat);

  Options options_;
  sim::MemDisk disk_;
  uint64_t fat_ = 0, heap_ = 0, bitmap_ = 0;
  uint32_t cluster_count_ = 0;
  uint32_t next_ = 0;
  std::vector<Directory> directories_;
};

// Files of all kinds in several directories: 2 levels, chains, holes, empty files, a grown root.
// `files` is roughly how many.
struct Populated {
  VolumeBuilder volume;
  std::vector<VolumeBuilder::Set> files;
  std::vector<uint32_t> directories;
};
[[nodiscard]] Populated populate(const VolumeBuilder::Options& options, uint32_t files);

}  // namespace zerotail::harness::testing
