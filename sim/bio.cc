#include "zerotail/sim/bio.h"

#include <utility>

#include "zerotail/sim/assert.h"

namespace zerotail::sim {

void Bio::complete(Errno outcome) {
  ZT_ASSERT_MSG(!done, "a bio was completed twice");
  status = outcome;
  done = true;
  // Moved out first: end_io may destroy the bio, and with it the function that is running.
  const EndIo callback = std::exchange(end_io, nullptr);
  if (callback) callback(*this);
}

}  // namespace zerotail::sim
