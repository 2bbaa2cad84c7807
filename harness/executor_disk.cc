// The operations that look at the disk instead of asking the volume.

#include <algorithm>

#include "device_reader.h"
#include "zerotail/harness/check.h"
#include "zerotail/harness/executor.h"
#include "zerotail/harness/image_edit.h"
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

// Bytes of a device, which takes whole logical blocks only.
class DeviceTarget : public EditTarget {
 public:
  DeviceTarget(sim::World& world, sim::BlockDevice& device) : world_(world), device_(device) {}

  sim::Status read(sim::DevPos pos, std::span<std::byte> out) override {
    ZT_TRY(load(pos, out.size()));
    std::copy_n(blocks_.begin() + static_cast<ptrdiff_t>(skip_), out.size(), out.begin());
    return {};
  }

  sim::Status write(sim::DevPos pos, std::span<const std::byte> bytes) override {
    ZT_TRY(load(pos, bytes.size()));
    std::copy(bytes.begin(), bytes.end(), blocks_.begin() + static_cast<ptrdiff_t>(skip_));
    const Errno status = sim::write_sectors(world_.scheduler, device_, first_, blocks_);
    if (status != Errno::kOk) return Error(status, "writing the edited block");
    return {};
  }

 private:
  // Reads the blocks that hold [pos, pos + size).
  sim::Status load(sim::DevPos pos, size_t size) {
    const uint64_t block = device_.info().logical_block.value();
    const uint64_t begin = pos.value() / block * block;
    const uint64_t end = (pos.value() + size + block - 1) / block * block;
    skip_ = pos.value() - begin;
    first_ = sim::Sector{sim::sectors(sim::ByteCount{begin}).value()};
    blocks_.resize(end - begin);
    const Errno status = sim::read_sectors(world_.scheduler, device_, first_, blocks_);
    if (status != Errno::kOk) return Error(status, "reading the block to edit");
    return {};
  }

  sim::World& world_;
  sim::BlockDevice& device_;
  std::vector<std::byte> blocks_;
  sim::Sector first_{0};
  size_t skip_ = 0;
};

}  // namespace

// Unmounts, changes the medium, mounts again; the change is asked for on a volume that is at rest.
OpResult Executor::run_edit(const Operation& op) {
  if (mounted()) {
    if (const sim::Status done = unmount(); !done.ok()) return failure(done.error());
  }
  sim::Status edited;
  {
    const DeviceReader reader(world_, device_);
    const sim::Result<ImageEditor> editor = ImageEditor::open(reader);
    if (reader.status() != Errno::kOk) return failure(Error(reader.status(), "reading the disk"));
    if (!editor.ok()) return failure(editor.error());
    DeviceTarget target(world_, device_);
    edited = editor->apply(target, {&op, 1});
  }
  if (const sim::Status again = mount(); !again.ok()) return failure(again.error());
  return edited.ok() ? OpResult{} : failure(edited.error());
}

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
