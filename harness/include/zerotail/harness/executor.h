// Runs the operations of a trace on a mounted volume, as one process with descriptors would.
//
// Per path (its text) it keeps one buffered, one O_DIRECT and one O_APPEND descriptor and one
// shared mapping, each made when first needed. unlink closes those of its path first, unlink_keep
// leaves them; rename moves those of the source (and of what lies below it) to the new path and
// closes the target's; remount closes all. An operation with a task runs as a deterministic task of
// that name and is waited for, so one operation follows the other whatever their tasks; only
// asynchronous direct writes outlive their operation, until `wait` or the unmount. What the core
// cannot do yet answers EOPNOTSUPP (-95), never silently 0.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "zerotail/harness/op_result.h"
#include "zerotail/harness/trace.h"
#include "zerotail/sim/world.h"
#include "zerotail/volume/volume.h"

namespace zerotail::harness {

class PowerSwitch;

struct ExecutorHooks {
  // Called around every operation of run_all(); the crash explorer marks the log there.
  std::function<void(size_t index, const Operation&)> before;
  std::function<void(size_t index, const Operation&, const OpResult&)> after;
};

class Executor {
 public:
  // `device` is what the volume is mounted on; `header` says how. Both must outlive the executor.
  // Destroying it without unmount() is a power failure.
  Executor(sim::World& world, sim::BlockDevice& device, const TraceHeader& header);
  ~Executor();
  Executor(const Executor&) = delete;
  Executor& operator=(const Executor&) = delete;

  sim::Status mount();
  // Closes everything and unmounts.
  sim::Status unmount();
  // Only while mounted.
  [[nodiscard]] volume::Volume& volume();
  [[nodiscard]] bool mounted() const { return volume_ != nullptr; }
  // What `crash` switches; without it that answers EOPNOTSUPP. Must outlive the executor.
  void set_power(PowerSwitch& power) { power_ = &power; }

  OpResult run(const Operation& op);
  std::vector<OpResult> run_all(const std::vector<Operation>& ops, const ExecutorHooks& hooks = {});

 private:
  enum class Use : uint8_t { kBuffered, kDirect, kAppend };
  struct Handles {
    std::optional<volume::Fd> buffered;
    std::optional<volume::Fd> direct;
    std::optional<volume::Fd> append;
    std::optional<volume::MapId> mapping;
    uint32_t sync_mode = 0;  // of open_sync
    std::optional<volume::Fd>& of(Use use) {
      if (use == Use::kBuffered) return buffered;
      return use == Use::kDirect ? direct : append;
    }
  };

  // A direct write that was not waited for.
  struct Pending {
    volume::WriteId id{};
    std::optional<uint32_t> task;
  };

  OpResult dispatch(const Operation& op);
  OpResult run_in_task(const Operation& op);
  OpResult run_submit(const Operation& op);
  OpResult run_wait(const Operation& op);
  OpResult run_bmap(const Operation& op);
  OpResult run_map(const Operation& op);
  OpResult run_swap_map(const Operation& op);
  OpResult run_create(const Operation& op);
  OpResult run_rename(const Operation& op);
  OpResult run_write(const Operation& op, Use use);
  OpResult run_read(const Operation& op, Use use);
  OpResult run_map_write(const Operation& op);
  OpResult run_map_read(const Operation& op);
  OpResult run_map_call(const Operation& op);
  OpResult run_resize(const Operation& op);
  OpResult run_seek(const Operation& op, volume::Whence whence);
  OpResult run_stat(const Operation& op);
  OpResult run_statfs();
  OpResult run_list(const Operation& op);
  OpResult run_dirent(const Operation& op);
  OpResult run_raw_read(const Operation& op);
  OpResult run_fsync(const Operation& op, bool data_only);
  OpResult run_sleep(const Operation& op);
  OpResult run_remount(const Operation& op);
  OpResult run_mode_change(bool read_only);
  OpResult run_open_sync(const Operation& op);
  // executor_control.cc
  OpResult run_readdir(const Operation& op);
  OpResult run_label(const Operation& op);
  OpResult run_attributes(const Operation& op);
  OpResult run_fitrim(const Operation& op);
  OpResult run_shutdown(const Operation& op);
  OpResult run_crash(const Operation& op);
  OpResult run_edit(const Operation& op);
  sim::Result<volume::Fd> handle(const std::string& path, Use use);
  sim::Result<volume::MapId> mapping(const std::string& path);
  void close_handles(Handles& handles);
  void close_path(const std::string& path);
  void move_handles(const std::string& from, const std::string& to);

  sim::World& world_;
  sim::BlockDevice& device_;
  const TraceHeader& header_;
  PowerSwitch* power_ = nullptr;
  std::unique_ptr<volume::Volume> volume_;
  std::map<std::string, Handles> handles_;
  std::vector<Pending> pending_;  // in the order of submission
};

// Mounts, runs everything, unmounts. An error is one of mount or unmount.
[[nodiscard]] sim::Result<std::vector<OpResult>> run_trace(sim::World& world,
                                                           sim::BlockDevice& device,
                                                           const Trace& trace,
                                                           const ExecutorHooks& hooks = {});

}  // namespace zerotail::harness
