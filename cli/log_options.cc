#include "log_options.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>

#include "zerotail/cli/output_file.h"
#include "zerotail/sim/image_file.h"

namespace zerotail::cli {
namespace {

constexpr const char* kFolderName = "zerotail-explore-";
constexpr const char* kLockName = "/in-use";

sim::Error host_error(const std::string& path, const char* what) {
  const int code = errno;
  return sim::Error(static_cast<sim::Errno>(code),
                    fmt::format("{}: {}: {}", path, what, std::strerror(code)));
}

// Folders of runs that were killed: the lock went with the process.
void remove_abandoned(const std::string& parent) {
  std::error_code ignored;
  std::vector<std::string> abandoned;
  for (const auto& entry : std::filesystem::directory_iterator(parent, ignored)) {
    if (entry.path().filename().string().rfind(kFolderName, 0) != 0) continue;
    const std::string file = entry.path().string() + kLockName;
    const int lock = ::open(file.c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW);
    if (lock < 0) continue;
    if (::flock(lock, LOCK_EX | LOCK_NB) == 0) abandoned.push_back(entry.path().string());
    ::close(lock);
  }
  for (const std::string& folder : abandoned) std::filesystem::remove_all(folder, ignored);
}

}  // namespace

void LogInput::add_to(CLI::App& command) {
  command.add_option("--log", log, "A dm-log-writes log, of the kernel's target, QEMU or `record`");
  command.add_flag("--log-scan", scan,
                   "Take the log's entries behind those that its super block counts: the recorder "
                   "was killed");
  command
      .add_option("--log-without", without,
                  "Entries of the log, from 0, that lose their flush and FUA, with commas between: "
                  "what a file system that forgot them would have written")
      ->delimiter(',');
}

sim::Result<harness::LogSource> LogInput::load(const std::string& base, Terminal& terminal) const {
  if (base.empty()) {
    return sim::Error(sim::Errno::kInval, log + ": needs the image that it began with");
  }
  ZT_ASSIGN(const sim::MemDisk disk, sim::load_image(base, {}));
  ZT_ASSIGN(const std::string content, read_file(log));
  const fault::LogReadOptions options{.capacity = disk.capacity(), .scan = scan};
  ZT_ASSIGN(fault::LogWrites parsed, fault::parse_log_writes(content, log, options));
  if (parsed.uncounted > 0) {
    terminal.note(
        fmt::format("{}: its super block counts {} entries, {} more follow, perhaps of an older "
                    "log; --log-scan takes them",
                    log, parsed.entries.size(), parsed.uncounted));
  }
  ZT_TRY(harness::drop_barriers(&parsed, without, log));
  harness::LogSource source =
      harness::make_log_source(log, base, std::move(parsed), disk.snapshot());
  source.without = without;
  return source;
}

sim::Result<ScratchFolder> ScratchFolder::create(const std::string& parent) {
  std::string path = parent;
  if (path.empty()) {
    const bool memory = ::access("/dev/shm", W_OK | X_OK) == 0;
    path = memory ? "/dev/shm" : std::filesystem::temp_directory_path().string();
  }
  remove_abandoned(path);
  path += std::string("/") + kFolderName + "XXXXXX";
  if (::mkdtemp(path.data()) == nullptr) return host_error(path, "cannot be made");
  const std::string file = path + kLockName;
  // Made elsewhere and moved in, so that nobody sees it without its lock.
  const int lock = ::open(path.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
  const bool held = lock >= 0 && ::flock(lock, LOCK_EX | LOCK_NB) == 0 &&
                    ::linkat(AT_FDCWD, fmt::format("/proc/self/fd/{}", lock).c_str(), AT_FDCWD,
                             file.c_str(), AT_SYMLINK_FOLLOW) == 0;
  if (!held && lock >= 0) ::close(lock);
  // Without a lock (not every file system can do this) the folder is never taken for abandoned.
  return ScratchFolder(path, held ? lock : -1);
}

ScratchFolder::~ScratchFolder() {
  std::error_code ignored;
  if (!path_.empty()) std::filesystem::remove_all(path_, ignored);
  if (lock_ >= 0) ::close(lock_);
}

void CheckOptions::add_to(CLI::App& app) {
  app.add_option("--check-cmd", command,
                 "The checker of a --log's states, e.g. 'fsck.exfat -n {image}'; {mark} is the "
                 "last mark that was passed");
  app.add_option("--check-ok", ok, "Exit codes of the checker that mean good, with commas between")
      ->delimiter(',')
      ->check(CLI::Range(0, 255))
      ->capture_default_str();
  app.add_option("--check-timeout", timeout, "Seconds that the checker may take; 0: any time")
      ->capture_default_str();
  app.add_option("--scratch", scratch,
                 "Where the images for the checker go (default: /dev/shm, else TMPDIR)");
}

sim::Result<harness::CheckerOptions> CheckOptions::checker(const ScratchFolder& folder) const {
  if (command.empty()) {
    return sim::Error(sim::Errno::kInval,
                      "a log needs a checker, e.g. --check-cmd 'fsck.exfat -n {image}'");
  }
  harness::CheckerOptions options;
  ZT_ASSIGN(options.command, harness::CheckCommand::parse(command));
  options.ok = ok;
  options.timeout = std::chrono::seconds(timeout);
  options.clock = Progress::steady_clock();
  options.folder = folder.path();
  return options;
}

}  // namespace zerotail::cli
