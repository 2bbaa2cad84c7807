// The operations on the volume as a whole and on what is not data: label, attributes, FITRIM,
// shutdown, positions in directories; and losing power.
#include "zerotail/harness/disk_stack.h"
#include "zerotail/harness/executor.h"
#include "zerotail/harness/power.h"

namespace zerotail::harness {
namespace {

using sim::Errno;
using sim::Error;

OpResult outcome(const sim::Status& status) {
  return status.ok() ? OpResult{} : failure(status.error());
}

}  // namespace

OpResult Executor::run_readdir(const Operation& op) {
  const sim::Result<volume::DirectoryListing> listing = volume_->read_directory(op.path, op.pos);
  if (!listing.ok()) return failure(listing.error());
  std::vector<std::string> names;
  for (const volume::ListEntry& entry : listing->entries) {
    names.push_back(entry.directory ? entry.name + "/" : entry.name);
  }
  OpResult result;
  result.ret = static_cast<int64_t>(names.size());
  result.set("names", std::move(names));
  return result;
}

OpResult Executor::run_label(const Operation& op) {
  if ((op.mode & kQueryOnly) == 0) {
    if (const sim::Status set = volume_->set_label(op.text); !set.ok()) return failure(set.error());
  }
  const sim::Result<std::string> label = volume_->label();
  if (!label.ok()) return failure(label.error());
  OpResult result;
  result.set("label", label.value());
  return result;
}

OpResult Executor::run_attributes(const Operation& op) {
  if ((op.mode & kQueryOnly) == 0) {
    if (op.value < 0 || op.value > int64_t{UINT32_MAX}) {
      return failure(Error(Errno::kInval, "value: no 32-bit number"));
    }
    const sim::Status set = volume_->set_attributes(op.path, static_cast<uint32_t>(op.value));
    if (!set.ok()) return failure(set.error());
  }
  const sim::Result<uint16_t> attributes = volume_->attributes(op.path);
  if (!attributes.ok()) return failure(attributes.error());
  OpResult result;
  result.set("attr", int64_t{attributes.value()});
  return result;
}

// As the ioctl's unsigned numbers: a length of -1 is the whole volume.
OpResult Executor::run_fitrim(const Operation& op) {
  const sim::Result<uint64_t> trimmed =
      volume_->trim({.start = static_cast<uint64_t>(op.off),
                     .length = static_cast<uint64_t>(op.len),
                     .min_length = static_cast<uint64_t>(op.size)});
  if (!trimmed.ok()) return failure(trimmed.error());
  OpResult result;
  result.ret = static_cast<int64_t>(trimmed.value());
  return result;
}

OpResult Executor::run_shutdown(const Operation& op) { return outcome(volume_->shutdown(op.mode)); }

OpResult Executor::run_crash(const Operation& op) {
  if (power_ == nullptr) {
    return failure(Error(Errno::kOpNotSupp, "operation crash: this disk cannot lose power"));
  }
  const sim::Result<volume::MountOptions> options = mount_options(header_);
  if (!options.ok()) return failure(options.error());
  if (const sim::Status known = power_->check(op.text); !known.ok()) return failure(known.error());
  handles_.clear();
  pending_.clear();
  volume_.reset();  // writes nothing
  const sim::Status lost = power_->lose_power(op.text);
  sim::Result<std::unique_ptr<volume::Volume>> mounted_volume =
      volume::Volume::mount(world_, device_, options.value());
  if (!mounted_volume.ok()) return failure(mounted_volume.error());
  volume_ = std::move(mounted_volume).value();
  return outcome(lost);
}

}  // namespace zerotail::harness
