#include "zerotail/sim/assert.h"

#include <cstdio>
#include <cstdlib>
#include <utility>

namespace zerotail::sim {

namespace {
// Per thread, set and restored by scopes only: what a failure prints, never what a run computes.
thread_local const ReproScope* innermost_scope = nullptr;
}  // namespace

const std::string* current_repro() {
  return innermost_scope == nullptr ? nullptr : &innermost_scope->line_;
}

ReproScope::ReproScope(std::string line) : line_(std::move(line)), outer_(innermost_scope) {
  innermost_scope = this;
}

ReproScope::~ReproScope() { innermost_scope = outer_; }

void assertion_failed(const char* expression, const char* file, int line, const char* message) {
  std::fprintf(stderr, "%s:%d: assertion failed: %s\n", file, line, expression);
  if (message != nullptr) std::fprintf(stderr, "%s\n", message);
  if (const std::string* repro = current_repro()) {
    std::fprintf(stderr, "repro: %s\n", repro->c_str());
  }
  std::fflush(stderr);
  std::abort();
}

}  // namespace zerotail::sim
