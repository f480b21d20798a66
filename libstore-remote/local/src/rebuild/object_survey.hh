// What lies in the store directory: each object is read once, to hash it and to find which others
// it mentions.
#pragma once

#include "../object_hash.hh"

#include <cinch/core/content_address.hh>
#include <cinch/core/maintenance.hh>
#include <cinch/core/store_path.hh>
#include <cinch/files/directory.hh>

#include <map>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

namespace cinch::local {

struct SurveyedObject {
  std::string fault;                // why it cannot be read; empty if it can
  std::optional<NarDigest> digest;  // if it can
  StorePathSet mentioned;           // itself, too
  bool is_finished = false;         // it has the modes and times of valid objects
};

struct Survey {
  std::map<StorePath, SurveyedObject> objects;
  std::vector<std::string> foreign;  // names that no store path has
};

// `known` are paths with rows: of several objects with one hash part, it is these that others can
// refer to, else the one with the shortest name.
Survey survey_objects(const Directory& objects, const StorePathSet& known,
                      const MaintenanceListener& listener, const std::stop_token& stop);

// What an object says about itself.
struct Proof {
  ContentAddress address;
  StorePathSet references;
};

// Whether the path of an object follows from its content: as text, as a file, as a NAR, or in the
// way that one of `claims` says. Reads the object again, if need be more than once.
std::optional<Proof> prove(const Directory& objects, const StoreDir& store_dir,
                           const StorePath& path, const SurveyedObject& object,
                           std::span<const ContentAddress> claims, const std::stop_token& stop);

// Whether these are the content address and the references that give this path.
bool is_path_of(const StoreDir& store_dir, const StorePath& path, const ContentAddress& address,
                const StorePathSet& references);

}  // namespace cinch::local
