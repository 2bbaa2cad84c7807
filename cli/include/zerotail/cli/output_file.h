// Files that a sub-command writes for its user.
//
// An existing file is refused unless the user said --force. Content goes to a temporary name beside
// the target and is renamed at commit(), so that a failed run leaves the old file, or none. The
// target is looked at when the OutputFile is opened, before a long run, not at its end.
// Devices and pipes (/dev/stdout, /dev/null) are written in place.
// Disk images are written by sim::save_image, which keeps the same promises.
#pragma once

#include <cstdio>
#include <string>
#include <string_view>

#include "zerotail/sim/result.h"

namespace zerotail::cli {

class OutputFile {
 public:
  // Errors name the path: it exists (EEXIST, without `force`), is a directory, or its directory is
  // missing or cannot be written. Creates nothing yet.
  [[nodiscard]] static sim::Result<OutputFile> open(const std::string& path, bool force);

  OutputFile(OutputFile&& other) noexcept;
  OutputFile& operator=(OutputFile&&) = delete;
  OutputFile(const OutputFile&) = delete;
  // Without a commit, the temporary file goes.
  ~OutputFile();

  [[nodiscard]] const std::string& path() const { return path_; }
  sim::Status write(std::string_view text);
  // Puts the file in place. An empty file appears when nothing was written. Nothing may follow.
  sim::Status commit();

 private:
  OutputFile(std::string path, bool force, bool in_place)
      : path_(std::move(path)), force_(force), in_place_(in_place) {}
  sim::Status create();
  [[nodiscard]] sim::Error failed(const char* what) const;

  std::string path_;
  std::string temporary_;  // empty until created and when in place
  std::FILE* stream_ = nullptr;
  bool force_;
  bool in_place_;
};

// Makes the directory in which a default output stands (out/<command>/), parents included.
[[nodiscard]] sim::Status make_directories(const std::string& path);

// The whole of a file, for traces and baselines. Errors name the path.
[[nodiscard]] sim::Result<std::string> read_file(const std::string& path);

}  // namespace zerotail::cli
