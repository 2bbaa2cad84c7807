// What a request of the core's log changed, region by region. Invariant: image_ is the volume as
// all requests decoded so far left it.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "golden_io_text.h"
#include "zerotail/exfat/dentry_set.h"
#include "zerotail/exfat/mkfs.h"
#include "zerotail/sim/io_log.h"
#include "zerotail/sim/mem_disk.h"
#include "zerotail/volume/volume.h"

namespace zerotail::harness {

class GoldenDecoder {
 public:
  GoldenDecoder(const exfat::VolumeLayout& layout, const sim::MemDisk& disk);

  // Where a directory lies now. "" is the root.
  void place_directory(const std::string& path, const volume::FileState& state);
  void forget_directory(const std::string& path) { directories_.erase(path); }
  // The image changed behind the core's back.
  void patch(sim::DevPos pos, std::span<const std::byte> bytes);

  [[nodiscard]] GoldenEntry decode(const sim::IoRecord& record);

 private:
  using Raw = exfat::DentrySet::Raw;
  struct Found {
    GoldenSet set;
    std::vector<Raw> raw;
    bool garbage = false;  // no entry that a directory can have
    sim::Sector sector;    // of the first entry
  };
  using Sets = std::map<uint64_t, Found>;

  [[nodiscard]] Sets read_directory(const std::vector<sim::Sector>& sectors) const;
  void add_sets(GoldenEntry& entry, const std::string& path, const Sets& before,
                const Sets& after) const;
  void decode_sector(GoldenEntry& entry, sim::Sector sector, std::span<const std::byte> old,
                     std::span<const std::byte> now, bool data) const;

  exfat::VolumeLayout layout_;
  sim::MemDisk image_;
  std::map<std::string, std::vector<sim::Sector>> directories_;
};

}  // namespace zerotail::harness
