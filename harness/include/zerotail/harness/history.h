// What a workload did, as the durability oracle needs it: the model after every operation, who was
// touched by what, and who was promised what (docs/CONTRACTS.md has the words).
//
// Operation numbers: operation k turns model(k) into model(k + 1). The last operation is the
// unmount that ends every run; it has no line in the trace.
#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "zerotail/harness/finding.h"
#include "zerotail/harness/model.h"
#include "zerotail/harness/trace.h"

namespace zerotail::harness {

// A file or directory after some operations. Versions of one file are in order; a version holds
// from model `since` up to the next version's.
struct FileVersion {
  size_t since = 0;
  std::shared_ptr<const ModelNode> node;  // null: there is no such file (yet, or any more)
  std::string path;                       // empty when node is null
};

struct Touch {
  size_t op = 0;
  bool write = false;  // it only writes data and at most grows the file
  bool name = false;   // it creates, moves or removes the name
};

enum class PromiseKind : uint8_t { kStart, kCall, kMountOption };

struct Promise {
  size_t op = 0;  // the promise is about model(op + 1); unused for kStart, which is about model(0)
  PromiseKind kind = PromiseKind::kStart;
  bool everything = false;
};

struct FileHistory {
  FileId id{};
  bool directory = false;
  bool named = false;  // an operation of the workload changes it or its name
  std::vector<FileVersion> versions;
  std::vector<Touch> touches;     // ascending
  std::vector<Promise> promises;  // ascending; those for everything are in History::everything()
  // Of the name alone, there or gone: its directory was fsynced.
  std::vector<Promise> name_promises;
  [[nodiscard]] const FileVersion& at(size_t model) const;  // the version in force at model(n)
};

class History {
 public:
  // `promise_mount`: operations on a sync or dirsync mount are promises of the mount option (the
  // device has no volatile cache).
  History(Model start, const TraceHeader& header, bool promise_mount);

  // Performs the operation on the model, with the answer that the core gave: an operation that
  // failed promises nothing. Returns the model's disagreement with the answer, empty if none.
  std::string record(const Operation& op, const OpResult& answer);
  // The unmount at the end.
  void record_unmount(bool succeeded);

  [[nodiscard]] size_t op_count() const { return models_.size() - 1; }
  [[nodiscard]] const Model& model(size_t n) const { return models_[n]; }
  [[nodiscard]] const std::map<FileId, FileHistory>& files() const { return files_; }
  [[nodiscard]] const std::vector<Promise>& everything() const { return everything_; }
  // A sync mount on a device without a volatile cache: all metadata in the order of the calls.
  [[nodiscard]] bool sync_mount() const;
  // Did operation `op` return with a promise?
  [[nodiscard]] bool promises(size_t op) const { return promising_.contains(op); }
  // Operations that touched the directory at `path`, or one below it; the root is "".
  [[nodiscard]] bool directory_touched(const std::string& path, size_t begin, size_t end) const;
  [[nodiscard]] const std::string& op_text(size_t op) const { return texts_[op]; }
  // The name of operation `op`: "write", "umount".
  [[nodiscard]] std::string op_name(size_t op) const;

 private:
  void snapshot_versions();
  void touch(FileId id, const Touch& touch);
  void touch_directories(const std::string& path, size_t op);
  void note_touches(const Operation& op, size_t index);
  [[nodiscard]] std::optional<FileId> subject_of(const Operation& op, size_t index) const;
  void note_promises(const Operation& op, size_t index);
  void promise(FileId id, const Promise& promise);
  void promise_everything(size_t op);
  void promise_names(const std::string& directory, size_t op);
  void note_descriptors(const Operation& op, bool done);
  void move_descriptors(const std::string& from, const std::string& to);
  void promise_name(FileId id, const Promise& promise);
  void mark_loose(const Operation& op, size_t index);
  // Direct writes that are not waited for: until `wait` their file may change at any moment.
  void note_flights(const Operation& op, size_t index);
  [[nodiscard]] bool in_flight(FileId id) const;

  struct Flight {
    FileId id{};
    std::optional<uint32_t> task;
  };

  TraceHeader header_;
  bool promise_mount_;
  std::vector<Model> models_;
  std::map<FileId, FileHistory> files_;
  std::vector<Promise> everything_;
  std::set<size_t> promising_;
  std::map<std::string, std::vector<size_t>> directory_touches_;  // path of the directory
  std::set<std::string> synchronous_;                             // paths with O_SYNC or O_DSYNC
  // Files with bytes that were written or stored since the last promise about all of the file: a
  // synchronous write promises its own range only.
  std::set<FileId> loose_;
  std::vector<Flight> flights_;
  std::vector<std::string> texts_;
  std::vector<std::string> names_;
};

}  // namespace zerotail::harness
