// The text of a check command: words, placeholders, quoting.
#include <unistd.h>

#include <algorithm>
#include <cstdlib>

#include "zerotail/harness/external_checker.h"

namespace zerotail::harness {
namespace {

using sim::Errno;
using sim::Error;
using sim::Result;

constexpr std::string_view kImage = "{image}";
constexpr std::string_view kMark = "{mark}";

bool plain(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         std::string_view("_-+./:@%,=").find(c) != std::string_view::npos;
}

std::string replace_all(std::string text, std::string_view what, std::string_view with) {
  for (size_t at = text.find(what); at != std::string::npos; at = text.find(what, at)) {
    text.replace(at, what.size(), with);
    at += with.size();
  }
  return text;
}

std::vector<std::string> split(const std::string& text) {
  std::vector<std::string> words;
  for (size_t begin = text.find_first_not_of(" \t"); begin != std::string::npos;) {
    const size_t end = std::min(text.find_first_of(" \t", begin), text.size());
    words.push_back(text.substr(begin, end - begin));
    begin = text.find_first_not_of(" \t", end);
  }
  return words;
}

// fsck programs stand in a folder that is often not in a plain user's PATH.
std::string find_program(const std::string& name) {
  if (name.find('/') != std::string::npos) {
    return ::access(name.c_str(), X_OK) == 0 ? name : std::string();
  }
  const char* path = std::getenv("PATH");
  const std::string folders = std::string(path == nullptr ? "" : path) + ":/usr/sbin:/sbin";
  for (size_t begin = 0; begin <= folders.size();) {
    const size_t end = std::min(folders.find(':', begin), folders.size());
    const std::string candidate = folders.substr(begin, end - begin) + "/" + name;
    if (end > begin && ::access(candidate.c_str(), X_OK) == 0) return candidate;
    begin = end + 1;
  }
  return {};
}

}  // namespace

std::string shell_word(std::string_view text) {
  if (!text.empty() && std::all_of(text.begin(), text.end(), plain)) return std::string(text);
  return "'" + replace_all(std::string(text), "'", "'\\''") + "'";
}

Result<CheckCommand> CheckCommand::parse(const std::string& text) {
  if (text.find(kImage) == std::string::npos) {
    return Error(Errno::kInval, "'" + text + "' does not say where the image goes: {image}");
  }
  CheckCommand command;
  command.text_ = text;
  std::string bare = replace_all(replace_all(text, kImage, ""), kMark, "");
  const bool simple = std::all_of(bare.begin(), bare.end(),
                                  [](char c) { return plain(c) || c == ' ' || c == '\t'; });
  std::vector<std::string> words = split(text);
  // NAME=VALUE in front is the shell's business.
  if (!simple || words.front().find('=') != std::string::npos) return command;
  const std::string program = find_program(words.front());
  if (program.empty()) {
    return Error(Errno::kNoEnt, "'" + words.front() + "' is no program that can be run");
  }
  words.front() = program;
  command.words_ = std::move(words);
  return command;
}

bool CheckCommand::uses_mark() const { return text_.find(kMark) != std::string::npos; }

std::vector<std::string> CheckCommand::words(const Arguments& arguments) const {
  if (words_.empty()) {
    std::string line = replace_all(text_, kImage, shell_word(arguments.image));
    return {"/bin/sh", "-c", replace_all(std::move(line), kMark, shell_word(arguments.mark))};
  }
  std::vector<std::string> words = words_;
  for (std::string& word : words) {
    word =
        replace_all(replace_all(std::move(word), kImage, arguments.image), kMark, arguments.mark);
  }
  return words;
}

}  // namespace zerotail::harness
