// Keeping a store in order: sharing files of the same content, comparing what is registered with
// what is there, and replacing what is damaged.
#pragma once

#include <cinch/core/event.hh>
#include <cinch/core/export.hh>
#include <cinch/core/realiser.hh>
#include <cinch/core/store.hh>
#include <cinch/core/store_path.hh>

#include <cstdint>
#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

namespace cinch {

struct MaintenanceProgress {
  std::uint64_t paths_done = 0;
  std::uint64_t paths_expected = 0;
  std::uint64_t bytes_done = 0;  // of NARs
  std::uint64_t bytes_expected = 0;
};
// Called now and then, by one thread at a time.
using MaintenanceListener = std::function<void(const MaintenanceProgress&)>;

struct OptimiseReport {
  std::uint64_t files_linked = 0;  // that are now a link to another file
  std::uint64_t bytes_saved = 0;   // the sizes of those that had no other name
  // That could not be linked: too many links, no room for one more, a file system without.
  std::uint64_t files_skipped = 0;
  // Links whose content was not what their name says; they are removed.
  std::vector<std::string> damaged_links;
  // What a store elsewhere said, in place of numbers.
  std::vector<std::string> messages;
};

struct VerifyOptions {
  // Empty: the whole store, with its links and with what is in it but not valid.
  std::optional<StorePathSet> only = std::nullopt;
  bool check_contents = false;  // hash every object
  // Takes paths whose objects are gone from the database, if nothing that is valid needs them.
  bool forget_gone = false;
  // Removes damaged links, sets permissions right, and replaces damaged objects by those of
  // `source`, if there is one; those that it does not have are built again by `builder`, if there
  // is one and a derivation is known that makes them. A store elsewhere has its own.
  bool repair = false;
  Store* source = nullptr;                 // lent
  Realiser* builder = nullptr;             // lent; for this store
  EventSink* events = nullptr;             // lent; of the builder, which needs it
  std::uint64_t bytes_per_second_max = 0;  // that are read from objects; 0: no limit
  // Passes over contents that were found intact at this time (Unix seconds) or later.
  std::optional<std::int64_t> intact_since = std::nullopt;
};

enum class VerifyProblemKind : std::uint8_t { gone, changed, unreadable, permissions };

struct VerifyProblem {
  StorePath path;
  VerifyProblemKind kind;
  std::string message;
  bool solved = false;  // forgotten, or repaired
};

struct VerifyReport {
  std::vector<VerifyProblem> problems;  // sorted by path
  std::vector<std::string> damaged_links;
  bool links_removed = false;  // the damaged ones
  // Names in the store directory that are not valid: left-overs, which the garbage collector
  // removes, and what is no part of a store. They are no problem.
  std::vector<std::string> unregistered;
  std::uint64_t paths_checked = 0;  // contents included, if these are checked
  std::uint64_t paths_skipped = 0;  // of which the contents were found intact lately
  // There are problems of which only messages tell: references that form a cycle; and all those of
  // a store elsewhere.
  bool other_problems = false;
  std::vector<std::string> messages;
};

class CINCH_CORE_API MaintenanceStore {
 public:
  virtual ~MaintenanceStore();

  // Makes files of the same content in different objects links to one file. Other processes may go
  // on using, adding and collecting paths. Throws Code::read_only, Code::cancelled.
  virtual OptimiseReport optimise(const MaintenanceListener& listener = {},
                                  std::stop_token stop = {}) = 0;
  // Throws Code::not_found if one of `only` is not valid; Code::not_supported for options that a
  // store elsewhere does not have; Code::read_only if it is to change something and cannot.
  virtual VerifyReport verify(const VerifyOptions& options,
                              const MaintenanceListener& listener = {},
                              std::stop_token stop = {}) = 0;
};

}  // namespace cinch
