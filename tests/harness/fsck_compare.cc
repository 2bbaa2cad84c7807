#include "harness/fsck_compare.h"

#include <algorithm>
#include <fstream>

#include "zerotail/sim/image_file.h"
#include "zerotail/support/real_tools.h"

namespace zerotail::harness::testing {

namespace {

using enum CheckClass;

// fsck.exfat stops a chain at the first thing that is wrong with it and names that: a cluster that
// the bitmap calls free or that another file has, before an end or a break further on.
const std::set<CheckClass> kChainClasses = {
    kFirstClusterRange, kChainRange, kChainFree, kChainBad,  kChainLoop, kChainShort,
    kRunRange,          kSizeRange,  kChainLong, kCrossLink, kUnmarked,  kSystemUnmarked};

// Sets that fsck.exfat does not get to the end of: further classes of the same set are not named.
const std::set<CheckClass> kSetClasses = {kSetBroken, kSetChecksum, kBadName, kNameHash,
                                          kOrphanSecondary};

bool contains(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

const std::vector<FsckMessage>& fsck_messages() {
  static const std::vector<FsckMessage> table = {
      {"Bad fs_name", {kNotExfat}},
      {"checksum of boot region is not correct", {kBootChecksum, kBootField}},
      {"too large sector count", {kTruncated}},
      {"too large cluster count", {kBootField}},
      {"too big cluster size", {kBootField}},
      {"too small or big sector size", {kBootField}},
      {"unsupported FAT count", {kBootField}},
      {"unsupported exfat version", {kBootField}},
      {"failed to read directory entries", {kBootField}},
      {"the start cluster of root is wrong", {kBootField}},
      {"the cluster chain of root is", {kRootChain}},
      {"invalid size of allocation bitmap", {kBitmapSize}},
      {"invalid start cluster of allocate bitmap", {kBitmapChain}},
      {"failed to read bitmap", {kBitmapMissing, kBitmapSize, kBitmapChain, kBootField}},
      {"invalid start cluster of upcase table", {kUpcaseChain}},
      {"invalid size of upcase table", {kUpcaseTable}},
      {"corrupted upcase table", {kUpcaseChecksum, kUpcaseChain}},
      {"failed to read upcase table",
       {kUpcaseMissing, kUpcaseTable, kUpcaseChecksum, kUpcaseChain}},
      {"the checksum of a file is wrong", {kSetChecksum, kSetBroken}},
      {"has too few secondary count", kSetClasses},
      {"failed to get stream dentry", kSetClasses},
      {"failed to get name dentry", kSetClasses},
      {"the name length of a file is wrong", {kSetBroken, kBadName}},
      {"the name hash of a file is wrong", {kNameHash}},
      {"filename is not allowed", {kBadName}},
      {"greater than size", {kValidSize, kDirectoryValidSize}},
      {"but the first cluster", {kFirstClusterRange, kEmptyWithCluster, kDirectorySize}},
      {"more clusters are allocated", kChainClasses},
      {"already allocated for the other file", kChainClasses},
      {"is marked as free", kChainClasses},
      {"BAD cluster", kChainClasses},
      {"broken cluster chain", kChainClasses},
      {"less clusters are allocated", kChainClasses},
      {"is greater than cluster heap", {kSizeRange}},
      {"empty, but has no Fat chain", {kEmptyNoFatChain}},
      {"is not divisible by", {kDirectorySize}},
      {"unknown entry type", {kOrphanSecondary, kUnknownCritical, kSetBroken, kSetChecksum}},
  };
  return table;
}

const std::vector<KnownDifference>& known_differences() {
  static const std::vector<KnownDifference> table = {
      {"leak",
       {kLeak, kBitmapTail},
       "",
       "fsck.exfat -n does not look for clusters that are marked and belong to nothing; its -s "
       "does, and refuses to be combined with -n."},
      {"system bits",
       {kSystemUnmarked},
       "",
       "fsck.exfat -n sets the bits of bitmap, upcase table and root itself before it compares."},
      {"mount",
       {kBootSignature, kBootField, kBitmapMissing},
       "",
       "fsck.exfat does not read BootSignature, MustBeZero, FatLength and BitmapFlags; the "
       "kernel's "
       "driver refuses to mount such volumes."},
      {"backup",
       {kBackupBoot},
       "",
       "fsck.exfat reads the backup boot region only when the main one is bad."},
      {"system chain",
       {kBitmapTrail, kUpcaseChain},
       "",
       "fsck.exfat takes bitmap and upcase table as contiguous and does not read their FAT chain, "
       "which the specification demands."},
      {"system entry",
       {kBitmapDuplicate, kLabel},
       "",
       "fsck.exfat takes the first bitmap entry and cuts a label without a word."},
      {"FAT entry", {kFatMedia}, "", "fsck.exfat does not read FAT entries 0 and 1."},
      {"unknown entry",
       {kOrphanSecondary, kUnknownCritical},
       "unknown entry type",
       "fsck.exfat prints an error for such entries and calls the volume clean, and it also prints "
       "it for benign primary entries, which are allowed."},
      {"name",
       {kBadName, kDuplicateName},
       "",
       "fsck.exfat -n looks for forbidden characters and equal names only when it repairs."},
      {"after end",
       {kAfterEnd},
       "",
       "fsck.exfat stops at the end-of-directory entry; the specification demands that nothing "
       "follows it."},
      {"vendor",
       {},
       "failed to get name dentry",
       "fsck.exfat 1.2.0 takes every entry behind the stream extension for a name entry and "
       "rejects vendor extensions, which are allowed."},
      {"end of chain",
       {},
       "broken cluster chain",
       "The specification has 0xFFFFFFFF alone as the end of a chain; drivers take 0xFFFFFFF8 to "
       "0xFFFFFFFE for it too, and check follows them."},
      {"directory valid size",
       {kDirectoryValidSize},
       "",
       "The specification wants both lengths of a directory equal; fsck.exfat complains only of "
       "the valid one being larger."},
      {"allocation flag", {kAllocationFlag}, "", "fsck.exfat does not read AllocationPossible."},
      {"first error",
       {},
       "",
       "fsck.exfat leaves a chain, a set, a directory or the volume at the first error it meets "
       "there; check goes on and names the others too."},
  };
  return table;
}

struct FsckComparer::Impl {
  support::ScratchDir folder;
  std::string image = folder.file("image");
  const sim::SectorReader* base = nullptr;  // what the image file holds between two comparisons

  [[nodiscard]] FsckVerdict judge() const {
    FsckVerdict verdict;
    support::ToolRun run = support::real_fsck(image, sim::kSectorSize);
    verdict.exit_code = run.exit_code;
    verdict.output = std::move(run.output);
    for (const FsckMessage& message : fsck_messages()) {
      if (contains(verdict.output, message.text)) verdict.messages.push_back(&message);
    }
    return verdict;
  }

  // Writes these sectors of a disk to the image file.
  [[nodiscard]] bool write(const sim::SectorReader& disk,
                           std::span<const sim::Sector> sectors) const {
    std::fstream file{image, std::ios::in | std::ios::out | std::ios::binary};
    for (const sim::Sector sector : sectors) {
      file.seekp(static_cast<std::streamoff>(sim::dev_pos(sector).value()));
      file.write(reinterpret_cast<const char*>(disk.sector(sector)),
                 static_cast<std::streamsize>(sim::kSectorSize.value()));
    }
    file.close();
    return file.good();
  }
};

FsckComparer::FsckComparer() : impl_(std::make_unique<Impl>()) {}
FsckComparer::~FsckComparer() = default;

FsckVerdict FsckComparer::run(const sim::SectorReader& disk) {
  impl_->base = nullptr;
  const sim::Status saved = sim::save_image(impl_->image, disk, true);
  if (saved.ok()) return impl_->judge();
  FsckVerdict verdict;
  verdict.exit_code = -1;
  verdict.output = saved.error().message();
  return verdict;
}

sim::Status FsckComparer::set_base(const sim::SectorReader& base) {
  impl_->base = &base;
  return sim::save_image(impl_->image, base, true);
}

namespace {

// Collects which known differences are needed.
class Explainer {
 public:
  Explainer(const std::set<CheckClass>& classes, FsckComparison& out)
      : classes_(classes), out_(out) {}

  void explain() {
    for (const FsckMessage* message : out_.fsck.messages) explain_message(*message);
    for (const CheckClass c : classes_) explain_class(c);
    if (!out_.fsck.clean() && out_.fsck.messages.empty() && !quiet_failure()) {
      out_.unexplained.push_back("fsck.exfat failed without a message that is known");
    }
  }

 private:
  // A set whose name entries are missing is counted as corrupted without a word.
  [[nodiscard]] bool quiet_failure() const {
    return contains(out_.fsck.output, "files corrupted") && classes_.count(kSetBroken) != 0;
  }

  [[nodiscard]] bool any_of(const std::set<CheckClass>& wanted) const {
    return std::any_of(wanted.begin(), wanted.end(),
                       [this](CheckClass c) { return classes_.count(c) != 0; });
  }

  void need(const KnownDifference& difference) {
    auto& list = out_.differences;
    if (std::find(list.begin(), list.end(), &difference) == list.end()) {
      list.push_back(&difference);
    }
  }

  void explain_message(const FsckMessage& message) {
    if (any_of(message.classes)) return;
    for (const KnownDifference& difference : known_differences()) {
      if (difference.beyond == message.text) {
        need(difference);
        return;
      }
    }
    out_.unexplained.push_back("fsck.exfat alone: " + std::string{message.text});
  }

  void explain_class(CheckClass c) {
    const auto& messages = out_.fsck.messages;
    const bool said =
        std::any_of(messages.begin(), messages.end(), [this, c](const FsckMessage* message) {
          return message->classes.count(c) != 0 && !out_.fsck.clean();
        });
    if (said || (c == kSetBroken && quiet_failure())) return;
    for (const KnownDifference& difference : known_differences()) {
      const bool later = difference.name == "first error" && !out_.fsck.clean();
      if (later || difference.unseen.count(c) != 0) {
        need(difference);
        return;
      }
    }
    out_.unexplained.push_back("check alone: " + std::string{name(c)});
  }

  const std::set<CheckClass>& classes_;
  FsckComparison& out_;
};

}  // namespace

namespace {

FsckComparison explain(FsckVerdict verdict, const CheckResult& check) {
  FsckComparison comparison;
  comparison.fsck = std::move(verdict);
  std::set<CheckClass> classes;
  for (const CheckProblem& p : check.problems) classes.insert(p.kind);
  Explainer{classes, comparison}.explain();
  if (comparison.fsck.exit_code < 0 || comparison.fsck.exit_code > 8) {
    comparison.unexplained.push_back("fsck.exfat could not be run: " + comparison.fsck.output);
  }
  return comparison;
}

}  // namespace

FsckComparison FsckComparer::compare(const sim::SectorReader& disk, const CheckResult& check) {
  return explain(run(disk), check);
}

FsckComparison FsckComparer::compare(const sim::SectorReader& disk,
                                     std::span<const sim::Sector> changed,
                                     const CheckResult& check) {
  FsckVerdict verdict;
  verdict.exit_code = -1;
  verdict.output = "the image file could not be written";
  if (impl_->base != nullptr && impl_->write(disk, changed)) {
    verdict = impl_->judge();
    if (!impl_->write(*impl_->base, changed)) verdict.exit_code = -1;
  }
  return explain(std::move(verdict), check);
}

}  // namespace zerotail::harness::testing
