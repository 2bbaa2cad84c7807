#include "damaged_volume.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>

#include "zerotail/harness/check.h"
#include "zerotail/harness/check_incremental.h"
#include "zerotail/harness/judge.h"
#include "zerotail/harness/oracle.h"

namespace zerotail::harness::testing {
namespace {

constexpr uint64_t kEntry = 32;

Recording record_lines(const std::string& lines, size_t setup, const SceneOptions& options) {
  const std::string header =
      fmt::format(R"({{"trace":"t","sector":512,"cluster":{},"size_mib":16,"mount":[{}]}})",
                  options.cluster, options.mount);
  const auto trace = parse_trace(header + "\n" + lines, "trace");
  EXPECT_TRUE(trace.ok()) << trace.error().message();
  RecordOptions record_options;
  record_options.device.write_through = options.write_through;
  auto recording = record(*trace, setup, record_options);
  EXPECT_TRUE(recording.ok()) << recording.error().message();
  EXPECT_TRUE(recording->wrong_answers.empty());
  return std::move(recording).value();
}

}  // namespace

DamagedVolume::DamagedVolume(const std::string& lines, size_t setup, const SceneOptions& options)
    : recording_(record_lines(lines, setup, options)), end_(recording_.medium->snapshot()) {
  disk_.emplace(end_, sim::MemDisk::Options{.capacity = end_.capacity()});
}

std::string DamagedVolume::verdict() const {
  const sim::Snapshot now = disk_->snapshot();
  IncrementalChecker checker(end_);
  const CheckJudgement judgement = checker.judge(now, now.difference(end_));
  std::vector<Violation> violations;
  judge_structure(judgement, &violations);
  Oracle oracle(recording_);
  const size_t ops = recording_.trace.ops.size();
  oracle.set_context({ops, ops}, end_, checker.base());
  if (judgement.view->mountable()) oracle.judge(now, judgement, &violations);
  // The same without any memory of the base: the whole disk judged anew.
  std::vector<Violation> whole;
  IncrementalChecker fresh(now);
  CheckJudgement all{fresh.base().view, fresh.base().problems, {}, true};
  judge_structure(all, &whole);
  if (all.view->mountable()) oracle.judge(now, all, &whole);
  const auto print = [](const std::vector<Violation>& list) {
    std::vector<std::string> lines;
    for (const Violation& v : list) {
      std::string line = fmt::format("{} {} {}", contract_info(v.contract).name, v.kind, v.path);
      if (v.range) line += fmt::format(" [{},{})", v.range->begin, v.range->end);
      lines.push_back(line + "\n");
    }
    std::sort(lines.begin(), lines.end());
    std::string text;
    for (const std::string& line : lines) text += line;
    return text;
  };
  EXPECT_EQ(print(violations), print(whole));
  return print(violations);
}

DamagedVolume::Place DamagedVolume::place(const sim::SectorReader& disk,
                                          const std::string& path) const {
  const CheckResult check = check_volume(disk);
  const auto node = check.view->find(path);
  EXPECT_NE(node, nullptr) << path;
  const size_t slash = path.rfind('/');
  const auto directory = slash == std::string::npos
                             ? check.view->root
                             : check.view->find(path.substr(0, slash))->child;
  uint64_t skip = uint64_t{node->set->entry} * kEntry;
  for (const ClusterRun& run : directory->runs) {
    const uint64_t length = run.count.value() * check.view->geometry->cluster_size.value();
    if (skip < length) {
      const uint64_t begin = sim::dev_pos(check.view->geometry->sector_of(run.first)).value();
      return {begin + skip, node->set->entries};
    }
    skip -= length;
  }
  ADD_FAILURE() << path;
  return {};
}

uint64_t DamagedVolume::data(const std::string& path, uint64_t pos) const {
  const CheckResult check = check_volume(*disk_);
  const auto node = check.view->find(path);
  EXPECT_NE(node, nullptr) << path;
  uint64_t skip = pos;
  for (const ClusterRun& run : node->chain->runs) {
    const uint64_t length = run.count.value() * check.view->geometry->cluster_size.value();
    if (skip < length) {
      return sim::dev_pos(check.view->geometry->sector_of(run.first)).value() + skip;
    }
    skip -= length;
  }
  ADD_FAILURE() << path;
  return 0;
}

uint64_t DamagedVolume::get(uint64_t pos, unsigned bytes) const {
  std::array<std::byte, 8> raw{};
  disk_->read(sim::DevPos{pos}, std::span(raw).first(bytes));
  uint64_t value = 0;
  for (unsigned i = bytes; i-- > 0;) value = value << 8 | std::to_integer<uint64_t>(raw[i]);
  return value;
}

void DamagedVolume::store(uint64_t pos, uint64_t value, unsigned bytes) {
  std::array<std::byte, 8> raw{};
  for (unsigned i = 0; i < bytes; ++i) raw[i] = static_cast<std::byte>(value >> (8 * i) & 0xff);
  disk_->write(sim::DevPos{pos}, std::span(raw).first(bytes));
}

void DamagedVolume::fix(const Place& place) {
  uint32_t sum = 0;
  for (uint64_t i = 0; i < place.entries * kEntry; ++i) {
    if (i == 2 || i == 3) continue;
    sum =
        ((sum & 1) != 0 ? 0x8000U : 0U) + (sum >> 1) + static_cast<uint32_t>(get(place.set + i, 1));
    sum &= 0xffff;
  }
  store(place.set + 2, sum, 2);
}

std::vector<std::byte> DamagedVolume::bytes(const std::string& path, uint64_t pos,
                                            uint64_t length) const {
  std::vector<std::byte> out(length);
  disk_->read(sim::DevPos{data(path, pos)}, out);
  return out;
}

void DamagedVolume::flip(const std::string& path, uint64_t pos) {
  const uint64_t at = data(path, pos);
  store(at, get(at, 1) ^ 0x40, 1);
}

void DamagedVolume::put(const std::string& path, uint64_t pos,
                        const std::vector<std::byte>& bytes) {
  disk_->write(sim::DevPos{data(path, pos)}, bytes);
}

void DamagedVolume::set_length(const std::string& path, uint64_t data_length) {
  const Place p = place(*disk_, path);
  store(p.set + kEntry + 24, data_length, 8);
  if (get(p.set + kEntry + 8, 8) > data_length) store(p.set + kEntry + 8, data_length, 8);
  fix(p);
}

void DamagedVolume::set_valid(const std::string& path, uint64_t valid_data_length) {
  const Place p = place(*disk_, path);
  store(p.set + kEntry + 8, valid_data_length, 8);
  fix(p);
}

void DamagedVolume::set_cluster(const std::string& path, const std::string& same_as) {
  const Place p = place(*disk_, path);
  store(p.set + kEntry + 20, get(place(*disk_, same_as).set + kEntry + 20, 4), 4);
  fix(p);
}

void DamagedVolume::break_checksum(const std::string& path) {
  const Place p = place(*disk_, path);
  store(p.set + 2, get(p.set + 2, 2) ^ 1, 2);
}

void DamagedVolume::remove(const std::string& path) {
  const Place p = place(*disk_, path);
  for (uint64_t i = 0; i < p.entries; ++i) {
    const uint64_t at = p.set + i * kEntry;
    store(at, get(at, 1) & 0x7f, 1);
  }
}

void DamagedVolume::resurrect(const std::string& path) {
  const Place p = place(recording_.base, path);
  for (uint64_t i = 0; i < p.entries; ++i) {
    const uint64_t at = p.set + i * kEntry;
    store(at, get(at, 1) | 0x80, 1);
  }
  fix(p);
}

void DamagedVolume::spell(const std::string& path, char first_letter) {
  const Place p = place(*disk_, path);
  const auto length = static_cast<unsigned>(get(p.set + kEntry + 3, 1));
  ASSERT_LE(length, 15U);
  store(p.set + 2 * kEntry + 2, static_cast<uint8_t>(first_letter), 1);
  uint32_t hash = 0;
  for (unsigned i = 0; i < 2 * length; ++i) {
    auto byte = static_cast<uint32_t>(get(p.set + 2 * kEntry + 2 + i, 1));
    if (byte >= 'a' && byte <= 'z') byte -= 'a' - 'A';
    hash = (((hash & 1) != 0 ? 0x8000U : 0U) + (hash >> 1) + byte) & 0xffff;
  }
  store(p.set + kEntry + 4, hash, 2);
  fix(p);
}

void DamagedVolume::leak() {
  const CheckResult check = check_volume(*disk_);
  const CheckGeometry& geometry = *check.view->geometry;
  const uint64_t bit = geometry.cluster_count - 1;
  const uint64_t at =
      sim::dev_pos(geometry.sector_of(check.view->bitmap->runs.front().first)).value() + bit / 8;
  store(at, get(at, 1) | uint64_t{1} << bit % 8, 1);
}

void DamagedVolume::unmark(const std::string& path) {
  const CheckResult check = check_volume(*disk_);
  const CheckGeometry& geometry = *check.view->geometry;
  const uint64_t bit = check.view->find(path)->chain->runs.front().first.value() - 2;
  const uint64_t at =
      sim::dev_pos(geometry.sector_of(check.view->bitmap->runs.front().first)).value() + bit / 8;
  store(at, get(at, 1) & ~(uint64_t{1} << bit % 8), 1);
}

void DamagedVolume::break_boot() { store(510, 0, 2); }

void DamagedVolume::set_dirty() { store(106, get(106, 2) | 2, 2); }

}  // namespace zerotail::harness::testing
