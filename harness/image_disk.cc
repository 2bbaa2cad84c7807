#include "zerotail/harness/image_disk.h"

#include <algorithm>
#include <cstring>

#include "zerotail/harness/check.h"

namespace zerotail::harness {
namespace {

using sim::Errno;
using sim::Error;
using sim::Status;

// Overwrites the clusters that the bitmap calls free, so that stale bytes can be told from data.
Status poison_free_clusters(sim::MemDisk* disk, std::byte poison) {
  const CheckResult check = check_volume(*disk);
  const VolumeView& view = *check.view;
  if (!view.mountable() || view.bitmap == nullptr) {
    return Error(Errno::kInval, "image: has no allocation bitmap that can be read");
  }
  std::vector<std::byte> bitmap((view.geometry->cluster_count + 7) / 8);
  uint64_t filled = 0;
  for (const ClusterRun& run : view.bitmap->runs) {
    const uint64_t length =
        std::min(bitmap.size() - filled, run.count.value() * view.geometry->cluster_size.value());
    disk->read(sim::dev_pos(view.geometry->sector_of(run.first)),
               std::span(bitmap).subspan(filled, length));
    filled += length;
  }
  const std::vector<std::byte> cluster(view.geometry->cluster_size.value(), poison);
  for (uint64_t i = 0; i < view.geometry->cluster_count; ++i) {
    if ((bitmap[i / 8] >> (i % 8) & std::byte{1}) != std::byte{0}) continue;
    disk->write(sim::dev_pos(view.geometry->sector_of(sim::Cluster{i + 2})), cluster);
  }
  return {};
}

// An image's own geometry replaces what the header says of it.
Status adopt_image_geometry(const sim::SectorReader& disk, TraceHeader* header) {
  const CheckResult check = check_volume(disk);
  if (!check.view->geometry) {
    const std::string why =
        check.problems.empty() ? std::string("no exFAT volume") : check.problems[0].describe();
    return Error(Errno::kInval, "image: " + why);
  }
  header->sector = check.view->geometry->sector_size.value();
  header->cluster = check.view->geometry->cluster_size.value();
  header->logical = std::min<uint64_t>(header->logical_block(), header->sector);
  header->size_mib = sim::bytes(disk.capacity()).value() >> 20;
  return {};
}

}  // namespace

sim::Result<sim::MemDisk> image_disk(const sim::Snapshot& image, bool keep_free,
                                     TraceHeader* header) {
  ZT_TRY(adopt_image_geometry(image, header));
  sim::MemDisk::Options options;
  options.logical_block = sim::ByteCount{header->logical_block()};
  options.physical_block = options.logical_block;
  sim::MemDisk disk(image, options);
  if (!keep_free) ZT_TRY(poison_free_clusters(&disk, std::byte{header->poison}));
  return disk;
}

}  // namespace zerotail::harness
