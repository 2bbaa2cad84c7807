// Many workloads explored as one run, which can be interrupted, taken up again, and split among
// processes. What is reported does not depend on how it was cut: a resumed or merged run equals an
// uninterrupted one, finding for finding and digest for digest (recoveries are counted alike too).
#pragma once

#include <string>
#include <vector>

#include "zerotail/harness/store.h"

namespace zerotail::harness {

// A workload, the device it runs on, the order of its metadata writes and the I/O path.
struct Job {
  Workload workload;
  DeviceConfig device;
  volume::Ordering ordering{};
  volume::IoPath io_path = volume::IoPath::kIomap;
};

// The jobs of a campaign, in order; made when they are asked for, so that millions cost no memory.
class JobSource {
 public:
  virtual ~JobSource() = default;
  [[nodiscard]] virtual size_t size() const = 0;
  // Below size(); asked for in ascending order, perhaps several times.
  [[nodiscard]] virtual Job job(size_t index) const = 0;
  // Adds everything that the results of the jobs depend on.
  virtual void describe(CampaignConfig* config) const = 0;
  // Shards take every Nth job as a whole instead of every Nth part, so that a shard needs not
  // record the jobs of others. Such a source describes itself with kJobCount.
  [[nodiscard]] virtual bool whole_jobs() const { return false; }
};

// Jobs that are all there. The list is borrowed.
class JobList : public JobSource {
 public:
  explicit JobList(const std::vector<Job>& jobs) : jobs_(jobs) {}
  [[nodiscard]] size_t size() const override { return jobs_.size(); }
  [[nodiscard]] Job job(size_t index) const override { return jobs_[index]; }
  void describe(CampaignConfig* config) const override;

 private:
  const std::vector<Job>& jobs_;
};

struct CampaignOptions {
  ExploreOptions explore;  // its device and ordering are each job's
  uint64_t shard = 1;      // this process does every `shards`th part, from the `shard`th on
  uint64_t shards = 1;
};

struct CampaignProgress {
  uint64_t states = 0;
  uint64_t total = 0;  // an estimate until the last workload has been recorded
  uint64_t findings = 0;
};
// Return false to stop; the part in progress is given up.
using CampaignHook = std::function<bool(const CampaignProgress&)>;

struct CampaignReport {
  std::vector<WorkloadReport> workloads;
  FindingSet findings;
  uint64_t parts_done = 0;  // of all parts of this shard, how many
  uint64_t parts = 0;       // as far as known when it was interrupted
  bool complete = true;     // false: the hook asked to stop; there are no workloads then
};

// In a job's description, when it runs on that path.
inline constexpr const char* kOnBufferHeads = " on buffer heads";
// In a campaign's configuration: how many jobs there are, where they are not listed. Shards took
// whole jobs then.
inline constexpr const char* kJobCount = "jobs";
// The job without its workload: "vc512 with linux".
[[nodiscard]] std::string describe(const Job& job);
// Everything that the results of these jobs depend on.
[[nodiscard]] CampaignConfig describe(const JobSource& jobs, const CampaignOptions& options);

// Explores what the store does not hold yet, and puts it there. `store` may be null.
[[nodiscard]] sim::Result<CampaignReport> run_campaign(const JobSource& jobs,
                                                       const CampaignOptions& options, Store* store,
                                                       const CampaignHook& hook);

// One report from the stores of all shards. Errors name the store: another campaign, a shard twice
// or missing, a part that is not done.
[[nodiscard]] sim::Result<CampaignReport> merge_stores(const std::vector<Store>& stores);

}  // namespace zerotail::harness
