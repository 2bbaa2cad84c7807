// Today's practice of judging crash states, to compare zerotail's explorer with: for every state
// copy the image, apply the writes, run `fsck.exfat -n`.
//
// Works on files in a folder of its own below TMPDIR and runs the real fsck.exfat. Leaves out what
// practice would add on top: mounting the volume and reading files back.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "zerotail/sim/result.h"
#include "zerotail/sim/sector_reader.h"
#include "zerotail/sim/units.h"

namespace zerotail::bench {

// One sector of a crash state that differs from the base image.
struct SectorWrite {
  sim::Sector sector;
  std::vector<std::byte> content;  // kSectorSize bytes
};
using Overlay = std::vector<SectorWrite>;

enum class Copy : uint8_t {
  kSparse,  // a fresh copy, holes stay holes (cp --sparse)
  kFull,    // a fresh copy of every byte
  kUndo,    // one copy for all states: the writes are taken back after each
};

class Practice {
 public:
  // Writes the base image; runs of zeros become holes. Errors name the file, or fsck.exfat when it
  // is not installed.
  [[nodiscard]] static sim::Result<std::unique_ptr<Practice>> create(const sim::SectorReader& base);
  ~Practice();
  Practice(const Practice&) = delete;
  Practice& operator=(const Practice&) = delete;

  // fsck.exfat's exit code for one state: 0 clean, 4 errors.
  [[nodiscard]] sim::Result<int> judge(const Overlay& state, Copy copy);
  // The file that the last judge() worked on.
  [[nodiscard]] const std::string& state_path() const { return state_path_; }
  [[nodiscard]] const std::string& base_path() const { return base_path_; }

 private:
  explicit Practice(std::string folder);
  sim::Status write_base(const sim::SectorReader& base);
  sim::Status copy_base(Copy copy);
  sim::Status copy_range(int from, int to, uint64_t begin, uint64_t end);
  sim::Status apply(const Overlay& state);
  sim::Status undo(const Overlay& state);
  [[nodiscard]] sim::Result<int> run_fsck() const;

  std::string folder_;
  std::string base_path_;
  std::string state_path_;
  std::string fsck_path_;
  bool undo_copy_ready_ = false;
  std::vector<std::byte> buffer_;
};

}  // namespace zerotail::bench
