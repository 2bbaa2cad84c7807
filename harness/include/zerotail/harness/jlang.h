// Workload files in J-lang, the language of CrashMonkey's generator ACE, as traces.
//
// A file has the sections `# define` (paths, one a line; `test` is the root), `# declare`
// (variables, which mean nothing here), `# setup` and `# run`. A statement names a path without its
// slashes: `A/foo` is `Afoo`. What the language knows and exFAT has not (links, symbolic links,
// extended attributes, special files) fails in the driver and changes nothing: it is left out and
// told. Modes of fallocate that exFAT lacks are kept, and answered with EOPNOTSUPP.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "zerotail/harness/trace.h"

namespace zerotail::harness {

struct JlangImport {
  Trace trace;                        // named after the file; the setup's operations come first
  std::vector<std::string> left_out;  // "FILE:LINE: link: ..."
};

// Traces begin with `{`, J-lang files with the `#` of their first section.
[[nodiscard]] bool is_jlang(std::string_view text);
// EINVAL: names file, line and word.
[[nodiscard]] sim::Result<JlangImport> import_jlang(std::string_view text, const std::string& file);

}  // namespace zerotail::harness
