// `zerotail mkfs`: a new image file with an exFAT volume, as mkfs.exfat makes it.
#include <fmt/format.h>

#include <memory>
#include <optional>

#include "zerotail/cli/commands.h"
#include "zerotail/cli/output_file.h"
#include "zerotail/cli/size_text.h"
#include "zerotail/exfat/mkfs_file.h"

namespace zerotail::cli {
namespace {

constexpr std::byte kPoison{0xDB};

struct Options {
  std::string image;
  std::string size;
  std::string sector = "512";
  std::string cluster;
  std::string boundary;
  exfat::MkfsOptions mkfs;
  bool poison = false;
  bool force = false;
};

// One size option into its place; false after saying what is wrong with it.
template <class Place>
bool take_size(const char* name, const std::string& text, Place& place, Terminal& terminal) {
  if (text.empty()) return true;
  const auto size = parse_size(text);
  if (!size) {
    terminal.error(name, size.error().where());
    return false;
  }
  place = *size;
  return true;
}

std::string describe(const std::string& path, const exfat::VolumeLayout& layout, uint32_t serial) {
  const auto sector = [&layout](sim::ByteCount n) { return n / layout.sector_size; };
  const auto at = [&sector](sim::DevPos pos) { return sector(pos - sim::DevPos{0}); };
  const uint64_t free = (layout.cluster_count - layout.used).value();
  std::string text;
  const auto line = [&text](std::string_view name, const std::string& value) {
    text += fmt::format("  {:<10}{}\n", name, value);
  };
  text += fmt::format("{}: exFAT, {}\n", path, size_text(layout.volume_length));
  line("sector",
       fmt::format("{}, {} of them", size_text(layout.sector_size), sector(layout.volume_length)));
  line("cluster", fmt::format("{}, {} in the heap, {} free", size_text(layout.cluster_size),
                              layout.cluster_count.value(), free));
  line("FAT", fmt::format("sector {}, {} sectors{}", at(layout.fat), sector(layout.fat_length),
                          layout.fat_count == 2 ? ", and a second one behind it" : ""));
  line("heap", fmt::format("sector {}", at(layout.heap)));
  line("bitmap",
       fmt::format("cluster {}, {} bytes", layout.bitmap.value(), layout.bitmap_length.value()));
  line("upcase",
       fmt::format("cluster {}, {} bytes", layout.upcase.value(), layout.upcase_length.value()));
  line("root", fmt::format("cluster {}", layout.root.value()));
  line("serial", fmt::format("{:#010x}", serial));
  return text;
}

ExitCode run(Options& options, Terminal& terminal) {
  sim::ByteCount size;
  const bool good =
      take_size("--size", options.size, size, terminal) &&
      take_size("--sector", options.sector, options.mkfs.sector_size, terminal) &&
      take_size("--cluster", options.cluster, options.mkfs.cluster_size, terminal) &&
      take_size("--boundary", options.boundary, options.mkfs.boundary_align, terminal);
  if (!good) return ExitCode::kBadInput;
  if (const auto plan = exfat::plan_volume(size, options.mkfs); !plan) {
    return terminal.fail("mkfs", plan.error());
  }
  // Refuses what exists, and what is no place for a file, with the words of every sub-command.
  const auto output = OutputFile::open(options.image, options.force);
  if (!output) return terminal.fail(options.image, output.error());
  const exfat::ImageFileOptions file{.size = size,
                                     .fill = options.poison ? std::optional(kPoison) : std::nullopt,
                                     .overwrite = options.force};
  const auto layout = exfat::make_image_file(output->path(), file, options.mkfs);
  if (!layout) return terminal.fail(options.image, layout.error());
  terminal.print(describe(options.image, *layout, options.mkfs.volume_serial));
  return ExitCode::kOk;
}

}  // namespace

Run setup_mkfs(CLI::App& command) {
  auto options = std::make_shared<Options>();
  command.add_option("IMG", options->image, "The image file to make")->required();
  command.add_option("--size", options->size, "Size of the volume: 64M, 1G, or bytes")->required();
  command.add_option("--sector", options->sector, "Sector size: 512 (default), 1024, 2048 or 4096");
  command.add_option("--cluster", options->cluster,
                     "Cluster size: 512 to 32M (default: 4K up to 256M, 32K up to 32G, else 128K)");
  command.add_option("--boundary", options->boundary,
                     "Alignment of FAT and cluster heap (default: 1M)");
  command.add_option("--label", options->mkfs.label, "Volume label, at most 11 UTF-16 units");
  command.add_option("--serial", options->mkfs.volume_serial,
                     "Volume serial number (default: always the same)");
  command.add_option("--fats", options->mkfs.fat_count, "1 (default), or 2 for a TexFAT volume");
  command.add_flag("--pack-bitmap", options->mkfs.pack_bitmap,
                   "Put the bitmap before the aligned start of the heap");
  command.add_flag("--full", options->mkfs.full_format, "Zero the whole volume");
  command.add_flag("--poison", options->poison, "Fill what mkfs does not write with 0xDB");
  command.add_flag("--force", options->force, "Overwrite an existing file");
  return [options](Terminal& terminal) { return run(*options, terminal); };
}

}  // namespace zerotail::cli
