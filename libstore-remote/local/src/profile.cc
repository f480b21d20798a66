#include "path_lock.hh"
#include "symlink_name.hh"

#include <cinch/core/error.hh>
#include <cinch/local/permanent_root.hh>
#include <cinch/local/profile.hh>

#include <algorithm>
#include <charconv>
#include <utility>

#include <sys/stat.h>

namespace cinch {

namespace {

constexpr std::string_view generation_suffix = "-link";

// The number in "<profile>-<number>-link".
std::optional<GenerationNumber> generation_number(const std::string& profile,
                                                  std::string_view name) {
  if (!name.starts_with(profile + "-") || !name.ends_with(generation_suffix)) return std::nullopt;
  name.remove_prefix(profile.size() + 1);
  if (name.size() <= generation_suffix.size()) return std::nullopt;
  name.remove_suffix(generation_suffix.size());
  GenerationNumber number = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), number);
  if (error != std::errc() || end != name.data() + name.size()) return std::nullopt;
  return number;
}

std::string generation_name(const std::string& profile, GenerationNumber number) {
  return profile + "-" + std::to_string(number) + std::string(generation_suffix);
}

// Links may vanish while we look.
std::optional<Generation> read_generation(const Directory& directory, const std::string& name,
                                          GenerationNumber number) {
  const std::optional<struct stat> status = directory.stat(name);
  if (!status || !S_ISLNK(status->st_mode)) return std::nullopt;
  return Generation{.number = number,
                    .link = directory.name_of(name),
                    .target = directory.read_symlink(name),
                    .created = status->st_mtim.tv_sec};
}

Generations read_generations(const Directory& directory, const std::string& profile) {
  Generations found;
  for (const DirectoryEntry& entry : directory.list()) {
    const auto number = generation_number(profile, entry.name);
    if (!number || entry.name != generation_name(profile, *number)) continue;
    if (auto generation = read_generation(directory, entry.name, *number)) {
      found.all.push_back(*std::move(generation));
    }
  }
  std::ranges::sort(found.all, {}, &Generation::number);
  const std::optional<struct stat> status = directory.stat(profile);
  if (status && S_ISLNK(status->st_mode)) {
    const std::string target = directory.read_symlink(profile);
    found.current = generation_number(profile, target.substr(target.rfind('/') + 1));
  }
  return found;
}

class LockedProfile {
 public:
  LockedProfile(Directory directory, const std::string& profile, const std::stop_token& stop)
      : directory_(std::move(directory)),
        profile_(profile),
        lock_(local::lock_name(directory_, profile + ".lock", stop)) {}
  LockedProfile(const LockedProfile&) = delete;
  LockedProfile& operator=(const LockedProfile&) = delete;

  const Directory& directory() const { return directory_; }
  Generations list() const { return read_generations(directory_, profile_); }
  // Whoever changes it calls this first.
  void check_is_link() const {
    const std::optional<struct stat> status = directory_.stat(profile_);
    if (!status || S_ISLNK(status->st_mode)) return;
    throw Error(Code::invalid_argument, "the profile is not a symlink")
        .about(directory_.name_of(profile_))
        .hint("move it away, or choose another name for the profile");
  }
  void point_to(GenerationNumber number) const {
    check_is_link();
    local::replace_symlink(directory_, profile_, generation_name(profile_, number));
  }

 private:
  Directory directory_;
  const std::string& profile_;
  std::unique_ptr<PathLock> lock_;
};

Error no_profile(const std::string& name) {
  return Error(Code::not_found, "there is no such profile").about(name);
}

}  // namespace

const Generation* Generations::find(GenerationNumber number) const {
  const auto found = std::ranges::find(all, number, &Generation::number);
  return found == all.end() ? nullptr : &*found;
}

std::vector<GenerationNumber> all_but_current(const Generations& generations) {
  std::vector<GenerationNumber> chosen;
  if (!generations.current) return chosen;
  for (const Generation& generation : generations.all) {
    if (generation.number != *generations.current) chosen.push_back(generation.number);
  }
  return chosen;
}

std::vector<GenerationNumber> replaced_before(const Generations& generations, std::int64_t time) {
  std::vector<GenerationNumber> chosen;
  if (!generations.current) return chosen;
  bool replaced = false;
  for (auto at = generations.all.rbegin(); at != generations.all.rend(); ++at) {
    if (at->created >= time) continue;
    if (replaced && at->number != *generations.current) chosen.push_back(at->number);
    replaced = true;
  }
  return chosen;
}

std::vector<GenerationNumber> beyond_count(const Generations& generations, std::uint32_t count) {
  std::vector<GenerationNumber> chosen;
  if (!generations.current) return chosen;
  std::uint32_t kept = 1;
  for (auto at = generations.all.rbegin(); at != generations.all.rend(); ++at) {
    if (at->number >= *generations.current) continue;
    if (kept < count) {
      ++kept;
    } else {
      chosen.push_back(at->number);
    }
  }
  return chosen;
}

Profile::Profile(const std::string& full_name) {
  local::SymlinkName parsed = local::parse_symlink_name(full_name);
  name_ = std::move(parsed.full_name);
  directory_ = std::move(parsed.directory);
  base_name_ = std::move(parsed.base_name);
}

Generations Profile::list() const try {
  return read_generations(Directory::open(directory_), base_name_);
} catch (const Error& error) {
  if (error.code() != Code::not_found) throw;
  return {};
}

Generation Profile::set(Store& store, const StorePath& path, std::stop_token stop) {
  const LockedProfile profile(Directory::create(directory_, 0777), base_name_, stop);
  profile.check_is_link();
  const Generations before = profile.list();
  const std::string target = store.store_dir().print(path);
  Generation generation;
  if (!before.all.empty() && before.all.back().target == target) {
    generation = before.all.back();
    store.add_temporary_roots({&path, 1});
  } else {
    generation.number = before.all.empty() ? 1 : before.all.back().number + 1;
    const std::string name = generation_name(base_name_, generation.number);
    add_permanent_root(store, directory_ + "/" + name, path);
    generation = read_generation(profile.directory(), name, generation.number).value();
  }
  profile.point_to(generation.number);
  return generation;
}

void Profile::switch_to(GenerationNumber number, std::stop_token stop) {
  const LockedProfile profile(Directory::open(directory_), base_name_, stop);
  if (profile.list().find(number) == nullptr) {
    throw Error(Code::not_found, "profile version " + std::to_string(number) + " does not exist")
        .about(name_);
  }
  profile.point_to(number);
}

GenerationNumber Profile::roll_back(std::stop_token stop) {
  const LockedProfile profile(Directory::open(directory_), base_name_, stop);
  const Generations generations = profile.list();
  if (!generations.current) throw no_profile(name_);
  std::optional<GenerationNumber> before;
  for (const Generation& generation : generations.all) {
    if (generation.number < *generations.current) before = generation.number;
  }
  if (!before) {
    throw Error(Code::not_found, "no profile version older than the current (" +
                                     std::to_string(*generations.current) + ") exists")
        .about(name_);
  }
  profile.point_to(*before);
  return *before;
}

std::vector<GenerationNumber> Profile::remove(const Choose& choose, bool dry_run,
                                              std::stop_token stop) {
  const LockedProfile profile(Directory::open(directory_), base_name_, stop);
  const Generations generations = profile.list();
  std::vector<GenerationNumber> chosen = choose(generations);
  if (generations.current && std::ranges::find(chosen, *generations.current) != chosen.end()) {
    throw Error(Code::invalid_argument, "cannot delete the current version of a profile, " +
                                            std::to_string(*generations.current))
        .about(name_)
        .hint("switch to another one first");
  }
  std::erase_if(chosen, [&](GenerationNumber number) { return !generations.find(number); });
  if (dry_run) return chosen;
  for (const GenerationNumber number : chosen) {
    profile.directory().unlink(generation_name(base_name_, number));
  }
  return chosen;
}

}  // namespace cinch
