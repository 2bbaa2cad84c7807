#include "golden/golden_data.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

namespace zerotail::golden {
namespace {

using Json = nlohmann::ordered_json;
using harness::OpResult;

OpResult read_result(const Json& json) {
  auto result = harness::parse_result(json.dump());
  EXPECT_TRUE(result.ok()) << json.dump();
  return result.ok() ? std::move(result).value() : OpResult{};
}

GoldenTrace read_trace(const Json& json, const std::string& place) {
  GoldenTrace golden;
  Json header = Json::object();
  for (const char* key : {"trace", "sector", "cluster", "size_mib", "keep"}) {
    if (json.contains(key)) header[key] = json[key];
  }
  auto parsed = harness::parse_header(header.dump(), place);
  EXPECT_TRUE(parsed.ok()) << place;
  if (parsed.ok()) golden.trace.header = std::move(parsed).value();
  for (const Json& op : json["ops"]) {
    auto operation = harness::parse_operation(op.dump(), place);
    EXPECT_TRUE(operation.ok()) << operation.error().message();
    if (operation.ok()) golden.trace.ops.push_back(std::move(operation).value());
  }
  std::vector<OpResult>& reference = golden.results[kReference];
  for (const Json& result : json["results"]) reference.push_back(read_result(result));
  EXPECT_EQ(reference.size(), golden.trace.ops.size()) << place;
  for (const char* kernel : {kOlder, kBufferHead}) {
    std::vector<OpResult>& results = golden.results[kernel] = reference;
    if (!json.contains("differs") || !json["differs"].contains(kernel)) continue;
    for (const auto& item : json["differs"][kernel].items()) {
      results.at(std::stoul(item.key())) = read_result(item.value());
    }
  }
  if (json.contains("check")) {
    for (const auto& item : json["check"].items()) {
      for (const Json& entry : item.value()) {
        golden.wrong[item.key()].insert(entry.at(1).get<size_t>());
      }
    }
  }
  return golden;
}

}  // namespace

const OpResult& GoldenTrace::wanted(size_t op) const {
  const auto known = wrong.find(kReference);
  const bool departs = known != wrong.end() && known->second.count(op) != 0;
  return results.at(departs ? kBufferHead : kReference).at(op);
}

std::vector<GoldenTrace> load_golden() {
  const std::filesystem::path folder =
      std::filesystem::path(ZEROTAIL_SOURCE_DIR) / "tests" / "golden" / "data";
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (entry.path().extension() == ".jsonl") files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  const char* wanted = std::getenv("ZEROTAIL_GOLDEN");
  std::vector<GoldenTrace> out;
  for (const auto& file : files) {
    std::ifstream stream(file);
    std::string line;
    for (size_t number = 1; std::getline(stream, line); ++number) {
      const Json json = Json::parse(line);
      if (wanted != nullptr && json["trace"].get<std::string>().find(wanted) == std::string::npos) {
        continue;
      }
      out.push_back(read_trace(json, file.filename().string() + ":" + std::to_string(number)));
    }
  }
  return out;
}

}  // namespace zerotail::golden
