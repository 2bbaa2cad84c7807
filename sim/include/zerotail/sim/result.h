// Errors as values. A bad disk, a failed I/O or bad input is a Result; a programmer's error is a
// ZT_ASSERT (assert.h). Errno numbers are Linux's, because callers compare with a real kernel.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <variant>

#include "zerotail/sim/assert.h"

namespace zerotail::sim {

enum class Errno : int {
  kOk = 0,
  kPerm = 1,
  kNoEnt = 2,
  kIo = 5,
  kNxio = 6,
  kBadf = 9,
  kAgain = 11,
  kNoMem = 12,
  kAcces = 13,
  kFault = 14,
  kNotBlk = 15,
  kBusy = 16,
  kExist = 17,
  kNoDev = 19,
  kNotDir = 20,
  kIsDir = 21,
  kInval = 22,
  kFBig = 27,
  kNoSpc = 28,
  kRofs = 30,
  kNameTooLong = 36,
  kNotEmpty = 39,
  kOpNotSupp = 95,
};

// "ENOSPC" and the like; "E<number>" for a number that has no name here.
[[nodiscard]] std::string errno_name(Errno code);

// An errno and where it came from: a component and a place ("fat: entry of cluster 77").
class Error {
 public:
  explicit Error(Errno code, std::string where = {}) : code_(code), where_(std::move(where)) {}
  [[nodiscard]] Errno code() const { return code_; }
  [[nodiscard]] int negative() const { return -static_cast<int>(code_); }
  [[nodiscard]] const std::string& where() const { return where_; }
  [[nodiscard]] std::string message() const;  // "EIO: fat: entry of cluster 77"

 private:
  Errno code_;
  std::string where_;
};

template <class T>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}      // NOLINT: implicit
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}  // NOLINT: implicit

  [[nodiscard]] bool ok() const { return state_.index() == 0; }
  explicit operator bool() const { return ok(); }
  [[nodiscard]] T& value() & {
    ZT_ASSERT(ok());
    return *std::get_if<0>(&state_);
  }
  [[nodiscard]] const T& value() const& {
    ZT_ASSERT(ok());
    return *std::get_if<0>(&state_);
  }
  [[nodiscard]] T&& value() && {
    ZT_ASSERT(ok());
    return std::move(*std::get_if<0>(&state_));
  }
  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }
  [[nodiscard]] const Error& error() const {
    ZT_ASSERT(!ok());
    return *std::get_if<1>(&state_);
  }
  [[nodiscard]] Errno code() const { return ok() ? Errno::kOk : error().code(); }

 private:
  std::variant<T, Error> state_;
};

template <>
class [[nodiscard]] Result<void> {
 public:
  Result() = default;
  Result(Error error) : error_(std::move(error)) {}  // NOLINT: implicit

  [[nodiscard]] bool ok() const { return !error_.has_value(); }
  explicit operator bool() const { return ok(); }
  [[nodiscard]] const Error& error() const {
    ZT_ASSERT(!ok());
    return *error_;
  }
  [[nodiscard]] Errno code() const { return ok() ? Errno::kOk : error_->code(); }

 private:
  std::optional<Error> error_;
};

using Status = Result<void>;

#define ZT_CONCAT_INNER(a, b) a##b
#define ZT_CONCAT(a, b) ZT_CONCAT_INNER(a, b)

// ZT_TRY(expression): returns its error from the calling function, discards its value.
#define ZT_TRY(...)                                  \
  do {                                               \
    auto zt_status_ = (__VA_ARGS__);                 \
    if (!zt_status_.ok()) return zt_status_.error(); \
  } while (false)

// ZT_ASSIGN(auto x, expression): declares x from the value, or returns the error.
#define ZT_ASSIGN(declaration, ...) \
  ZT_ASSIGN_INNER(ZT_CONCAT(zt_result_, __LINE__), declaration, __VA_ARGS__)
#define ZT_ASSIGN_INNER(temporary, declaration, ...) \
  auto temporary = (__VA_ARGS__);                    \
  if (!temporary.ok()) return temporary.error();     \
  declaration = std::move(temporary).value()

}  // namespace zerotail::sim
