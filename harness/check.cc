// The full parse: boot region, system structures, tree, ownership, bitmap.
#include "zerotail/harness/check.h"

#include <algorithm>

#include "check_volume.h"

namespace zerotail::harness {

namespace {

const char* stop_text(const Chain& chain) {
  switch (chain.stop) {
    case ChainStop::kEnd:
      return chain.too_short() ? "the chain is too short" : "the chain is too long";
    case ChainStop::kNoCluster:
      return "the first cluster is outside the heap";
    case ChainStop::kFree:
      return "the chain runs into a free cluster";
    case ChainStop::kBad:
      return "the chain runs into a bad cluster";
    case ChainStop::kOutOfRange:
      return "the chain leaves the heap";
    case ChainStop::kLoop:
      return "the chain is a loop";
    case ChainStop::kGivenUp:
      return "the chain was not followed";
  }
  return "";
}

CheckProblem system_problem(CheckClass kind, const char* path, uint64_t found, uint64_t wanted) {
  CheckProblem p;
  p.kind = kind;
  p.path = path;
  p.found = found;
  p.wanted = wanted;
  return p;
}

CheckProblem chain_problem(CheckClass kind, const char* path, const Chain& chain) {
  CheckProblem p = system_problem(kind, path, chain.value, 0);
  p.cluster = chain.at;
  p.field = stop_text(chain);
  return p;
}

// Bitmap, upcase table and label: what must be known before the tree can be read.
class SystemParser {
 public:
  SystemParser(const sim::SectorReader& disk, const CheckGeometry& geometry, VolumeView& view,
               const std::vector<SpecialEntry>& specials, CheckMemo* memo,
               std::vector<CheckProblem>& problems)
      : disk_(disk),
        geometry_(geometry),
        fat_(disk, geometry),
        view_(view),
        specials_(specials),
        memo_(memo),
        problems_(problems) {}

  // False: not mountable.
  bool parse() {
    const bool bitmap = parse_bitmap();
    parse_upcase();
    for (const SpecialEntry& s : specials_) {
      if (s.type == disk::kTypeLabel) parse_label(s);
    }
    return bitmap;
  }

 private:
  // The first entry of the type, and of two bitmaps the one of that FAT; further ones are problems.
  const SpecialEntry* find(uint8_t type, const char* what, unsigned fat = 0) {
    const SpecialEntry* found = nullptr;
    for (const SpecialEntry& s : specials_) {
      if (s.type != type || (type == disk::kTypeBitmap && bitmap_of(s) != fat)) continue;
      if (found == nullptr) {
        found = &s;
        continue;
      }
      CheckProblem p = system_problem(CheckClass::kBitmapDuplicate, "/", 0, 0);
      p.entry = s.entry;
      p.field = what;
      problems_.push_back(std::move(p));
    }
    return found;
  }

  Chain follow(const SpecialEntry& s) {
    return walk_chain(fat_, geometry_,
                      {.first_cluster = s.first_cluster, .data_length = s.data_length});
  }

  bool parse_bitmap() {
    if (geometry_.fats == 2) {
      const SpecialEntry* stale = find(disk::kTypeBitmap, "bitmap", 1 - geometry_.active_fat);
      if (stale != nullptr) view_.stale_bitmap = std::make_shared<const Chain>(follow(*stale));
    }
    const SpecialEntry* s = find(disk::kTypeBitmap, "bitmap", geometry_.active_fat);
    if (s == nullptr) {
      problems_.push_back(system_problem(CheckClass::kBitmapMissing, "<bitmap>", 0, 0));
      return false;
    }
    const uint64_t needed = (uint64_t{geometry_.cluster_count} + 7) / 8;
    if (s->data_length < needed) {
      problems_.push_back(
          system_problem(CheckClass::kBitmapSize, "<bitmap>", s->data_length, needed));
      return false;
    }
    auto chain = std::make_shared<const Chain>(follow(*s));
    // A driver reads as much as it needs and does not look at what follows.
    const bool enough = !chain->too_short();
    if (!chain->sound()) {
      const CheckClass kind = enough ? CheckClass::kBitmapTrail : CheckClass::kBitmapChain;
      problems_.push_back(chain_problem(kind, "<bitmap>", *chain));
    }
    view_.bitmap = std::move(chain);
    return enough;
  }

  void parse_upcase() {
    static const auto kAsciiOnly = std::make_shared<const UpcaseTable>();
    view_.upcase = kAsciiOnly;
    const SpecialEntry* s = find(disk::kTypeUpcase, "upcase");
    if (s == nullptr) {
      problems_.push_back(system_problem(CheckClass::kUpcaseMissing, "<upcase>", 0, 0));
      return;
    }
    auto chain = std::make_shared<const Chain>(follow(*s));
    view_.upcase_chain = chain;
    if (!chain->sound()) {
      problems_.push_back(chain_problem(CheckClass::kUpcaseChain, "<upcase>", *chain));
      return;
    }
    // An uncompressed table has 128 KiB; a compressed one can only be shorter.
    if (s->data_length == 0 || s->data_length % 2 != 0 || s->data_length > 2 * 0x10000) {
      complain_table("its size is impossible");
      return;
    }
    const std::vector<std::byte> stored = read_chain(*chain, s->data_length);
    uint32_t sum = 0;
    for (const std::byte b : stored) sum = disk::add32(sum, std::to_integer<uint8_t>(b));
    if (sum != s->checksum) {
      problems_.push_back(
          system_problem(CheckClass::kUpcaseChecksum, "<upcase>", s->checksum, sum));
      return;
    }
    take_table(stored);
  }

  void take_table(const std::vector<std::byte>& stored) {
    const sim::Digest key = sim::bytes_digest(stored.data(), stored.size());
    if (memo_ != nullptr) {
      if (auto known = memo_->upcase(key)) {
        view_.upcase = std::move(known);
        return;
      }
    }
    std::optional<UpcaseTable> table = UpcaseTable::parse(stored);
    if (!table) {
      complain_table("it does not decompress");
      return;
    }
    // Specification 7.2.5.1: the first 128 units are mandatory.
    static const UpcaseTable kMandatory;
    for (char16_t unit = 0; unit < 0x80; ++unit) {
      if (table->up(unit) != kMandatory.up(unit)) {
        complain_table("its ASCII part is not the mandatory one");
        return;
      }
    }
    view_.upcase = std::make_shared<const UpcaseTable>(std::move(*table));
    if (memo_ != nullptr) memo_->keep(key, view_.upcase);
  }

  void complain_table(const char* what) {
    CheckProblem p = system_problem(CheckClass::kUpcaseTable, "<upcase>", 0, 0);
    p.field = what;
    problems_.push_back(std::move(p));
  }

  std::vector<std::byte> read_chain(const Chain& chain, uint64_t length) {
    std::vector<std::byte> bytes;
    bytes.reserve(length);
    disk::RunReader reader{disk_, geometry_, chain.runs};
    for (uint64_t i = 0; bytes.size() < length; ++i) {
      const std::byte* sector = reader.sector(i);
      const uint64_t n = std::min<uint64_t>(length - bytes.size(), sim::kSectorSize.value());
      bytes.insert(bytes.end(), sector, sector + n);
    }
    return bytes;
  }

  void parse_label(const SpecialEntry& s) {
    if (s.flags > 11) {
      problems_.push_back(system_problem(CheckClass::kLabel, "/", s.flags, 11));
    }
    view_.label = s.label;
  }

  const sim::SectorReader& disk_;
  const CheckGeometry& geometry_;
  disk::FatReader fat_;
  VolumeView& view_;
  const std::vector<SpecialEntry>& specials_;
  CheckMemo* memo_;
  std::vector<CheckProblem>& problems_;
};

void fill_tree(const TreeBuilder& builder, BaseTree& tree) {
  for (const BuiltDirectory& built : builder.built()) {
    BaseDirectory directory;
    directory.view = built.view;
    directory.raw = built.raw;
    directory.key = built.key;
    directory.content = built.content;
    const auto index = static_cast<uint32_t>(tree.directories.size());
    tree.by_key.emplace(built.key, index);
    if (!built.raw->runs.empty()) {
      tree.by_first_cluster.emplace(built.raw->runs.front().first.value(), index);
    }
    tree.directories.push_back(std::move(directory));
  }
  tree.directories.front().references = 1;
  const auto paths = directory_paths(*builder.root());
  for (uint32_t i = 0; i < tree.directories.size(); ++i) {
    BaseDirectory& directory = tree.directories[i];
    tree.by_view.emplace(directory.view.get(), i);
    directory.path = paths.at(directory.view.get());
    for (const ClusterRun& run : directory.view->runs) tree.clusters += run.count.value();
  }
  for (uint32_t i = 0; i < tree.directories.size(); ++i) {
    const DirectoryView& view = *tree.directories[i].view;
    for (const uint32_t node : view.directories) {
      BaseDirectory& child = tree.directories[tree.by_view.at(view.nodes[node]->child.get())];
      child.parents.emplace_back(i, node);
      ++child.references;
    }
  }
}

void claim_all(const VolumeView& view, BaseTree& tree, OwnerMap& owners) {
  owners.clear(view.geometry->cluster_count);
  const auto claim = [&](const std::shared_ptr<const Chain>& chain, uint32_t owner) {
    if (chain == nullptr) return;
    for (const ClusterRun& run : chain->runs) owners.claim(run, owner);
  };
  claim(view.bitmap, kBitmapOwner);
  claim(view.stale_bitmap, kStaleBitmapOwner);
  claim(view.upcase_chain, kUpcaseOwner);
  claim(view.root_chain, kRootOwner);
  for (uint32_t i = 0; i < tree.directories.size(); ++i) {
    BaseDirectory& directory = tree.directories[i];
    for (uint32_t n = 0; n < directory.view->nodes.size(); ++n) {
      const TreeNode& node = *directory.view->nodes[n];
      directory.node_owners.push_back(kFirstOwner + static_cast<uint32_t>(tree.owners.size()));
      const uint32_t child = node.child == nullptr ? UINT32_MAX : tree.by_view.at(node.child.get());
      for (uint32_t part = 0; part <= node.vendor.size(); ++part) {
        const uint32_t owner = kFirstOwner + static_cast<uint32_t>(tree.owners.size());
        claim(part == 0 ? node.chain : node.vendor[part - 1], owner);
        tree.owners.push_back(
            {.directory = i, .node = n, .part = part, .child = part == 0 ? child : UINT32_MAX});
      }
    }
  }
}

void compare_bitmap(const sim::SectorReader& disk, const VolumeView& view, const OwnerMap& owners,
                    AllocationFindings& findings) {
  BitmapReader bitmap{disk, *view.geometry, *view.bitmap};
  for (uint64_t i = 0; i < bitmap.words(); ++i) {
    const uint64_t used = owners.word(i);
    const uint64_t marked = bitmap.word(i);
    if (used != marked) findings.words.push_back({i, used, marked});
  }
  findings.shared = owners.shared_clusters();
}

std::vector<CheckProblem> allocation_problems(const sim::SectorReader& disk,
                                              const ParsedVolume& volume) {
  if (volume.findings.words.empty() && volume.findings.shared.empty()) return {};
  AllocationReport report{disk::FatReader{disk, *volume.view->geometry},
                          [&](uint64_t index, std::vector<OwnerRef>& out) {
                            out.push_back(owner_ref(volume.tree, volume.owners.first(index)));
                            if (const auto* more = volume.owners.more(index)) {
                              for (const uint32_t owner : *more)
                                out.push_back(owner_ref(volume.tree, owner));
                            }
                          },
                          [&](const DirectoryView& directory) {
                            return volume.tree.directories[volume.tree.by_view.at(&directory)].path;
                          }};
  return report.make(volume.findings);
}

void append(std::vector<CheckProblem>& all, std::vector<CheckProblem> more) {
  all.insert(all.end(), std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()));
}

// False: no root directory that could be read.
bool parse_root(const sim::SectorReader& disk, CheckMemo* memo, ParsedVolume& out) {
  VolumeView& view = *out.view;
  const CheckGeometry& geometry = *view.geometry;
  disk::FatReader fat{disk, geometry};
  Chain chain = walk_chain(fat, geometry, {.first_cluster = geometry.root}, true);
  if (chain.stop != ChainStop::kEnd) {
    out.problems.push_back(chain_problem(CheckClass::kRootChain, "/", chain));
    return false;
  }
  view.root_chain = std::make_shared<const Chain>(std::move(chain));
  const uint64_t size = view.root_chain->clusters.value() * geometry.cluster_size.value();
  out.specials =
      find_specials(disk, geometry, view.root_chain->runs, std::min(size, disk::kLargestDirectory));
  SystemParser parser{disk, geometry, view, out.specials, memo, out.system_problems};
  const bool good = parser.parse();
  append(out.problems, out.system_problems);
  return good;
}

}  // namespace

void append_fixed_problems(const sim::SectorReader& disk, const VolumeView& view,
                           std::vector<CheckProblem>& problems) {
  disk::FatReader fat{disk, *view.geometry};
  constexpr uint32_t kFixed[] = {0xFFFFFFF8, 0xFFFFFFFF};
  for (uint32_t i = 0; i < 2; ++i) {
    if (fat.entry(i) == kFixed[i]) continue;
    problems.push_back(system_problem(CheckClass::kFatMedia, "<fat>", fat.entry(i), kFixed[i]));
    problems.back().entry = i;
  }
  BitmapReader bitmap{disk, *view.geometry, *view.bitmap};
  if (const unsigned bits = bitmap.tail_bits(); bits != 0) {
    problems.push_back(system_problem(CheckClass::kBitmapTail, "<bitmap>", bits, 0));
  }
}

OwnerRef owner_ref(const BaseTree& tree, uint32_t owner) {
  if (owner < kFirstOwner) return {.system = owner};
  const OwnerPlace& place = tree.owners[owner - kFirstOwner];
  const DirectoryView& view = *tree.directories[place.directory].view;
  return {.directory = &view, .node = view.node(place.node), .part = place.part};
}

void parse_volume(const sim::SectorReader& disk, CheckMemo* memo, ParseCounters& counters,
                  ParsedVolume& out) {
  out.boot = parse_boot(disk);
  out.view = std::make_shared<VolumeView>();
  out.view->exfat = out.boot.exfat;
  out.view->geometry = out.boot.geometry;
  out.view->volume_dirty = out.boot.flags.dirty;
  out.view->media_failure = out.boot.flags.media_failure;
  out.problems = out.boot.problems;
  if (out.boot.geometry.has_value() && parse_root(disk, memo, out)) {
    VolumeView& view = *out.view;
    append_fixed_problems(disk, view, out.problems);
    TreeBuilder builder{
        {.disk = disk, .geometry = *view.geometry, .upcase = *view.upcase, .memo = memo}, counters};
    builder.build(*view.root_chain);
    view.root = builder.root();
    out.order_matters = builder.order_matters();
    out.parsed_directories = builder.parsed_directories();
    out.recalled_directories = builder.recalled_directories();
    fill_tree(builder, out.tree);
    claim_all(view, out.tree, out.owners);
    compare_bitmap(disk, view, out.owners, out.findings);
    append(out.problems, collect_problems(*view.root));
    append(out.problems, allocation_problems(disk, out));
  }
  std::sort(out.problems.begin(), out.problems.end());
}

CheckResult check_volume(const sim::SectorReader& disk) {
  ParseCounters counters;
  ParsedVolume volume;
  parse_volume(disk, nullptr, counters, volume);
  return {.view = volume.view, .problems = std::move(volume.problems)};
}

}  // namespace zerotail::harness
