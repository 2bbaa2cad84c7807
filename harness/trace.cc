#include "zerotail/harness/trace.h"

#include <fmt/format.h>

#include <cerrno>
#include <cstdio>
#include <memory>
#include <type_traits>

#include "json_line.h"
#include "trace_table.h"
#include "zerotail/harness/jlang.h"

namespace zerotail::harness {
namespace {

using sim::Errno;
using sim::Error;

constexpr size_t kMaxTraceBytes = size_t{1} << 28;

Error bad_key(const std::string& place, std::string_view key, const std::string& what) {
  return Error(Errno::kInval, fmt::format("{}: key \"{}\": {}", place, key, what));
}

// Reads one JSON value into a member, by the member's type. The string is the complaint.
class ValueReader {
 public:
  ValueReader(const Json& json, int64_t low, uint64_t high) : json_(json), low_(low), high_(high) {}

  std::string operator()(std::string& out) const {
    if (!json_.is_string()) return "not a string";
    out = json_.get_ref<const std::string&>();
    if (out.find('\0') != std::string::npos) return "holds a zero byte";
    return "";
  }
  std::string operator()(bool& out) const {
    uint64_t number = 0;
    if (json_.is_boolean()) {
      out = json_.get<bool>();
      return "";
    }
    if (std::string problem = (*this)(number); !problem.empty()) return problem;
    out = number != 0;
    return "";
  }
  std::string operator()(std::vector<std::string>& out) const {
    if (!json_.is_array()) return "not a list of strings";
    out.clear();
    for (const Json& item : json_) {
      if (!item.is_string()) return "not a list of strings";
      out.push_back(item.get<std::string>());
    }
    return "";
  }
  template <class T>
  std::string operator()(std::optional<T>& out) const {
    return (*this)(out.emplace());
  }
  template <class T>
  requires std::is_integral_v<T> std::string operator()(T& out) const {
    if (!json_.is_number_integer()) return "not an integer, or beyond 64 bits";
    const std::string limits = fmt::format("not between {} and {}", low_, high_);
    if (json_.is_number_unsigned()) {
      const uint64_t number = json_.get<uint64_t>();
      if (number > high_ || (low_ > 0 && number < static_cast<uint64_t>(low_))) return limits;
      out = static_cast<T>(number);
      return "";
    }
    const int64_t number = json_.get<int64_t>();
    if (number < low_ || (number >= 0 && static_cast<uint64_t>(number) > high_)) return limits;
    out = static_cast<T>(number);
    return "";
  }

 private:
  const Json& json_;
  int64_t low_;
  uint64_t high_;
};

// The JSON of a member; a discarded value stands for "absent".
struct ValueWriter {
  Json operator()(bool value) const { return value ? 1 : 0; }
  template <class T>
  Json operator()(const std::optional<T>& value) const {
    return value ? Json(*value) : Json(Json::value_t::discarded);
  }
  template <class T>
  Json operator()(const T& value) const {
    return value;
  }
};

bool member_is_default(const Operation& op, FieldId id) {
  static const Operation kDefaults;
  return visit_field(op, id, [&](const auto& value) {
    return visit_field(kDefaults, id, [&](const auto& normal) {
      if constexpr (std::is_same_v<decltype(value), decltype(normal)>) {
        return value == normal;
      } else {
        return false;  // never: one id, one member
      }
    });
  });
}

std::string check_mount_words(const std::vector<std::string>& words) {
  for (const std::string& word : words) {
    if (word != "ro" && word != "sync" && word != "dirsync" && word != "discard") {
      return "unknown mount option \"" + word + "\"";
    }
  }
  return "";
}

// A path names things from the root down; what the file system thinks of a name is its own matter.
std::string check_path(const std::string& path) {
  if (!path.empty() && path.front() == '/') return "starts with a slash";
  return "";
}

std::string read_field(Operation& op, FieldId id, const Json& json) {
  const FieldSpec& spec = field_spec(id);
  std::string problem = visit_field(
      op, id, [&](auto& member) { return ValueReader(json, spec.low, spec.high)(member); });
  if (!problem.empty()) return problem;
  if (id == FieldId::kMount) return check_mount_words(*op.mount);
  if (id == FieldId::kPath) return check_path(op.path);
  if (id == FieldId::kTo) return check_path(op.to);
  return "";
}

const FieldId* find_field(const OpSpec& spec, std::string_view key) {
  for (const auto& list : {spec.required, spec.optional}) {
    for (const FieldId& id : list) {
      if (field_spec(id).name == key) return &id;
    }
  }
  return nullptr;
}

}  // namespace

sim::Result<Operation> parse_operation(std::string_view line, const std::string& place) {
  ZT_ASSIGN(const Json json, parse_json_object(line, place));
  const auto name = json.find("op");
  if (name == json.end()) return bad_key(place, "op", "missing");
  if (!name->is_string()) return bad_key(place, "op", "not a string");
  const OpSpec* spec = find_op(name->get_ref<const std::string&>());
  if (spec == nullptr) {
    return bad_key(place, "op", "unknown operation \"" + name->get<std::string>() + "\"");
  }
  Operation op;
  op.kind = spec->kind;
  for (const auto& item : json.items()) {
    if (item.key() == "op") continue;
    const FieldId* id = find_field(*spec, item.key());
    if (id == nullptr) {
      return bad_key(place, item.key(), "unknown for " + std::string(spec->name));
    }
    if (std::string problem = read_field(op, *id, item.value()); !problem.empty()) {
      return bad_key(place, item.key(), problem);
    }
  }
  for (const FieldId id : spec->required) {
    if (!json.contains(field_spec(id).name)) {
      return bad_key(place, field_spec(id).name, "missing for " + std::string(spec->name));
    }
  }
  return op;
}

std::string print_operation(const Operation& op) {
  const OpSpec& spec = op_spec(op.kind);
  Json json = Json::object();
  json["op"] = spec.name;
  const auto put = [&](FieldId id) {
    Json value = visit_field(op, id, ValueWriter{});
    if (!value.is_discarded()) json[std::string(field_spec(id).name)] = std::move(value);
  };
  for (const FieldId id : spec.required) put(id);
  for (const FieldId id : spec.optional) {
    if (!member_is_default(op, id)) put(id);
  }
  return dump_json(json);
}

sim::Result<Trace> parse_trace(std::string_view text, const std::string& file) {
  Trace trace;
  bool have_header = false;
  size_t number = 0;
  while (!text.empty()) {
    ++number;
    const size_t end = text.find('\n');
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    if (line.find_first_not_of(" \t\r") == std::string_view::npos) continue;
    const std::string place = fmt::format("{}:{}", file, number);
    if (!have_header) {
      ZT_ASSIGN(trace.header, parse_header(line, place));
      have_header = true;
      continue;
    }
    ZT_ASSIGN(Operation op, parse_operation(line, place));
    trace.ops.push_back(std::move(op));
  }
  if (!have_header) return Error(Errno::kInval, file + ": empty, no header line");
  return trace;
}

sim::Result<Trace> load_trace(const std::string& path) {
  const auto close = [](std::FILE* file) { std::fclose(file); };
  const std::unique_ptr<std::FILE, decltype(close)> file(std::fopen(path.c_str(), "rb"), close);
  if (!file) return Error(static_cast<Errno>(errno), path + ": cannot open");
  std::string text;
  std::vector<char> buffer(size_t{1} << 16);
  while (true) {
    const size_t got = std::fread(buffer.data(), 1, buffer.size(), file.get());
    text.append(buffer.data(), got);
    if (text.size() > kMaxTraceBytes) return Error(Errno::kFBig, path + ": too large for a trace");
    if (got < buffer.size()) break;
  }
  if (std::ferror(file.get()) != 0) return Error(Errno::kIo, path + ": cannot read");
  if (is_jlang(text)) {
    ZT_ASSIGN(JlangImport imported, import_jlang(text, path));
    return std::move(imported.trace);
  }
  return parse_trace(text, path);
}

std::string print_trace(const Trace& trace) {
  std::string out = print_header(trace.header) + "\n";
  for (const Operation& op : trace.ops) out += print_operation(op) + "\n";
  return out;
}

}  // namespace zerotail::harness
