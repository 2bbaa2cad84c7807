// The disk after a small workload, damaged on purpose: for showing that the oracle sees it. Finds
// things through the checker's view and keeps checksums right, so that only the wanted is wrong.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "zerotail/harness/recording.h"
#include "zerotail/sim/mem_disk.h"

namespace zerotail::harness::testing {

struct SceneOptions {
  std::string mount;  // options as in the header: "\"sync\""
  uint64_t cluster = 4096;
  bool write_through = false;
};

// A workload's recording and its final disk.
class DamagedVolume {
 public:
  // The lines of the trace but for the header; the first `setup` are done before the start.
  DamagedVolume(const std::string& lines, size_t setup, const SceneOptions& options = {});

  // What is wrong when power fails after the last operation and before the unmount, one a line and
  // sorted: "durable bytes a [100,104)". Nothing written is lost but what the test took away.
  [[nodiscard]] std::string verdict() const;

  // Damage.
  void flip(const std::string& path, uint64_t pos);
  void put(const std::string& path, uint64_t pos, const std::vector<std::byte>& bytes);
  void set_length(const std::string& path, uint64_t data_length);
  void set_valid(const std::string& path, uint64_t valid_data_length);
  void set_cluster(const std::string& path, const std::string& same_as);
  void break_checksum(const std::string& path);
  void remove(const std::string& path);
  // Makes the deleted entries of a file of the start valid again.
  void resurrect(const std::string& path);
  // Gives the name another letter, name hash and checksum included.
  void spell(const std::string& path, char first_letter);
  void leak();                           // marks the last cluster as used
  void unmark(const std::string& path);  // its first cluster, in the bitmap
  void break_boot();
  void set_dirty();
  [[nodiscard]] std::vector<std::byte> bytes(const std::string& path, uint64_t pos,
                                             uint64_t length) const;

 private:
  struct Place {
    uint64_t set = 0;  // position of its first entry on the disk
    uint32_t entries = 0;
  };
  [[nodiscard]] Place place(const sim::SectorReader& disk, const std::string& path) const;
  [[nodiscard]] uint64_t data(const std::string& path, uint64_t pos) const;
  [[nodiscard]] uint64_t get(uint64_t pos, unsigned bytes) const;
  void store(uint64_t pos, uint64_t value, unsigned bytes);
  void fix(const Place& place);

  Recording recording_;
  sim::Snapshot end_;  // as the workload left it
  std::optional<sim::MemDisk> disk_;
};

}  // namespace zerotail::harness::testing
