// zerotail import: a workload file of another tool as a trace.
#include <fmt/format.h>

#include "zerotail/cli/commands.h"
#include "zerotail/cli/output_file.h"
#include "zerotail/cli/size_text.h"
#include "zerotail/harness/jlang.h"

namespace zerotail::cli {
namespace {

struct Options {
  std::string file;
  std::string trace;
  std::string sector;
  std::string cluster;
  std::string size;
  bool force = false;
};

sim::Status apply(const char* option, const std::string& text, uint64_t unit, uint64_t* out) {
  if (text.empty()) return {};
  const auto size = parse_size(text);
  if (!size.ok() || size->value() == 0 || size->value() % unit != 0) {
    return sim::Error(sim::Errno::kInval,
                      fmt::format("{}: '{}' is not a multiple of {} bytes", option, text, unit));
  }
  *out = size->value() / unit;
  return {};
}

sim::Result<harness::JlangImport> import(const Options& options) {
  ZT_ASSIGN(const std::string text, read_file(options.file));
  ZT_ASSIGN(harness::JlangImport imported, harness::import_jlang(text, options.file));
  harness::TraceHeader& header = imported.trace.header;
  ZT_TRY(apply("--sector", options.sector, 1, &header.sector));
  ZT_TRY(apply("--cluster", options.cluster, 1, &header.cluster));
  ZT_TRY(apply("--size", options.size, sim::mib(1).value(), &header.size_mib));
  // What parsing the trace would say of the header.
  ZT_TRY(harness::parse_trace(harness::print_trace(imported.trace), options.file));
  return imported;
}

ExitCode run(const Options& options, Terminal& terminal) {
  const auto imported = import(options);
  if (!imported.ok()) return terminal.fail("import", imported.error());
  for (const std::string& line : imported->left_out) terminal.note(line + "; left out");
  const std::string text = harness::print_trace(imported->trace);
  if (options.trace.empty()) {
    terminal.print(text);
    return ExitCode::kOk;
  }
  auto file = OutputFile::open(options.trace, options.force);
  if (!file.ok()) return terminal.fail(options.trace, file.error());
  sim::Status status = file->write(text);
  if (status.ok()) status = file->commit();
  return status.ok() ? ExitCode::kOk : terminal.fail(options.trace, status.error());
}

}  // namespace

Run setup_import(CLI::App& command) {
  auto options = std::make_shared<Options>();
  command.add_option("FILE", options->file, "A workload file in J-lang (CrashMonkey, ACE)")
      ->required();
  command.add_option("TRACE", options->trace, "The trace to write (default: standard output)");
  command.add_option("--sector", options->sector, "Bytes of the volume's sector (default: 512)");
  command.add_option("--cluster", options->cluster, "Bytes of a cluster (default: 4K)");
  command.add_option("--size", options->size, "Size of the volume (default: 16M)");
  command.add_flag("--force", options->force, "Overwrite an existing trace");
  return [options](Terminal& terminal) { return run(*options, terminal); };
}

}  // namespace zerotail::cli
