// What stands behind the opaque handles of cinch.h.
#pragma once

#include <cinch/core/build_result.hh>
#include <cinch/core/error.hh>
#include <cinch/core/path_info.hh>
#include <cinch/core/realiser.hh>
#include <cinch/core/settings.hh>
#include <cinch/core/store.hh>
#include <cinch/core/store_path.hh>

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include <cinch.h>

// Empty if there was no memory even for the error itself.
struct cinch_error {
  std::optional<cinch::Error> error;
};

struct cinch_text {
  std::string text;
};

struct cinch_cancel {
  std::stop_source source;
};

// Both forms, so that every getter can lend one.
struct cinch_path {
  cinch_path(const cinch::StoreDir& store_dir, cinch::StorePath store_path)
      : path(std::move(store_path)), text(store_dir.print(path)) {}
  cinch::StorePath path;
  std::string text;
};

struct cinch_paths {
  std::vector<cinch_path> list;
};

struct cinch_path_info {
  cinch_path_info(const cinch::StoreDir& store_dir, const cinch::PathInfo& value);
  void add_signature(const cinch::Signature& signature);

  cinch::PathInfo info;
  cinch_path path;
  std::string nar_hash;
  std::vector<cinch_path> references;
  std::optional<cinch_path> deriver;
  std::vector<std::string> signatures;
  std::string content_address;
};

struct cinch_path_infos {
  std::vector<std::optional<cinch_path_info>> list;
};

struct cinch_outputs {
  cinch_outputs() = default;
  cinch_outputs(const cinch::StoreDir& store_dir,
                const std::map<std::string, std::optional<cinch::StorePath>>& outputs);
  struct Output {
    std::string name;
    std::optional<cinch_path> path;
  };
  std::vector<Output> list;
};

struct cinch_build_result {
  cinch_build_result(const cinch::StoreDir& store_dir, cinch::BuildResult value);
  cinch::BuildResult result;
  cinch_outputs outputs;
};

struct cinch_build_results {
  std::vector<cinch_build_result> list;
};

struct cinch_store {
  cinch::Settings settings;
  std::unique_ptr<cinch::Store> store;
  std::string url;

  // Made when it is first needed.
  cinch::Realiser& realiser() const;

 private:
  mutable std::mutex mutex_;
  mutable std::unique_ptr<cinch::Realiser> realiser_;
};
