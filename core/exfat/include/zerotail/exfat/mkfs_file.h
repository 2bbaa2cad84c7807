// Makes an exFAT volume as an image file on the host, without holding it in memory: as large as the
// host's file system takes, sparse where nothing is written.
#pragma once

#include <cstddef>
#include <optional>
#include <string>

#include "zerotail/exfat/mkfs.h"

namespace zerotail::exfat {

struct ImageFileOptions {
  sim::ByteCount size{};
  std::optional<std::byte> fill{};  // what the disk held before; nothing: zeros, as holes
  bool overwrite = false;
};

// Writes to a temporary name beside `path` and renames at the end, so that an error leaves nothing
// behind. Errors as make_filesystem()'s; EEXIST without `overwrite`; EINVAL when `path` is there
// and no regular file; those of the host name the path. Nothing is created when the options are
// wrong.
sim::Result<VolumeLayout> make_image_file(const std::string& path, const ImageFileOptions& image,
                                          const MkfsOptions& options);

}  // namespace zerotail::exfat
