#include "zerotail/io/flusher.h"

#include <limits>

#include "zerotail/exfat/file_system.h"
#include "zerotail/io/mount.h"

namespace zerotail::io {

namespace {

constexpr size_t kAllBuffers = std::numeric_limits<size_t>::max();

// Says that the pass has ended, also when its task is abandoned.
class Ending {
 public:
  Ending(bool& running, sim::WaitQueue& idle) : running_(running), idle_(idle) {}
  ~Ending() {
    running_ = false;
    idle_.wake_all();
  }
  Ending(const Ending&) = delete;
  Ending& operator=(const Ending&) = delete;

 private:
  bool& running_;
  sim::WaitQueue& idle_;
};

}  // namespace

Flusher::Flusher(Mount& mount)
    : mount_(mount), timers_(std::make_shared<Flusher*>(this)), idle_(mount.world().scheduler) {}

void Flusher::set_tuning(const WritebackTuning& tuning) {
  tuning_ = tuning;
  timers_ = std::make_shared<Flusher*>(this);
  armed_ = false;
  if (any_dirty()) wake();
}

bool Flusher::any_dirty() const {
  exfat::FileSystem& fs = mount_.fs();
  return fs.buffers().dirty() > 0 || fs.first_dirty_inode();
}

bool Flusher::over_background() const {
  const bool limited = tuning_.limit > sim::ByteCount{0};
  return limited && mount_.folios().unwritten() > tuning_.background;
}

void Flusher::wake() {
  if (stopped_ || running_ || armed_ || tuning_.interval == sim::Nanos{0}) return;
  arm();
}

void Flusher::arm() {
  armed_ = true;
  const std::weak_ptr<Flusher*> timer = timers_;
  mount_.world().loop.schedule_after(tuning_.interval, [timer] {
    const std::shared_ptr<Flusher*> alive = timer.lock();
    if (alive == nullptr) return;
    Flusher& flusher = **alive;
    flusher.armed_ = false;
    if (flusher.stopped_ || !flusher.any_dirty()) return;
    flusher.due_ = true;
    flusher.start();
  });
}

void Flusher::start() {
  if (running_ || stopped_) return;
  running_ = true;
  mount_.world().scheduler.spawn("flusher", [this] { run(); });
}

void Flusher::run() {
  const Ending ending(running_, idle_);
  while (!stopped_ && (due_ || background_)) {
    const sim::Nanos now = mount_.world().loop.now();
    if (due_) {
      due_ = false;
      if (now >= tuning_.expire) pass(now - tuning_.expire, false);
    } else {
      background_ = false;
      pass(now, true);
    }
    idle_.wake_all();  // throttled writers look again
  }
  // The pass may have held the last reference to an unlinked file.
  if (!stopped_) static_cast<void>(mount_.fs().free_unlinked());
  if (any_dirty() && !stopped_ && !armed_ && tuning_.interval > sim::Nanos{0}) arm();
}

void Flusher::pass(sim::Nanos cutoff, bool background) {
  exfat::FileSystem& fs = mount_.fs();
  if (fs.options().read_only) return;
  buffer::BufferCache& buffers = fs.buffers();
  bool metadata = buffers.dirty() > 0 && buffers.dirty_since() <= cutoff;
  const auto write_metadata = [&] {
    metadata = false;
    static_cast<void>(buffers.write_some(kAllBuffers));
  };
  for (const exfat::InodeRef& inode : fs.dirty_inodes()) {
    if (stopped_ || (background && !over_background())) return;
    if (!any(inode->dirty()) || inode->dirty_since() > cutoff) continue;
    if (metadata && buffers.dirty_since() <= inode->dirty_since()) write_metadata();
    if (stopped_) return;
    mount_.write_back_unasked(*inode);
  }
  if (metadata && !stopped_) write_metadata();
}

void Flusher::throttle() {
  if (!over_background()) return;
  background_ = true;
  start();
  while (!stopped_ && mount_.folios().unwritten() > tuning_.limit) {
    const sim::ByteCount before = mount_.folios().unwritten();
    background_ = true;
    start();
    idle_.wait("dirty pages");
    // What cannot be written is not waited for twice.
    if (!running_ && mount_.folios().unwritten() >= before) return;
  }
}

void Flusher::wait_idle() {
  while (running_) idle_.wait("the flusher");
}

void Flusher::stop() {
  stopped_ = true;
  timers_.reset();
  wait_idle();
}

}  // namespace zerotail::io
