// The real mkfs.exfat and fsck.exfat (package exfatprogs) as test oracles, run as programs on image
// files. Needs no root: a preloaded shim answers the sector size that a device would.
//
// A tool that is not installed is a failed run whose output says so; callers assert on exit codes,
// so that a missing tool fails a test and never skips it.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "zerotail/sim/mem_disk.h"
#include "zerotail/sim/result.h"

namespace zerotail::support {

// A directory of its own, in memory where the host has /dev/shm; removed with all its files.
class ScratchDir {
 public:
  ScratchDir();
  ~ScratchDir();
  ScratchDir(const ScratchDir&) = delete;
  ScratchDir& operator=(const ScratchDir&) = delete;
  [[nodiscard]] std::string file(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

struct ToolRun {
  int exit_code = 0;   // 127: not installed; 128 + signal: killed
  std::string output;  // standard output and error, as they came
};

// Runs a program from PATH or the system's sbin folders, without a shell, in the C.UTF-8 locale.
[[nodiscard]] ToolRun run_tool(
    const std::string& tool, const std::vector<std::string>& arguments,
    const std::vector<std::pair<std::string, std::string>>& environment = {});

// mkfs.exfat OPTIONS... IMAGE, as on a device with such sectors.
[[nodiscard]] ToolRun real_mkfs(const std::string& image, sim::ByteCount sector_size,
                                const std::vector<std::string>& options);

// fsck.exfat -n IMAGE: exit code 0 is clean.
[[nodiscard]] ToolRun real_fsck(const std::string& image, sim::ByteCount sector_size);

// Creates a file of that size whose first `poison` bytes are 0xDB; the rest is a hole.
[[nodiscard]] sim::Status create_image(const std::string& path, sim::ByteCount size,
                                       sim::ByteCount poison);

inline constexpr std::byte kPoison{0xDB};

}  // namespace zerotail::support
