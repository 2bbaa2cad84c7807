#include "zerotail/harness/finding.h"

#include <fmt/format.h>

#include <array>

#include "zerotail/sim/digest.h"

namespace zerotail::harness {
namespace {

constexpr std::array<ContractInfo, kContractCount> kContracts{{
    {Contract::kMountable, "mountable",
     "the volume mounts, every walk of the tree ends, nothing out of range is followed", true},
    {Contract::kFlagged, "flagged", "an inconsistent volume has VolumeDirty set", true},
    {Contract::kDurable, "durable",
     "what fsync, fdatasync, sync, O_SYNC and umount promised is there", true},
    {Contract::kContained, "contained", "untouched files below untouched directories are intact",
     true},
    {Contract::kSyncMount, "sync-mount",
     "what a sync or dirsync mount promises is on the medium when the call returns", true},
    {Contract::kReachable, "reachable", "untouched files below touched directories are still found",
     false},
    {Contract::kNoStale, "no-stale",
     "no byte of a file reads as something that was never written to it", false},
    {Contract::kAtomic, "atomic", "create, rename, unlink and truncate leave the old or the new",
     false},
    {Contract::kConsistent, "consistent", "a file-system checker has nothing to complain of",
     false},
    {Contract::kAnswers, "answers",
     "before any crash, every operation answers what the reference model predicts", true},
}};

}  // namespace

const ContractInfo& contract_info(Contract contract) {
  const ContractInfo& info = kContracts[static_cast<size_t>(contract)];
  ZT_ASSERT(info.contract == contract);
  return info;
}

std::optional<Contract> contract_by_name(std::string_view name) {
  for (const ContractInfo& info : kContracts) {
    if (name == info.name) return info.contract;
  }
  return std::nullopt;
}

std::string fingerprint(const Violation& violation, std::string_view workload) {
  const std::string text = fmt::format("{}\n{}\n{}\n{}", contract_info(violation.contract).name,
                                       violation.kind, violation.path, workload);
  return fmt::format("{:016x}", sim::bytes_digest(text.data(), text.size()).low);
}

std::string group_of(const Violation& violation, const Circumstances& circumstances) {
  const bool structure = !violation.path.empty() && violation.path.front() == '<';
  const std::string text =
      fmt::format("{}\n{}\n{}\n{}\n{}", contract_info(violation.contract).name, violation.kind,
                  structure ? violation.path : "file", circumstances.promise, circumstances.touch);
  return fmt::format("{:016x}", sim::bytes_digest(text.data(), text.size()).low);
}

std::string fingerprint_in_family(const std::string& group, std::string_view family) {
  const std::string text = fmt::format("{}\n{}", group, family);
  return fmt::format("{:016x}", sim::bytes_digest(text.data(), text.size()).low);
}

bool FindingSet::add(Finding finding) {
  const auto [place, fresh] = by_fingerprint_.try_emplace(finding.fingerprint, findings_.size());
  if (!fresh) {
    findings_[place->second].count += finding.count;
    return false;
  }
  findings_.push_back(std::move(finding));
  return true;
}

}  // namespace zerotail::harness
