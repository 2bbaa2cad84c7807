// The processes of external checkers: started, awaited, killed.
#include "zerotail/harness/external_checker.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

namespace zerotail::harness {
namespace {

using sim::Errno;
using sim::Error;
using sim::Result;
using sim::Status;

Error host_error(const std::string& thing, int code) {
  return Error(static_cast<Errno>(code), thing + ": " + std::strerror(code));
}

void close_fd(int* fd) {
  if (*fd >= 0) ::close(*fd);
  *fd = -1;
}

// Closed in children. (glibc 2.36 declares its wrapper without C linkage.)
int open_process(pid_t child) { return static_cast<int>(::syscall(SYS_pidfd_open, child, 0U)); }

// The environment of a checker: one language for its messages, and the sbin folders in its PATH.
std::vector<std::string> checker_environment() {
  std::vector<std::string> all;
  std::string path = "PATH=/usr/bin:/bin";
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view text(*entry);
    if (text.substr(0, 3) == "LC_" || text.substr(0, 5) == "LANG=") continue;
    if (text.substr(0, 5) == "PATH=") {
      path = std::string(text);
    } else {
      all.emplace_back(text);
    }
  }
  all.push_back(path + ":/usr/sbin:/sbin");
  all.emplace_back("LC_ALL=C.UTF-8");
  return all;
}

std::vector<char*> pointers(std::vector<std::string>* texts) {
  std::vector<char*> all;
  for (std::string& text : *texts) all.push_back(text.data());
  all.push_back(nullptr);
  return all;
}

// Spawns `words`, its output into `out`, as the leader of a new group with signals as at login.
int spawn(pid_t* child, std::vector<std::string> words, int out) {
  posix_spawn_file_actions_t files;
  posix_spawnattr_t attributes;
  posix_spawn_file_actions_init(&files);
  posix_spawnattr_init(&attributes);
  posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&files, out, STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&files, out, STDERR_FILENO);
  sigset_t none;
  sigset_t all;
  sigemptyset(&none);
  sigemptyset(&all);
  for (const int signal : {SIGINT, SIGTERM, SIGPIPE, SIGHUP, SIGQUIT}) sigaddset(&all, signal);
  posix_spawnattr_setpgroup(&attributes, 0);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setsigdefault(&attributes, &all);
  posix_spawnattr_setflags(
      &attributes,
      static_cast<short>(POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF));
  std::vector<std::string> environment = checker_environment();
  std::vector<char*> argv = pointers(&words);
  std::vector<char*> envp = pointers(&environment);
  const int failed = posix_spawn(child, argv[0], &files, &attributes, argv.data(), envp.data());
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&files);
  return failed;
}

}  // namespace

std::string CheckOutcome::kind() const {
  switch (end) {
    case End::kExit:
      return "exit-" + std::to_string(code);
    case End::kSignal:
      return "signal-" + std::to_string(code);
    case End::kTimeout:
      return "timeout";
  }
  return {};
}

struct CheckerPool::Slot {
  pid_t child = 0;   // 0: free
  int process = -1;  // readable when it has ended
  int out = -1;
  bool timed_out = false;
  std::chrono::nanoseconds deadline{};
  std::string output;

  // Takes what the pipe holds. The rest of a long output is thrown away.
  void drain() {
    std::array<char, 4096> chunk;
    while (out >= 0) {
      const ssize_t got = ::read(out, chunk.data(), chunk.size());
      if (got < 0 && errno == EINTR) continue;
      if (got < 0 && errno == EAGAIN) return;
      if (got <= 0) {
        close_fd(&out);
        return;
      }
      const size_t room = kOutputLimit - output.size();
      output.append(chunk.data(), std::min(room, static_cast<size_t>(got)));
    }
  }
  // The whole group, as long as its leader has not been awaited: its number is taken until then.
  void kill_group() const { ::kill(-child, SIGKILL); }
};

CheckerPool::CheckerPool(const Options& options) : options_(options) {
  for (size_t i = 0; i < options.slots; ++i) slots_.push_back(std::make_unique<Slot>());
}

CheckerPool::~CheckerPool() {
  for (const auto& slot : slots_) {
    if (slot->child == 0) continue;
    slot->kill_group();
    [[maybe_unused]] const CheckOutcome ignored = finish(slot.get());
  }
}

size_t CheckerPool::running() const {
  return static_cast<size_t>(std::count_if(slots_.begin(), slots_.end(),
                                           [](const auto& slot) { return slot->child != 0; }));
}

Status CheckerPool::start(size_t index, const std::vector<std::string>& words) {
  Slot& slot = *slots_[index];
  ZT_ASSERT(slot.child == 0);
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return host_error("pipe", errno);
  const int failed = spawn(&slot.child, words, ends[1]);
  ::close(ends[1]);
  if (failed != 0) {
    ::close(ends[0]);
    slot.child = 0;
    return host_error(words.front() + ": cannot be run", failed);
  }
  slot.out = ends[0];
  ::fcntl(slot.out, F_SETFL, O_NONBLOCK);
  slot.output.clear();
  slot.timed_out = false;
  if (options_.timeout.count() > 0) slot.deadline = options_.clock() + options_.timeout;
  slot.process = open_process(slot.child);
  if (slot.process < 0) {
    const int code = errno;
    slot.kill_group();
    [[maybe_unused]] const CheckOutcome ignored = finish(&slot);
    return host_error("pidfd_open", code);
  }
  return {};
}

// The leader has ended, or was killed: awaits it and frees the slot.
CheckOutcome CheckerPool::finish(Slot* slot) {
  siginfo_t info{};
  while (::waitid(P_PID, static_cast<id_t>(slot->child), &info, WEXITED | WNOWAIT) != 0 &&
         errno == EINTR) {
  }
  slot->kill_group();  // what it has left running
  int status = 0;
  while (::waitpid(slot->child, &status, 0) < 0 && errno == EINTR) {
  }
  slot->drain();
  close_fd(&slot->out);
  close_fd(&slot->process);
  slot->child = 0;
  CheckOutcome outcome;
  outcome.output = std::move(slot->output);
  if (slot->timed_out) {
    outcome.end = CheckOutcome::End::kTimeout;
  } else if (WIFSIGNALED(status)) {
    outcome.end = CheckOutcome::End::kSignal;
    outcome.code = WTERMSIG(status);
  } else {
    outcome.code = WEXITSTATUS(status);
  }
  return outcome;
}

Result<std::optional<CheckerPool::Ended>> CheckerPool::wait() {
  while (running() > 0) {
    std::vector<pollfd> watched;
    std::vector<size_t> owner;
    int patience = -1;  // milliseconds
    const bool limited = options_.timeout.count() > 0;
    const auto now = limited ? options_.clock() : std::chrono::nanoseconds{};
    for (size_t i = 0; i < slots_.size(); ++i) {
      Slot& slot = *slots_[i];
      if (slot.child == 0) continue;
      if (limited && !slot.timed_out) {
        if (now >= slot.deadline) {
          slot.timed_out = true;
          slot.kill_group();
        } else {
          const auto left =
              std::chrono::ceil<std::chrono::milliseconds>(slot.deadline - now).count();
          const int milliseconds = static_cast<int>(std::min<int64_t>(left, 60000));
          patience = patience < 0 ? milliseconds : std::min(patience, milliseconds);
        }
      }
      watched.push_back({.fd = slot.process, .events = POLLIN, .revents = 0});
      owner.push_back(i);
      if (slot.out < 0) continue;
      watched.push_back({.fd = slot.out, .events = POLLIN, .revents = 0});
      owner.push_back(i);
    }
    const int ready = ::poll(watched.data(), watched.size(), patience);
    if (ready < 0 && errno == EINTR) return std::optional<Ended>();
    if (ready < 0) return host_error("poll", errno);
    for (size_t i = 0; i < watched.size(); ++i) {
      if (watched[i].revents == 0) continue;
      Slot& slot = *slots_[owner[i]];
      if (watched[i].fd == slot.process) {
        return std::optional<Ended>({owner[i], finish(&slot)});
      }
      slot.drain();
    }
  }
  return std::optional<Ended>();
}

}  // namespace zerotail::harness
