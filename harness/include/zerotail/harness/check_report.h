// What the checker found, for people and for programs.
#pragma once

#include <string>

#include "zerotail/harness/check.h"

namespace zerotail::harness {

// One line a problem, then a summary line that names the image.
[[nodiscard]] std::string check_text(const std::string& image, const CheckResult& result);

// A JSON document: "version", "image", "mountable", "volume_dirty", "media_failure", "counts" (by
// class) and "problems", each with "class", "group", "path", "other", "entry", "cluster",
// "clusters" and "detail".
[[nodiscard]] std::string check_json(const std::string& image, const CheckResult& result);

// Why the image cannot be judged at all (no exFAT, truncated); empty when it can.
[[nodiscard]] std::string unusable_image(const CheckResult& result);

}  // namespace zerotail::harness
