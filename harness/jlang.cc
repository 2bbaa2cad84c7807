#include "zerotail/harness/jlang.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <map>
#include <optional>
#include <set>

namespace zerotail::harness {
namespace {

using sim::Errno;
using sim::Error;
using sim::Result;
using sim::Status;

constexpr const char* kRootName = "test";

using Words = std::vector<std::string_view>;

Words split(std::string_view text, std::string_view separators) {
  Words words;
  while (true) {
    const size_t begin = text.find_first_not_of(separators);
    if (begin == std::string_view::npos) return words;
    const size_t end = std::min(text.find_first_of(separators, begin), text.size());
    words.push_back(text.substr(begin, end - begin));
    text.remove_prefix(end);
  }
}

std::string without_slashes(std::string_view path) {
  std::string name(path);
  name.erase(std::remove(name.begin(), name.end(), '/'), name.end());
  return name;
}

struct Flag {
  std::string_view word;
  uint32_t bits;
};
// What an open asks for, as far as a trace can say it.
enum OpenBits : uint32_t {
  kNothing = 0,
  kCreat = 1,
  kExcl = 2,
  kTrunc = 4,
  kDirect = 8,
  kSync = 16,
  kDsync = 32,
};
constexpr std::array<Flag, 10> kOpenFlags = {{{"O_RDONLY", kNothing},
                                              {"O_WRONLY", kNothing},
                                              {"O_RDWR", kNothing},
                                              {"O_DIRECTORY", kNothing},
                                              {"O_CREAT", kCreat},
                                              {"O_EXCL", kExcl},
                                              {"O_TRUNC", kTrunc},
                                              {"O_DIRECT", kDirect},
                                              {"O_SYNC", kSync},
                                              {"O_DSYNC", kDsync}}};
// Bits as in fallocate(2).
constexpr std::array<Flag, 7> kFallocFlags = {{{"FALLOC_FL_KEEP_SIZE", 0x01},
                                               {"FALLOC_FL_PUNCH_HOLE", 0x02},
                                               {"FALLOC_FL_NO_HIDE_STALE", 0x04},
                                               {"FALLOC_FL_COLLAPSE_RANGE", 0x08},
                                               {"FALLOC_FL_ZERO_RANGE", 0x10},
                                               {"FALLOC_FL_INSERT_RANGE", 0x20},
                                               {"FALLOC_FL_UNSHARE_RANGE", 0x40}}};
constexpr std::array<Flag, 5> kNodeFlags = {
    {{"S_IFREG", 0}, {"S_IFCHR", 1}, {"S_IFBLK", 1}, {"S_IFIFO", 1}, {"S_IFSOCK", 1}}};

class Importer {
 public:
  explicit Importer(const std::string& file) : file_(file) {
    const size_t slash = file.rfind('/');
    import_.trace.header.trace = slash == std::string::npos ? file : file.substr(slash + 1);
    paths_[kRootName] = "";
    directories_.insert("");
  }

  Result<JlangImport> run(std::string_view text) {
    while (!text.empty()) {
      ++line_;
      const size_t end = text.find('\n');
      ZT_TRY(line(text.substr(0, end)));
      text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    }
    if (section_ != "run") {
      return Error(Errno::kInval, fmt::format("{}: has no '# run'", file_));
    }
    TraceHeader& header = import_.trace.header;
    header.about = "imported from J-lang";
    if (!import_.left_out.empty()) {
      header.about += fmt::format("; statements left out: {}", import_.left_out.size());
    }
    return std::move(import_);
  }

 private:
  using Handler = Status (Importer::*)(const Words&);
  struct Verb {
    std::string_view name;
    size_t least;  // words after it
    size_t most;
    Handler handler;
  };

  [[nodiscard]] Error wrong(std::string_view word, std::string_view what) const {
    return Error(Errno::kInval, fmt::format("{}:{}: '{}': {}", file_, line_, word, what));
  }

  Status line(std::string_view text) {
    const Words words = split(text, " \t\r");
    if (words.empty()) return {};
    if (words[0].front() == '#') return section(words);
    if (section_ == "define") return define(words);
    if (section_ == "declare") {
      if (words.size() == 1 && words[0] == "local_checkpoint") return {};
      return wrong(words[0], "unknown variable");
    }
    if (section_.empty()) return wrong(words[0], "stands before the first section");
    ZT_TRY(statement(words));
    if (section_ == "setup") import_.trace.header.setup = import_.trace.ops.size();
    return {};
  }

  Status section(const Words& words) {
    // `# run` or `#run`.
    const bool apart = words[0] == "#";
    if (words.size() > (apart ? 2U : 1U)) return wrong(words.back(), "one word too many");
    const std::string_view name = words.back().substr(apart && words.size() == 2 ? 0 : 1);
    static constexpr std::array kOrder = {"", "define", "declare", "setup", "run"};
    const auto now = std::find(kOrder.begin(), kOrder.end(), section_);
    const auto next = std::find(kOrder.begin(), kOrder.end(), name);
    if (name.empty() || next == kOrder.end()) return wrong(name, "unknown section");
    if (next <= now) return wrong(name, fmt::format("a section behind '# {}'", section_));
    section_ = name;
    return {};
  }

  Status define(const Words& words) {
    if (words.size() != 1) return wrong(words[1], "more than one word in a definition");
    std::string_view path = words[0];
    if (path == kRootName) return {};
    if (path.front() == '/' || path.back() == '/' || path.find("//") != std::string_view::npos) {
      return wrong(path, "not a path like A/foo");
    }
    if (std::any_of(path.begin(), path.end(), [](char c) { return c <= ' ' || c > '~'; })) {
      return wrong(path, "not ASCII");
    }
    const auto [place, fresh] = paths_.try_emplace(without_slashes(path), path);
    if (!fresh && place->second != path) {
      return wrong(path, fmt::format("has the name of '{}'", place->second));
    }
    return {};
  }

  Status statement(const Words& words) {
    static constexpr std::array<Verb, 24> kVerbs = {{
        {"open", 2, 3, &Importer::open},
        {"opendir", 1, 2, &Importer::open_directory},
        {"close", 1, 1, &Importer::close},
        {"mkdir", 1, 2, &Importer::mkdir},
        {"mknod", 2, 3, &Importer::mknod},
        {"write", 3, 3, &Importer::write},
        {"dwrite", 3, 3, &Importer::direct_write},
        {"mmapwrite", 3, 3, &Importer::store},
        {"falloc", 4, 4, &Importer::falloc},
        {"truncate", 2, 2, &Importer::truncate},
        {"rename", 2, 2, &Importer::rename},
        {"unlink", 1, 1, &Importer::unlink},
        {"remove", 1, 1, &Importer::remove},
        {"rmdir", 1, 1, &Importer::rmdir},
        {"fsync", 1, 1, &Importer::fsync},
        {"fdatasync", 1, 1, &Importer::fdatasync},
        {"sync", 0, 0, &Importer::sync},
        {"none", 0, 1, &Importer::nothing},
        {"checkpoint", 1, 1, &Importer::checkpoint},
        {"link", 2, 2, &Importer::no_links},
        {"symlink", 2, 2, &Importer::no_links},
        {"setxattr", 1, 4, &Importer::no_attributes},
        {"fsetxattr", 1, 4, &Importer::no_attributes},
        {"removexattr", 1, 2, &Importer::no_attributes},
    }};
    const auto verb = std::find_if(kVerbs.begin(), kVerbs.end(),
                                   [&](const Verb& one) { return one.name == words[0]; });
    if (verb == kVerbs.end()) return wrong(words[0], "unknown statement");
    const size_t count = words.size() - 1;
    if (count < verb->least) return wrong(words[0], "too few words");
    if (count > verb->most) return wrong(words[verb->most + 1], "one word too many");
    return (this->*verb->handler)(words);
  }

  // ---- words

  Result<std::string> path(std::string_view name) const {
    const auto place = paths_.find(std::string(name));
    if (place == paths_.end()) return wrong(name, "not a name of '# define'");
    return place->second;
  }

  Result<int64_t> number(std::string_view word) const {
    int64_t value = 0;
    const auto parsed = std::from_chars(word.data(), word.data() + word.size(), value);
    if (parsed.ec != std::errc() || parsed.ptr != word.data() + word.size()) {
      return wrong(word, "not a number");
    }
    return value;
  }

  // Words with `|` between; numbers stand for themselves where `numbers`.
  template <size_t kCount>
  Result<uint32_t> flags(std::string_view text, const std::array<Flag, kCount>& known,
                         bool numbers) const {
    uint32_t bits = 0;
    for (const std::string_view word : split(text, "|")) {
      const auto flag = std::find_if(known.begin(), known.end(),
                                     [&](const Flag& one) { return one.word == word; });
      uint32_t value = 0;
      const auto parsed = std::from_chars(word.data(), word.data() + word.size(), value);
      if (flag != known.end()) {
        bits |= flag->bits;
      } else if (numbers && parsed.ec == std::errc() && parsed.ptr == word.data() + word.size()) {
        bits |= value;
      } else {
        return wrong(word, "unknown flag");
      }
    }
    return bits;
  }

  // Permissions: exFAT keeps none.
  Status permissions(const Words& words, size_t place) const {
    if (words.size() <= place) return {};
    ZT_TRY(number(words[place]));
    return {};
  }

  void add(Operation op) { import_.trace.ops.push_back(std::move(op)); }

  void leave_out(std::string_view verb, std::string_view why) {
    import_.left_out.push_back(fmt::format("{}:{}: {}: {}", file_, line_, verb, why));
  }

  // ---- statements

  Status open(const Words& words) {
    ZT_ASSIGN(const std::string file, path(words[1]));
    ZT_ASSIGN(const uint32_t bits, flags(words[2], kOpenFlags, false));
    ZT_TRY(permissions(words, 3));
    if ((bits & kCreat) != 0) {
      const uint32_t mode = ((bits & kExcl) != 0 ? kCreateExclusive : 0U) |
                            ((bits & kTrunc) != 0 ? kCreateTruncate : 0U);
      add({.kind = OpKind::kCreate, .path = file, .mode = mode});
    } else if ((bits & kTrunc) != 0) {
      add({.kind = OpKind::kTruncate, .path = file});
    }
    if ((bits & (kSync | kDsync)) != 0) {
      add({.kind = OpKind::kOpenSync,
           .path = file,
           .mode = (bits & kSync) != 0 ? harness::kOpenSync : harness::kOpenDataSync});
    }
    open_.insert(file);
    if ((bits & kDirect) != 0) direct_.insert(file);
    return {};
  }

  Status open_directory(const Words& words) {
    ZT_TRY(path(words[1]));
    return permissions(words, 2);  // a trace opens directories when it syncs them
  }

  Status close(const Words& words) {
    ZT_ASSIGN(const std::string file, path(words[1]));
    direct_.erase(file);
    if (open_.erase(file) > 0) add({.kind = OpKind::kClose, .path = file});
    return {};
  }

  Status mkdir(const Words& words) {
    ZT_ASSIGN(const std::string directory, path(words[1]));
    ZT_TRY(permissions(words, 2));
    directories_.insert(directory);
    add({.kind = OpKind::kMkdir, .path = directory});
    return {};
  }

  Status mknod(const Words& words) {
    ZT_ASSIGN(const std::string file, path(words[1]));
    uint32_t special = 0;
    for (const std::string_view word : split(words[2], "|")) {
      if (word.front() == 'S') {
        ZT_ASSIGN(const uint32_t bits, flags(word, kNodeFlags, false));
        special |= bits;
      } else {
        ZT_TRY(number(word));
      }
    }
    ZT_TRY(permissions(words, 3));  // the device's number
    if (special != 0) {
      leave_out(words[0], "exFAT has no special files (EPERM)");
    } else {
      add({.kind = OpKind::kCreate, .path = file, .mode = kCreateExclusive});
    }
    return {};
  }

  Status data(OpKind kind, const Words& words) {
    ZT_ASSIGN(const std::string file, path(words[1]));
    ZT_ASSIGN(const int64_t begin, number(words[2]));
    ZT_ASSIGN(const int64_t length, number(words[3]));
    if (length < 0 || length > kMostBytes) return wrong(words[3], "not between 0 and 2^30 bytes");
    add({.kind = kind, .path = file, .off = begin, .len = length, .seed = line_});
    return {};
  }
  Status write(const Words& words) {
    const auto place = paths_.find(std::string(words[1]));
    const bool direct = place != paths_.end() && direct_.contains(place->second);
    return data(direct ? OpKind::kDwrite : OpKind::kWrite, words);
  }
  Status direct_write(const Words& words) { return data(OpKind::kDwrite, words); }
  Status store(const Words& words) { return data(OpKind::kMwrite, words); }

  Status falloc(const Words& words) {
    ZT_ASSIGN(const std::string file, path(words[1]));
    ZT_ASSIGN(const uint32_t mode, flags(words[2], kFallocFlags, true));
    ZT_ASSIGN(const int64_t begin, number(words[3]));
    ZT_ASSIGN(const int64_t length, number(words[4]));
    add({.kind = OpKind::kFallocate, .path = file, .mode = mode, .off = begin, .len = length});
    return {};
  }

  Status truncate(const Words& words) {
    ZT_ASSIGN(const std::string file, path(words[1]));
    ZT_ASSIGN(const int64_t size, number(words[2]));
    add({.kind = OpKind::kTruncate, .path = file, .size = size});
    return {};
  }

  Status rename(const Words& words) {
    ZT_ASSIGN(const std::string from, path(words[1]));
    ZT_ASSIGN(const std::string to, path(words[2]));
    for (std::set<std::string>* names : {&open_, &direct_, &directories_}) {
      const bool had = names->erase(from) > 0;
      names->erase(to);
      if (had) names->insert(to);
    }
    add({.kind = OpKind::kRename, .path = from, .to = to});
    return {};
  }

  // An open file stays usable.
  Status unlink(const Words& words) {
    ZT_ASSIGN(const std::string file, path(words[1]));
    const OpKind kind = open_.contains(file) ? OpKind::kUnlinkKeep : OpKind::kUnlink;
    add({.kind = kind, .path = file});
    return {};
  }

  Status rmdir(const Words& words) {
    ZT_ASSIGN(const std::string directory, path(words[1]));
    directories_.erase(directory);
    add({.kind = OpKind::kRmdir, .path = directory});
    return {};
  }

  Status remove(const Words& words) {
    ZT_ASSIGN(const std::string name, path(words[1]));
    return directories_.contains(name) ? rmdir(words) : unlink(words);
  }

  Status fsync(const Words& words) { return persist(OpKind::kFsync, words); }
  Status fdatasync(const Words& words) { return persist(OpKind::kFdatasync, words); }
  Status persist(OpKind kind, const Words& words) {
    ZT_ASSIGN(const std::string name, path(words[1]));
    add({.kind = directories_.contains(name) ? OpKind::kFsyncDir : kind, .path = name});
    return {};
  }

  Status sync(const Words&) {
    add({.kind = OpKind::kSync});
    return {};
  }
  Status nothing(const Words&) { return {}; }
  // Where CrashMonkey would cut the power; here it is cut everywhere.
  Status checkpoint(const Words& words) {
    ZT_TRY(number(words[1]));
    return {};
  }

  Status no_links(const Words& words) {
    ZT_TRY(path(words[1]));
    ZT_TRY(path(words[2]));
    leave_out(words[0], "exFAT has no links (EPERM)");
    return {};
  }
  Status no_attributes(const Words& words) {
    ZT_TRY(path(words[1]));
    leave_out(words[0], "exFAT has no extended attributes (EOPNOTSUPP)");
    return {};
  }

  static constexpr int64_t kMostBytes = int64_t{1} << 30;

  const std::string& file_;
  size_t line_ = 0;
  std::string section_;
  JlangImport import_;
  std::map<std::string, std::string> paths_;  // by name
  std::set<std::string> directories_;
  std::set<std::string> open_;
  std::set<std::string> direct_;  // opened with O_DIRECT
};

}  // namespace

bool is_jlang(std::string_view text) {
  const size_t begin = text.find_first_not_of(" \t\r\n");
  return begin != std::string_view::npos && text[begin] == '#';
}

Result<JlangImport> import_jlang(std::string_view text, const std::string& file) {
  return Importer(file).run(text);
}

}  // namespace zerotail::harness
