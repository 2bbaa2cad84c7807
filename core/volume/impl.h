// What a Volume is made of: the mount and the table of open files.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "zerotail/io/file_ops.h"
#include "zerotail/io/mount.h"
#include "zerotail/io/shared_mapping.h"
#include "zerotail/volume/volume.h"

namespace zerotail::volume {

struct OpenFile {
  exfat::InodeRef inode;
  OpenFlags flags;
  iomap::ReadaheadState readahead;
  io::ErrorSample errors = 0;  // files only
  [[nodiscard]] bool writable() const { return flags.write; }
};

struct SharedMapping {
  exfat::InodeRef inode;
  bool stores = false;
  io::ErrorSample errors = 0;
  [[nodiscard]] bool writable() const { return stores; }
};

// A write that goes on without its submitter.
struct SubmittedWrite {
  SubmittedWrite(WriteId number, const exfat::InodeRef& file, sim::Scheduler& scheduler)
      : id(number), inode(file), submitted(scheduler), ended(scheduler) {}
  WriteId id;
  exfat::InodeRef inode;
  std::vector<std::byte> bytes;
  std::optional<uint64_t> fault_at;
  io::ErrorSample errors = 0;
  sim::Completion submitted;
  sim::Completion ended;
  WriteOutcome outcome;
};

// Where a path ends: its last component in a directory, which may or may not have it.
struct Place {
  enum class Kind : uint8_t { kName, kRoot, kDot, kDotDot };
  exfat::InodeRef directory;
  std::string_view name;
  Kind kind = Kind::kName;
};

struct Volume::Impl {
  MountOptions options;
  std::unique_ptr<io::Mount> mount;
  std::vector<std::unique_ptr<OpenFile>> files;          // by descriptor; nullptr: free
  std::vector<std::unique_ptr<SharedMapping>> mappings;  // by MapId
  std::vector<std::unique_ptr<SubmittedWrite>> writes;   // by id
  uint64_t next_write = 1;
  uint64_t writes_ended = 0;
  bool unmounted = false;

  // Waits for what was submitted: its tasks use what is above.
  ~Impl();

  [[nodiscard]] exfat::FileSystem& fs() { return mount->fs(); }
  // EIO after a forced shutdown.
  [[nodiscard]] sim::Status alive();

  // path.cc: paths are relative to the root, with or without a leading slash; "" is the root.
  sim::Result<exfat::InodeRef> look_up(exfat::Inode& directory, std::string_view name);
  sim::Result<Place> resolve_place(std::string_view path);
  sim::Result<exfat::InodeRef> resolve(std::string_view path);

  // open_files.cc
  // EBADF: no such descriptor; EIO: after a shutdown; EBADF, EISDIR: not one for data.
  sim::Result<OpenFile*> any_file(Fd fd);
  sim::Result<OpenFile*> file(Fd fd);
  sim::Result<OpenFile*> data_file(Fd fd, bool for_write);
  sim::Result<exfat::InodeRef> open_inode(std::string_view path, const OpenFlags& flags);
  Fd add_file(std::unique_ptr<OpenFile> file);
  [[nodiscard]] bool any_open_for_write() const;
  io::FileNode& node(const OpenFile& file) { return mount->node(*file.inode); }

  // async_calls.cc
  void run_write(SubmittedWrite& write, int64_t pos, const io::DirectMode& direct,
                 const io::WriteMode& mode);
  void wait_writes();

  // map_calls.cc
  sim::Result<SharedMapping*> mapping(MapId map);
  void drop_mapping(std::unique_ptr<SharedMapping>& mapping);
};

[[nodiscard]] exfat::Options exfat_options(const MountOptions& options);

}  // namespace zerotail::volume
