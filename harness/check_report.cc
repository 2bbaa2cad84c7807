// Text and JSON of a check.
#include "zerotail/harness/check_report.h"

#include <fmt/format.h>

#include <map>
#include <nlohmann/json.hpp>

namespace zerotail::harness {

std::string check_text(const std::string& image, const CheckResult& result) {
  std::string text;
  for (const CheckProblem& p : result.problems) text += p.describe() + "\n";
  const VolumeView& view = *result.view;
  std::string notes;
  if (view.volume_dirty) notes += ", VolumeDirty is set";
  if (view.media_failure) notes += ", MediaFailure is set";
  if (result.clean()) return text + fmt::format("{}: clean{}\n", image, notes);
  return text + fmt::format("{}: {} problem{}{}{}\n", image, result.problems.size(),
                            result.problems.size() == 1 ? "" : "s",
                            view.mountable() ? "" : ", cannot be mounted", notes);
}

std::string check_json(const std::string& image, const CheckResult& result) {
  using Json = nlohmann::ordered_json;
  std::map<std::string, uint64_t> counts;
  Json problems = Json::array();
  for (const CheckProblem& p : result.problems) {
    ++counts[std::string{name(p.kind)}];
    problems.push_back(Json{{"class", name(p.kind)},
                            {"group", name(group(p.kind))},
                            {"path", p.path},
                            {"other", p.other},
                            {"entry", p.entry},
                            {"cluster", p.cluster.value()},
                            {"clusters", p.count.value()},
                            {"detail", p.detail()}});
  }
  const Json document{{"version", 1},
                      {"image", image},
                      {"mountable", result.view->mountable()},
                      {"volume_dirty", result.view->volume_dirty},
                      {"media_failure", result.view->media_failure},
                      {"counts", counts},
                      {"problems", std::move(problems)}};
  // An image's path may be any bytes.
  return document.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

std::string unusable_image(const CheckResult& result) {
  for (const CheckProblem& p : result.problems) {
    if (p.kind == CheckClass::kNotExfat) return "no exFAT volume: " + p.detail();
    if (p.kind == CheckClass::kTruncated) return "truncated: " + p.detail();
  }
  return {};
}

}  // namespace zerotail::harness
