#include "zerotail/harness/disk_stack.h"

#include <utility>

#include "zerotail/exfat/mkfs.h"
#include "zerotail/harness/fault_regions.h"

namespace zerotail::harness {
namespace {

using sim::Errno;
using sim::Error;

sim::Status check_supported(const TraceHeader& header) {
  const auto refuse = [](const std::string& key) {
    return Error(Errno::kOpNotSupp, "header key \"" + key + "\" is not supported yet");
  };
  if (!header.preset.empty()) return refuse("preset");
  if (!header.faults.empty()) return refuse("faults");
  if (!header.schedule.empty()) return refuse("schedule");
  return {};
}

}  // namespace

sim::Result<sim::MemDisk> format_disk(const TraceHeader& header) {
  ZT_TRY(check_supported(header));
  sim::MemDisk disk({.capacity = sim::sectors(sim::mib(header.size_mib)),
                     .logical_block = sim::ByteCount{header.logical_block()},
                     .physical_block = sim::ByteCount{header.logical_block()},
                     .fill = std::byte{header.poison},
                     .discard_fill = std::byte{header.poison}});
  exfat::MkfsOptions options;
  options.sector_size = sim::ByteCount{header.sector};
  options.cluster_size = sim::ByteCount{header.cluster};
  if (header.mkfs.boundary_align != 0) {
    options.boundary_align = sim::ByteCount{header.mkfs.boundary_align};
  }
  options.label = header.mkfs.label;
  options.pack_bitmap = header.mkfs.pack_bitmap;
  options.full_format = header.mkfs.full_format;
  options.fat_count = header.mkfs.fats;
  options.volume_serial = header.mkfs.serial.value_or(exfat::kDefaultVolumeSerial);
  ZT_TRY(exfat::make_filesystem(disk, options));
  return disk;
}

sim::Result<volume::MountOptions> mount_options(const TraceHeader& header) {
  return mount_options(header, header.mount);
}

sim::Result<volume::MountOptions> mount_options(const TraceHeader& header,
                                                const std::vector<std::string>& words) {
  volume::MountOptions options;
  for (const std::string& word : words) {
    if (word == "ro") {
      options.read_only = true;
    } else if (word == "sync") {
      options.sync = true;
    } else if (word == "dirsync") {
      options.dirsync = true;
    } else if (word == "discard") {
      options.discard = true;
    } else {
      return Error(Errno::kInval, "unknown mount option \"" + word + "\"");
    }
  }
  ZT_ASSIGN(options.io_path, volume::parse_io_path(header.io_path));
  ZT_ASSIGN(options.ordering, volume::parse_ordering(header.ordering));
  options.page_size = sim::ByteCount{header.page};
  options.folios = header.folios == "large" ? volume::Folios::kLarge : volume::Folios::kSingle;
  options.start_time = header.start_time;
  options.writeback = {.expire = sim::millis(header.dirty_expire_ms),
                       .interval = sim::millis(header.dirty_writeback_ms),
                       .background = sim::ByteCount{header.dirty_background_bytes},
                       .limit = sim::ByteCount{header.dirty_bytes}};
  return options;
}

sim::Status check_regions(const fault::FaultPlan& plan) {
  sim::EventLoop loop;
  sim::MemDisk disk({.capacity = sim::sectors(sim::kChunkSize)});
  return fault::FaultDevice(disk, loop, plan).set_regions(fault_regions(VolumeView{}));
}

sim::Result<std::optional<fault::FaultPlan>> take_faults(TraceHeader* header) {
  if (header->faults.empty()) return std::optional<fault::FaultPlan>();
  ZT_ASSIGN(fault::FaultPlan plan, fault::parse_fault_plan(header->faults));
  ZT_TRY(check_regions(plan));
  header->faults.clear();
  return std::optional<fault::FaultPlan>(std::move(plan));
}

DiskStack::DiskStack(sim::World& world, sim::MemDisk medium, const StackOptions& options)
    : medium_(std::move(medium)) {
  sim::BlockDevice* below = &medium_;
  if (options.volatile_cache) {
    cache_ = std::make_unique<sim::VolatileCache>(medium_, options.cache,
                                                  world.prng.fork("volatile cache"));
    below = cache_.get();
  }
  log_ = std::make_unique<sim::IoLog>(*below, world.loop);
  power_ = std::make_unique<PowerSwitch>(medium_, cache_.get(), *log_);
  if (options.faults) {
    faults_ = std::make_unique<fault::FaultDevice>(*log_, world.loop, *options.faults);
  }
}

}  // namespace zerotail::harness
