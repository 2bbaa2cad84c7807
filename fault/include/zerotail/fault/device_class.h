// Kinds of devices by name: what each may leave behind when the power fails (fault/MODEL.md).
//
//   device   = ( NAME | ( "vc" | "wt" ) unit ) *( "." property )
//   property = "request" | "ordered" | "tear" | "512e" | "au" size | "noflush" | "nofua" | "trim0"
//            | "noflush" n | "nofua" n | "flush" n | "flushm" n    (BarrierChange)
//   size     = number ( "k" | "m" )
//
// NAME is one of the table's. vc: volatile cache, wt: write-through; unit: the atomic unit in
// bytes. The printed form is the one without a NAME, so that it stays what it is when the table
// grows; repro ids hold it.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "zerotail/fault/crash_model.h"
#include "zerotail/sim/result.h"

namespace zerotail::fault {

struct DeviceClass {
  std::string_view name;
  std::string_view device;  // its printed form
  std::string_view about;   // one sentence for people
};
[[nodiscard]] std::span<const DeviceClass> device_classes();

[[nodiscard]] std::string print_device(const CrashModelOptions& options);
// EINVAL says what is wrong: no such name or property, a unit that is no power of two from 512 to
// 65536, properties that do not go together.
[[nodiscard]] sim::Result<CrashModelOptions> parse_device(std::string_view text);

}  // namespace zerotail::fault
