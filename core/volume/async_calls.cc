// Writes that are submitted and collected later (io_submit, io_getevents). Each is a task: it runs
// until everything is on its way before the submitter goes on, and ends by itself.
#include <algorithm>
#include <limits>

#include "impl.h"

namespace zerotail::volume {

namespace {

// Says that the write has ended, also when its task is abandoned.
class Ending {
 public:
  Ending(SubmittedWrite& write, uint64_t& ended) : write_(write), ended_(ended) {}
  ~Ending() {
    write_.outcome.order = ended_++;
    write_.submitted.complete();
    write_.ended.complete();
  }
  Ending(const Ending&) = delete;
  Ending& operator=(const Ending&) = delete;

 private:
  SubmittedWrite& write_;
  uint64_t& ended_;
};

}  // namespace

Volume::Impl::~Impl() { wait_writes(); }

void Volume::Impl::wait_writes() {
  for (const auto& write : writes) write->ended.wait("a submitted write");
}

void Volume::Impl::run_write(SubmittedWrite& write, int64_t pos, const io::DirectMode& direct,
                             const io::WriteMode& mode) {
  const Ending ending(write, writes_ended);
  const uint64_t length = write.bytes.size();
  const auto max = static_cast<uint64_t>(std::numeric_limits<int64_t>::max());
  if (pos < 0 || length > max - static_cast<uint64_t>(pos)) {
    write.outcome.count = sim::Error(sim::Errno::kInval, "write: position out of range");
    return;
  }
  const iomap::CopySource source{.bytes = write.bytes, .fault_at = write.fault_at};
  write.outcome.count =
      io::direct_write(mount->node(*write.inode), sim::FilePos{static_cast<uint64_t>(pos)}, source,
                       direct, mode, write.errors, [&write] { write.submitted.complete(); });
}

sim::Result<WriteId> Volume::submit_write(Fd fd, int64_t pos, const Source& source) {
  ZT_ASSIGN(OpenFile * file, impl_->data_file(fd, true));
  if (!file->flags.direct) return sim::Error(sim::Errno::kInval, "submit: not O_DIRECT");
  sim::Scheduler& scheduler = impl_->mount->world().scheduler;
  impl_->writes.push_back(
      std::make_unique<SubmittedWrite>(WriteId{impl_->next_write++}, file->inode, scheduler));
  SubmittedWrite& write = *impl_->writes.back();
  write.bytes.assign(source.bytes.begin(), source.bytes.end());
  write.fault_at = source.fault_at;
  write.errors = file->errors;
  const io::DirectMode direct{.memory_aligned = source.misalignment == 0,
                              .no_invalidate = source.no_invalidate};
  const io::WriteMode mode{
      .append = file->flags.append, .sync = file->flags.sync, .data_sync = file->flags.data_sync};
  scheduler.spawn("submitted write", [impl = impl_.get(), &write, pos, direct, mode] {
    impl->run_write(write, pos, direct, mode);
  });
  const WriteId id = write.id;
  write.submitted.wait("a write's submission");
  return id;
}

WriteOutcome Volume::collect_write(WriteId id) {
  const auto known = std::find_if(impl_->writes.begin(), impl_->writes.end(),
                                  [id](const auto& write) { return write->id == id; });
  ZT_ASSERT_MSG(known != impl_->writes.end(), "a write is collected that was not submitted");
  (*known)->ended.wait("a submitted write");
  // Others may have come and gone while this one was waited for.
  const auto now = std::find_if(impl_->writes.begin(), impl_->writes.end(),
                                [id](const auto& write) { return write->id == id; });
  const WriteOutcome outcome = (*now)->outcome;
  impl_->writes.erase(now);
  static_cast<void>(impl_->fs().free_unlinked());
  return outcome;
}

}  // namespace zerotail::volume
