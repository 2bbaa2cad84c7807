#include "fuzz/recipe.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "trace_table.h"

namespace zerotail::fuzz {
namespace {

using harness::FieldId;
using harness::FieldSpec;
using harness::Operation;
using harness::OpKind;
using sim::Errno;
using sim::Error;

constexpr std::string_view kHex = "0123456789ABCDEF";

Error bad(size_t line, const std::string& what) {
  return Error(Errno::kInval, fmt::format("line {}: {}", line, what));
}

std::string escape(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte > 0x20 && byte != '%' && byte != 0x7F) {
      out += c;
    } else {
      out += '%';
      out += kHex[byte >> 4];
      out += kHex[byte & 0xF];
    }
  }
  return out;
}

std::optional<std::string> unescape(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out += text[i];
      continue;
    }
    if (i + 2 >= text.size()) return std::nullopt;
    const size_t high = kHex.find(text[i + 1]);
    const size_t low = kHex.find(text[i + 2]);
    if (high == std::string_view::npos || low == std::string_view::npos) return std::nullopt;
    out += static_cast<char>(high << 4 | low);
    i += 2;
  }
  if (out.find('\0') != std::string::npos) return std::nullopt;
  return out;
}

std::vector<std::string_view> split(std::string_view text, char at) {
  std::vector<std::string_view> parts;
  while (!text.empty()) {
    const size_t end = std::min(text.find(at), text.size());
    if (end > 0) parts.push_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return parts;
}

template <class T>
bool parse_number(std::string_view text, T* out) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), *out);
  return error == std::errc() && end == text.data() + text.size();
}

bool known_mount_word(std::string_view word) {
  return word == "ro" || word == "sync" || word == "dirsync" || word == "discard";
}

// Reads one value into a member, by the member's type and the limits of the format.
class ValueParser {
 public:
  ValueParser(std::string_view text, const FieldSpec& spec) : text_(text), spec_(spec) {}
  bool operator()(std::string& out) const {
    std::optional<std::string> plain = unescape(text_);
    if (!plain) return false;
    out = std::move(*plain);
    return true;
  }
  bool operator()(std::vector<std::string>& out) const {
    out.clear();
    for (const std::string_view word : split(text_, ',')) {
      if (!known_mount_word(word)) return false;
      out.emplace_back(word);
    }
    return true;
  }
  bool operator()(bool& out) const {
    out = text_ == "1";
    return text_ == "0" || text_ == "1";
  }
  template <class T>
  bool operator()(std::optional<T>& out) const {
    return (*this)(out.emplace());
  }
  bool operator()(int64_t& out) const {
    return parse_number(text_, &out) && out >= spec_.low &&
           (out < 0 || static_cast<uint64_t>(out) <= spec_.high);
  }
  bool operator()(uint64_t& out) const { return parse_number(text_, &out) && out <= spec_.high; }
  bool operator()(uint32_t& out) const { return parse_number(text_, &out) && out <= spec_.high; }

 private:
  std::string_view text_;
  const FieldSpec& spec_;
};

struct ValuePrinter {
  std::string operator()(const std::string& value) const { return escape(value); }
  std::string operator()(const std::vector<std::string>& value) const {
    return fmt::format("{}", fmt::join(value, ","));
  }
  std::string operator()(bool value) const { return value ? "1" : "0"; }
  template <class T>
  std::string operator()(const std::optional<T>& value) const {
    return value ? (*this)(*value) : std::string();
  }
  template <class T>
  std::string operator()(const T& value) const {
    return std::to_string(value);
  }
};

// An optional field that is as it would be without being named.
bool is_default(const Operation& op, FieldId id) {
  static const Operation kDefaults;
  return harness::visit_field(op, id, [&](const auto& value) {
    return harness::visit_field(kDefaults, id, [&](const auto& normal) {
      if constexpr (std::is_same_v<decltype(value), decltype(normal)>) {
        return value == normal;
      } else {
        return false;
      }
    });
  });
}

sim::Result<Operation> parse_words(std::span<const std::string_view> words, size_t line) {
  const harness::OpSpec* spec = harness::find_op(words[0]);
  if (spec == nullptr) return bad(line, fmt::format("unknown operation \"{}\"", words[0]));
  Operation op;
  op.kind = spec->kind;
  std::vector<FieldId> missing(spec->required.begin(), spec->required.end());
  for (const std::string_view word : words.subspan(1)) {
    const size_t equals = std::min(word.find('='), word.size());
    const std::string_view key = word.substr(0, equals);
    const auto named = [key](FieldId id) { return harness::field_spec(id).name == key; };
    auto id = std::find_if(spec->required.begin(), spec->required.end(), named);
    if (id == spec->required.end()) {
      id = std::find_if(spec->optional.begin(), spec->optional.end(), named);
      if (id == spec->optional.end()) return bad(line, fmt::format("unknown key \"{}\"", key));
    }
    const std::string_view text = equals < word.size() ? word.substr(equals + 1) : "";
    const FieldSpec& field = harness::field_spec(*id);
    const bool fine = harness::visit_field(
        op, *id, [&](auto& member) { return ValueParser(text, field)(member); });
    if (!fine) return bad(line, fmt::format("bad value \"{}\"", word));
    std::erase(missing, *id);
  }
  if (!missing.empty()) {
    return bad(line, fmt::format("\"{}\" is missing", harness::field_spec(missing[0]).name));
  }
  return op;
}

std::string print_words(const Operation& op) {
  const harness::OpSpec& spec = harness::op_spec(op.kind);
  std::string text(spec.name);
  const auto print = [&](FieldId id) {
    text += ' ';
    text += harness::field_spec(id).name;
    text += '=';
    text += harness::visit_field(op, id, ValuePrinter{});
  };
  for (const FieldId id : spec.required) print(id);
  for (const FieldId id : spec.optional) {
    if (!is_default(op, id)) print(id);
  }
  return text;
}

// "EIO" or "-5" or "512".
std::optional<int64_t> parse_answer(std::string_view word) {
  if (const std::optional<Errno> code = errno_of(word)) return -static_cast<int64_t>(*code);
  int64_t number = 0;
  if (!parse_number(word, &number)) return std::nullopt;
  return number;
}

sim::Status parse_expectation(std::span<const std::string_view> words, size_t line, Recipe* out) {
  if (words.size() == 3 && words[1] == "mount") {
    out->want_mount = words[2] == "ok" ? Errno::kOk : errno_of(words[2]);
    if (!out->want_mount) return bad(line, "expect mount: neither ok nor the name of an errno");
    return {};
  }
  if (words.size() < 3 || words[1] != "check") return bad(line, "expect mount ... or check ...");
  for (const std::string_view word : words.subspan(2)) {
    const std::optional<harness::CheckClass> kind = harness::check_class(word);
    if (!kind) return bad(line, fmt::format("unknown problem class \"{}\"", word));
    out->want_check.push_back(*kind);
  }
  return {};
}

sim::Status parse_mount(std::span<const std::string_view> words, size_t line, Recipe* out) {
  for (const std::string_view word : words) {
    if (!known_mount_word(word)) return bad(line, fmt::format("unknown option \"{}\"", word));
    out->mount.emplace_back(word);
  }
  return {};
}

sim::Status parse_step(std::span<const std::string_view> words, size_t line, Recipe* out) {
  Step step;
  if (words.size() > 2 && words[words.size() - 2] == "->") {
    step.want = parse_answer(words.back());
    if (!step.want) return bad(line, fmt::format("no answer: \"{}\"", words.back()));
    words = words.first(words.size() - 2);
  }
  ZT_ASSIGN(step.op, parse_words(words, line));
  if (step.op.kind == OpKind::kEdit) {
    if (step.want || !out->steps.empty()) return bad(line, "edits come before the operations");
    out->edits.push_back(std::move(step.op));
  } else {
    out->steps.push_back(std::move(step));
  }
  return {};
}

}  // namespace

std::optional<Errno> errno_of(std::string_view name) {
  constexpr int kLast = 200;
  for (int number = 1; number < kLast; ++number) {
    const auto code = static_cast<Errno>(number);
    if (sim::errno_name(code) == name) return code;
  }
  return std::nullopt;
}

sim::Result<Recipe> parse_recipe(std::string_view text) {
  Recipe recipe;
  size_t line_number = 0;
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    ++line_number;
    const std::vector<std::string_view> words = split(line, ' ');
    if (words.empty() || words[0].front() == '#') continue;
    const auto all = std::span(words);
    if (words[0] == "base") {
      if (words.size() != 2 || !recipe.base.empty()) return bad(line_number, "one base, one name");
      recipe.base = words[1];
    } else if (words[0] == "mount") {
      ZT_TRY(parse_mount(all.subspan(1), line_number, &recipe));
    } else if (words[0] == "expect") {
      ZT_TRY(parse_expectation(all, line_number, &recipe));
    } else {
      ZT_TRY(parse_step(all, line_number, &recipe));
    }
  }
  if (recipe.base.empty()) return bad(line_number, "no base");
  return recipe;
}

std::string print_step(const Step& step) {
  std::string text = print_words(step.op);
  if (!step.want) return text;
  const int64_t want = *step.want;
  text += " -> ";
  text += want < 0 ? sim::errno_name(static_cast<Errno>(-want)) : std::to_string(want);
  return text;
}

std::string print_recipe(const Recipe& recipe) {
  std::string text = "base " + recipe.base + "\n";
  if (!recipe.mount.empty()) text += fmt::format("mount {}\n", fmt::join(recipe.mount, " "));
  for (const Operation& edit : recipe.edits) text += print_words(edit) + "\n";
  for (const Step& step : recipe.steps) text += print_step(step) + "\n";
  if (recipe.want_mount) {
    const bool ok = *recipe.want_mount == Errno::kOk;
    text += fmt::format("expect mount {}\n", ok ? "ok" : sim::errno_name(*recipe.want_mount));
  }
  for (const harness::CheckClass kind : recipe.want_check) {
    text += fmt::format("expect check {}\n", harness::name(kind));
  }
  return text;
}

}  // namespace zerotail::fuzz
