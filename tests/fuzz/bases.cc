#include "fuzz/bases.h"

#include "fuzz/recipe.h"
#include "zerotail/harness/disk_stack.h"
#include "zerotail/harness/executor.h"

namespace zerotail::fuzz {
namespace {

struct Text {
  std::string_view header;  // as in a trace
  std::string_view steps;   // as in a recipe; they must all succeed
};

// A file of one run, one of two runs in a FAT chain, one with a hole at its end, an empty one, a
// long name, two levels of directories.
constexpr std::string_view kOneOfEach = R"(
create path=run
write path=run off=0 len=9000 seed=1
create path=chain
write path=chain off=0 len=4096 seed=2
create path=wall
write path=wall off=0 len=4096 seed=3
fsync path=chain
fsync path=wall
append path=chain len=9000 seed=4
create path=hole
write path=hole off=0 len=1000 seed=5
truncate path=hole size=20000
create path=empty
create path=A%20name%20of%20more%20than%20fifteen%20units%20that%20needs%20three%20entries
mkdir path=dir
create path=dir/inner
write path=dir/inner off=0 len=5000 seed=6
mkdir path=dir/sub
create path=dir/sub/deep
write path=dir/sub/deep off=0 len=600 seed=7
mkdir path=void
)";

constexpr Text kTexts[] = {
    {R"({"trace":"small","sector":512,"cluster":512,"size_mib":1,"mkfs":{"label":"FUZZ","boundary_align":4096}})",
     kOneOfEach},
    {R"({"trace":"usual","sector":512,"cluster":4096,"size_mib":4,"mkfs":{"label":"FUZZ","boundary_align":4096}})",
     kOneOfEach},
    {R"({"trace":"sectors-4k","sector":4096,"cluster":4096,"size_mib":4,"mkfs":{"boundary_align":4096}})",
     kOneOfEach},
    {R"({"trace":"clusters-32k","sector":512,"cluster":32768,"size_mib":8,"page":65536,"mkfs":{"boundary_align":32768}})",
     kOneOfEach},
};

// The root and a directory of several clusters that are not neighbours, and hardly a free cluster.
std::string crowded_steps() {
  std::string text = "mkdir path=many\n";
  for (int i = 0; i < 12; ++i) {
    text += "create path=many/" + std::to_string(i) + "\n";
    text += "write path=many/" + std::to_string(i) + " off=0 len=700 seed=1\n";
    text += "create path=file" + std::to_string(i) + "\n";
    text += "write path=file" + std::to_string(i) + " off=0 len=1500 seed=2\n";
    text += "sync\n";
  }
  for (int i = 0; i < 12; i += 3) text += "unlink path=file" + std::to_string(i) + "\n";
  return text + "create path=big\nfallocate path=big off=0 len=460800 mode=0\n";
}

void must(const sim::Status& status) {
  ZT_ASSERT_MSG(status.ok(), status.ok() ? "" : status.error().message().c_str());
}

Base make_base(std::string_view header_text, std::string_view steps) {
  sim::Result<harness::TraceHeader> header = harness::parse_header(header_text, "base");
  ZT_ASSERT(header.ok());
  sim::Result<sim::MemDisk> disk = harness::format_disk(*header);
  ZT_ASSERT(disk.ok());
  const sim::Result<Recipe> recipe =
      parse_recipe("base " + header->trace + "\n" + std::string(steps));
  ZT_ASSERT_MSG(recipe.ok(), recipe.ok() ? "" : recipe.error().message().c_str());
  sim::World world(1);
  harness::Executor executor(world, *disk, *header);
  must(executor.mount());
  for (const Step& step : recipe->steps) {
    ZT_ASSERT_MSG(executor.run(step.op).ret >= 0, print_step(step).c_str());
  }
  must(executor.unmount());
  const sim::Snapshot snapshot = disk->snapshot();
  sim::Result<harness::ImageEditor> editor = harness::ImageEditor::open(snapshot);
  ZT_ASSERT(editor.ok());
  return {header->trace, *header, snapshot, std::move(*editor)};
}

std::vector<Base> make_bases() {
  std::vector<Base> list;
  for (const Text& text : kTexts) list.push_back(make_base(text.header, text.steps));
  list.push_back(make_base(
      R"({"trace":"crowded","sector":512,"cluster":512,"size_mib":1,"mkfs":{"boundary_align":4096}})",
      crowded_steps()));
  return list;
}

}  // namespace

const std::vector<Base>& bases() {
  static const std::vector<Base> kBases = make_bases();
  return kBases;
}

const Base* find_base(std::string_view name) {
  for (const Base& base : bases()) {
    if (base.name == name) return &base;
  }
  return nullptr;
}

}  // namespace zerotail::fuzz
