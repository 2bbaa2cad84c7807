#include "zerotail/volume/volume.h"

#include <bit>

#include "impl.h"

namespace zerotail::volume {

namespace {

constexpr sim::ByteCount kMinPage = sim::kib(4);
constexpr sim::ByteCount kMaxPage = sim::kib(64);

sim::Status check_options(const MountOptions& options) {
  const uint64_t page = options.page_size.value();
  if (!std::has_single_bit(page) || options.page_size < kMinPage || options.page_size > kMaxPage) {
    return sim::Error(sim::Errno::kInval, "mount: page size " + std::to_string(page));
  }
  return {};
}

}  // namespace

const char* print(IoPath path) {
  switch (path) {
    case IoPath::kIomap:
      return "iomap";
    case IoPath::kBufferHead:
      return "buffer-head";
  }
  return "";
}

sim::Result<IoPath> parse_io_path(std::string_view text) {
  for (const IoPath path : {IoPath::kIomap, IoPath::kBufferHead}) {
    if (text == print(path)) return path;
  }
  return sim::Error(sim::Errno::kInval,
                    "'" + std::string(text) + "': there are iomap and buffer-head");
}

exfat::Options exfat_options(const MountOptions& options) {
  exfat::Options result;
  result.read_only = options.read_only;
  result.sync = options.sync;
  result.dirsync = options.dirsync;
  result.discard = options.discard;
  result.ordering = options.ordering;
  result.chain_by_entry = options.io_path == IoPath::kBufferHead;
  result.start_time = options.start_time;
  return result;
}

namespace {

io::CacheOptions cache_options(const MountOptions& options) {
  io::CacheOptions cache{.page_size = options.page_size};
  switch (options.folios) {
    case Folios::kSingle:
      cache.folios = mm::FolioSizes::kSinglePage;
      break;
    case Folios::kLarge:
      cache.folios = mm::FolioSizes::kLarge;
      break;
  }
  switch (options.io_path) {
    case IoPath::kIomap:
      cache.path = io::IoPath::kIomap;
      break;
    case IoPath::kBufferHead:
      cache.path = io::IoPath::kBufferHead;
      break;
  }
  return cache;
}

io::WritebackTuning tuning(const WritebackOptions& options) {
  return {.expire = options.expire,
          .interval = options.interval,
          .background = options.background,
          .limit = options.limit};
}

}  // namespace

Volume::Volume(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Volume::~Volume() = default;

sim::Result<std::unique_ptr<Volume>> Volume::mount(sim::World& world, sim::BlockDevice& device,
                                                   const MountOptions& options) {
  ZT_TRY(check_options(options));
  auto impl = std::make_unique<Impl>();
  impl->options = options;
  ZT_ASSIGN(impl->mount,
            io::Mount::open(world, device, exfat_options(options), cache_options(options)));
  impl->mount->flusher().set_tuning(tuning(options.writeback));
  return std::unique_ptr<Volume>(new Volume(std::move(impl)));
}

sim::Status Volume::unmount() {
  ZT_ASSERT_MSG(!impl_->unmounted, "unmounted twice");
  impl_->unmounted = true;
  impl_->wait_writes();
  impl_->writes.clear();
  impl_->mount->flusher().stop();
  impl_->files.clear();
  for (auto& mapping : impl_->mappings) {
    if (mapping != nullptr) impl_->drop_mapping(mapping);
  }
  const sim::Status freed = impl_->fs().free_unlinked();
  ZT_TRY(impl_->mount->quiesce());
  return freed;
}

sim::Status Volume::remount(const MountOptions& options) {
  ZT_TRY(impl_->alive());
  if (options.read_only && !impl_->options.read_only && impl_->any_open_for_write()) {
    return sim::Error(sim::Errno::kBusy, "remount: a file is open for writing");
  }
  // Also when it stays writable: a remount clears VolumeDirty, and the next change sets it again.
  ZT_TRY(impl_->mount->quiesce());
  impl_->options.read_only = options.read_only;
  impl_->options.sync = options.sync;
  impl_->options.dirsync = options.dirsync;
  impl_->options.discard = options.discard;
  impl_->fs().set_options(exfat_options(impl_->options));
  return {};
}

sim::Status Volume::sync() { return impl_->mount->sync(); }
sim::Status Volume::syncfs() {
  ZT_TRY(impl_->alive());
  return impl_->mount->sync();
}
void Volume::drop_caches() { impl_->mount->drop_caches(); }
sim::Status Volume::background_writeback() { return impl_->mount->background_writeback(); }
void Volume::set_writeback(const WritebackOptions& options) {
  impl_->options.writeback = options;
  impl_->mount->flusher().set_tuning(tuning(options));
}
const MountOptions& Volume::options() const { return impl_->options; }

}  // namespace zerotail::volume
