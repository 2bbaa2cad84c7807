#include "harness/check_recipes.h"

#include "zerotail/sim/assert.h"

namespace zerotail::harness::testing {

namespace {

using R = RecipeVolume;
using enum CheckClass;

constexpr uint32_t kEnd = 0xFFFFFFFF;

// Stream extension fields, by offset.
constexpr uint32_t kFlags = 1, kNameLength = 3, kHash = 4, kValid = 8, kFirst = 20, kSize = 24;

void stream(R& r, const VolumeBuilder::Set& set, uint32_t offset, uint64_t value, unsigned bytes) {
  r.v.put(r.v.stream(set) + offset, value, bytes);
  r.v.fix_set(set);
}

void boot(R& r, uint64_t pos, uint64_t value, unsigned bytes) {
  r.v.put(pos, value, bytes);
  r.v.fix_boot();
}

// The root's bitmap and upcase entries, wherever mkfs put them.
uint64_t special(R& r, uint8_t type) {
  for (uint32_t i = 0; i < 16; ++i) {
    const uint64_t pos = r.v.entry_pos(0, i);
    if (r.v.get(pos, 1) == type) return pos;
  }
  ZT_ASSERT_MSG(false, "no such entry in the root directory");
  return 0;
}

std::vector<std::byte> entry(uint8_t type) {
  std::vector<std::byte> bytes(32);
  bytes[0] = std::byte{type};
  return bytes;
}

// clang-format off
std::vector<Recipe> boot_recipes() {
  return {
      {"nothing edited", [](R&) {}, {}, 0, "clean", ""},
      {"VolumeDirty set", [](R& r) { r.v.put(106, 2, 2); }, {}, 0, "clean", ""},
      {"MediaFailure set", [](R& r) { r.v.put(106, 4, 2); }, {}, 0, "clean", ""},
      {"FileSystemName", [](R& r) { boot(r, 3, 'X', 1); }, {kNotExfat}, 8, "Bad fs_name", ""},
      {"BootSignature", [](R& r) { boot(r, 510, 0, 2); }, {kBootSignature}, 0, "clean", "mount"},
      {"boot checksum", [](R& r) { r.v.put(500, 1, 1); }, {kBootChecksum}, 4, "checksum of boot region is not correct", ""},
      {"VolumeLength too long", [](R& r) { boot(r, 72, uint64_t{1} << 40, 8); }, {kTruncated}, 4, "too large sector count", ""},
      {"ClusterCount too large", [](R& r) { boot(r, 92, r.v.cluster_count() + 1000, 4); }, {kBootField}, 4, "too large cluster count", ""},
      {"BytesPerSectorShift", [](R& r) { boot(r, 108, 13, 1); }, {kBootField}, 4, "boot region is corrupted", ""},
      {"SectorsPerClusterShift", [](R& r) { boot(r, 109, 30, 1); }, {kBootField}, 4, "failed to read directory entries", ""},
      {"NumberOfFats", [](R& r) { boot(r, 110, 3, 1); }, {kBootField}, 4, "unsupported FAT count", ""},
      {"root cluster out of range", [](R& r) { boot(r, 96, 1, 4); }, {kBootField}, 4, "the start cluster of root is wrong", ""},
      {"MustBeZero", [](R& r) { boot(r, 20, 1, 1); }, {kBootField}, 0, "clean", "mount"},
      {"FileSystemRevision", [](R& r) { boot(r, 104, 0x200, 2); }, {kBootField}, 4, "unsupported exfat version", ""},
      {"FatLength too small", [](R& r) { boot(r, 84, 1, 4); }, {kBootField}, 0, "clean", "mount"},
      {"backup boot region", [](R& r) { r.v.put(12 * 512 + 100, 0x77, 1); }, {kBackupBoot}, 0, "clean", "backup"},
  };
}

std::vector<Recipe> system_recipes() {
  return {
      {"root chain into a free entry", [](R& r) { r.v.set_fat(r.v.directory_cluster(0), 0); }, {kRootChain}, 4, "the cluster chain of root is broken", ""},
      {"root chain loop", [](R& r) { r.v.set_fat(r.v.directory_cluster(0), r.v.directory_cluster(0)); }, {kRootChain}, 4, "the cluster chain of root is cyclic", ""},
      {"bitmap entry deleted", [](R& r) { r.v.put(special(r, 0x81), 1, 1); }, {kBitmapMissing}, 4, "failed to read bitmap", ""},
      {"bitmap too small", [](R& r) { r.v.put(special(r, 0x81) + 24, 1, 8); }, {kBitmapSize}, 4, "invalid size of allocation bitmap", ""},
      {"bitmap's first cluster", [](R& r) { r.v.put(special(r, 0x81) + 20, 1, 4); }, {kBitmapChain}, 4, "failed to read bitmap", ""},
      {"bitmap chain into a free entry", [](R& r) { r.v.set_fat(r.v.bitmap_cluster(), 0); }, {kBitmapTrail}, 0, "clean", "system chain"},
      {"bitmap chain too long", [](R& r) { r.v.set_fat(r.v.bitmap_cluster(), r.v.free_cluster()); r.v.set_fat(r.v.free_cluster(), kEnd); r.v.mark(r.v.free_cluster(), true); }, {kBitmapTrail}, 0, "clean", "system chain"},
      {"bitmap of a second FAT", [](R& r) { r.v.put(special(r, 0x81) + 1, 1, 1); }, {kBitmapMissing}, 0, "clean", "mount"},
      {"second bitmap entry", [](R& r) { r.v.add_entries(0, entry(0x81)); }, {kBitmapDuplicate}, 0, "clean", "system entry"},
      {"upcase entry deleted", [](R& r) { r.v.put(special(r, 0x82), 2, 1); }, {kUpcaseMissing, kLeak}, 4, "failed to read upcase table", ""},
      {"upcase chain", [](R& r) { r.v.set_fat(r.v.bitmap_cluster() + 1, 0); }, {kUpcaseChain, kLeak}, 0, "clean", "system chain"},
      {"upcase checksum", [](R& r) { const uint64_t p = special(r, 0x82) + 4; r.v.put(p, r.v.get(p, 4) + 1, 4); }, {kUpcaseChecksum}, 4, "corrupted upcase table", ""},
      {"upcase table", [](R& r) { r.v.put(special(r, 0x82) + 24, 5835, 8); }, {kUpcaseTable}, 4, "invalid size of upcase table", ""},
      {"label too long", [](R& r) { auto e = entry(0x83); e[1] = std::byte{12}; r.v.add_entries(0, e); }, {kLabel}, 0, "clean", "system entry"},
      {"FAT entry 0", [](R& r) { r.v.set_fat(0, 0); }, {kFatMedia}, 0, "clean", "FAT entry"},
      {"bits beyond the heap", [](R& r) { r.v.mark(r.v.cluster_count() + 2, true); }, {kBitmapTail}, 0, "clean", "leak"},
      {"bitmap's own bit cleared", [](R& r) { r.v.mark(r.v.bitmap_cluster(), false); }, {kSystemUnmarked}, 0, "clean", "system bits"},
      {"root's bit cleared", [](R& r) { r.v.mark(r.v.directory_cluster(0), false); }, {kSystemUnmarked}, 0, "clean", "system bits"},
  };
}

std::vector<Recipe> entry_recipes() {
  return {
      {"set checksum", [](R& r) { r.v.put(r.v.primary(r.run) + 2, 0, 2); }, {kSetChecksum}, 4, "the checksum of a file is wrong", ""},
      {"SecondaryCount 1", [](R& r) { r.v.put(r.v.primary(r.run) + 1, 1, 1); r.v.fix_set(r.run); }, {kSetBroken, kOrphanSecondary, kLeak}, 4, "the checksum of a file is wrong", ""},
      {"stream entry deleted", [](R& r) { r.v.put(r.v.stream(r.run), 0x40, 1); r.v.fix_set(r.run); }, {kSetBroken, kOrphanSecondary, kLeak}, 4, "failed to get stream dentry", ""},
      {"name entry deleted", [](R& r) { r.v.put(r.v.stream(r.run) + 32, 0x41, 1); r.v.fix_set(r.run); }, {kSetBroken, kLeak}, 4, "files corrupted 1", ""},
      {"NameLength too long", [](R& r) { stream(r, r.run, kNameLength, 40, 1); }, {kSetBroken, kLeak}, 4, "the name length of a file is wrong", ""},
      {"NameLength 0", [](R& r) { stream(r, r.run, kNameLength, 0, 1); stream(r, r.run, kHash, 0, 2); }, {kBadName}, 4, "the name length of a file is wrong", ""},
      {"primary deleted alone", [](R& r) { r.v.put(r.v.primary(r.empty), 5, 1); }, {kOrphanSecondary}, 0, "unknown entry type 0xc0", "unknown entry"},
      {"critical primary of an unknown type", [](R& r) { r.v.add_entries(0, entry(0x87)); }, {kUnknownCritical}, 0, "unknown entry type 0x87", "unknown entry"},
      {"benign primary of an unknown type", [](R& r) { r.v.add_entries(0, entry(0xA7)); }, {}, 0, "unknown entry type 0xa7", ""},
      {"name hash", [](R& r) { stream(r, r.run, kHash, 1, 2); }, {kNameHash}, 4, "the name hash of a file is wrong", ""},
      {"forbidden character", [](R& r) { r.v.put(r.v.stream(r.empty) + 32 + 2, ':', 2); r.v.fix_set(r.empty); stream(r, r.empty, kHash, r.v.hash_of(":mpty"), 2); }, {kBadName}, 0, "clean", "name"},
      {"duplicate name", [](R& r) { r.v.add_file(0, "EMPTY", {}); }, {kDuplicateName}, 0, "clean", "name"},
      {"entry behind the end", [](R& r) { r.v.put(r.v.entry_pos(r.sub, 5), 0xA7, 1); }, {kAfterEnd}, 0, "clean", "after end"},
      {"vendor extension in a set", [](R& r) { r.v.add_vendor_file(0, "vendor"); }, {}, 4, "failed to get name dentry", "vendor"},
      {"directory deleted with its files", [](R& r) { r.v.delete_set(r.v.directory_set(r.dir)); }, {kLeak}, 0, "clean", "leak"},
  };
}

std::vector<Recipe> chain_recipes() {
  return {
      {"first cluster out of range", [](R& r) { stream(r, r.second, kFirst, r.v.cluster_count() + 2, 4); }, {kFirstClusterRange, kLeak}, 4, "but the first cluster", ""},
      {"first cluster 1", [](R& r) { stream(r, r.second, kFirst, 1, 4); }, {kFirstClusterRange, kLeak}, 4, "but the first cluster", ""},
      {"no first cluster", [](R& r) { stream(r, r.second, kFirst, 0, 4); }, {kFirstClusterRange, kLeak}, 4, "but the first cluster", ""},
      {"chain out of the heap", [](R& r) { r.v.set_fat(r.v.first_cluster(r.second), r.v.cluster_count() + 2); }, {kChainRange, kLeak}, 4, "broken cluster chain", ""},
      {"chain into a free entry", [](R& r) { r.v.set_fat(r.v.first_cluster(r.second), 0); }, {kChainFree, kLeak}, 4, "broken cluster chain", ""},
      {"chain's end free", [](R& r) { r.v.set_fat(r.v.first_cluster(r.second) + 1, 0); }, {kChainFree}, 4, "broken cluster chain", ""},
      {"chain into a bad cluster", [](R& r) { r.v.set_fat(r.v.first_cluster(r.second), 0xFFFFFFF7); }, {kChainBad, kLeak}, 4, "BAD cluster", ""},
      {"chain loop", [](R& r) { r.v.set_fat(r.v.first_cluster(r.second) + 1, r.v.first_cluster(r.second)); }, {kChainLoop}, 4, "more clusters are allocated", ""},
      {"chain too short", [](R& r) { r.v.set_fat(r.v.first_cluster(r.chained) + 1, kEnd); }, {kChainShort, kLeak}, 4, "less clusters are allocated", ""},
      {"chain too long", [](R& r) { stream(r, r.chained, kValid, 4096, 8); stream(r, r.chained, kSize, 4096, 8); }, {kChainLong}, 4, "more clusters are allocated", ""},
      {"end of chain 0xFFFFFFF8", [](R& r) { r.v.set_fat(r.v.first_cluster(r.second) + 1, 0xFFFFFFF8); }, {}, 4, "broken cluster chain", "end of chain"},
      {"run leaves the heap", [](R& r) { r.v.mark(r.v.cluster_count() + 1, true); stream(r, r.run, kFirst, r.v.cluster_count() + 1, 4); }, {kRunRange, kLeak}, 4, "is marked as free", ""},
      {"size beyond the heap", [](R& r) { stream(r, r.second, kSize, uint64_t{1} << 50, 8); }, {kSizeRange}, 4, "less clusters are allocated", ""},
      {"directory size 0", [](R& r) { const auto s = r.v.directory_set(r.sub); stream(r, s, kSize, 0, 8); stream(r, s, kValid, 0, 8); }, {kDirectorySize, kLeak}, 4, "size 0, but the first cluster", ""},
      {"directory size odd", [](R& r) { const auto s = r.v.directory_set(r.sub); stream(r, s, kSize, 1024, 8); stream(r, s, kValid, 1024, 8); }, {kDirectorySize}, 4, "is not divisible", ""},
      {"directory valid size", [](R& r) { stream(r, r.v.directory_set(r.sub), kValid, 512, 8); }, {kDirectoryValidSize}, 0, "clean", "directory valid size"},
      {"directory below itself", [](R& r) { stream(r, r.v.directory_set(r.sub), kFirst, r.v.directory_cluster(r.dir), 4); }, {kDirectoryLoop, kCrossLink, kLeak}, 4, "already allocated for the other file", ""},
      {"clusters without AllocationPossible", [](R& r) { stream(r, r.second, kFlags, 0, 1); }, {kAllocationFlag}, 0, "clean", "allocation flag"},
      {"empty with a first cluster", [](R& r) { stream(r, r.empty, kFirst, r.v.free_cluster(), 4); r.v.set_fat(r.v.free_cluster(), kEnd); r.v.mark(r.v.free_cluster(), true); }, {kEmptyWithCluster}, 4, "size 0, but the first cluster", ""},
      {"empty with NoFatChain", [](R& r) { stream(r, r.empty, kFlags, 3, 1); }, {kEmptyNoFatChain}, 4, "empty, but has no Fat chain", ""},
      {"valid size above size", [](R& r) { stream(r, r.second, kValid, 100000, 8); }, {kValidSize}, 4, "greater than size", ""},
      {"two chains meet", [](R& r) { r.v.set_fat(r.v.first_cluster(r.second), r.v.first_cluster(r.chained) + 3); }, {kCrossLink, kLeak}, 4, "already allocated for the other file", ""},
      {"a run over a chain", [](R& r) { stream(r, r.run, kFirst, r.v.first_cluster(r.chained), 4); }, {kCrossLink, kLeak}, 4, "already allocated for the other file", ""},
      {"a directory and a file share a cluster", [](R& r) { stream(r, r.inner, kFirst, r.v.directory_cluster(r.sub), 4); }, {kCrossLink, kLeak}, 4, "already allocated for the other file", ""},
      {"a file's bit cleared", [](R& r) { r.v.mark(r.v.first_cluster(r.run) + 1, false); }, {kUnmarked}, 4, "is marked as free", ""},
      {"a chained file's bit cleared", [](R& r) { r.v.mark(r.v.first_cluster(r.chained) + 1, false); }, {kUnmarked}, 4, "is marked as free", ""},
      {"a directory's bit cleared", [](R& r) { r.v.mark(r.v.directory_cluster(r.dir), false); }, {kUnmarked}, 4, "is marked as free", ""},
      {"leaked cluster", [](R& r) { r.v.mark(r.v.free_cluster() + 5, true); }, {kLeak}, 0, "clean", "leak"},
      {"leaked bad cluster", [](R& r) { r.v.mark(r.v.free_cluster() + 5, true); r.v.set_fat(r.v.free_cluster() + 5, 0xFFFFFFF7); }, {}, 0, "clean", ""},
  };
}
// clang-format on

}  // namespace

// Three clusters more than a multiple of eight, so that the bitmap has bits beyond the last one.
RecipeVolume::RecipeVolume() : v({.size = sim::mib(8) + 3 * sim::kib(4)}) {
  dir = v.add_directory(0, "dir");
  run = v.add_file(0, "run", {.size = 10000});
  chained = v.add_file(0, "chained", {.size = 16000, .chain = true});
  second = v.add_file(0, "second", {.size = 8192, .chain = true});
  empty = v.add_file(0, "empty", {});
  sub = v.add_directory(dir, "sub");
  inner = v.add_file(dir, "inner", {.size = 100});
}

const std::vector<Recipe>& recipes() {
  static const std::vector<Recipe> all = [] {
    std::vector<Recipe> list;
    for (auto part : {boot_recipes(), system_recipes(), entry_recipes(), chain_recipes()}) {
      list.insert(list.end(), part.begin(), part.end());
    }
    return list;
  }();
  return all;
}

}  // namespace zerotail::harness::testing
