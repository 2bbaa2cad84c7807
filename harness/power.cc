#include "zerotail/harness/power.h"

namespace zerotail::harness {

namespace {
// A repro id ends with its state.
std::string state_text(const std::string& text) {
  const size_t colon = text.rfind(':');
  return colon == std::string::npos ? text : text.substr(colon + 1);
}
}  // namespace

PowerSwitch::PowerSwitch(sim::MemDisk& medium, sim::VolatileCache* cache, sim::IoLog& log)
    : medium_(medium), cache_(cache), log_(log), base_(medium.snapshot()) {}

sim::Status PowerSwitch::lose_power(const std::string& state) {
  if (!state.empty()) ZT_TRY(keep_state(state));
  if (cache_ != nullptr) cache_->lose_power();
  base_ = medium_.snapshot();
  log_.clear();
  return {};
}

fault::CrashModel PowerSwitch::model() const {
  fault::CrashModelOptions options;
  options.atomic_unit = medium_.info().logical_block;
  options.write_through = cache_ == nullptr;
  options.discard_fill = base_.fill();
  return {log_, base_, options, {}};
}

sim::Status PowerSwitch::check(const std::string& state) const {
  if (state.empty()) return {};
  const auto parsed = model().parse(state_text(state));
  return parsed.ok() ? sim::Status{} : parsed.error();
}

sim::Status PowerSwitch::keep_state(const std::string& state) {
  const fault::CrashModel considered = model();
  ZT_ASSIGN(const fault::CrashState picked, considered.parse(state_text(state)));
  fault::CrashImage image(considered);
  image.set(picked);
  medium_.restore(image.materialise());
  return {};
}

}  // namespace zerotail::harness
