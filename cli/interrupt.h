// Ctrl-C as a question that a long run asks, so that it ends between two transactions.
#pragma once

namespace zerotail::cli {

// While it lives, the first SIGINT or SIGTERM only sets what asked() answers; the second one ends
// the process as usual. One at a time.
class Interrupt {
 public:
  Interrupt();
  ~Interrupt();
  Interrupt(const Interrupt&) = delete;
  Interrupt& operator=(const Interrupt&) = delete;
  [[nodiscard]] static bool asked();
};

}  // namespace zerotail::cli
