#include "zerotail/fault/faults.h"

#include <array>

#include "fault_kinds.h"

namespace zerotail::fault {

namespace {

constexpr std::array kKinds{
    &kReadError,       &kWriteError, &kFlushError, &kTornWrite, &kLostWrite,    &kMisdirectedWrite,
    &kMisdirectedRead, &kBitRot,     &kBadSector,  &kStuck,     &kLatencySpike, &kFlaky,
    &kPartial,         &kReadOnly,   &kRemoval,    &kNoSpace,
};

}  // namespace

std::span<const FaultKind* const> fault_kinds() { return kKinds; }

const FaultKind* fault_kind(std::string_view name) {
  for (const FaultKind* kind : kKinds) {
    if (kind->name == name) return kind;
  }
  return nullptr;
}

void fail_with_eio(const Strike&, DeviceState*, Fate* fate) {
  fate->pass = false;
  fate->status = sim::Errno::kIo;
}

sim::Sector displaced(const Strike& strike) {
  const sim::Bio& bio = strike.bio;
  const sim::SectorCount by{strike.rule.kind->amount_of(strike.rule)};
  const sim::SectorCount room = strike.capacity - bio.count;  // the last place, from sector 0
  const sim::SectorCount place{bio.sector.value()};
  if (by <= room - place) return bio.sector + by;
  return sim::Sector{} + (by <= place ? place - by : sim::SectorCount{});
}

}  // namespace zerotail::fault
