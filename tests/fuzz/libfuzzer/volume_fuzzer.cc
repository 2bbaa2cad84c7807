// The libFuzzer target (clang, AddressSanitizer, UndefinedBehaviorSanitizer): recipes in, a stop at
// the first finding.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "fuzz/mutator.h"
#include "fuzz/run.h"

namespace {

std::string_view text_of(const uint8_t* data, size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

size_t copy_out(const std::string& text, uint8_t* data, size_t limit) {
  const size_t size = std::min(text.size(), limit);
  std::memcpy(data, text.data(), size);
  return size;
}

}  // namespace

// Most of what a run allocates is freed at once: a small quarantine stays in the processor's cache.
extern "C" const char* __asan_default_options() {
  return "quarantine_size_mb=8:malloc_context_size=4";
}

extern "C" size_t LLVMFuzzerMutate(uint8_t* data, size_t size, size_t max_size);

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto report = zerotail::fuzz::run_input(std::as_bytes(std::span(data, size)));
  if (!report.ok()) return -1;
  if (report->findings.empty()) return 0;
  for (const std::string& finding : report->findings) {
    std::fprintf(stderr, "finding: %s\n", finding.c_str());
  }
  std::abort();
}

extern "C" size_t LLVMFuzzerCustomMutator(uint8_t* data, size_t size, size_t max_size,
                                          unsigned seed) {
  // A whole image has no fields by name; its bytes are changed as they are.
  if (zerotail::fuzz::is_image(std::as_bytes(std::span(data, size)))) {
    return LLVMFuzzerMutate(data, size, max_size);
  }
  return copy_out(zerotail::fuzz::mutate(text_of(data, size), max_size, seed), data, max_size);
}

extern "C" size_t LLVMFuzzerCustomCrossOver(const uint8_t* one, size_t one_size,
                                            const uint8_t* other, size_t other_size, uint8_t* out,
                                            size_t max_size, unsigned seed) {
  return copy_out(
      zerotail::fuzz::cross(text_of(one, one_size), text_of(other, other_size), max_size, seed),
      out, max_size);
}
