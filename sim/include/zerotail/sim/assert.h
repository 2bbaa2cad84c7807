// Assertions that are on in every build. A failure prints the expression, the place and the repro
// line of the run in progress, and aborts.
#pragma once

#include <string>

namespace zerotail::sim {

// While it lives, a failed assertion on this thread prints `repro: <line>`. Scopes nest.
class ReproScope {
 public:
  explicit ReproScope(std::string line);
  ~ReproScope();
  ReproScope(const ReproScope&) = delete;
  ReproScope& operator=(const ReproScope&) = delete;

 private:
  std::string line_;
  const ReproScope* outer_;
  friend const std::string* current_repro();
};

[[noreturn]] void assertion_failed(const char* expression, const char* file, int line,
                                   const char* message);

}  // namespace zerotail::sim

#define ZT_ASSERT(condition) ZT_ASSERT_MSG(condition, nullptr)
#define ZT_ASSERT_MSG(condition, message) \
  (static_cast<bool>(condition)           \
       ? static_cast<void>(0)             \
       : ::zerotail::sim::assertion_failed(#condition, __FILE__, __LINE__, (message)))
