// An image file that follows crash states: from one to the next only the sectors that differ are
// written. A checker may write to it; that is noticed, and put right before the next state.
//
// Invariant: when a checker is run on it, the file holds exactly the snapshot that was asked for.
// Rests on the host updating a file's modification time when it is written; a store through a
// shared mapping of a file in memory (tmpfs) does not. verify() looks at every byte and tells.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "zerotail/sim/mem_disk.h"

namespace zerotail::harness {

class ScratchImage {
 public:
  // Makes the file; it must not exist. Errors name it.
  [[nodiscard]] static sim::Result<ScratchImage> create(const std::string& path);
  ScratchImage(ScratchImage&& other) noexcept;
  ScratchImage& operator=(ScratchImage&&) = delete;
  ScratchImage(const ScratchImage&) = delete;
  ~ScratchImage();  // removes the file

  [[nodiscard]] const std::string& path() const { return path_; }
  // Whether it was given a disk yet.
  [[nodiscard]] bool filled() const { return filled_; }
  // Makes the file hold this disk, from what differs from the one before. `fresh`: writes all of it
  // anew, whatever it holds. The disk's capacity and fill are always the same, and the fill is 0.
  sim::Status hold(const sim::Snapshot& disk, bool fresh);
  // Whether something has written to the file, or made it longer or shorter, since hold().
  [[nodiscard]] sim::Result<bool> touched() const;
  // Whether the file holds, byte for byte, what hold() was given.
  [[nodiscard]] sim::Result<bool> verify() const;
  // Since the beginning: sectors written because states differ, and times that all was compared
  // because a checker had written.
  [[nodiscard]] uint64_t sectors_written() const { return sectors_written_; }
  [[nodiscard]] uint64_t repairs() const { return repairs_; }

 private:
  ScratchImage(std::string path, int fd) : path_(std::move(path)), fd_(fd) {}
  sim::Status write_all(const sim::Snapshot& disk);
  sim::Status write_difference(const sim::Snapshot& disk);
  sim::Status repair();
  sim::Status put(sim::DevPos pos, const std::byte* data, size_t length);
  // Calls `visit(pos, expected, length)` for each block of the file that differs; false stops.
  template <class Visit>
  sim::Status compare(Visit visit) const;
  template <class Visit>
  bool compare_blocks(uint64_t pos, uint64_t end, const std::byte* found, Visit visit) const;
  sim::Status read_part(uint64_t pos, std::span<std::byte> out) const;
  sim::Status stamp();
  [[nodiscard]] sim::Error failed(const char* what) const;

  std::string path_;
  int fd_;
  bool filled_ = false;
  sim::Snapshot held_;
  uint64_t sectors_written_ = 0;
  uint64_t repairs_ = 0;
};

}  // namespace zerotail::harness
