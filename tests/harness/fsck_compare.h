// The checker against the real fsck.exfat -n (exfatprogs 1.2.0): both judge one image, and where
// their verdicts differ, a known difference must explain it. docs/CHECK.md explains each in full.
#pragma once

#include <memory>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "zerotail/harness/check.h"
#include "zerotail/sim/result.h"
#include "zerotail/sim/sector_reader.h"

namespace zerotail::harness::testing {

// What one message of fsck.exfat is about, and which classes of the checker say the same.
struct FsckMessage {
  std::string_view text;  // a part of the message
  std::set<CheckClass> classes;
};
[[nodiscard]] const std::vector<FsckMessage>& fsck_messages();

struct FsckVerdict {
  int exit_code = 0;  // 0 clean, 4 errors left, 8 operational error
  std::string output;
  std::vector<const FsckMessage*> messages;  // one each, in the order of the table
  [[nodiscard]] bool clean() const { return exit_code == 0; }
};

// A reason why the two differ, by class: `unseen` are the checker's classes that fsck.exfat -n does
// not judge; a message of `beyond` is one that the checker does not repeat.
struct KnownDifference {
  std::string_view name;
  std::set<CheckClass> unseen;
  std::string_view beyond;
  std::string_view reason;
};
[[nodiscard]] const std::vector<KnownDifference>& known_differences();

struct FsckComparison {
  FsckVerdict fsck;
  std::vector<const KnownDifference*> differences;  // those that were needed
  // What no known difference explains: empty when the two agree.
  std::vector<std::string> unexplained;
  [[nodiscard]] bool agree() const { return unexplained.empty(); }
};

// Runs fsck.exfat -n on image files that are written to one place in memory.
class FsckComparer {
 public:
  FsckComparer();
  ~FsckComparer();
  FsckComparer(const FsckComparer&) = delete;
  FsckComparer& operator=(const FsckComparer&) = delete;
  [[nodiscard]] FsckVerdict run(const sim::SectorReader& disk);
  // Class by class: every message of fsck.exfat has a class of the checker beside it, and every
  // class of the checker that fsck.exfat judges has a message.
  [[nodiscard]] FsckComparison compare(const sim::SectorReader& disk, const CheckResult& check);

  // For many disks that differ from one base in a few sectors: the base's file is written once, a
  // disk's sectors are written over it and taken back. Errors name the file.
  [[nodiscard]] sim::Status set_base(const sim::SectorReader& base);
  [[nodiscard]] FsckComparison compare(const sim::SectorReader& disk,
                                       std::span<const sim::Sector> changed,
                                       const CheckResult& check);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace zerotail::harness::testing
