// Compares what the database says with what is on disk.
#pragma once

#include "../database.hh"
#include "../verifications.hh"
#include "rate_limiter.hh"

#include <cinch/core/maintenance.hh>
#include <cinch/files/directory.hh>

#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

namespace cinch::local {

struct VerifyPlace {
  const Directory& objects;
  Database& database;
  Verifications& verifications;
  bool keep_results;  // in `verifications`
};

// One run. Changes nothing in the store; what there is to do about its findings is the caller's.
class Verifier {
 public:
  Verifier(const VerifyPlace& place, const VerifyOptions& options,
           const MaintenanceListener& listener, std::stop_token stop);

  // What was asked for and is valid. Throws Code::not_found.
  const std::vector<PathInfo>& infos() const { return infos_; }
  VerifyReport run();
  // Compares one object with its info; empty if they agree.
  std::optional<VerifyProblem> check_object(const PathInfo& info);

 private:
  void find_infos();
  void find_unregistered(std::span<const std::string> present);
  void check_present();
  void check_references();
  void check_contents();
  void check_one(const PathInfo& info);
  void check_links();
  bool was_intact_lately(const PathInfo& info) const;
  void record(const PathInfo& info, VerificationResult result);
  void flush_records();
  void count_bytes(std::uint64_t bytes);
  void tell();

  const VerifyPlace& place_;
  const VerifyOptions& options_;
  const MaintenanceListener& listener_;
  const std::stop_token stop_;
  RateLimiter limiter_;
  std::vector<PathInfo> infos_;
  std::vector<const PathInfo*> readable_;
  std::map<StorePath, Verification> known_;

  std::mutex mutex_;
  VerifyReport report_;
  MaintenanceProgress progress_;
  std::vector<Verification> records_;
};

}  // namespace cinch::local
