// The one table behind parsing, printing and help of traces: every field with its type and limits,
// every operation with its fields. A new operation is one OpKind and one row of kOperations.
#pragma once

#include <cstdint>
#include <limits>
#include <span>
#include <string_view>

#include "zerotail/harness/trace.h"

namespace zerotail::harness {

// Limits that keep a broken trace from exhausting memory, not limits of the file system.
inline constexpr int64_t kMaxDataLength = int64_t{1} << 30;
inline constexpr uint64_t kMaxSizeMib = uint64_t{1} << 24;

enum class FieldId : uint8_t {
  kPath,
  kTo,
  kMode,
  kOff,
  kDataLen,   // of a buffer
  kRangeLen,  // any number: the kernel judges it
  kSize,
  kMinLen,
  kSeed,
  kMoff,
  kPos,
  kValue,
  kText,
  kField,
  kState,
  kMount,
  kFaultAt,
  kNoInvalidate,
  kTask,
  kAsync,
};
inline constexpr size_t kFieldCount = static_cast<size_t>(FieldId::kAsync) + 1;

struct FieldSpec {
  FieldId id;
  std::string_view name;  // the JSON key
  int64_t low;            // of integers
  uint64_t high;
  std::string_view help;
};

struct OpSpec {
  OpKind kind;
  std::string_view name;
  std::string_view help;
  bool changes;                       // what is on the volume
  std::span<const FieldId> required;  // in printing order
  std::span<const FieldId> optional;
};

[[nodiscard]] const FieldSpec& field_spec(FieldId id);
[[nodiscard]] const OpSpec& op_spec(OpKind kind);
// Null: no such operation.
[[nodiscard]] const OpSpec* find_op(std::string_view name);
[[nodiscard]] std::span<const OpSpec> all_ops();

// Calls `visit` with a reference to the member that a field stands for.
template <class Op, class Visitor>
decltype(auto) visit_field(Op& op, FieldId id, Visitor&& visit) {
  switch (id) {
    case FieldId::kPath:
      return visit(op.path);
    case FieldId::kTo:
      return visit(op.to);
    case FieldId::kMode:
      return visit(op.mode);
    case FieldId::kOff:
      return visit(op.off);
    case FieldId::kDataLen:
    case FieldId::kRangeLen:
      return visit(op.len);
    case FieldId::kSize:
    case FieldId::kMinLen:
      return visit(op.size);
    case FieldId::kSeed:
      return visit(op.seed);
    case FieldId::kMoff:
      return visit(op.moff);
    case FieldId::kPos:
      return visit(op.pos);
    case FieldId::kValue:
      return visit(op.value);
    case FieldId::kText:
    case FieldId::kField:
    case FieldId::kState:
      return visit(op.text);
    case FieldId::kMount:
      return visit(op.mount);
    case FieldId::kFaultAt:
      return visit(op.fault_at);
    case FieldId::kNoInvalidate:
      return visit(op.no_invalidate);
    case FieldId::kTask:
      return visit(op.task);
    case FieldId::kAsync:
      return visit(op.async);
  }
  return visit(op.path);
}

}  // namespace zerotail::harness
