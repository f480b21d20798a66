// A profile: a symlink that stands for what is installed now, and its generations, which are what
// it stood for before. `<profile>` points to `<profile>-<number>-link`, which points into the
// store; all of them lie in one directory, usually below `<state>/profiles`, and keep what they
// point to alive. The layout is Nix's: docs/formats/local-store.md, "Profiles".
//
// Every change happens under `<profile>.lock`, as Nix's do. Several threads may use one Profile.
#pragma once

#include <cinch/core/export.hh>
#include <cinch/core/store.hh>

#include <cstdint>
#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

namespace cinch {

using GenerationNumber = std::uint32_t;

struct Generation {
  GenerationNumber number = 0;
  std::string link;          // its full name
  std::string target;        // as the link says it
  std::int64_t created = 0;  // Unix seconds
};

struct Generations {
  std::vector<Generation> all;              // by number, the oldest first
  std::optional<GenerationNumber> current;  // where the profile points; it may be none of them
  const Generation* find(GenerationNumber number) const;
};

// What may be deleted, by number; never the current one. Nothing if no generation is current:
// nobody knows then what is in use.
CINCH_LOCAL_API std::vector<GenerationNumber> all_but_current(const Generations& generations);
// Those that had been replaced by `time` (Unix seconds): the one that was in use then stays.
CINCH_LOCAL_API std::vector<GenerationNumber> replaced_before(const Generations& generations,
                                                              std::int64_t time);
// Those older than the current one, but for the `count` - 1 that come right before it.
CINCH_LOCAL_API std::vector<GenerationNumber> beyond_count(const Generations& generations,
                                                           std::uint32_t count);

class CINCH_LOCAL_API Profile {
 public:
  // An absolute file name; nothing need exist. Throws Code::invalid_argument.
  explicit Profile(const std::string& full_name);

  const std::string& name() const { return name_; }
  // Empty if there is no profile, or no directory for one.
  Generations list() const;

  // Makes a new generation that points to the path, and the profile point to it. If the newest
  // generation points there already, that one is taken. Throws as add_permanent_root().
  Generation set(Store& store, const StorePath& path, std::stop_token stop = {});
  // Makes the profile point to a generation. Throws Code::not_found if there is none.
  void switch_to(GenerationNumber number, std::stop_token stop = {});
  // The one before the current one; returns its number. Throws Code::not_found.
  GenerationNumber roll_back(std::stop_token stop = {});

  // Deletes the generations that `choose` returns, and returns those that there were. What they
  // point to is garbage then, unless something else keeps it alive. Throws Code::invalid_argument,
  // before it deletes anything, if the current one is among them.
  using Choose = std::function<std::vector<GenerationNumber>(const Generations&)>;
  std::vector<GenerationNumber> remove(const Choose& choose, bool dry_run,
                                       std::stop_token stop = {});

 private:
  std::string name_;
  std::string directory_;
  std::string base_name_;
};

}  // namespace cinch
