// Mounting: everything that is read before the first operation, and checked before it is used.
#include <algorithm>
#include <mutex>
#include <optional>
#include <string>

#include "zerotail/exfat/file_system.h"
#include "zerotail/exfat/upcase_table.h"

namespace zerotail::exfat {

namespace {
constexpr sim::ByteCount kMaxUpcaseBytes{uint64_t{kUpcaseUnits} * sizeof(Le16)};

sim::Error unusable(const std::string& what) { return sim::Error(sim::Errno::kInval, what); }

// The sector size must be known before there can be a cache.
sim::Result<sim::ByteCount> read_sector_size(sim::World& world, sim::BlockDevice& device) {
  const sim::DeviceInfo& info = device.info();
  if (sim::bytes(info.capacity).value() < kMinVolumeBytes) {
    return unusable("device: smaller than 1 MiB");
  }
  std::vector<std::byte> block(info.logical_block.value());
  const sim::Errno status = sim::read_sectors(world.scheduler, device, sim::Sector{0}, block,
                                              buffer::tag(buffer::IoKind::kBoot));
  if (status != sim::Errno::kOk) return sim::Error(status, "boot sector: read");
  ZT_ASSIGN(const sim::ByteCount size, probe_sector_size(load<BootSector>(block)));
  if (size < info.logical_block) {
    return unusable("boot sector: BytesPerSectorShift gives " + std::to_string(size.value()) +
                    " bytes, the device's logical block has " +
                    std::to_string(info.logical_block.value()));
  }
  return size;
}
}  // namespace

sim::Result<std::unique_ptr<FileSystem>> FileSystem::mount(sim::World& world,
                                                           sim::BlockDevice& device,
                                                           const Options& options) {
  ZT_ASSIGN(const sim::ByteCount sector_size, read_sector_size(world, device));
  auto cache = std::make_unique<buffer::BufferCache>(
      device, world.scheduler, buffer::BufferCache::Options{.block_size = sector_size});
  ZT_ASSIGN(const BootRegion boot, BootRegion::read(*cache));
  std::unique_ptr<FileSystem> fs(new FileSystem(world, std::move(cache), boot, options));
  ZT_TRY(fs->load_system());
  return fs;
}

FileSystem::FileSystem(sim::World& world, std::unique_ptr<buffer::BufferCache> cache,
                       const BootRegion& boot, const Options& options)
    : world_(world),
      cache_(std::move(cache)),
      boot_(boot),
      options_(options),
      fat_(*cache_, boot_.geometry()),
      volume_lock_(world.scheduler, "volume lock"),
      inodes_(*this) {
  fat_.set_sync(options.sync, options.chain_by_entry);
}

FileSystem::~FileSystem() = default;

sim::Status FileSystem::load_system() {
  ZT_TRY(load_root());
  DirectoryFile directory = open_directory(*root_);
  bool have_upcase = false;
  for (uint32_t entry = 0; entry < directory.entries(); ++entry) {
    std::array<DentrySet::Raw, 1> raw;
    ZT_TRY(directory.read(entry, raw));
    const uint8_t type = load<GenericDentry>(raw[0]).entry_type;
    if (is_type(type, EntryType::kEndOfDirectory)) break;
    // Bit 0 of BitmapFlags says which FAT it belongs to; the other one's is stale.
    if (is_type(type, EntryType::kAllocationBitmap) && !bitmap_ &&
        (load<BitmapDentry>(raw[0]).bitmap_flags & 1U) == geometry().active_fat()) {
      ZT_TRY(load_bitmap(load<BitmapDentry>(raw[0])));
    }
    if (is_type(type, EntryType::kUpcaseTable) && !have_upcase) {
      ZT_TRY(load_upcase(load<UpcaseDentry>(raw[0])));
      have_upcase = true;
    }
    if (bitmap_ && have_upcase) break;
  }
  if (!bitmap_) return unusable("root directory: no allocation bitmap");
  if (!have_upcase) return unusable("root directory: no upcase table");
  allocator_.emplace(world_.scheduler, *cache_, geometry(), fat_, *bitmap_, options_.ordering);
  return {};
}

sim::Status FileSystem::load_root() {
  const sim::ClusterCount limit{
      std::min(geometry().cluster_count().value(),
               std::max<uint64_t>(kMaxDirectoryBytes / geometry().cluster_size().value(), 1))};
  sim::Result<ClusterChain> chain =
      ClusterChain::walk_to_end(geometry(), fat_, geometry().root_cluster(), limit);
  if (!chain.ok()) return unusable("root directory: " + chain.error().message());
  root_ = &inodes_.add(nullptr, 0);
  root_->attributes_ = kAttributeDirectory;
  root_->size_ = sim::FilePos{} + geometry().bytes(chain->count());
  root_->valid_size_ = root_->size_;
  root_->zeroed_size_ = root_->size_;
  root_->chain_ = std::move(*chain);
  return {};
}

// The runs of the bitmap or of the upcase table. Their entries have no NoFatChain flag: the FAT
// has their chains.
sim::Result<std::vector<ClusterRun>> FileSystem::system_runs(const char* what, sim::Cluster first,
                                                             sim::ByteCount length) {
  sim::Result<ClusterChain> chain =
      ClusterChain::from_disk(geometry(), first, geometry().clusters(length), false);
  if (!chain.ok()) return unusable(std::string(what) + ": " + chain.error().message());
  sim::Result<std::vector<ClusterRun>> runs = chain->runs(fat_, FileCluster{});
  if (!runs.ok()) return unusable(std::string(what) + ": " + runs.error().message());
  return runs;
}

namespace {
// A chain that is read as far as it is needed may come back to one of its clusters unseen.
std::optional<sim::Cluster> cluster_met_twice(std::vector<ClusterRun> runs) {
  std::sort(runs.begin(), runs.end(),
            [](const ClusterRun& a, const ClusterRun& b) { return a.first < b.first; });
  for (size_t i = 1; i < runs.size(); ++i) {
    if (runs[i].first < runs[i - 1].first + runs[i - 1].count) return runs[i].first;
  }
  return std::nullopt;
}
}  // namespace

sim::Status FileSystem::load_bitmap(const BitmapDentry& entry) {
  const sim::ByteCount length{entry.data_length};
  ZT_ASSIGN(std::vector<ClusterRun> runs,
            system_runs("bitmap", sim::Cluster{entry.first_cluster}, length));
  if (const auto twice = cluster_met_twice(runs)) {
    return unusable("bitmap: its chain comes back to cluster " + std::to_string(twice->value()));
  }
  ZT_ASSIGN(AllocationBitmap bitmap, AllocationBitmap::load(*cache_, geometry(), runs, length));
  for (const ClusterRun& run : runs) {
    // Else the bitmap would hand out its own clusters.
    if (bitmap.is_used(run.first) && bitmap.free_run(run.first, run.count).value() == 0) continue;
    return unusable("bitmap: its cluster " + std::to_string(run.first.value()) + " is marked free");
  }
  bitmap_.emplace(std::move(bitmap));
  return {};
}

sim::Status FileSystem::load_upcase(const UpcaseDentry& entry) {
  const sim::ByteCount length{entry.data_length};
  if (length.value() == 0 || length > kMaxUpcaseBytes) {
    return unusable("upcase table: DataLength is " + std::to_string(length.value()));
  }
  ZT_ASSIGN(const std::vector<ClusterRun> runs,
            system_runs("upcase table", sim::Cluster{entry.first_cluster}, length));
  std::vector<std::byte> table;
  table.reserve(length.value());
  for (const ClusterRun& run : runs) {
    const uint64_t bytes =
        std::min(length.value() - table.size(), geometry().bytes(run.count).value());
    const uint64_t block_size = cache_->block_size().value();
    const buffer::Block first = cache_->block_at(geometry().cluster_pos(run.first));
    const uint64_t blocks = sim::round_up(bytes, block_size) / block_size;
    const sim::IoTag tag = buffer::tag(buffer::IoKind::kUpcase, run.first.value());
    ZT_TRY(cache_->read_run(first, buffer::BlockCount{blocks}, tag));
    for (uint64_t i = 0; i < blocks; ++i) {
      ZT_ASSIGN(const buffer::BufferRef block, cache_->get(first + buffer::BlockCount{i}, tag));
      const uint64_t wanted = std::min(length.value() - table.size(), block_size);
      table.insert(table.end(), block->data().begin(),
                   block->data().begin() + static_cast<ptrdiff_t>(wanted));
    }
  }
  ZT_ASSIGN(upcase_, Upcase::parse(table, entry.table_checksum));
  return {};
}

// ---- the super block

SpaceCount FileSystem::space() const {
  return {.clusters = geometry().cluster_count(), .free = allocator_->available()};
}

void FileSystem::set_options(const Options& options) {
  options_ = options;
  fat_.set_sync(options.sync, options.chain_by_entry);
}

void FileSystem::shut_down() {
  shut_down_ = true;
  options_.discard = false;
}

sim::Status FileSystem::check_alive() const {
  if (!shut_down_) return {};
  return sim::Error(sim::Errno::kIo, "volume: it was shut down");
}

sim::Status FileSystem::set_volume_dirty() {
  ZT_TRY(check_alive());
  if (options_.read_only) return sim::Error(sim::Errno::kRofs, "volume: mounted read-only");
  return boot_.set_dirty(*cache_, true);
}

sim::Status FileSystem::set_dirty() {
  const std::lock_guard guard(volume_lock_);
  return set_volume_dirty();
}

sim::Status FileSystem::clear_dirty() {
  const std::lock_guard guard(volume_lock_);
  ZT_TRY(check_alive());
  return boot_.set_dirty(*cache_, false);
}

}  // namespace zerotail::exfat
