// Where a file is on the device: bmap, map and swap_map.

#include <fmt/format.h>

#include "zerotail/harness/executor.h"

namespace zerotail::harness {
namespace {

struct KindName {
  char letter;
  const char* word;
};

KindName name_of(volume::FileExtent::Kind kind) {
  switch (kind) {
    case volume::FileExtent::Kind::kHole:
      return {'h', "hole"};
    case volume::FileExtent::Kind::kMapped:
      return {'m', "mapped"};
    case volume::FileExtent::Kind::kUnwritten:
      return {'u', "unwritten"};
  }
  return {'h', "hole"};
}

std::string describe(const volume::FileExtent& extent) {
  std::string text = fmt::format("{} {}+{}", name_of(extent.kind).word, extent.pos, extent.length);
  if (extent.addr) text += fmt::format(" @{}", extent.addr->value());
  if (extent.zero_from) text += fmt::format(" zero_from={}", *extent.zero_from);
  return text;
}

}  // namespace

OpResult Executor::run_bmap(const Operation& op) {
  const sim::Result<volume::Fd> fd = handle(op.path, Use::kBuffered);
  if (!fd.ok()) return failure(fd.error());
  const auto sector = static_cast<int64_t>(header_.sector);
  const auto block = volume_->bmap(fd.value(), op.off < 0 ? -1 : op.off / sector);
  if (!block.ok()) return failure(block.error());
  OpResult result;
  result.set("mapped", int64_t{block.value() ? 1 : 0});
  if (block.value()) result.set("block", static_cast<int64_t>(*block.value()));
  return result;
}

// `kinds` is what a model can know; where the pieces lie, and how many there are, is in `extents`.
OpResult Executor::run_map(const Operation& op) {
  const sim::Result<volume::Fd> fd = handle(op.path, Use::kBuffered);
  if (!fd.ok()) return failure(fd.error());
  const auto extents = volume_->map_range(fd.value(), op.off, op.len);
  if (!extents.ok()) return failure(extents.error());
  OpResult result;
  result.ret = op.len;
  std::string kinds;
  std::vector<std::string> list;
  char letter = 0;
  uint64_t length = 0;
  const auto end_run = [&] {
    if (length > 0) kinds += letter + std::to_string(length);
    length = 0;
  };
  for (const volume::FileExtent& extent : extents.value()) {
    list.push_back(describe(extent));
    if (name_of(extent.kind).letter != letter) end_run();
    letter = name_of(extent.kind).letter;
    length += extent.length;
  }
  end_run();
  result.set("kinds", kinds);
  result.set("extents", std::move(list));
  return result;
}

OpResult Executor::run_swap_map(const Operation& op) {
  const sim::Result<volume::Fd> fd = handle(op.path, Use::kBuffered);
  if (!fd.ok()) return failure(fd.error());
  const auto extents = volume_->swap_map(fd.value());
  if (!extents.ok()) return failure(extents.error());
  OpResult result;
  std::vector<std::string> list;
  for (const volume::SwapExtent& extent : extents.value()) {
    result.ret += static_cast<int64_t>(extent.pages);
    list.push_back(fmt::format("{}+{} @{}", extent.page, extent.pages, extent.addr.value()));
  }
  result.set("extents", std::move(list));
  return result;
}

}  // namespace zerotail::harness
