#include "zerotail/harness/store.h"

#include <fmt/format.h>
#include <sqlite3.h>

#include <algorithm>
#include <filesystem>

#include "store_text.h"

namespace zerotail::harness {
namespace {

using sim::Errno;
using sim::Error;
using sim::Result;
using sim::Status;

constexpr int kApplicationId = 0x7A740001;
constexpr int kVersion = 3;

constexpr const char* kSchema = R"(
CREATE TABLE config(place INTEGER PRIMARY KEY, name TEXT NOT NULL, value TEXT NOT NULL);
CREATE TABLE job(job INTEGER PRIMARY KEY, workload TEXT NOT NULL, parts INTEGER NOT NULL,
  points INTEGER NOT NULL, epochs INTEGER NOT NULL, requests INTEGER NOT NULL,
  flushes INTEGER NOT NULL, device TEXT NOT NULL);
CREATE TABLE part(job INTEGER NOT NULL, part INTEGER NOT NULL, report TEXT NOT NULL,
  PRIMARY KEY(job, part)) WITHOUT ROWID;
CREATE TABLE finding(job INTEGER NOT NULL, part INTEGER NOT NULL, place INTEGER NOT NULL,
  fingerprint TEXT NOT NULL, contract TEXT NOT NULL, kind TEXT NOT NULL, path TEXT NOT NULL,
  range_begin INTEGER, range_end INTEGER, detail TEXT NOT NULL, workload TEXT NOT NULL,
  state TEXT NOT NULL, repro TEXT NOT NULL, states INTEGER NOT NULL, promise TEXT NOT NULL,
  touch TEXT NOT NULL,
  PRIMARY KEY(job, part, place)) WITHOUT ROWID;
)";

Errno errno_of(int code) {
  switch (code & 0xFF) {
    case SQLITE_FULL:
      return Errno::kNoSpc;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return Errno::kBusy;
    case SQLITE_CANTOPEN:
      return Errno::kNoEnt;
    case SQLITE_NOTADB:
    case SQLITE_CORRUPT:
      return Errno::kInval;
    default:
      return Errno::kIo;
  }
}

int64_t as_signed(uint64_t value) { return static_cast<int64_t>(value); }
uint64_t as_unsigned(int64_t value) { return static_cast<uint64_t>(value); }

// One prepared statement; values are bound and read from left to right.
class Statement {
 public:
  Statement(sqlite3* db, const char* text) {
    code_ = sqlite3_prepare_v2(db, text, -1, &statement_, nullptr);
  }
  ~Statement() { sqlite3_finalize(statement_); }
  Statement(const Statement&) = delete;
  Statement& operator=(const Statement&) = delete;

  Statement& bind(uint64_t value) {
    return keep(sqlite3_bind_int64(statement_, ++place_, as_signed(value)));
  }
  Statement& bind(const std::string& text) {
    return keep(sqlite3_bind_text(statement_, ++place_, text.data(), static_cast<int>(text.size()),
                                  SQLITE_TRANSIENT));
  }
  Statement& bind_null() { return keep(sqlite3_bind_null(statement_, ++place_)); }

  // True while there is a row.
  bool step() {
    if (code_ != SQLITE_OK) return false;
    const int code = sqlite3_step(statement_);
    column_ = 0;
    if (code == SQLITE_ROW) return true;
    if (code != SQLITE_DONE) code_ = code;
    return false;
  }
  [[nodiscard]] bool is_null() const {
    return sqlite3_column_type(statement_, column_) == SQLITE_NULL;
  }
  uint64_t number() { return as_unsigned(sqlite3_column_int64(statement_, column_++)); }
  std::string text() {
    const int column = column_++;
    const auto* bytes = static_cast<const char*>(sqlite3_column_blob(statement_, column));
    const int length = sqlite3_column_bytes(statement_, column);
    return bytes == nullptr ? std::string{} : std::string(bytes, static_cast<size_t>(length));
  }
  [[nodiscard]] int code() const { return code_; }

 private:
  Statement& keep(int code) {
    if (code_ == SQLITE_OK) code_ = code;
    return *this;
  }
  sqlite3_stmt* statement_ = nullptr;
  int code_ = SQLITE_OK;
  int place_ = 0;
  int column_ = 0;
};

}  // namespace

struct Store::Impl {
  std::string path;
  sqlite3* db = nullptr;
  CampaignConfig config;
  std::map<size_t, StoredJob> jobs;
  std::map<std::pair<size_t, size_t>, PartReport> parts;

  ~Impl() { sqlite3_close(db); }

  [[nodiscard]] Error failed(int code) const {
    const char* why = code == SQLITE_BUSY ? "is in use by another process" : sqlite3_errmsg(db);
    return Error(errno_of(code), fmt::format("{}: {}", path, why));
  }
  Status run(const char* text) {
    const int code = sqlite3_exec(db, text, nullptr, nullptr, nullptr);
    if (code != SQLITE_OK) return failed(code);
    return {};
  }
  Status finish(Statement* statement) {
    while (statement->step()) {
    }
    if (statement->code() != SQLITE_OK) return failed(statement->code());
    return {};
  }
  // Runs `body` in a transaction; nothing of it is kept when it fails.
  template <class Body>
  Status transaction(Body body) {
    ZT_TRY(run("BEGIN IMMEDIATE"));
    Status status = body();
    if (status.ok()) status = run("COMMIT");
    if (!status.ok()) {
      const Status undone = run("ROLLBACK");
      static_cast<void>(undone);  // what failed first is what is told
    }
    return status;
  }
  Status begin(const CampaignConfig& wanted) {
    const auto body = [&]() -> Status {
      ZT_TRY(run(kSchema));
      ZT_TRY(run(fmt::format("PRAGMA application_id={}", kApplicationId).c_str()));
      ZT_TRY(run(fmt::format("PRAGMA user_version={}", kVersion).c_str()));
      for (const auto& [name, value] : wanted) {
        Statement insert(db, "INSERT INTO config(name, value) VALUES(?, ?)");
        insert.bind(name).bind(value);
        ZT_TRY(finish(&insert));
      }
      return {};
    };
    const Status status = transaction(body);
    if (status.ok()) config = wanted;
    return status;
  }
  uint64_t pragma(const char* text) {
    Statement statement(db, text);
    return statement.step() ? statement.number() : 0;
  }
};

Store::Store(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Store::Store(Store&& other) noexcept = default;
Store& Store::operator=(Store&& other) noexcept = default;
Store::~Store() = default;

const std::string& Store::path() const { return impl_->path; }
const CampaignConfig& Store::config() const { return impl_->config; }
const std::map<size_t, StoredJob>& Store::jobs() const { return impl_->jobs; }
const std::map<std::pair<size_t, size_t>, PartReport>& Store::parts() const { return impl_->parts; }

Result<Store> Store::connect(const std::string& path, bool fresh) {
  auto impl = std::make_unique<Impl>();
  impl->path = path;
  const int flags = SQLITE_OPEN_READWRITE | (fresh ? SQLITE_OPEN_CREATE : 0);
  const int code = sqlite3_open_v2(path.c_str(), &impl->db, flags, nullptr);
  if (code != SQLITE_OK) return impl->failed(code);
  // With the lock held for good, the log needs no shared memory. A kill loses no transaction that
  // was committed; a power failure may lose the last ones and leaves whole ones.
  for (const char* pragma :
       {"PRAGMA locking_mode=EXCLUSIVE", "PRAGMA journal_mode=WAL", "PRAGMA synchronous=NORMAL"}) {
    ZT_TRY(impl->run(pragma));
  }
  return Store(std::move(impl));
}

Result<Store> Store::create(const std::string& path, const CampaignConfig& config) {
  std::error_code ignored;
  if (std::filesystem::exists(path, ignored)) {
    return Error(Errno::kExist, path + ": exists (go on with it: --resume)");
  }
  ZT_ASSIGN(Store store, connect(path, true));
  Impl& impl = *store.impl_;
  ZT_TRY(impl.begin(config));
  return store;
}

Result<Store> Store::open(const std::string& path) { return open(path, nullptr); }

Result<Store> Store::open(const std::string& path, const CampaignConfig* config) {
  std::error_code ignored;
  if (!std::filesystem::exists(path, ignored)) {
    return Error(Errno::kNoEnt, path + ": there is no such store");
  }
  ZT_ASSIGN(Store store, connect(path, false));
  Impl& impl = *store.impl_;
  // Killed before its first transaction.
  if (config != nullptr && impl.pragma("SELECT count(*) FROM sqlite_master") == 0 &&
      impl.pragma("PRAGMA application_id") == 0) {
    ZT_TRY(impl.begin(*config));
    return store;
  }
  if (impl.pragma("PRAGMA application_id") != kApplicationId) {
    return Error(Errno::kInval, path + ": is no store of a campaign");
  }
  if (const uint64_t version = impl.pragma("PRAGMA user_version"); version != kVersion) {
    return Error(Errno::kInval, fmt::format("{}: has version {}, this program writes version {}",
                                            path, version, kVersion));
  }
  ZT_TRY(store.load());
  return store;
}

Result<Store> Store::resume(const std::string& path, const CampaignConfig& config) {
  ZT_ASSIGN(Store store, open(path, &config));
  const CampaignConfig& stored = store.config();
  for (size_t i = 0; i < std::max(stored.size(), config.size()); ++i) {
    const bool here = i < config.size();
    const bool there = i < stored.size();
    if (here && there && stored[i] == config[i]) continue;
    return Error(Errno::kInval,
                 fmt::format("{}: belongs to another campaign: {} is '{}', here '{}'", path,
                             (here ? config : stored)[i].first,
                             there ? stored[i].second : std::string("not there"),
                             here ? config[i].second : std::string("not there")));
  }
  return store;
}

Status Store::load() {
  Impl& impl = *impl_;
  Statement config(impl.db, "SELECT name, value FROM config ORDER BY place");
  while (config.step()) {
    std::string name = config.text();
    impl.config.emplace_back(std::move(name), config.text());
  }
  if (config.code() != SQLITE_OK) return impl.failed(config.code());
  Statement jobs(impl.db,
                 "SELECT job, workload, parts, points, epochs, requests, flushes, device FROM job");
  while (jobs.step()) {
    StoredJob& job = impl.jobs[jobs.number()];
    job.heading.workload = jobs.text();
    job.parts = jobs.number();
    job.heading.points = jobs.number();
    job.heading.epochs = jobs.number();
    job.heading.requests = jobs.number();
    job.heading.flushes = jobs.number();
    const auto device = parse_device(jobs.text());
    if (!device.ok()) return Error(Errno::kInval, impl.path + ": " + device.error().where());
    job.heading.device = *device;
  }
  if (jobs.code() != SQLITE_OK) return impl.failed(jobs.code());
  ZT_TRY(load_parts());
  return load_findings();
}

Status Store::load_parts() {
  Impl& impl = *impl_;
  Statement parts(impl.db, "SELECT job, part, report FROM part ORDER BY job, part");
  while (parts.step()) {
    const size_t job = parts.number();
    const size_t part = parts.number();
    PartReport& report = impl.parts[{job, part}];
    report.part = part;
    if (!part_from_text(parts.text(), &report)) {
      return Error(Errno::kInval,
                   fmt::format("{}: part {} of job {} cannot be read", impl.path, part, job));
    }
  }
  if (parts.code() != SQLITE_OK) return impl.failed(parts.code());
  return {};
}

Status Store::load_findings() {
  Impl& impl = *impl_;
  Statement rows(impl.db,
                 "SELECT job, part, fingerprint, contract, kind, path, detail, workload, state, "
                 "repro, states, promise, touch, range_begin, range_end FROM finding ORDER BY job, "
                 "part, place");
  while (rows.step()) {
    const size_t job = rows.number();
    const size_t part = rows.number();
    const auto place = impl.parts.find({job, part});
    Finding finding;
    finding.fingerprint = rows.text();
    const auto contract = contract_by_name(rows.text());
    finding.violation.kind = rows.text();
    finding.violation.path = rows.text();
    finding.violation.detail = rows.text();
    finding.workload = rows.text();
    finding.state = rows.text();
    finding.repro = rows.text();
    finding.count = rows.number();
    finding.circumstances.promise = rows.text();
    finding.circumstances.touch = rows.text();
    if (!rows.is_null()) {
      const uint64_t begin = rows.number();
      finding.violation.range = ByteRange{begin, rows.number()};
    }
    if (!contract || place == impl.parts.end()) {
      return Error(Errno::kInval, fmt::format("{}: a finding of part {} of job {} cannot be read",
                                              impl.path, part, job));
    }
    finding.violation.contract = *contract;
    finding.group = group_of(finding.violation, finding.circumstances);
    place->second.findings.push_back(std::move(finding));
  }
  if (rows.code() != SQLITE_OK) return impl.failed(rows.code());
  return {};
}

Status Store::put_job(size_t job, const StoredJob& stored) {
  Impl& impl = *impl_;
  const auto body = [&]() -> Status {
    Statement insert(impl.db, "INSERT INTO job VALUES(?, ?, ?, ?, ?, ?, ?, ?)");
    const WorkloadReport& heading = stored.heading;
    insert.bind(job).bind(heading.workload).bind(stored.parts).bind(heading.points);
    insert.bind(heading.epochs)
        .bind(heading.requests)
        .bind(heading.flushes)
        .bind(print(heading.device));
    return impl.finish(&insert);
  };
  ZT_TRY(impl.transaction(body));
  impl.jobs[job] = stored;
  return {};
}

Status Store::put_part(size_t job, const PartReport& part) {
  Impl& impl = *impl_;
  const auto body = [&]() -> Status {
    Statement insert(impl.db, "INSERT INTO part VALUES(?, ?, ?)");
    insert.bind(job).bind(part.part).bind(part_to_text(part));
    ZT_TRY(impl.finish(&insert));
    uint64_t place = 0;
    for (const Finding& finding : part.findings) {
      Statement row(impl.db,
                    "INSERT INTO finding VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
      const Violation& v = finding.violation;
      row.bind(job).bind(part.part).bind(place++).bind(finding.fingerprint);
      row.bind(std::string(contract_info(v.contract).name)).bind(v.kind).bind(v.path);
      if (v.range) {
        row.bind(v.range->begin).bind(v.range->end);
      } else {
        row.bind_null().bind_null();
      }
      row.bind(v.detail).bind(finding.workload).bind(finding.state).bind(finding.repro);
      row.bind(finding.count).bind(finding.circumstances.promise);
      row.bind(finding.circumstances.touch);
      ZT_TRY(impl.finish(&row));
    }
    return {};
  };
  ZT_TRY(impl.transaction(body));
  impl.parts[{job, part.part}] = part;
  return {};
}

}  // namespace zerotail::harness
