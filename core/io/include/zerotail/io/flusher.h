// What writes dirty data and metadata back without being asked, as the kernel's flusher thread
// does, in virtual time.
//
// Periodic: while anything is dirty it wakes every `interval` and writes what has been dirty for
// `expire` or longer, the oldest first: an inode (its data, then its dentry set) or all metadata
// buffers, which are one thing with one age, as the block device's inode is in the kernel. What
// writing the dentry sets dirties has a new age. Nothing is flushed.
// Dirty limits: more than `background` unwritten bytes wake it at once; more than `limit` make the
// writer wait for it.
//
// A pass is a task of its own that ends with the pass; between two passes there is only an event.
// What it leaves out: the writeback of a part of a file, bandwidth estimates, and per-device
// shares. Invariant: nothing is written once stop() has returned.
#pragma once

#include <memory>

#include "zerotail/exfat/inode.h"
#include "zerotail/sim/task.h"
#include "zerotail/sim/units.h"

namespace zerotail::io {

class Mount;

struct WritebackTuning {
  sim::Nanos expire = sim::millis(30'000);   // vm.dirty_expire_centisecs
  sim::Nanos interval = sim::millis(5'000);  // vm.dirty_writeback_centisecs; 0: no periodic passes
  // vm.dirty_background_bytes and vm.dirty_bytes: a tenth and a fifth of 16 GiB, as a machine of
  // that size has them. A limit of 0: none.
  sim::ByteCount background = sim::mib(1638);
  sim::ByteCount limit = sim::mib(3276);
};

class Flusher {
 public:
  explicit Flusher(Mount& mount);
  ~Flusher() { stop(); }
  Flusher(const Flusher&) = delete;
  Flusher& operator=(const Flusher&) = delete;

  [[nodiscard]] const WritebackTuning& tuning() const { return tuning_; }
  // The interval counts from now.
  void set_tuning(const WritebackTuning& tuning);

  // Something became dirty while nothing was.
  void wake();
  // After dirtying a folio, with no folio locked: starts background writeback above `background`,
  // waits for it above `limit`. The inode must be marked dirty.
  void throttle();
  // Until no pass is under way.
  void wait_idle();
  // No pass begins any more; one that is under way ends with the inode that it writes.
  void stop();

 private:
  void arm();
  void start();
  void run();
  void pass(sim::Nanos cutoff, bool background);
  [[nodiscard]] bool any_dirty() const;
  [[nodiscard]] bool over_background() const;

  Mount& mount_;
  WritebackTuning tuning_;
  // What a timer has: it dies with the flusher, and with each change of the tuning.
  std::shared_ptr<Flusher*> timers_;
  bool armed_ = false;
  bool running_ = false;
  bool due_ = false;         // the next pass writes what has expired
  bool background_ = false;  // and what is above the background limit
  bool stopped_ = false;
  sim::WaitQueue idle_;
};

}  // namespace zerotail::io
