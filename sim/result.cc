#include "zerotail/sim/result.h"

namespace zerotail::sim {

namespace {

const char* known_name(Errno code) {
  switch (code) {
    case Errno::kOk:
      return "OK";
    case Errno::kPerm:
      return "EPERM";
    case Errno::kNoEnt:
      return "ENOENT";
    case Errno::kIo:
      return "EIO";
    case Errno::kNxio:
      return "ENXIO";
    case Errno::kBadf:
      return "EBADF";
    case Errno::kAgain:
      return "EAGAIN";
    case Errno::kNoMem:
      return "ENOMEM";
    case Errno::kAcces:
      return "EACCES";
    case Errno::kFault:
      return "EFAULT";
    case Errno::kNotBlk:
      return "ENOTBLK";
    case Errno::kBusy:
      return "EBUSY";
    case Errno::kExist:
      return "EEXIST";
    case Errno::kNoDev:
      return "ENODEV";
    case Errno::kNotDir:
      return "ENOTDIR";
    case Errno::kIsDir:
      return "EISDIR";
    case Errno::kInval:
      return "EINVAL";
    case Errno::kFBig:
      return "EFBIG";
    case Errno::kNoSpc:
      return "ENOSPC";
    case Errno::kRofs:
      return "EROFS";
    case Errno::kNameTooLong:
      return "ENAMETOOLONG";
    case Errno::kNotEmpty:
      return "ENOTEMPTY";
    case Errno::kOpNotSupp:
      return "EOPNOTSUPP";
  }
  return nullptr;
}

}  // namespace

std::string errno_name(Errno code) {
  if (const char* name = known_name(code)) return name;
  return "E" + std::to_string(static_cast<int>(code));
}

std::string Error::message() const {
  return where_.empty() ? errno_name(code_) : errno_name(code_) + ": " + where_;
}

}  // namespace zerotail::sim
