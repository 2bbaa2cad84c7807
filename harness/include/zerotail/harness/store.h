// The store of a campaign: one SQLite file that holds what each finished part has shown.
//
// A part is written in one transaction, so that after an interruption, a kill or a full disk the
// file holds whole parts only. It belongs to one configuration: what decides the results is written
// into it and compared when it is used again. One process uses it at a time.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "zerotail/harness/exploration.h"

namespace zerotail::harness {

// Everything that the results depend on, by name, in order.
using CampaignConfig = std::vector<std::pair<std::string, std::string>>;

// A job as the store knows it: the report's heading, and how many parts it has.
struct StoredJob {
  WorkloadReport heading;
  size_t parts = 0;
};

class Store {
 public:
  // A new file. EEXIST: there is one.
  [[nodiscard]] static sim::Result<Store> create(const std::string& path,
                                                 const CampaignConfig& config);
  // An existing one of the same configuration. Errors: it is none, of another version, in use, or
  // belongs to another configuration (where() names the first value that differs).
  [[nodiscard]] static sim::Result<Store> resume(const std::string& path,
                                                 const CampaignConfig& config);
  // An existing one, to be read.
  [[nodiscard]] static sim::Result<Store> open(const std::string& path);
  Store(Store&& other) noexcept;
  Store& operator=(Store&& other) noexcept;
  Store(const Store&) = delete;
  Store& operator=(const Store&) = delete;
  ~Store();

  [[nodiscard]] const std::string& path() const;
  [[nodiscard]] const CampaignConfig& config() const;
  // What it holds, by job and by (job, part).
  [[nodiscard]] const std::map<size_t, StoredJob>& jobs() const;
  [[nodiscard]] const std::map<std::pair<size_t, size_t>, PartReport>& parts() const;
  // Errors (ENOSPC and others): the file holds what it held before.
  sim::Status put_job(size_t job, const StoredJob& stored);
  sim::Status put_part(size_t job, const PartReport& part);

 private:
  struct Impl;
  explicit Store(std::unique_ptr<Impl> impl);
  static sim::Result<Store> open(const std::string& path, const CampaignConfig* config);
  static sim::Result<Store> connect(const std::string& path, bool fresh);
  sim::Status load();
  sim::Status load_parts();
  sim::Status load_findings();
  std::unique_ptr<Impl> impl_;
};

}  // namespace zerotail::harness
