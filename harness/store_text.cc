#include "store_text.h"

#include <nlohmann/json.hpp>

namespace zerotail::harness {
namespace {

using Json = nlohmann::ordered_json;

Json to_json(const StateCounts& s) {
  return Json::array({s.log2, s.considered, s.checked, s.merged, s.pruned, s.left_out});
}

bool number(const Json& json, uint64_t* out) {
  if (!json.is_number_unsigned()) return false;
  *out = json.get<uint64_t>();
  return true;
}

bool from_json(const Json& json, StateCounts* s) {
  if (!json.is_array() || json.size() != 6 || !json[0].is_number()) return false;
  s->log2 = json[0].get<double>();
  return number(json[1], &s->considered) && number(json[2], &s->checked) &&
         number(json[3], &s->merged) && number(json[4], &s->pruned) &&
         number(json[5], &s->left_out);
}

}  // namespace

std::string part_to_text(const PartReport& part) {
  Json json;
  json["states"] = to_json(part.states);
  json["tiers"] = Json::array();
  for (const fault::TierCount& tier : part.tiers) {
    json["tiers"].push_back({tier.explored, tier.total});
  }
  json["nested"] = {part.nested.continued, part.nested.of, part.nested.unusable};
  json["nested_states"] = to_json(part.nested.states);
  json["core_mounts"] = part.core_mounts;
  json["digest"] = {part.digest.low, part.digest.high};
  return json.dump();
}

bool part_from_text(const std::string& text, PartReport* part) {
  const Json json = Json::parse(text, nullptr, false);
  if (!json.is_object()) return false;
  for (const char* key : {"states", "tiers", "nested", "nested_states", "core_mounts", "digest"}) {
    if (!json.contains(key)) return false;
  }
  if (!from_json(json["states"], &part->states)) return false;
  if (!from_json(json["nested_states"], &part->nested.states)) return false;
  const Json& tiers = json["tiers"];
  if (!tiers.is_array() || tiers.size() != part->tiers.size()) return false;
  for (size_t i = 0; i < part->tiers.size(); ++i) {
    if (!tiers[i].is_array() || tiers[i].size() != 2) return false;
    if (!number(tiers[i][0], &part->tiers[i].explored)) return false;
    if (!number(tiers[i][1], &part->tiers[i].total)) return false;
  }
  const Json& nested = json["nested"];
  const Json& digest = json["digest"];
  return nested.is_array() && nested.size() == 3 && digest.is_array() && digest.size() == 2 &&
         number(nested[0], &part->nested.continued) && number(nested[1], &part->nested.of) &&
         number(nested[2], &part->nested.unusable) &&
         number(json["core_mounts"], &part->core_mounts) && number(digest[0], &part->digest.low) &&
         number(digest[1], &part->digest.high);
}

}  // namespace zerotail::harness
