// The reference model: what a volume holds and answers, as a pure value. Written from the tables of
// what exFAT on iomap must do; it shares no code with core/ and knows no clusters but their number.
//
// Models: the tree of names, file identity, bytes, size, valid size, free clusters, errors. A
// direct write that is not waited for counts as done when it is issued; until it is collected
// nothing is predicted of its file. A store through a mapping, or another direct write, to the same
// bytes in that time is a race, whose outcome is not modelled. Leaves out: where clusters lie, time
// stamps, what is on the disk before it is synced. Names are compared through a simple case folding
// of its own (ASCII, Latin-1, Latin Extended-A, Greek, Cyrillic), not the volume's table.
// Invariant: valid_size <= size, and bytes at or past valid_size are zero.
//
// Copying is cheap: nodes and their bytes are shared until changed.
#pragma once

#include <algorithm>
#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "zerotail/harness/op_result.h"
#include "zerotail/harness/trace.h"
#include "zerotail/sim/result.h"

namespace zerotail::harness {

// Identity of a file or directory: stays through renames; never given twice.
enum class FileId : uint64_t {};

// A file's bytes, shared in chunks. Bytes never written are zero.
class FileContent {
 public:
  static constexpr uint64_t kChunk = 4096;
  using Chunk = std::array<std::byte, kChunk>;

  void write(uint64_t pos, std::span<const std::byte> data);
  void truncate(uint64_t size);  // forgets what is at or past it
  void read(uint64_t pos, std::span<std::byte> out) const;

 private:
  std::vector<std::shared_ptr<const Chunk>> chunks_;  // null: zeros
};

// Everything about one file or directory at one moment. Shared and immutable.
struct ModelNode {
  FileId id{};
  bool directory = false;
  uint64_t size = 0;
  uint64_t valid_size = 0;
  uint32_t links = 1;  // 0: unlinked and still open
  FileContent content;
  struct Child {
    std::string name;
    FileId id{};
  };
  // Directories: children by folded name; which 32-byte entries are in use; clusters held.
  std::map<std::u16string, Child> children;
  std::vector<bool> slots;
  struct Place {
    uint64_t first = 0;
    uint64_t count = 0;
  };
  std::map<FileId, Place> places;
  FileId parent{};
  uint32_t attributes = 0;  // FileAttributes
  // Whether the archive bit is set since is not followed.
  bool attributes_open = false;
  bool clean = false;        // its entry and bytes were written back since the last change
  bool tail_stored = false;  // a store past size, in the last page, may still be in the page
  // With buffer heads (model_buffer_heads.cc): between which bounds V lies in memory, where it may
  // be past size inside size's block; valid_size is the lower one, at most size. And whether pages
  // may still be dirty whole from a store.
  uint64_t valid_low = 0;
  uint64_t valid_high = 0;
  bool page_stored = false;
  // The largest valid size that the disk may have; the smallest is valid_size.
  [[nodiscard]] uint64_t valid_size_limit() const {
    return std::max(valid_size, std::min(valid_high, size));
  }
};

inline constexpr uint32_t kModelDirectory = 0x10;  // FileAttributes
inline constexpr uint32_t kModelArchive = 0x20;

struct ModelGeometry {
  uint64_t sector = 512;       // B
  uint64_t logical = 512;      // L
  uint64_t cluster = 4096;     // C
  uint64_t page = 4096;        // P
  uint64_t cluster_count = 0;  // of the heap
  uint64_t clusters_free = 0;  // with the root empty, or as imported
  uint64_t root_clusters = 1;
  uint64_t root_entries = 3;  // 32-byte entries that system entries occupy at the root's start
  // Rules of the ordering that move entries: they decide when a directory grows.
  bool one_sector = false;
  bool replace_in_place = false;
  // Every cluster is whole pages of the device, so that a swap file loses none.
  bool clusters_hold_pages = true;
  bool buffer_heads = false;  // the rules of the driver before iomap
};
// The geometry of a volume that mkfs made for this header; the sizes come from statfs of the fresh
// volume (two numbers that the layout fixes).
[[nodiscard]] ModelGeometry model_geometry(const TraceHeader& header, uint64_t cluster_count,
                                           uint64_t clusters_free);

// What the model expects of an operation. Fields in `open` are not predicted.
struct Prediction {
  OpResult result;
  std::vector<std::string> open;
  bool any = false;  // not predicted at all
};
// Empty when the answer agrees, else the difference.
[[nodiscard]] std::string disagreement(const Prediction& prediction, const OpResult& answer);

class Model {
 public:
  struct Entry {
    std::string path;
    FileId id{};
    bool directory = false;
    uint64_t size = 0;
    uint64_t valid_size = 0;
  };

  explicit Model(const ModelGeometry& geometry);

  // Performs the operation and says what a right volume answers. Operations and fields that the
  // model does not know (fault_at, edit, crash, ...) change nothing and predict nothing.
  Prediction apply(const Operation& op);
  // Power was lost, or a shutdown kept what was dirty from the disk: what the volume holds from the
  // next mount on is not predicted any more; whoever can, imports it.
  [[nodiscard]] bool lost() const { return lost_; }
  // Descriptors are kept between operations (the header's `keep`).
  void set_keep(bool keep) { keep_ = keep; }

  // All files and directories but the root, by path (bytes of UTF-8).
  [[nodiscard]] std::vector<Entry> entries() const;
  [[nodiscard]] std::optional<Entry> find(std::string_view path) const;
  // The files behind the descriptors of a path, each once: a rename of the file by another spelling
  // of its name leaves them behind.
  [[nodiscard]] std::set<FileId> open_files(const std::string& path) const;
  [[nodiscard]] bool mapped(const std::string& path) const;
  // The node, or null. It stays valid and unchanged whatever happens to the model.
  [[nodiscard]] std::shared_ptr<const ModelNode> node(FileId id) const;
  [[nodiscard]] FileId root() const { return root_; }
  [[nodiscard]] uint64_t clusters_free() const { return free_; }
  [[nodiscard]] const ModelGeometry& geometry() const { return geometry_; }

  // For building a model of an existing volume, parents first. `free` clusters are not touched:
  // the geometry's clusters_free is the volume's. False: no such parent, or the name exists.
  struct Import {
    std::string path;
    bool directory = false;
    uint64_t size = 0;  // a directory's: clusters * cluster size
    uint64_t valid_size = 0;
    uint64_t first_entry = 0;  // index of its 32-byte entry set in the parent
    uint64_t entry_count = 0;
    uint32_t attributes = kModelArchive;
    std::span<const std::byte> bytes;  // [0, valid_size)
  };
  bool import(const Import& item);

 private:
  // Which descriptor of a path; kMapping is the shared mapping.
  enum class Use : uint8_t { kBuffered, kDirect, kAppend, kMapping };
  using Handles = std::map<Use, FileId>;
  // Where a path leads: the directory that holds its last name, and the node if it exists.
  struct Target {
    FileId parent{};
    std::u16string name;  // as written, trailing dots dropped
    std::optional<FileId> id;
    bool is_root = false;
  };
  template <class T>
  using Or = std::variant<T, sim::Errno>;
  // A direct write that was issued and not collected.
  struct Flight {
    FileId id{};
    std::optional<uint32_t> task;
    Prediction answer;
  };

  // Tree (model.cc).
  [[nodiscard]] const ModelNode& get(FileId id) const { return *nodes_.at(id); }
  ModelNode& edit(FileId id);  // unshares it; the reference is good until the next edit
  [[nodiscard]] Or<Target> walk(std::string_view path) const;
  [[nodiscard]] Or<FileId> resolve(std::string_view path) const;
  FileId add_node(bool directory, FileId parent);
  void free_node(FileId id);
  void mark_clean(FileId id);
  void mark_all_clean();
  [[nodiscard]] bool on_disk(FileId id) const;
  [[nodiscard]] bool take(uint64_t clusters);
  [[nodiscard]] uint64_t clusters_of(uint64_t size) const;

  // Names (model_namespace.cc).
  [[nodiscard]] bool add_entry(FileId parent, const std::u16string& name, FileId id);
  void remove_entry(FileId parent, FileId id);
  [[nodiscard]] std::optional<ModelNode::Place> find_slots(FileId parent, uint64_t count);
  Prediction create(const Operation& op);
  Prediction mkdir(const Operation& op);
  Prediction remove(const Operation& op);
  Prediction rename(const Operation& op);
  void replace_name(const Target& from, const Target& to, bool in_place, bool onto);
  Prediction list(const Operation& op) const;
  Prediction stat(const Operation& op) const;
  Prediction statfs() const;

  // Control (model_control.cc).
  Prediction readdir(const Operation& op) const;
  Prediction label(const Operation& op);
  Prediction attributes(const Operation& op);
  void note_archive(const Operation& op);
  Prediction fitrim(const Operation& op) const;
  Prediction shutdown(const Operation& op);
  Prediction apply_shut_down(const Operation& op);

  // Descriptors (model.cc).
  [[nodiscard]] Or<FileId> handle(const std::string& path, Use use);
  [[nodiscard]] bool has_handle(FileId id) const;
  void close_path(const std::string& path);
  void close_all();
  void move_handles(const std::string& from, const std::string& to);
  void release(FileId id);

  // Data (model_data.cc).
  Prediction write(const Operation& op, Use use);
  Prediction direct_write(FileId id, const Operation& op);
  Prediction read(const Operation& op);
  Prediction direct_read(const Operation& op);
  Prediction map_write(const Operation& op);
  Prediction map_read(const Operation& op);
  Prediction truncate(const Operation& op);
  Prediction fallocate(const Operation& op);
  Prediction seek(const Operation& op);
  Prediction sync_path(const Operation& op);
  Prediction remount(const Operation& op);
  Prediction dirent(const Operation& op) const;
  Prediction raw_read(const Operation& op) const;
  [[nodiscard]] sim::Errno fill_gap(FileId id, uint64_t pos);
  [[nodiscard]] uint64_t max_size() const;
  void set_size(ModelNode& node, uint64_t size);
  void store(FileId id, uint64_t pos, uint64_t seed, uint64_t length);
  [[nodiscard]] Prediction bytes_read(const ModelNode& node, uint64_t pos, uint64_t length) const;
  Prediction dispatch(const Operation& op);

  // Asynchronous writes, and where files are (model_layout.cc).
  Prediction submit(const Operation& op);
  Prediction wait(const Operation& op);
  [[nodiscard]] bool in_flight(FileId id) const;
  [[nodiscard]] bool in_flight(const Operation& op) const;
  Prediction bmap(const Operation& op);
  Prediction map(const Operation& op);
  Prediction swap_map(const Operation& op);

  // The other rules (model_buffer_heads.cc).
  void bh_valid_to(ModelNode& node, uint64_t end) const;
  static void bh_publish(ModelNode& node);
  void bh_resized(ModelNode& node, uint64_t before) const;
  [[nodiscard]] uint64_t bh_store(FileId id, uint64_t pos, uint64_t end,
                                  std::optional<uint64_t> seed);
  [[nodiscard]] sim::Errno bh_fill_gap(FileId id, uint64_t pos);
  Prediction bh_write(FileId id, const Operation& op, uint64_t pos, bool direct);
  Prediction bh_direct_write(FileId id, const Operation& op, uint64_t pos, uint64_t length);
  [[nodiscard]] bool bh_direct_read_refused(const ModelNode& node, const Operation& op) const;
  void bh_store_fault(FileId id, uint64_t end);
  static void bh_reloaded(ModelNode& node, bool certain);
  void bh_reload(bool certain);
  // The disk's valid size depends on what was written back, and when.
  [[nodiscard]] bool bh_valid_unknown(FileId id) const {
    return get(id).valid_size_limit() != get(id).valid_size;
  }
  [[nodiscard]] static Prediction bh_seek(const ModelNode& node, const Operation& op);

  ModelGeometry geometry_;
  bool keep_ = true;
  bool read_only_ = false;
  bool shut_down_ = false;
  bool lost_ = false;
  std::optional<std::string> label_;  // once it was set
  uint64_t next_id_ = 1;
  uint64_t free_ = 0;
  FileId root_{};
  std::map<FileId, std::shared_ptr<const ModelNode>> nodes_;
  std::map<std::string, Handles> handles_;
  std::vector<Flight> flights_;
};

}  // namespace zerotail::harness
