#include "zerotail/buffer/io_kind.h"

namespace zerotail::buffer {

const char* io_kind_name(uint32_t kind) {
  switch (static_cast<IoKind>(kind)) {
    case IoKind::kNone:
      return "none";
    case IoKind::kBoot:
      return "boot";
    case IoKind::kFat:
      return "fat";
    case IoKind::kBitmap:
      return "bitmap";
    case IoKind::kUpcase:
      return "upcase";
    case IoKind::kDirectory:
      return "directory";
    case IoKind::kData:
      return "data";
  }
  return "?";
}

}  // namespace zerotail::buffer
