#include "fuzz/corpus.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "fuzz/bases.h"

namespace zerotail::fuzz {
namespace {

using sim::Errno;
using sim::Error;

// What a sound volume answers to: a little of every operation.
constexpr std::string_view kEverything = R"(list path=
stat path=run
read path=run off=0 len=9000
append path=chain len=5000 seed=1
fsync path=chain
write path=hole off=30000 len=100 seed=2
mwrite path=run off=100 len=6000 seed=3
msync path=run
dwrite path=run off=4096 len=4096 seed=4
dread path=chain off=0 len=4096
truncate path=chain size=600
fallocate path=empty off=0 len=9000 mode=0
rename path=run to=dir/run
rename path=dir/sub to=void/sub
rename path=hole to=empty
create path=n
mkdir path=m
rmdir path=m
unlink_keep path=wall
sync
dirent path=chain
unlink path=dir/inner
seek_hole path=chain off=0
remount
list path=dir
)";

constexpr std::string_view kAFewSteps = R"(list path=
read path=run off=0 len=2000
append path=chain len=2000 seed=1
create path=dir/n
rename path=hole to=void/hole
unlink path=wall
truncate path=run size=100
sync
)";

int64_t seed_value(const harness::EditField& field) {
  if (field.place == harness::EditPlace::kCluster) return 5;
  return field.bytes == 1 ? 1 : 3;
}

std::string printed(std::string_view text) {
  const sim::Result<Recipe> recipe = parse_recipe(text);
  ZT_ASSERT_MSG(recipe.ok(), recipe.ok() ? "" : recipe.error().message().c_str());
  return print_recipe(*recipe);
}

// A field is edited on one of the bases, in turn.
std::string field_seed(const harness::EditField& field, size_t index) {
  const Base& base = bases()[index % bases().size()];
  harness::Operation edit;
  edit.kind = harness::OpKind::kEdit;
  edit.text = field.name;
  edit.value = seed_value(field);
  for (const std::string& path :
       harness::needs_path(field.place) ? base.editor.paths() : std::vector<std::string>{""}) {
    edit.path = path;
    edit.pos = std::min<uint64_t>(base.editor.positions(field, path), 9) / 2 + 1;
    if (!base.editor.check(edit).ok()) edit.pos = 0;
    if (base.editor.check(edit).ok()) break;
  }
  if (!base.editor.check(edit).ok()) return "";
  Recipe recipe;
  recipe.base = base.name;
  recipe.edits.push_back(edit);
  return print_recipe(recipe) + std::string(kAFewSteps);
}

sim::Result<std::vector<std::byte>> read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return Error(Errno::kNoEnt, path + ": cannot be read");
  const std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  const auto bytes = std::as_bytes(std::span(text));
  return std::vector<std::byte>(bytes.begin(), bytes.end());
}

}  // namespace

std::vector<std::string> Replay::complaints() const {
  std::vector<std::string> list = report.findings;
  for (std::string& broken : broken_expectations(recipe, report)) list.push_back(std::move(broken));
  return list;
}

sim::Result<Replay> replay_file(const std::string& path) {
  ZT_ASSIGN(const std::vector<std::byte> bytes, read_file(path));
  Replay replay;
  sim::Result<Report> report = [&]() -> sim::Result<Report> {
    if (is_image(bytes)) return run_image(bytes);
    const auto* text = reinterpret_cast<const char*>(bytes.data());
    ZT_ASSIGN(replay.recipe, parse_recipe(std::string_view(text, bytes.size())));
    return run_recipe(replay.recipe);
  }();
  if (!report.ok()) return Error(report.error().code(), path + ": " + report.error().where());
  replay.report = std::move(*report);
  return replay;
}

std::vector<std::string> files_of(const std::string& folder) {
  std::vector<std::string> files;
  std::error_code none;
  for (const auto& entry : std::filesystem::directory_iterator(folder, none)) {
    if (entry.is_regular_file(none)) files.push_back(entry.path().string());
  }
  std::sort(files.begin(), files.end());
  return files;
}

std::vector<Seed> seeds() {
  std::vector<Seed> list;
  for (const Base& base : bases()) {
    const std::string head = "base " + base.name + "\n";
    list.push_back({"plain-" + base.name, head});
    list.push_back({"steps-" + base.name, printed(head + std::string(kEverything))});
    for (const char* words : {"ro", "sync", "dirsync discard"}) {
      std::string name = "mount-" + std::string(words).substr(0, 4) + "-" + base.name;
      std::erase(name, ' ');
      list.push_back({name, printed(head + "mount " + words + "\n" + std::string(kEverything))});
    }
  }
  size_t index = 0;
  for (const harness::EditField& field : harness::edit_fields()) {
    std::string text = field_seed(field, index++);
    if (text.empty()) text = field_seed(field, 0);
    std::string name = "field-" + std::string(field.name);
    std::replace(name.begin(), name.end(), '.', '-');
    list.push_back({name, text});
  }
  return list;
}

sim::Result<size_t> write_seeds(const std::string& folder) {
  const std::vector<Seed> list = seeds();
  for (const Seed& seed : list) {
    const std::string path = folder + "/" + seed.name + ".recipe";
    std::ofstream file(path, std::ios::binary);
    file << seed.text;
    if (!file.flush()) return Error(Errno::kIo, path + ": cannot be written");
  }
  return list.size();
}

}  // namespace zerotail::fuzz
