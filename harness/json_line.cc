#include "json_line.h"

#include <set>
#include <vector>

namespace zerotail::harness {
namespace {

constexpr int kMaxDepth = 32;

sim::Error bad(const std::string& place, const std::string& what) {
  return sim::Error(sim::Errno::kInval, place + ": " + what);
}

// Refuses what the document parser would silently accept or recurse into.
class Strict : public nlohmann::json_sax<nlohmann::json> {
 public:
  bool null() override { return true; }
  bool boolean(bool) override { return true; }
  bool number_integer(number_integer_t) override { return true; }
  bool number_unsigned(number_unsigned_t) override { return true; }
  bool number_float(number_float_t, const string_t&) override { return true; }
  bool string(string_t&) override { return true; }
  bool binary(binary_t&) override { return true; }
  bool start_object(std::size_t) override { return enter(); }
  bool start_array(std::size_t) override { return enter(); }
  bool end_object() override { return leave(); }
  bool end_array() override { return leave(); }
  bool key(string_t& name) override {
    if (keys_.back().insert(name).second) return true;
    problem = "key \"" + name + "\" is there twice";
    return false;
  }
  bool parse_error(std::size_t position, const std::string&,
                   const nlohmann::detail::exception&) override {
    problem = "not JSON, at byte " + std::to_string(position);
    return false;
  }

  std::string problem;

 private:
  bool enter() {
    keys_.emplace_back();
    if (keys_.size() <= kMaxDepth) return true;
    problem = "nested too deeply";
    return false;
  }
  bool leave() {
    keys_.pop_back();
    return true;
  }
  std::vector<std::set<std::string>> keys_;
};

}  // namespace

sim::Result<Json> parse_json_object(std::string_view text, const std::string& place) {
  Strict strict;
  if (!nlohmann::json::sax_parse(text, &strict)) return bad(place, strict.problem);
  Json json = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (json.is_discarded()) return bad(place, "not JSON");
  if (!json.is_object()) return bad(place, "not a JSON object");
  return json;
}

std::string dump_json(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace zerotail::harness
