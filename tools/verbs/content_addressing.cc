// store make-content-addressed.
#include "../context.hh"
#include "../json_text.hh"
#include "../path_selection.hh"
#include "../progress_line.hh"
#include "../store_ends.hh"
#include "../verbs.hh"

#include <cinch/core/cancellation.hh>
#include <cinch/core/closure.hh>
#include <cinch/core/content_addressed_rewrite.hh>
#include <cinch/core/error.hh>
#include <cinch/files/run_piped.hh>

namespace cinch::cli {

namespace {

// Adds the twin of each object to the other store, and tells its path.
ContentAddressedRewrite add_twins(Context& context, const Ends& ends,
                                  const std::map<StorePath, PathInfo>& objects,
                                  const std::stop_token& stop) {
  const StoreDir& store_dir = ends.from->store_dir();
  ContentAddressedRewrite rewrite(store_dir);
  ProgressLine line(context.console, {.doing = "rewriting"});
  line.update({.items_expected = objects.size()});
  for (const StorePath& path : sort_topologically(objects)) {
    check_cancelled(stop);
    const PathInfo& object = objects.at(path);
    const auto write_nar = [&](Sink& sink) { ends.from->read_nar(path, sink, stop); };
    const PathInfo twin = rewrite.add(object, write_nar);
    context.console.message(Verbosity::notice, "rewriting '" + store_dir.print(path) + "' to '" +
                                                   store_dir.print(twin.path) + "'");
    line.add({.items_done = 1});
    ends.to->add_temporary_roots({&twin.path, 1});
    if (ends.to->is_valid(twin.path)) continue;
    // It proves itself: what is registered is what its path follows from.
    run_piped([&](Sink& sink) { rewrite.write_twin(object, write_nar, sink); },
              [&](Source& source) {
                ends.to->add_nar(twin, source, SignaturePolicy::require_trusted, stop);
              });
  }
  return rewrite;
}

int run_make_content_addressed(Context& context) {
  const std::stop_token stop = context.interruption.begin();
  const Ends ends = open_ends(context);
  if (ends.from->store_dir() != ends.to->store_dir()) {
    throw Error(Code::invalid_argument, "the stores '" + ends.from->url() + "' and '" +
                                            ends.to->url() + "' have different store directories");
  }
  StorePathSet told;
  for (const auto& [path, info] : selected_objects(context, *ends.from, chosen_reach(context))) {
    told.insert(path);
  }
  const ContentAddressedRewrite rewrite =
      add_twins(context, ends, compute_closure(*ends.from, told), stop);
  const StoreDir& store_dir = ends.from->store_dir();
  JsonMembers members;
  for (const StorePath& path : told) {
    const std::string before = store_dir.print(path);
    const std::string after = store_dir.print(rewrite.twins().at(path));
    members.emplace_back(before, json_string(after));
    if (context.has("--json")) continue;
    context.console.message(Verbosity::notice, "rewrote '" + before + "' to '" + after + "'");
  }
  if (context.has("--json")) {
    context.output.line(json_object({{"rewrites", json_object(members)}}));
  }
  return 0;
}

constexpr Option options[] = {
    from_store,
    to_store,
    {"--all", "", "every valid path"},
    {"-r,--recursive", "", "tell the new paths of the whole closures"},
    {"--json", "", "print the new paths as a JSON object by old path"},
};

constexpr Verb table[] = {
    {"store make-content-addressed", "Give objects a path that follows from their content",
     "[PATH...]", 0, any_number,
     "Each object of the closures gets a twin that refers to the twins of what it referred to. "
     "The twins need no signatures, wherever they are copied.",
     "cinch store make-content-addressed --json ./result", options, run_make_content_addressed},
};

}  // namespace

constinit const std::span<const Verb> content_addressing_verbs = table;

}  // namespace cinch::cli
