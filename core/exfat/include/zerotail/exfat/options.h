// What a mount can choose, as far as metadata is concerned.
#pragma once

#include <cstdint>

#include "zerotail/exfat/ordering.h"

namespace zerotail::exfat {

struct Options {
  bool read_only = false;
  bool sync = false;     // every metadata change is written before the call returns
  bool dirsync = false;  // the same for directories, and for bitmap bits that are cleared
  bool discard = false;  // freed clusters are discarded at once
  // With sync, a run that becomes a chain is written entry by entry, as before the driver's move to
  // iomap.
  bool chain_by_entry = false;
  // kLinux: as the real driver was measured to, weaknesses included.
  Ordering ordering = Ordering::kLinux;
  // Seconds since 1970 at virtual time 0; time stamps are this plus the virtual clock.
  uint64_t start_time = 1767225600;  // 2026-01-01 00:00:00 UTC

  // What the kernel calls IS_DIRSYNC of an inode: -o sync implies it.
  [[nodiscard]] bool directories_sync() const { return sync || dirsync; }
};

}  // namespace zerotail::exfat
