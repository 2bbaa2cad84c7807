#include "enumerate.h"

#include <fmt/format.h>

#include "zerotail/cli/size_text.h"

namespace zerotail::cli {
namespace {

constexpr uint64_t kDefaultSample = 1000;  // of length 3, which nobody can run as a whole

sim::Status parse_into(const char* option, const std::string& text, uint64_t* out) {
  if (text.empty()) return {};
  const auto size = parse_size(text);
  if (!size.ok()) {
    return sim::Error(size.error().code(), fmt::format("{}: {}", option, size.error().where()));
  }
  *out = size->value();
  return {};
}

}  // namespace

void EnumerateChoice::add_to(CLI::App& command) {
  CLI::Option* const enumerate =
      command
          .add_option(
              "--enumerate", length,
              "Explore all sequences of so many steps (1, 2 or 3) over a small set of names, "
              "with offsets at the boundaries (docs/ENUMERATION.md); with --list, list them")
          ->check(CLI::Range(1U, harness::kMaxEnumeratedLength));
  command
      .add_option("--sample", sample,
                  "With --enumerate: so many of the sequences, drawn from the seed (default: all, "
                  "of 3 steps 1000)")
      ->check(CLI::PositiveNumber)
      ->needs(enumerate);
  command
      .add_option("--sector", sector,
                  "With --enumerate: bytes of the volume's sector (default: 512)")
      ->needs(enumerate);
  command
      .add_option("--cluster", cluster,
                  "With --enumerate: bytes of a cluster (default: 8K, larger than a page)")
      ->needs(enumerate);
}

sim::Result<Sequences> Sequences::create(const EnumerateChoice& choice, uint64_t seed,
                                         const harness::Job& pattern) {
  Sequences sequences;
  harness::EnumerateOptions& options = sequences.options_;
  options.length = choice.length;
  ZT_TRY(parse_into("--sector", choice.sector, &options.sector));
  ZT_TRY(parse_into("--cluster", choice.cluster, &options.cluster));
  auto enumeration = harness::Enumeration::create(options);
  if (!enumeration.ok()) {
    return sim::Error(enumeration.error().code(),
                      fmt::format("--enumerate: {}", enumeration.error().where()));
  }
  sequences.enumeration_ = std::move(*enumeration);
  uint64_t sample = choice.sample;
  if (sample == 0 && options.length == harness::kMaxEnumeratedLength) sample = kDefaultSample;
  if (sample != 0) sequences.numbers_ = sequences.enumeration_->sample(sample, seed);
  sequences.jobs_ = std::make_unique<harness::EnumeratedJobs>(*sequences.enumeration_, options,
                                                              sequences.numbers_, pattern);
  return sequences;
}

std::string Sequences::counts_text() const {
  const harness::EnumerationCounts& counts = enumeration_->counts();
  std::string text = fmt::format("{} sequences of length {}", counts.sequences, options_.length);
  if (numbers_) {
    text += fmt::format(
        "; a sample of {} ({:.2g}%)", numbers_->size(),
        100.0 * static_cast<double>(numbers_->size()) / static_cast<double>(counts.sequences));
  }
  text += "\n";
  for (size_t i = 0; i < harness::kDropRuleCount; ++i) {
    text += fmt::format("dropped {:>9}: {}\n", counts.dropped[i],
                        harness::describe(static_cast<harness::DropRule>(i)));
  }
  return text;
}

void Sequences::list(Terminal& terminal) const {
  for (size_t i = 0; i < jobs_->size(); ++i) {
    const uint64_t number = numbers_ ? (*numbers_)[i] : i;
    terminal.print(fmt::format("{:>8} {}\n", number, enumeration_->name(number)));
  }
  terminal.print(counts_text());
}

}  // namespace zerotail::cli
