#include "fuzz/mutator.h"

#include <algorithm>
#include <array>

#include "fuzz/bases.h"
#include "trace_table.h"

namespace zerotail::fuzz {
namespace {

using harness::EditField;
using harness::EditPlace;
using harness::FieldId;
using harness::Operation;
using harness::OpKind;
using sim::Prng;

constexpr size_t kMostSteps = 24;
constexpr size_t kMostEdits = 12;
constexpr int64_t kLongest = 40'000;  // of one read or write

template <class List>
const auto& pick(Prng& prng, const List& list) {
  return list[prng.below(std::size(list))];
}

// Around a number: itself, and what stands next to it.
uint64_t around(Prng& prng, uint64_t value) { return value + prng.below(3) - 1; }

class Chooser {
 public:
  Chooser(Prng& prng, const Base& base) : prng_(prng), base_(base) {}

  Operation edit() {
    constexpr unsigned kAttempts = 20;
    Operation op;
    for (unsigned i = 0; i < kAttempts; ++i) {
      op = Operation{};
      op.kind = OpKind::kEdit;
      const EditField& field = pick(prng_, harness::edit_fields());
      op.text = field.name;
      if (harness::needs_path(field.place)) op.path = edited_path(field.place);
      op.pos = position(field, op.path);
      op.value = value(field);
      if (base_.editor.check(op).ok()) return op;
    }
    // Always there.
    op = Operation{};
    op.kind = OpKind::kEdit;
    op.text = "boot.volume_flags";
    return op;
  }
  // Another value, and sometimes another position.
  void change(Operation* edit) {
    const EditField& field = *harness::find_edit_field(edit->text);
    Operation changed = *edit;
    if (prng_.chance(1, 3)) changed.pos = position(field, edit->path);
    changed.value = prng_.chance(1, 3) ? nudge(edit->value) : value(field);
    if (base_.editor.check(changed).ok()) *edit = changed;
  }

  Step step() {
    constexpr std::array kKinds = {
        OpKind::kCreate,    OpKind::kMkdir,      OpKind::kUnlink,    OpKind::kUnlinkKeep,
        OpKind::kRmdir,     OpKind::kRename,     OpKind::kRename,    OpKind::kWrite,
        OpKind::kWrite,     OpKind::kDwrite,     OpKind::kMwrite,    OpKind::kAppend,
        OpKind::kRead,      OpKind::kRead,       OpKind::kDread,     OpKind::kMread,
        OpKind::kTruncate,  OpKind::kTruncate,   OpKind::kFallocate, OpKind::kFsync,
        OpKind::kFdatasync, OpKind::kMsync,      OpKind::kMunmap,    OpKind::kClose,
        OpKind::kSync,      OpKind::kDropCaches, OpKind::kRemount,   OpKind::kSeekHole,
        OpKind::kSeekData,  OpKind::kStat,       OpKind::kStatfs,    OpKind::kList,
        OpKind::kDirent,    OpKind::kRawRead,    OpKind::kOpenSync,  OpKind::kFsyncDir,
        OpKind::kWriteback, OpKind::kRemountRo,  OpKind::kRemountRw, OpKind::kReaddir,
        OpKind::kLabel,     OpKind::kAttributes, OpKind::kFitrim,    OpKind::kBmap,
        OpKind::kMap,       OpKind::kSwapMap,    OpKind::kShutdown,  OpKind::kSyncfs,
        OpKind::kSeekEnd};
    Step step;
    step.op.kind = pick(prng_, kKinds);
    const harness::OpSpec& spec = harness::op_spec(step.op.kind);
    for (const FieldId id : spec.required) fill(&step.op, id);
    for (const FieldId id : spec.optional) {
      if (useful(id) && prng_.chance(1, 8)) fill(&step.op, id);
    }
    return step;
  }
  void change(Step* step) {
    const harness::OpSpec& spec = harness::op_spec(step->op.kind);
    if (spec.required.empty()) {
      *step = this->step();
    } else {
      fill(&step->op, pick(prng_, spec.required));
    }
  }

 private:
  static bool useful(FieldId id) { return id != FieldId::kTask && id != FieldId::kAsync; }

  int64_t nudge(int64_t value) {
    const auto bits = static_cast<uint64_t>(value);
    if (prng_.chance(1, 2)) return static_cast<int64_t>(around(prng_, bits));
    return static_cast<int64_t>(bits ^ uint64_t{1} << prng_.below(64));
  }

  std::string edited_path(EditPlace place) {
    const bool directory = place == EditPlace::kEntry || place == EditPlace::kCopy;
    return pick(prng_, directory ? base_.editor.directories() : base_.editor.paths());
  }

  uint64_t position(const EditField& field, const std::string& path) {
    const uint64_t limit = base_.editor.positions(field, path);
    if (limit <= 1) return 0;
    switch (field.place) {
      case EditPlace::kFat:
      case EditPlace::kBitmap:
      case EditPlace::kCluster:
        return cluster();
      case EditPlace::kEntry:
      case EditPlace::kCopy:
        return prng_.below(std::min<uint64_t>(limit, prng_.chance(1, 8) ? limit : 32));
      case EditPlace::kUpcase:
        return prng_.below(std::min<uint64_t>(limit, prng_.chance(1, 8) ? limit : 300));
      case EditPlace::kBoot:
      case EditPlace::kBackup:
      case EditPlace::kBitmapEntry:
      case EditPlace::kUpcaseEntry:
      case EditPlace::kLabelEntry:
      case EditPlace::kFile:
      case EditPlace::kStream:
      case EditPlace::kName:
      case EditPlace::kNameUnit:
      case EditPlace::kByte:
        break;
    }
    return prng_.below(limit);
  }

  // Mostly one that is in use, or next to one.
  uint64_t cluster() {
    if (prng_.chance(1, 6)) return prng_.between(2, base_.editor.cluster_limit() - 1);
    return around(prng_, pick(prng_, base_.editor.clusters()));
  }

  int64_t value(const EditField& field) {
    const std::string_view name = field.name;
    const auto has = [name](std::string_view part) { return name.find(part) != name.npos; };
    if (prng_.chance(1, 12)) return any(field.bytes);
    if (name == "bitmap") return static_cast<int64_t>(prng_.below(2));
    if (has("entry_type")) {
      constexpr std::array<int64_t, 12> kTypes = {0x00, 0x01, 0x05, 0x81, 0x82, 0x83,
                                                  0x85, 0xA0, 0xC0, 0xC1, 0xE0, 0xE1};
      return pick(prng_, kTypes);
    }
    if (name == "fat" || has("cluster")) {
      if (has("sectors_per_cluster") || has("heap_offset")) return small();
      if (has("cluster_count")) return length(1);
      return cluster_value();
    }
    if (has("copy")) return static_cast<int64_t>(prng_.below(64));
    if (has("shift")) return static_cast<int64_t>(prng_.below(32));
    if (has("flags") || has("attributes")) return static_cast<int64_t>(prng_.below(64));
    if (has("name_length") || has("count")) return small();
    if (has("unit") || name == "upcase") return unit();
    if (has("data_length")) return length(base_.editor.cluster_size());
    if (has("length") || has("offset")) return length(base_.header.sector);
    return prng_.chance(1, 2) ? small() : any(field.bytes);
  }

  int64_t any(unsigned bytes) {
    const uint64_t bits = prng_.next() >> prng_.below(64);
    if (bytes >= sizeof(uint64_t)) return static_cast<int64_t>(bits);
    return static_cast<int64_t>(bits & ((uint64_t{1} << (bytes * 8)) - 1));
  }
  int64_t small() {
    constexpr std::array<int64_t, 14> kSmall = {0,  1,  2,  3,  9,   12,  15,
                                                16, 17, 18, 24, 127, 128, 255};
    return prng_.chance(1, 3) ? static_cast<int64_t>(prng_.below(256)) : pick(prng_, kSmall);
  }
  int64_t unit() {
    constexpr std::array<int64_t, 14> kUnits = {0,   0x1F, '"',  '*',    '/',    ':',    '.',
                                                'A', 'a',  0x7F, 0xFFFF, 0xD800, 0xDC00, 0x131};
    return prng_.chance(1, 3) ? any(2) : pick(prng_, kUnits);
  }
  int64_t cluster_value() {
    const std::array<int64_t, 8> special = {0,
                                            1,
                                            2,
                                            base_.editor.cluster_limit() - 1,
                                            base_.editor.cluster_limit(),
                                            0xFFFFFFF7,
                                            0xFFFFFFF8,
                                            0xFFFFFFFF};
    return prng_.chance(1, 3) ? pick(prng_, special) : static_cast<int64_t>(cluster());
  }
  // A length or count in units of `unit`, or a number of bytes near one.
  int64_t length(uint64_t unit) {
    const uint64_t device = base_.editor.device_size();
    const std::array<uint64_t, 10> special = {0,
                                              1,
                                              unit,
                                              device / unit,
                                              device,
                                              base_.editor.cluster_limit(),
                                              uint64_t{256} << 20,
                                              uint64_t{1} << 32,
                                              uint64_t{1} << 63,
                                              UINT64_MAX};
    uint64_t value = 0;
    if (prng_.chance(1, 3)) {
      value = pick(prng_, special);
    } else {
      value = prng_.below(40) * unit;
    }
    if (prng_.chance(1, 3)) value = around(prng_, value);
    return static_cast<int64_t>(value);
  }

  std::string path() {
    const std::array<std::string, 9> fresh = {
        "n", "m", "dir/n", "void/x", "dir", "run", "RUN", "a*b", std::string(255, 'L')};
    if (prng_.chance(1, 4)) return pick(prng_, fresh);
    return pick(prng_, base_.editor.paths());
  }

  int64_t offset() {
    const std::array<int64_t, 4> units = {static_cast<int64_t>(base_.header.sector),
                                          static_cast<int64_t>(base_.header.cluster), 4096, 1000};
    constexpr std::array<int64_t, 5> kOdd = {-1, int64_t{1} << 32, int64_t{1} << 62, INT64_MAX,
                                             INT64_MIN};
    if (prng_.chance(1, 30)) return pick(prng_, kOdd);
    const int64_t value = pick(prng_, units) * static_cast<int64_t>(prng_.below(12));
    if (prng_.chance(2, 3)) return value;
    return std::max<int64_t>(value + static_cast<int64_t>(prng_.below(3)) - 1, 0);
  }

  void fill(Operation* op, FieldId id) {
    switch (id) {
      case FieldId::kPath:
        op->path = op->kind == OpKind::kList || op->kind == OpKind::kFsyncDir ||
                           op->kind == OpKind::kReaddir
                       ? pick(prng_, base_.editor.directories())
                       : path();
        break;
      case FieldId::kTo:
        op->to = path();
        break;
      case FieldId::kMode:
        op->mode = static_cast<uint32_t>(prng_.below(3));
        break;
      case FieldId::kOff:
        op->off = offset();
        break;
      case FieldId::kDataLen:
        op->len = std::clamp<int64_t>(offset(), 0, kLongest);
        break;
      case FieldId::kRangeLen:
        op->len = offset();
        break;
      case FieldId::kSize:
        op->size = offset();
        break;
      case FieldId::kMinLen:
        op->size = std::max<int64_t>(offset(), 0);
        break;
      case FieldId::kSeed:
        op->seed = prng_.below(10);
        break;
      case FieldId::kMoff:
        op->moff = static_cast<uint32_t>(prng_.below(2) * prng_.below(4096));
        break;
      case FieldId::kPos:
        op->pos = prng_.below(300);
        break;
      case FieldId::kValue:
        op->value = static_cast<int64_t>(prng_.below(64));
        break;
      case FieldId::kText:
        op->text = prng_.chance(1, 4) ? "a label that is too long" : "label";
        break;
      case FieldId::kFaultAt:
        op->fault_at = prng_.below(5000);
        break;
      case FieldId::kNoInvalidate:
        op->no_invalidate = prng_.chance(1, 2);
        break;
      case FieldId::kMount:
        op->mount = mount_words();
        break;
      case FieldId::kField:
      case FieldId::kState:
      case FieldId::kTask:
      case FieldId::kAsync:
        break;
    }
  }

 public:
  std::vector<std::string> mount_words() {
    std::vector<std::string> words;
    for (const char* word : {"ro", "sync", "dirsync", "discard"}) {
      if (prng_.chance(1, 4)) words.emplace_back(word);
    }
    return words;
  }

 private:
  Prng& prng_;
  const Base& base_;
};

Recipe fresh(Prng& prng) {
  Recipe recipe;
  recipe.base = pick(prng, bases()).name;
  return recipe;
}

Recipe read(std::string_view input, Prng& prng) {
  sim::Result<Recipe> parsed = parse_recipe(input);
  if (!parsed.ok() || find_base(parsed->base) == nullptr) return fresh(prng);
  parsed->want_mount.reset();
  parsed->want_check.clear();
  for (Step& step : parsed->steps) step.want.reset();
  return std::move(*parsed);
}

// Drops what does not fit the base or the limits.
std::string finish(Recipe recipe, size_t limit) {
  const Base& base = *find_base(recipe.base);
  std::erase_if(recipe.edits, [&base](const Operation& e) { return !base.editor.check(e).ok(); });
  if (recipe.edits.size() > kMostEdits) recipe.edits.resize(kMostEdits);
  if (recipe.steps.size() > kMostSteps) recipe.steps.resize(kMostSteps);
  std::string text = print_recipe(recipe);
  while (text.size() > limit && !(recipe.steps.empty() && recipe.edits.empty())) {
    if (recipe.steps.empty()) {
      recipe.edits.pop_back();
    } else {
      recipe.steps.pop_back();
    }
    text = print_recipe(recipe);
  }
  return text;
}

template <class List>
void remove_one(Prng& prng, List* list) {
  if (!list->empty()) list->erase(list->begin() + static_cast<ptrdiff_t>(prng.below(list->size())));
}

template <class List, class Item>
void insert_one(Prng& prng, List* list, Item item) {
  const auto at = static_cast<ptrdiff_t>(prng.below(list->size() + 1));
  list->insert(list->begin() + at, std::move(item));
}

void mutate_once(Prng& prng, Recipe* recipe) {
  Chooser chooser(prng, *find_base(recipe->base));
  switch (prng.below(12)) {
    case 0:
    case 1:
      insert_one(prng, &recipe->edits, chooser.edit());
      break;
    case 2:
    case 3:
      if (recipe->edits.empty()) {
        recipe->edits.push_back(chooser.edit());
      } else {
        chooser.change(&recipe->edits[prng.below(recipe->edits.size())]);
      }
      break;
    case 4:
      remove_one(prng, &recipe->edits);
      break;
    case 5:
    case 6:
      insert_one(prng, &recipe->steps, chooser.step());
      break;
    case 7:
    case 8:
      if (!recipe->steps.empty()) {
        chooser.change(&recipe->steps[prng.below(recipe->steps.size())]);
      }
      break;
    case 9:
      remove_one(prng, &recipe->steps);
      break;
    case 10:
      if (!recipe->steps.empty()) {
        insert_one(prng, &recipe->steps, Step(pick(prng, recipe->steps)));
      }
      break;
    case 11:
      if (prng.chance(1, 3)) {
        recipe->base = pick(prng, bases()).name;
      } else {
        recipe->mount = chooser.mount_words();
      }
      break;
  }
}

}  // namespace

std::string mutate(std::string_view input, size_t limit, uint64_t seed) {
  Prng prng(seed);
  Recipe recipe = read(input, prng);
  for (uint64_t times = prng.between(1, 4); times > 0; --times) mutate_once(prng, &recipe);
  return finish(std::move(recipe), limit);
}

std::string cross(std::string_view one, std::string_view other, size_t limit, uint64_t seed) {
  Prng prng(seed);
  Recipe recipe = read(one, prng);
  const Recipe second = read(other, prng);
  for (const Operation& edit : second.edits) {
    if (prng.chance(1, 2)) insert_one(prng, &recipe.edits, edit);
  }
  for (const Step& step : second.steps) {
    if (prng.chance(1, 2)) insert_one(prng, &recipe.steps, step);
  }
  return finish(std::move(recipe), limit);
}

}  // namespace zerotail::fuzz
