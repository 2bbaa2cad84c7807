#include "nested.h"

#include <algorithm>

#include "zerotail/harness/check.h"

namespace zerotail::harness {
namespace {

constexpr std::string_view kSuffix = "~again";

Operation on(OpKind kind, const char* path) {
  Operation op;
  op.kind = kind;
  op.path = path;
  return op;
}

Operation write(const char* path, int64_t off, int64_t len, uint64_t seed) {
  Operation op = on(OpKind::kWrite, path);
  op.off = off;
  op.len = len;
  op.seed = seed;
  return op;
}

}  // namespace

Workload continuation(const Workload& workload) {
  Workload next;
  next.name = workload.name + std::string(kSuffix);
  next.trace.header = workload.trace.header;
  next.trace.header.setup = 0;
  Operation create = on(OpKind::kCreate, "zz-again/file");
  create.mode = kCreateExclusive;
  Operation rename = on(OpKind::kRename, "zz-again/file");
  rename.to = "zz-again/renamed";
  next.trace.ops = {on(OpKind::kMkdir, "zz-again"),           create,
                    write("zz-again/file", 0, 5000, 9001),    on(OpKind::kFsync, "zz-again/file"),
                    write("zz-again/file", 4000, 3000, 9002), rename,
                    on(OpKind::kFsync, "zz-again/renamed")};
  return next;
}

std::string name_of_continued(const std::string& name) {
  if (name.size() < kSuffix.size() ||
      name.compare(name.size() - kSuffix.size(), kSuffix.size(), kSuffix) != 0) {
    return name;
  }
  return name.substr(0, name.size() - kSuffix.size());
}

bool can_go_on(const sim::SectorReader& disk) {
  const CheckResult check = check_volume(disk);
  return check.view->mountable() &&
         std::all_of(check.problems.begin(), check.problems.end(),
                     [](const CheckProblem& p) { return p.kind == CheckClass::kLeak; });
}

Older older_damage(const sim::SectorReader& disk) {
  const CheckResult check = check_volume(disk);
  Older older;
  older.inconsistent = !check.problems.empty();
  older.unflagged = older.inconsistent && !check.view->volume_dirty;
  return older;
}

void drop_older(const Older& older, std::vector<Violation>* violations) {
  const auto known = [&older](const Violation& v) {
    return (older.inconsistent && v.contract == Contract::kConsistent) ||
           (older.unflagged && v.contract == Contract::kFlagged);
  };
  violations->erase(std::remove_if(violations->begin(), violations->end(), known),
                    violations->end());
}

}  // namespace zerotail::harness
