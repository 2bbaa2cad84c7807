#include "zerotail/harness/campaign.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <map>
#include <set>

namespace zerotail::harness {
namespace {

using sim::Errno;
using sim::Error;
using sim::Result;

constexpr const char* kShard = "shard";
constexpr const char* kJob = "job";

std::string tiers_text(const ExploreOptions& options) {
  std::string text;
  for (size_t i = 0; i < fault::kTierCount; ++i) {
    if (!options.tiers.tiers[i]) continue;
    text += fmt::format("{}{}", text.empty() ? "" : ",", tier_name(static_cast<fault::Tier>(i)));
  }
  return text;
}

std::string contracts_text(const ExploreOptions& options) {
  std::string text;
  for (size_t i = 0; i < kContractCount; ++i) {
    if (!options.contracts[i]) continue;
    text +=
        fmt::format("{}{}", text.empty() ? "" : ",", contract_info(static_cast<Contract>(i)).name);
  }
  return text;
}

struct JobCount {
  size_t jobs = 0;
  bool whole = false;  // shards took whole jobs
};
JobCount job_count(const CampaignConfig& config) {
  JobCount count;
  for (const auto& [name, value] : config) {
    if (name == kJob) ++count.jobs;
    if (name == kJobCount) count = {std::strtoull(value.c_str(), nullptr, 10), true};
  }
  return count;
}

// Workloads of one group make one line of the report, in the place of the first.
class Workloads {
 public:
  explicit Workloads(std::vector<WorkloadReport>* list) : list_(*list) {}
  void add(WorkloadReport report) {
    const std::string group = report_group(report.workload);
    if (group == report.workload) {
      list_.push_back(std::move(report));
      return;
    }
    report.workload = group;
    const auto [place, fresh] = groups_.try_emplace(group, list_.size());
    if (fresh) {
      list_.push_back(std::move(report));
    } else {
      list_[place->second].add(report);
    }
  }

 private:
  std::vector<WorkloadReport>& list_;
  std::map<std::string, size_t> groups_;
};

// The parts of all jobs, numbered through, as a shard sees them.
class Campaign {
 public:
  Campaign(const JobSource& jobs, const CampaignOptions& options, Store* store,
           const CampaignHook& hook)
      : jobs_(jobs),
        options_(options),
        store_(store),
        hook_(hook),
        workloads_(&report_.workloads) {}

  Result<CampaignReport> run() {
    for (size_t job = 0; job < jobs_.size(); ++job) {
      ZT_TRY(run_job(job));
      if (!report_.complete) {
        report_.workloads.clear();
        break;
      }
    }
    return std::move(report_);
  }

 private:
  // `part`: its number among all parts.
  [[nodiscard]] bool mine(size_t job, size_t part) const {
    const size_t number = jobs_.whole_jobs() ? job : part;
    return number % options_.shards == options_.shard - 1;
  }

  [[nodiscard]] const StoredJob* stored(size_t job) const {
    if (store_ == nullptr) return nullptr;
    const auto place = store_->jobs().find(job);
    return place == store_->jobs().end() ? nullptr : &place->second;
  }

  [[nodiscard]] const PartReport* stored(size_t job, size_t part) const {
    if (store_ == nullptr) return nullptr;
    const auto place = store_->parts().find({job, part});
    return place == store_->parts().end() ? nullptr : &place->second;
  }

  sim::Status run_job(size_t job) {
    job_ = job;
    if (jobs_.whole_jobs() && !mine(job, 0)) return {};
    std::unique_ptr<Exploration> exploration;
    StoredJob known;
    if (const StoredJob* before = stored(job)) {
      known = *before;
    } else {
      ZT_ASSIGN(exploration, record_job(job));
      known = {exploration->heading(), exploration->parts()};
      if (store_ != nullptr) ZT_TRY(store_->put_job(job, known));
    }
    std::vector<PartReport> parts;
    for (size_t part = 0; part < known.parts; ++part) {
      if (!mine(job, first_part_ + part)) continue;
      ++report_.parts;
      if (const PartReport* before = stored(job, part)) {
        ++report_.parts_done;
        note(before->states);
        parts.push_back(*before);
        continue;
      }
      if (exploration == nullptr) {
        ZT_ASSIGN(exploration, record_job(job));
      }
      PartReport fresh = explore_part(*exploration, part);
      if (!fresh.complete) {
        report_.complete = false;
        return {};
      }
      note(fresh.states);
      if (store_ != nullptr) ZT_TRY(store_->put_part(job, fresh));
      ++report_.parts_done;
      parts.push_back(std::move(fresh));
    }
    first_part_ += known.parts;
    workloads_.add(combine(known.heading, parts, &report_.findings));
    return {};
  }

  void note(const StateCounts& states) {
    progress_.states += states.checked + states.merged + states.pruned;
  }

  Result<std::unique_ptr<Exploration>> record_job(size_t index) {
    // An exploration borrows both.
    current_ = jobs_.job(index);
    explore_ = options_.explore;
    explore_.record.device = current_.device;
    explore_.record.ordering = current_.ordering;
    explore_.record.io_path = current_.io_path;
    auto exploration = Exploration::create(current_.workload, explore_);
    if (!exploration.ok()) {
      const std::string& name = current_.workload.trace.header.trace;
      return Error(exploration.error().code(),
                   fmt::format("{}: {}", name.empty() ? current_.workload.name : name,
                               exploration.error().where()));
    }
    return exploration;
  }

  PartReport explore_part(Exploration& exploration, size_t part) {
    uint64_t rest = 0;  // of this job
    for (size_t later = part; later < exploration.parts(); ++later) {
      if (mine(job_, first_part_ + later)) rest += exploration.states_of(later);
    }
    const uint64_t before = progress_.states;
    CampaignProgress now;
    now.findings = report_.findings.findings().size();
    // The jobs to come are taken to be like those so far: good enough for a time left.
    const uint64_t known = before + rest;
    now.total = known + known / (job_ + 1) * (jobs_.size() - job_ - 1);
    return exploration.explore(part, [&](const ExploreProgress& states) {
      now.states = before + states.states;
      return !hook_ || hook_(now);
    });
  }

  const JobSource& jobs_;
  const CampaignOptions& options_;
  Store* store_;
  const CampaignHook& hook_;
  CampaignReport report_;
  Workloads workloads_;
  Job current_;
  ExploreOptions explore_;
  CampaignProgress progress_;
  size_t job_ = 0;
  size_t first_part_ = 0;  // number of the job's first part among all
};

// The configuration without the shard.
CampaignConfig whole(const CampaignConfig& config) {
  CampaignConfig rest;
  for (const auto& entry : config) {
    if (entry.first != kShard) rest.push_back(entry);
  }
  return rest;
}

std::string shard_of(const CampaignConfig& config) {
  for (const auto& [name, value] : config) {
    if (name == kShard) return value;
  }
  return {};
}

sim::Status check_shards(const std::vector<Store>& stores) {
  std::set<std::string> seen;
  for (const Store& store : stores) {
    const CampaignConfig here = whole(store.config());
    const CampaignConfig first = whole(stores.front().config());
    for (size_t i = 0; i < std::max(here.size(), first.size()); ++i) {
      if (i < here.size() && i < first.size() && here[i] == first[i]) continue;
      return Error(Errno::kInval, fmt::format("{}: belongs to another campaign than {}: {} differs",
                                              store.path(), stores.front().path(),
                                              i < here.size() ? here[i].first : first[i].first));
    }
    const std::string shard = shard_of(store.config());
    const std::string all = shard.substr(shard.find('/') + 1);
    if (all != std::to_string(stores.size())) {
      return Error(Errno::kInval, fmt::format("{}: is shard {}: {} stores are needed, {} are given",
                                              store.path(), shard, all, stores.size()));
    }
    if (!seen.insert(shard).second) {
      return Error(Errno::kInval, fmt::format("{}: shard {} is given twice", store.path(), shard));
    }
  }
  return {};
}

}  // namespace

std::string describe(const Job& job) {
  return fmt::format("{} with {}{}", print(job.device), volume::print(job.ordering),
                     job.io_path == volume::IoPath::kIomap ? "" : kOnBufferHeads);
}

void JobList::describe(CampaignConfig* config) const {
  for (const Job& job : jobs_) {
    const std::string text = print_trace(job.workload.trace);
    config->emplace_back(
        kJob, fmt::format("{} on {}, {}", job.workload.name, harness::describe(job),
                          sim::bytes_digest(text.data(), text.size(), job.workload.setup).hex()));
  }
}

CampaignConfig describe(const JobSource& jobs, const CampaignOptions& options) {
  const ExploreOptions& e = options.explore;
  CampaignConfig config;
  const auto add = [&config](const char* name, std::string value) {
    config.emplace_back(name, std::move(value));
  };
  add("budget", std::to_string(e.budget));
  add("seed", std::to_string(e.record.seed));
  add("states seed", std::to_string(e.tiers.seed));
  add("tiers", tiers_text(e));
  add("lost", std::to_string(e.tiers.max_lost));
  add("kept", std::to_string(e.tiers.max_kept));
  add("nested", fmt::format("{} of {} states", e.nested, e.nested_budget));
  add("contracts", contracts_text(e));
  add("core", e.core_probe ? "yes" : "no");
  add("prune", e.prune ? "yes" : "no");
  // What the mount says of the page cache.
  add("cache", print(ReproId{"", {}, {}, {}, e.record.cache, 0, "p"}));
  add("image", e.record.image ? e.record.image->digest().hex() +
                                    (e.record.keep_free ? " with its free clusters" : "")
                              : std::string("none"));
  add("faults", e.record.faults ? fault::print(*e.record.faults) : std::string("none"));
  add(kShard, fmt::format("{}/{}", options.shard, options.shards));
  jobs.describe(&config);
  return config;
}

Result<CampaignReport> run_campaign(const JobSource& jobs, const CampaignOptions& options,
                                    Store* store, const CampaignHook& hook) {
  ZT_ASSERT(options.shard >= 1 && options.shard <= options.shards);
  return Campaign(jobs, options, store, hook).run();
}

Result<CampaignReport> merge_stores(const std::vector<Store>& stores) {
  ZT_ASSERT(!stores.empty());
  ZT_TRY(check_shards(stores));
  const JobCount count = job_count(stores.front().config());
  std::vector<const Store*> by_shard(stores.size());
  for (const Store& store : stores) {
    const uint64_t shard = std::strtoull(shard_of(store.config()).c_str(), nullptr, 10);
    if (shard < 1 || shard > stores.size()) {
      return Error(Errno::kInval, fmt::format("{}: is shard {}, which cannot be", store.path(),
                                              shard_of(store.config())));
    }
    by_shard[shard - 1] = &store;
  }
  CampaignReport report;
  Workloads workloads(&report.workloads);
  size_t number = 0;
  for (size_t job = 0; job < count.jobs; ++job) {
    const Store& teller = *by_shard[count.whole ? job % stores.size() : 0];
    const auto known = teller.jobs().find(job);
    if (known == teller.jobs().end()) {
      return Error(Errno::kInval,
                   fmt::format("{}: job {} is not begun: resume it first", teller.path(), job));
    }
    std::vector<PartReport> parts;
    for (size_t part = 0; part < known->second.parts; ++part, ++number) {
      const Store& owner = count.whole ? teller : *by_shard[number % stores.size()];
      const auto place = owner.parts().find({job, part});
      if (place == owner.parts().end()) {
        return Error(Errno::kInval,
                     fmt::format("{}: part {} of job {} is not done: resume it first", owner.path(),
                                 part, job));
      }
      parts.push_back(place->second);
    }
    workloads.add(combine(known->second.heading, parts, &report.findings));
    report.parts += parts.size();
    report.parts_done += parts.size();
  }
  return report;
}

}  // namespace zerotail::harness
