#include "zerotail/harness/op_result.h"

#include <fmt/format.h>

#include <algorithm>

#include "json_line.h"

namespace zerotail::harness {
namespace {

Json to_json(const FieldValue& value) {
  return std::visit([](const auto& v) { return Json(v); }, value);
}

sim::Result<FieldValue> from_json(const Json& json, const std::string& key) {
  if (json.is_number_integer()) return FieldValue(json.get<int64_t>());
  if (json.is_string()) return FieldValue(json.get<std::string>());
  const auto bad = sim::Error(sim::Errno::kInval, "result: key \"" + key + "\": unexpected type");
  if (!json.is_array()) return bad;
  std::vector<std::string> list;
  for (const Json& item : json) {
    if (!item.is_string()) return bad;
    list.push_back(item.get<std::string>());
  }
  return FieldValue(std::move(list));
}

std::string show(const FieldValue* value) {
  return value == nullptr ? "nothing" : dump_json(to_json(*value));
}

}  // namespace

void OpResult::set(std::string name, FieldValue value) {
  fields.push_back({std::move(name), std::move(value)});
}

const FieldValue* OpResult::find(std::string_view name) const {
  for (const Field& field : fields) {
    if (field.name == name) return &field.value;
  }
  return nullptr;
}

OpResult failure(const sim::Error& error) {
  OpResult result;
  result.ret = error.negative();
  result.note = error.where();
  return result;
}

std::string print_result(const OpResult& result, std::optional<size_t> index) {
  Json json = Json::object();
  if (index) json["i"] = *index;
  json["ret"] = result.ret;
  for (const OpResult::Field& field : result.fields) json[field.name] = to_json(field.value);
  return dump_json(json);
}

sim::Result<OpResult> parse_result(std::string_view text) {
  ZT_ASSIGN(const Json json, parse_json_object(text, "result"));
  OpResult result;
  const auto ret = json.find("ret");
  if (ret == json.end() || !ret->is_number_integer()) {
    return sim::Error(sim::Errno::kInval, "result: key \"ret\": missing or not an integer");
  }
  result.ret = ret->get<int64_t>();
  for (const auto& item : json.items()) {
    if (item.key() == "ret" || item.key() == "i") continue;
    ZT_ASSIGN(FieldValue value, from_json(item.value(), item.key()));
    result.set(item.key(), std::move(value));
  }
  return result;
}

std::string difference(const OpResult& want, const OpResult& got,
                       const std::vector<std::string>& ignored) {
  std::string out;
  const auto add = [&](std::string_view name, const std::string& a, const std::string& b) {
    if (!out.empty()) out += "; ";
    out += fmt::format("{}: want {}, got {}", name, a, b);
  };
  const auto skip = [&](const std::string& name) {
    return std::find(ignored.begin(), ignored.end(), name) != ignored.end();
  };
  if (want.ret != got.ret) add("ret", std::to_string(want.ret), std::to_string(got.ret));
  for (const OpResult::Field& field : want.fields) {
    const FieldValue* other = got.find(field.name);
    if (skip(field.name) || (other != nullptr && *other == field.value)) continue;
    add(field.name, show(&field.value), show(other));
  }
  for (const OpResult::Field& field : got.fields) {
    if (skip(field.name) || want.find(field.name) != nullptr) continue;
    add(field.name, "nothing", show(&field.value));
  }
  return out;
}

}  // namespace zerotail::harness
