// The operations that look at the disk instead of asking the volume.

#include <algorithm>

#include "device_reader.h"
#include "zerotail/harness/check.h"
#include "zerotail/harness/executor.h"
#include "zerotail/harness/pattern.h"

namespace zerotail::harness {
namespace {

using sim::Errno;
using sim::Error;

// The tree node at `path`, or the errno: EIO when the device fails, EINVAL when there is no volume.
sim::Result<std::shared_ptr<const TreeNode>> find_on_disk(const DeviceReader& reader,
                                                          const VolumeView& view,
                                                          const std::string& path) {
  if (reader.status() != Errno::kOk) return Error(reader.status(), "reading the disk");
  if (!view.mountable()) return Error(Errno::kInval, "no volume on the disk");
  std::shared_ptr<const TreeNode> node = view.find(path);
  if (node == nullptr || node->chain == nullptr) return Error(Errno::kNoEnt, path + " on the disk");
  return node;
}

}  // namespace

OpResult Executor::run_dirent(const Operation& op) {
  const DeviceReader reader(world_, device_);
  const CheckResult check = check_volume(reader);
  const auto node = find_on_disk(reader, *check.view, op.path);
  if (!node.ok()) return failure(node.error());
  const EntrySet& set = *node.value()->set;
  const Chain& chain = *node.value()->chain;
  OpResult result;
  result.set("dsize", static_cast<int64_t>(set.data_length));
  result.set("dvalid", static_cast<int64_t>(set.valid_data_length));
  result.set("nofat", int64_t{set.no_fat_chain ? 1 : 0});
  result.set("alloc", int64_t{set.allocation_possible ? 1 : 0});
  result.set("nclu", static_cast<int64_t>(chain.clusters.value()));
  result.set("runs", static_cast<int64_t>(chain.runs.size()));
  result.set("attr", int64_t{set.attributes});
  return result;
}

OpResult Executor::run_raw_read(const Operation& op) {
  if (op.off < 0) return failure(Error(Errno::kInval, "off"));
  const DeviceReader reader(world_, device_);
  const CheckResult check = check_volume(reader);
  const auto node = find_on_disk(reader, *check.view, op.path);
  if (!node.ok()) return failure(node.error());
  const CheckGeometry& geometry = *check.view->geometry;
  const Chain& chain = *node.value()->chain;
  const uint64_t held = chain.clusters.value() * geometry.cluster_size.value();
  const uint64_t begin = std::min(static_cast<uint64_t>(op.off), held);
  const uint64_t end = std::min(begin + static_cast<uint64_t>(op.len), held);
  std::vector<std::byte> bytes(end - begin);
  for (uint64_t pos = begin; pos < end;) {
    const uint64_t index = pos / geometry.cluster_size.value();
    const uint64_t offset = pos % geometry.cluster_size.value();
    const uint64_t part = std::min(geometry.cluster_size.value() - offset, end - pos);
    const std::optional<sim::Cluster> cluster = chain.cluster_of(index);
    if (!cluster) return failure(Error(Errno::kIo, "the chain ends early"));
    const sim::DevPos at = sim::dev_pos(geometry.sector_of(*cluster)) + sim::ByteCount{offset};
    reader.read(at, std::span(bytes).subspan(pos - begin, part));
    pos += part;
  }
  if (reader.status() != Errno::kOk) return failure(Error(reader.status(), "reading the disk"));
  OpResult result;
  result.ret = static_cast<int64_t>(bytes.size());
  describe_bytes(result, bytes, static_cast<uint64_t>(op.len), std::byte{header_.poison});
  return result;
}

}  // namespace zerotail::harness
