// See cache_options.h.
#include "zerotail/cli/cache_options.h"

#include "zerotail/cli/size_text.h"

namespace zerotail::cli {

void add_cache_options(CLI::App& command, CacheOptions* options) {
  command.add_option("--page-size", options->page_size,
                     "Bytes of a page of the page cache, 4K to 64K (default: the trace's, 4K)");
  command.add_option("--folios", options->folios,
                     "single: a folio of the page cache is a page; large: as many pages as writes "
                     "and readahead ask for (default: the trace's, single)");
}

sim::Result<harness::CacheConfig> cache_config(const CacheOptions& options) {
  harness::CacheConfig config;
  if (!options.page_size.empty()) {
    const auto named = [](const sim::Error& error) {
      return sim::Error(error.code(), "--page-size: " + error.where());
    };
    const auto bytes = parse_size(options.page_size);
    if (!bytes.ok()) return named(bytes.error());
    const auto page = harness::parse_page_size(std::to_string(bytes->value()));
    if (!page.ok()) return named(page.error());
    config.page_size = *page;
  }
  if (!options.folios.empty()) {
    const auto folios = harness::parse_folios(options.folios);
    if (!folios.ok()) return sim::Error(folios.code(), "--folios: " + folios.error().where());
    config.folios = *folios;
  }
  return config;
}

}  // namespace zerotail::cli
