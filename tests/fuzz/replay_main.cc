// Replays recipes and images without libFuzzer, and writes the seed corpus.
//   fuzz_replay FILE...         runs each; prints what was found, and with one file what happened
//   fuzz_replay --seeds DIR     writes the seed corpus into an existing folder
//   fuzz_replay --folder DIR... runs every file of a folder, quietly
//   fuzz_replay --bases         what is on the base volumes, for writing recipes by hand
//   fuzz_replay --random N SEED runs N mutations of the seed corpus, without looking at coverage
// Exit code: 0 nothing found, 1 a finding or a broken expectation, 2 a file that cannot be run.
#include <cstdio>
#include <string>
#include <vector>

#include "fuzz/bases.h"
#include "fuzz/corpus.h"
#include "fuzz/mutator.h"
#include "zerotail/harness/check_report.h"

namespace {

using zerotail::fuzz::Replay;

void print_details(const Replay& replay) {
  const zerotail::fuzz::Report& report = replay.report;
  for (const auto& problem : report.before) std::printf("check: %s\n", problem.describe().c_str());
  std::printf("mount: %s\n", report.mount_error.empty() ? "ok" : report.mount_error.c_str());
  for (size_t i = 0; i < report.answers.size(); ++i) {
    const std::string step = i < replay.recipe.steps.size()
                                 ? zerotail::fuzz::print_step({replay.recipe.steps[i].op, {}})
                                 : "step";
    const auto& answer = report.answers[i];
    std::printf("%s -> %s%s%s\n", step.c_str(), print_result(answer, std::nullopt).c_str(),
                answer.note.empty() ? "" : "  # ", answer.note.c_str());
  }
  for (const auto& problem : report.after) {
    std::printf("afterwards: %s\n", problem.describe().c_str());
  }
  std::printf("%llu requests\n", static_cast<unsigned long long>(report.requests));
}

int replay(const std::vector<std::string>& files, bool details) {
  int status = 0;
  for (const std::string& file : files) {
    const auto result = zerotail::fuzz::replay_file(file);
    if (!result.ok()) {
      std::fprintf(stderr, "zerotail: %s\n", result.error().message().c_str());
      return 2;
    }
    if (details) print_details(*result);
    for (const std::string& complaint : result->complaints()) {
      std::printf("%s: %s\n", file.c_str(), complaint.c_str());
      status = 1;
    }
  }
  return status;
}

// Chains of mutations that start at a seed: the n-th depends on n and the seed alone.
int random_rounds(uint64_t rounds, uint64_t seed) {
  constexpr size_t kLimit = 4096;
  constexpr uint64_t kChain = 6;
  const std::vector<zerotail::fuzz::Seed> seeds = zerotail::fuzz::seeds();
  std::string text;
  int status = 0;
  for (uint64_t round = 0; round < rounds; ++round) {
    const uint64_t mixed = zerotail::sim::splitmix64(seed ^ round);
    if (round % kChain == 0) text = seeds[mixed % seeds.size()].text;
    text = zerotail::fuzz::mutate(text, kLimit, mixed);
    const auto report = zerotail::fuzz::run_input(std::as_bytes(std::span(text)));
    if (!report.ok()) {
      std::printf("%s%s\n", text.c_str(), report.error().message().c_str());
      return 2;
    }
    if (report->findings.empty()) continue;
    std::printf("# round %llu\n%s", static_cast<unsigned long long>(round), text.c_str());
    for (const std::string& finding : report->findings) std::printf("# %s\n", finding.c_str());
    status = 1;
  }
  return status;
}

void print_directory(const zerotail::harness::DirectoryView& directory, const std::string& path) {
  for (const auto& node : directory.nodes) {
    const auto& set = *node->set;
    std::printf("  %s%s: entry %u, %llu bytes, %llu valid,", path.c_str(), set.utf8.c_str(),
                set.entry, static_cast<unsigned long long>(set.data_length),
                static_cast<unsigned long long>(set.valid_data_length));
    for (const auto& run : node->chain->runs) {
      std::printf(" %llu+%llu", static_cast<unsigned long long>(run.first.value()),
                  static_cast<unsigned long long>(run.count.value()));
    }
    std::printf("%s\n", set.no_fat_chain ? " NoFatChain" : "");
    if (node->child != nullptr) print_directory(*node->child, path + set.utf8 + "/");
  }
}

void print_bases() {
  for (const zerotail::fuzz::Base& base : zerotail::fuzz::bases()) {
    const auto view = zerotail::harness::check_volume(base.disk).view;
    std::printf("%s: sector %llu, cluster %llu, clusters 2 to %u, root %llu\n", base.name.c_str(),
                static_cast<unsigned long long>(base.header.sector),
                static_cast<unsigned long long>(base.header.cluster),
                base.editor.cluster_limit() - 1,
                static_cast<unsigned long long>(view->geometry->root.value()));
    print_directory(*view->root, "");
  }
}

int write_seeds(const std::string& folder) {
  const auto count = zerotail::fuzz::write_seeds(folder);
  if (!count.ok()) {
    std::fprintf(stderr, "zerotail: %s\n", count.error().message().c_str());
    return 2;
  }
  std::printf("%zu seeds\n", *count);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  std::vector<std::string> words(argv + 1, argv + argc);
  if (words.size() == 2 && words[0] == "--seeds") return write_seeds(words[1]);
  if (words.size() == 1 && words[0] == "--bases") {
    print_bases();
    return 0;
  }
  if (words.size() == 3 && words[0] == "--random") {
    return random_rounds(std::stoull(words[1]), std::stoull(words[2]));
  }
  if (!words.empty() && words[0] == "--folder") {
    std::vector<std::string> files;
    for (size_t i = 1; i < words.size(); ++i) {
      for (std::string& file : zerotail::fuzz::files_of(words[i])) files.push_back(std::move(file));
    }
    const int status = replay(files, false);
    std::printf("%zu files\n", files.size());
    return status;
  }
  if (words.empty() || words[0].rfind("--", 0) == 0) {
    std::fprintf(
        stderr,
        "usage: fuzz_replay FILE... | --folder DIR... | --random N SEED | --seeds DIR | --bases\n");
    return 2;
  }
  return replay(words, words.size() == 1);
}
