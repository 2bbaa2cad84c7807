// Preloaded into mkfs.exfat and fsck.exfat: answers BLKSSZGET, which an image file refuses, with
// ZEROTAIL_SECTOR_SIZE. Everything else goes to the real ioctl. Built without sanitizers and
// without the project's libraries, because it lives in a foreign process.
#include <dlfcn.h>
#include <linux/fs.h>

#include <cstdarg>
#include <cstdlib>

extern "C" int ioctl(int fd, unsigned long request, ...) noexcept {
  std::va_list list;
  va_start(list, request);
  void* argument = va_arg(list, void*);
  va_end(list);
  const char* size = std::getenv("ZEROTAIL_SECTOR_SIZE");
  if (request == BLKSSZGET && size != nullptr) {
    *static_cast<int*>(argument) = std::atoi(size);
    return 0;
  }
  using Ioctl = int (*)(int, unsigned long, ...);
  static const auto real = reinterpret_cast<Ioctl>(dlsym(RTLD_NEXT, "ioctl"));
  return real(fd, request, argument);
}
