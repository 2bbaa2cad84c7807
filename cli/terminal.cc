// See terminal.h. The only place of the project that reads a real clock.
#include "zerotail/cli/terminal.h"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>

#include "zerotail/cli/commands.h"

namespace zerotail::cli {
namespace {

constexpr unsigned kDefaultWidth = 80;
constexpr unsigned kBarWidth = 20;
constexpr std::chrono::milliseconds kRedraw{200};
constexpr std::chrono::seconds kPlainLine{10};
constexpr double kTooLong = 100.0 * 3600;  // seconds left that say nothing to anybody

bool environment_has(const char* name) {
  const char* value = std::getenv(name);
  return value != nullptr && *value != '\0';
}

bool is_terminal(std::FILE* stream) { return isatty(fileno(stream)) == 1; }

unsigned columns_of(std::FILE* stream) {
  winsize size{};
  if (ioctl(fileno(stream), TIOCGWINSZ, &size) == 0 && size.ws_col > 0) return size.ws_col;
  return kDefaultWidth;
}

void put(std::FILE* stream, std::string_view text) {
  std::fwrite(text.data(), 1, text.size(), stream);
}

const char* escape_of(Style style) {
  switch (style) {
    case Style::kPlain:
      return "";
    case Style::kGood:
      return "\033[32m";
    case Style::kBad:
      return "\033[31;1m";
    case Style::kWarning:
      return "\033[33m";
    case Style::kStrong:
      return "\033[1m";
  }
  return "";
}

std::string bar(uint64_t done, uint64_t total) {
  const auto share = static_cast<double>(std::min(done, total)) / static_cast<double>(total);
  const auto filled = static_cast<size_t>(share * kBarWidth);
  return "[" + std::string(filled, '=') + std::string(kBarWidth - filled, ' ') + "]";
}

}  // namespace

Terminal::Options Terminal::detect(std::FILE* out, std::FILE* err) {
  const char* term = std::getenv("TERM");
  const bool dumb = term == nullptr || std::string_view(term) == "dumb";
  return {.quiet = false,
          .interactive = is_terminal(err) && !dumb,
          .colour = is_terminal(out) && !dumb && !environment_has("NO_COLOR"),
          .width = columns_of(err)};
}

void Terminal::print(std::string_view text) { put(out_, text); }

void Terminal::note(std::string_view line) {
  if (options_.quiet) return;
  put(err_, fmt::format("{}\n", line));
}

void Terminal::error(std::string_view thing, std::string_view what) {
  // Results printed so far come first when both streams end in one place.
  std::fflush(out_);
  put(err_, fmt::format("zerotail: {}: {}\n", thing, what));
}

ExitCode Terminal::fail(std::string_view thing, const sim::Error& error) {
  std::string_view where = error.where();
  // Many errors already start with the file they are about.
  if (where.substr(0, thing.size()) == thing) {
    where.remove_prefix(thing.size());
    while (!where.empty() && (where.front() == ':' || where.front() == ' ')) where.remove_prefix(1);
  }
  const std::string name = sim::errno_name(error.code());
  this->error(thing, where.empty() ? name : fmt::format("{} ({})", where, name));
  return ExitCode::kBadInput;
}

std::string Terminal::styled(Style style, std::string_view text) const {
  if (!options_.colour || style == Style::kPlain) return std::string(text);
  return fmt::format("{}{}\033[0m", escape_of(style), text);
}

bool Terminal::flush() { return std::fflush(out_) == 0 && std::ferror(out_) == 0; }

Progress::Progress(Terminal& terminal, Options options, Clock clock)
    : terminal_(terminal), options_(std::move(options)), clock_(std::move(clock)) {
  start_ = clock_();
  next_ = start_ + (terminal_.options_.interactive ? Duration(kRedraw) : Duration(kPlainLine));
}

void Progress::update(uint64_t done, uint64_t findings) {
  if (finished_ || terminal_.options_.quiet) return;
  const Duration now = clock_();
  if (now < next_) return;
  const bool interactive = terminal_.options_.interactive;
  next_ = now + (interactive ? Duration(kRedraw) : Duration(kPlainLine));
  const std::string text = line(done, findings, now - start_, terminal_.options_.width);
  // Redrawn in place: back to the first column, the line, and what is left of the old one cleared.
  put(terminal_.err_, interactive ? fmt::format("\r{}\033[K", text) : text + "\n");
  std::fflush(terminal_.err_);
  drawn_ = true;
}

void Progress::finish() {
  if (finished_) return;
  finished_ = true;
  if (drawn_ && terminal_.options_.interactive) {
    put(terminal_.err_, "\r\033[K");
    std::fflush(terminal_.err_);
  }
}

std::string Progress::line(uint64_t done, uint64_t findings, Duration elapsed,
                           unsigned width) const {
  const double seconds = std::chrono::duration<double>(elapsed).count();
  const double rate = seconds > 0 ? static_cast<double>(done) / seconds : 0;
  const uint64_t total = options_.total;
  std::string text = options_.what + " ";
  if (total > 0) {
    text +=
        fmt::format("{} {}/{} {}", bar(done, total), grouped(done), grouped(total), options_.unit);
  } else {
    text += fmt::format("{} {}", grouped(done), options_.unit);
  }
  text += fmt::format(", {}/s", grouped(static_cast<uint64_t>(rate)));
  const double left = rate > 0 ? static_cast<double>(total - done) / rate : kTooLong;
  if (total > done && left < kTooLong) {
    const std::chrono::seconds whole(static_cast<int64_t>(left));
    text += fmt::format(", {} left", clock_text(whole));
  }
  text += fmt::format(", {} {}", grouped(findings), findings == 1 ? "finding" : "findings");
  // One column less than the terminal has: a full line would wrap and could not be redrawn.
  if (text.size() >= width && terminal_.options_.interactive && width > 0) text.resize(width - 1);
  return text;
}

Progress::Clock Progress::steady_clock() {
  return [] { return Duration(std::chrono::steady_clock::now().time_since_epoch()); };
}

std::string grouped(uint64_t number) {
  std::string text = std::to_string(number);
  for (size_t place = text.size(); place > 3;) {
    place -= 3;
    text.insert(place, ",");
  }
  return text;
}

std::string clock_text(std::chrono::seconds time) {
  const auto total = time.count();
  if (total < 3600) return fmt::format("{}:{:02}", total / 60, total % 60);
  return fmt::format("{}:{:02}:{:02}", total / 3600, total / 60 % 60, total % 60);
}

}  // namespace zerotail::cli
