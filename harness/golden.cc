#include "zerotail/harness/golden.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <fstream>

#include "json_line.h"
#include "zerotail/harness/differential.h"
#include "zerotail/harness/disk_stack.h"
#include "zerotail/harness/executor.h"

namespace zerotail::harness {
namespace {

using sim::Errno;
using sim::Error;

Error bad(const std::string& place, const std::string& what) {
  return Error(Errno::kInval, place + ": " + what);
}

bool own_key(const std::string& key) {
  return key == "ops" || key == "results" || key == "differs" || key == "check" || key == "end" ||
         key == "kernel";
}

// "12" -> 12 below `limit`.
sim::Result<size_t> operation_index(const std::string& text, size_t limit,
                                    const std::string& place) {
  size_t index = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, code] = std::from_chars(text.data(), end, index);
  if (code == std::errc() && stop == end && index < limit) return index;
  return bad(place, "\"" + text + "\" is no operation of the trace");
}

// kernel -> operation -> result, where it is not the reference's.
sim::Status read_differs(GoldenAnswers& answers, const Json& json, const std::string& place) {
  if (!json.is_object()) return bad(place, "key \"differs\": not an object");
  for (const auto& kernel : json.items()) {
    if (!kernel.value().is_object()) return bad(place, "key \"differs\": not objects");
    std::vector<OpResult>& results = answers.results[kernel.key()] =
        answers.results.at(answers.reference);
    for (const auto& item : kernel.value().items()) {
      ZT_ASSIGN(const size_t index, operation_index(item.key(), results.size(), place));
      ZT_ASSIGN(results[index], parse_result(dump_json(item.value())));
    }
  }
  return {};
}

// kernel -> list of [kind, operation, explanation]; one past the last operation is the umount.
sim::Status read_check(GoldenAnswers& answers, const Json& json, const std::string& place) {
  if (!json.is_object()) return bad(place, "key \"check\": not an object");
  for (const auto& kernel : json.items()) {
    if (!kernel.value().is_array()) return bad(place, "key \"check\": not lists");
    for (const Json& entry : kernel.value()) {
      if (!entry.is_array() || entry.size() < 2 || !entry[1].is_number_unsigned() ||
          entry[1].get<uint64_t>() > answers.trace.ops.size()) {
        return bad(place, "key \"check\": no such operation");
      }
      answers.wrong[kernel.key()].insert(entry[1].get<size_t>());
    }
  }
  return {};
}

sim::Status read_answers(GoldenAnswers& answers, const Json& json, const std::string& place) {
  if (!json.contains("ops") || !json["ops"].is_array()) return bad(place, "no list \"ops\"");
  if (!json.contains("results") || !json["results"].is_array()) {
    return bad(place, "no list \"results\"");
  }
  for (const Json& op : json["ops"]) {
    ZT_ASSIGN(Operation operation, parse_operation(dump_json(op), place));
    answers.trace.ops.push_back(std::move(operation));
  }
  std::vector<OpResult>& reference = answers.results[answers.reference];
  for (const Json& result : json["results"]) {
    auto parsed = parse_result(dump_json(result));
    if (!parsed.ok()) return bad(place, "key \"results\": " + parsed.error().message());
    reference.push_back(std::move(parsed).value());
  }
  if (reference.size() != answers.trace.ops.size()) {
    return bad(place, fmt::format("{} results for {} operations", reference.size(),
                                  answers.trace.ops.size()));
  }
  return {};
}

sim::Result<std::vector<std::string>> files_of(const std::string& folder) {
  std::error_code code;
  std::filesystem::directory_iterator it(folder, code);
  if (code) return Error(Errno::kNoEnt, "not a folder that can be read");
  std::vector<std::string> files;
  for (; it != std::filesystem::directory_iterator(); it.increment(code)) {
    if (code) return Error(Errno::kIo, "reading the folder");
    if (it->path().extension() == ".jsonl") files.push_back(it->path().string());
  }
  if (files.empty()) return Error(Errno::kNoEnt, "no *.jsonl in it");
  std::sort(files.begin(), files.end());
  return files;
}

sim::Status add_line(GoldenFolder& folder, const std::string& line, const std::string& place) {
  ZT_ASSIGN(const Json json, parse_json_object(line, place));
  if (json.contains("kernels")) {
    ZT_ASSIGN(GoldenIoTrace trace, parse_golden_io(line, place));
    for (const auto& [kernel, run] : trace.kernels) folder.kernels.insert(kernel);
    folder.io.push_back(std::move(trace));
  } else {
    ZT_ASSIGN(GoldenAnswers answers, parse_golden_answers(line, place));
    for (const auto& [kernel, results] : answers.results) folder.kernels.insert(kernel);
    folder.answers.push_back(std::move(answers));
  }
  if (folder.io.empty() || folder.answers.empty()) return {};
  return bad(place, "answers and I/O in one folder");
}

}  // namespace

const OpResult& GoldenAnswers::wanted(size_t op, const std::string& kernel) const {
  const auto of = [this](const std::string& name) -> const std::vector<OpResult>& {
    const auto found = results.find(name);
    return found == results.end() ? results.at(reference) : found->second;
  };
  const auto known = wrong.find(kernel);
  const bool departs = known != wrong.end() && known->second.count(op) != 0;
  return of(departs ? kBufferHeadKernel : kernel)[op];
}

size_t GoldenAnswers::first_wrong(const std::string& kernel) const {
  const auto known = wrong.find(kernel);
  return known == wrong.end() || known->second.empty() ? trace.ops.size() : *known->second.begin();
}

sim::Result<GoldenAnswers> parse_golden_answers(std::string_view line, const std::string& place) {
  ZT_ASSIGN(const Json json, parse_json_object(line, place));
  GoldenAnswers answers;
  answers.reference = kIomapKernel;
  if (json.contains("kernel")) {
    if (!json["kernel"].is_string()) return bad(place, "key \"kernel\": not a name");
    answers.reference = json["kernel"].get<std::string>();
  }
  Json header = Json::object();
  for (const auto& item : json.items()) {
    if (!own_key(item.key())) header[item.key()] = item.value();
  }
  ZT_ASSIGN(answers.trace.header, parse_header(dump_json(header), place));
  ZT_TRY(read_answers(answers, json, place));
  if (json.contains("differs")) ZT_TRY(read_differs(answers, json["differs"], place));
  if (json.contains("check")) ZT_TRY(read_check(answers, json["check"], place));
  return answers;
}

sim::Result<GoldenFolder> load_golden_folder(const std::string& folder) {
  ZT_ASSIGN(const std::vector<std::string> files, files_of(folder));
  GoldenFolder out;
  for (const std::string& file : files) {
    std::ifstream stream(file);
    if (!stream.good()) return Error(Errno::kIo, file + ": cannot be read");
    const std::string name = std::filesystem::path(file).filename().string();
    std::string line;
    for (size_t number = 1; std::getline(stream, line); ++number) {
      ZT_TRY(add_line(out, line, fmt::format("{}:{}", name, number)));
    }
    if (stream.bad()) return Error(Errno::kIo, file + ": cannot be read");
  }
  if (out.io.empty() && out.answers.empty()) return Error(Errno::kInval, "no trace in it");
  return out;
}

sim::Result<GoldenVerdict> judge_answers(const GoldenAnswers& answers, const std::string& kernel) {
  const Trace& trace = answers.trace;
  const bool iomap = trace.header.io_path != "buffer-head";
  const size_t recorded = iomap ? trace.ops.size() : answers.first_wrong(kernel);
  ZT_ASSIGN(const ModelGeometry geometry, fresh_geometry(trace.header));
  Model model(geometry);
  model.set_keep(trace.header.keep);
  sim::World world(trace.header.seed);
  ZT_ASSIGN(sim::MemDisk medium, format_disk(trace.header));
  DiskStack stack(world, std::move(medium), {});
  ZT_ASSIGN(const std::vector<OpResult> results, run_trace(world, stack.top(), trace));
  GoldenVerdict verdict;
  verdict.total = trace.ops.size();
  for (size_t i = 0; i < trace.ops.size(); ++i) {
    const OpResult& got = results[i];
    std::string text;
    if (recorded < trace.ops.size()) text = disagreement(model.apply(trace.ops[i]), got);
    if (i < recorded) text = difference(answers.wanted(i, kernel), got);
    if (text.empty()) {
      ++verdict.agreed;
      continue;
    }
    verdict.difference += fmt::format("  operation {} {}: {}{}\n", i, print_operation(trace.ops[i]),
                                      text, got.note.empty() ? "" : " (" + got.note + ")");
  }
  return verdict;
}

sim::Result<GoldenVerdict> judge_io(const GoldenIoTrace& trace, const std::string& kernel) {
  const bool recorded = trace.kernels.count(kernel) != 0;
  const std::string same = recorded ? kernel : kIomapKernel;
  if (trace.kernels.count(same) == 0) {
    return Error(Errno::kInval, trace.header.trace + ": nothing of kernel " + kernel);
  }
  ZT_ASSIGN(const GoldenIoRun run, run_golden_io(trace));
  GoldenVerdict verdict;
  verdict.total = 1;
  verdict.difference = golden_io_difference(trace, same, run);
  verdict.agreed = verdict.difference.empty() ? 1 : 0;
  return verdict;
}

}  // namespace zerotail::harness
