#include "zerotail/fault/device_class.h"

#include <array>
#include <charconv>
#include <vector>

namespace zerotail::fault {

namespace {

using sim::ByteCount;

constexpr ByteCount kTornWord{8};
constexpr ByteCount kPhysicalBlock = sim::kib(4);
constexpr ByteCount kFlashPage = sim::kib(4);

constexpr std::array kClasses{
    DeviceClass{"sector", "vc512", "each sector is written whole or not, in any order"},
    DeviceClass{"ordered", "vc512.ordered", "what is there is a prefix of what was written"},
    DeviceClass{"request", "vc512.request", "each request is written whole or not"},
    DeviceClass{"4k-atomic", "vc4096", "eight sectors are written whole or not"},
    DeviceClass{"16k-atomic", "vc16384", "32 sectors are written whole or not"},
    DeviceClass{"tear", "vc512.tear",
                "as sector, and one sector may be torn between words of 8 bytes: old, new or "
                "garbage"},
    DeviceClass{"512e", "vc512.512e",
                "as sector, and the physical block of 4 KiB that was being rewritten may have "
                "garbage in any of its sectors"},
    DeviceClass{"usb", "vc512.au128k",
                "as sector, and pages of the 128 KiB erase block that was being written may be "
                "garbage or erased"},
    DeviceClass{"sd", "vc512.au4m",
                "as sector, and pages of the 4 MiB allocation unit that was being written may be "
                "garbage or erased"},
    DeviceClass{"lying-flush", "vc512.noflush", "as sector, and flushes do nothing"},
    DeviceClass{"lost-fua", "vc512.nofua", "as sector, and FUA does nothing"},
    DeviceClass{"write-through", "wt512", "no cache: only writes in flight are lost, by sectors"},
};

sim::Error wrong(std::string_view text, const std::string& what) {
  return sim::Error(sim::Errno::kInval, "device '" + std::string(text) + "': " + what);
}

bool read_number(std::string_view text, uint64_t* out) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), *out);
  return error == std::errc() && end == text.data() + text.size();
}

bool is_unit(uint64_t n, ByteCount least, ByteCount most) {
  return n >= least.value() && n <= most.value() && (n & (n - 1)) == 0;
}

// "128k", "4m": a power of two, or 0.
uint64_t size_of(std::string_view text) {
  if (text.empty()) return 0;
  const char suffix = text.back();
  uint64_t number = 0;
  if (!read_number(text.substr(0, text.size() - 1), &number) || number > sim::mib(1).value()) {
    return 0;
  }
  const uint64_t bytes = suffix == 'k'   ? sim::kib(number).value()
                         : suffix == 'm' ? sim::mib(number).value()
                                         : 0;
  return is_unit(bytes, kFlashPage, sim::gib(1)) ? bytes : 0;
}

std::string size_text(ByteCount size) {
  const bool whole = size % sim::mib(1) == ByteCount{};
  return whole ? std::to_string(size / sim::mib(1)) + "m"
               : std::to_string(size / sim::kib(1)) + "k";
}

struct BarrierName {
  std::string_view name;
  BarrierChange::Kind kind;
};
// "noflush7", "flushm2": a barrier of the log changed.
constexpr std::array kBarriers{
    BarrierName{"noflush", BarrierChange::Kind::kNoFlush},
    BarrierName{"nofua", BarrierChange::Kind::kNoFua},
    BarrierName{"flushm", BarrierChange::Kind::kFlushAtMark},
    BarrierName{"flush", BarrierChange::Kind::kFlushBefore},
};

bool read_barrier(std::string_view property, BarrierChange* barrier) {
  for (const BarrierName& known : kBarriers) {
    uint64_t number = 0;
    if (property.substr(0, known.name.size()) != known.name ||
        !read_number(property.substr(known.name.size()), &number) || number > UINT32_MAX) {
      continue;
    }
    *barrier = {known.kind, static_cast<uint32_t>(number)};
    return true;
  }
  return false;
}

sim::Status apply(std::string_view text, std::string_view property, CrashModelOptions* options) {
  if (property == "request") {
    options->atomic_bios = true;
  } else if (property == "ordered") {
    options->ordered = true;
    options->discard_any = false;  // a discard takes its place in the order
  } else if (property == "tear") {
    options->tear_word = kTornWord;
  } else if (property == "512e") {
    options->damage_block = kPhysicalBlock;
    options->damage_grain = sim::kSectorSize;
  } else if (property.substr(0, 2) == "au") {
    const uint64_t size = size_of(property.substr(2));
    if (size == 0) {
      return wrong(text, "'" + std::string(property) +
                             "': an allocation unit is a power of two from 4k (like au128k, au4m)");
    }
    options->damage_block = ByteCount{size};
    options->damage_grain = kFlashPage;
    options->damage_erased = true;
  } else if (property == "noflush") {
    options->honour_flush = false;
  } else if (property == "nofua") {
    options->honour_fua = false;
  } else if (read_barrier(property, &options->barrier)) {
    return {};
  } else if (property == "trim0") {
    options->discard_any = false;
  } else {
    return wrong(text, "unknown property '" + std::string(property) + "'");
  }
  return {};
}

sim::Status check(std::string_view text, const CrashModelOptions& options) {
  const bool tears = options.tear_word != ByteCount{};
  const bool damages = options.damage_block != ByteCount{};
  const int shapes = (options.atomic_bios ? 1 : 0) + (options.ordered ? 1 : 0) + (tears ? 1 : 0) +
                     (damages ? 1 : 0);
  if (shapes > 1) {
    return wrong(text, "of request, ordered, tear, 512e and au only one can be asked for");
  }
  if (damages && options.damage_block < options.atomic_unit) {
    return wrong(text, "the atomic unit is larger than the block that is damaged");
  }
  return {};
}

}  // namespace

std::span<const DeviceClass> device_classes() { return kClasses; }

std::string print_device(const CrashModelOptions& options) {
  std::string text = options.write_through ? "wt" : "vc";
  text += std::to_string(options.atomic_unit.value());
  if (options.atomic_bios) text += ".request";
  if (options.ordered) text += ".ordered";
  if (options.tear_word != ByteCount{}) text += ".tear";
  if (options.damage_block != ByteCount{}) {
    text += options.damage_erased ? ".au" + size_text(options.damage_block) : ".512e";
  }
  if (!options.honour_flush) text += ".noflush";
  if (!options.honour_fua) text += ".nofua";
  if (!options.discard_any && !options.ordered) text += ".trim0";
  for (const BarrierName& known : kBarriers) {
    if (known.kind != options.barrier.kind) continue;
    text += "." + std::string(known.name) + std::to_string(options.barrier.at);
  }
  return text;
}

sim::Result<CrashModelOptions> parse_device(std::string_view text) {
  CrashModelOptions options;
  const size_t dot = text.find('.');
  const std::string_view first = text.substr(0, dot);
  std::string_view left = dot == std::string_view::npos ? std::string_view{} : text.substr(dot + 1);
  bool named = false;
  for (const DeviceClass& known : kClasses) {
    if (known.name != first) continue;
    ZT_ASSIGN(options, parse_device(known.device));
    named = true;
  }
  if (!named) {
    const std::string_view kind = first.substr(0, 2);
    uint64_t unit = 0;
    if ((kind != "vc" && kind != "wt") || !read_number(first.substr(2), &unit)) {
      std::string names;
      for (const DeviceClass& known : kClasses) names += " " + std::string(known.name);
      return wrong(text, "not vc or wt and an atomic unit (like vc512), and none of" + names);
    }
    if (!is_unit(unit, sim::kSectorSize, sim::kib(64))) {
      return wrong(text, "the atomic unit is no power of two from 512 to 65536");
    }
    options.write_through = kind == "wt";
    options.atomic_unit = ByteCount{unit};
  }
  while (dot != std::string_view::npos) {
    const size_t end = left.find('.');
    ZT_TRY(apply(text, left.substr(0, end), &options));
    if (end == std::string_view::npos) break;
    left.remove_prefix(end + 1);
  }
  ZT_TRY(check(text, options));
  return options;
}

}  // namespace zerotail::fault
