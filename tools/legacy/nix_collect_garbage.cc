// nix-collect-garbage.
#include "../generations.hh"
#include "../state_directory.hh"
#include "collecting.hh"
#include "programs.hh"

#include <cinch/core/error.hh>
#include <cinch/files/directory.hh>

#include <optional>
#include <vector>

#include <dirent.h>
#include <unistd.h>

namespace cinch::cli {

namespace {

constexpr std::size_t depth_max = 64;  // as for roots, which these are

struct Collection {
  bool remove_old = false;
  Profile::Choose choose = all_but_current;
  bool dry_run = false;
  GarbageOptions options;
};

Collection parse(const Context& context) {
  Collection wanted;
  for (const LegacyWord& word : legacy_words(context.verb, context.arguments)) {
    if (word.text == "-d" || word.text == "--delete-old") {
      wanted.remove_old = true;
    } else if (word.text == "--delete-older-than") {
      wanted.remove_old = true;
      wanted.choose = older_than(word.value);
    } else if (word.text == "--dry-run") {
      wanted.dry_run = true;
    } else if (word.text == "--max-freed") {
      wanted.options.bytes_max = parse_max_freed(context, word.value);
    } else {
      context.refuse("unrecognised flag '" + word.text + "'");
    }
  }
  return wanted;
}

// Nothing if it is not there, or not for us to see.
std::optional<Directory> open_if_allowed(const std::string& name) {
  try {
    return Directory::open(name);
  } catch (const Error& error) {
    if (error.code() != Code::not_found && error.code() != Code::permission_denied) throw;
    return std::nullopt;
  }
}

// Of all profiles in the directory and below it. Those of other users stay as they are.
void remove_old_generations(Context& context, const Collection& wanted, const std::string& name,
                            std::size_t depth, const std::stop_token& stop) {
  const std::optional<Directory> directory = open_if_allowed(name);
  if (!directory || depth > depth_max) return;
  const bool may_write = access(name.c_str(), W_OK) == 0;
  for (const DirectoryEntry& entry : directory->list()) {
    const std::string full_name = name + "/" + entry.name;
    if (entry.type == DT_DIR) {
      remove_old_generations(context, wanted, full_name, depth + 1, stop);
    } else if (entry.type == DT_LNK && may_write) {
      Profile profile(full_name);
      if (!profile.list().current) continue;
      remove_generations(context, profile, wanted.choose, wanted.dry_run, stop);
    }
  }
}

int run_nix_collect_garbage(Context& context) {
  const Collection wanted = parse(context);
  const std::stop_token stop = context.interruption.begin();
  const std::unique_ptr<Store> store = context.open_store();
  if (wanted.remove_old) {
    remove_old_generations(context, wanted, state_directory(context, *store) + "/profiles", 0,
                           stop);
  }
  if (wanted.dry_run) return 0;
  return collect_garbage(context, *store, wanted.options, stop);
}

constexpr Option options[] = {
    {"-d,--delete-old", "", "first delete all generations of all profiles but the current ones"},
    {"--delete-older-than", "DAYS", "the same, for those replaced so long ago, such as 30d"},
    {"--max-freed", "BYTES", "stop once so much is free; K, M, G and T are units"},
    {"--dry-run", "", "only show the generations that would be deleted"},
};

}  // namespace

constinit const Verb nix_collect_garbage_program = {
    "nix-collect-garbage",
    "Collect garbage as Nix's program of this name does",
    "",
    0,
    any_number,
    "The profiles are those below 'profiles' in the state directory of the store. 'cinch store gc' "
    "has a dry run that shows what would be deleted from the store.",
    "nix-collect-garbage --delete-older-than 30d",
    options,
    run_nix_collect_garbage};

}  // namespace cinch::cli
