// Paths become valid whose objects lie in the store directory already: what an installer unpacked,
// or what a lost database knew.
#include "canonical.hh"
#include "ingest.hh"
#include "object_hash.hh"
#include "state.hh"

#include <cinch/core/cancellation.hh>
#include <cinch/core/error.hh>
#include <cinch/files/parallel.hh>

namespace cinch {

void LocalStore::write_registrations(Sink& sink, const std::optional<StorePathSet>& paths) {
  const StorePathSet wanted = paths ? *paths : all_valid_paths();
  const std::vector<StorePath> list(wanted.begin(), wanted.end());
  const std::vector<std::optional<PathInfo>> infos = find(list);
  for (std::size_t i = 0; i < list.size(); ++i) {
    if (!infos[i]) {
      // Those of all paths may have been collected since the question.
      if (!paths) continue;
      throw Error(Code::not_found, "the path is not valid").about(store_dir().print(list[i]));
    }
    sink.write(as_bytes(print_registration(registration_of(*infos[i]), store_dir())));
  }
}

void LocalStore::register_paths(std::span<const ValidityRegistration> registrations,
                                const RegisterOptions& options, std::stop_token stop) {
  state_->check_writable();
  std::vector<StorePath> paths;
  for (const ValidityRegistration& one : registrations) paths.push_back(one.path);
  state_->roots.add(paths);
  const StorePathSet valid =
      options.reregister ? StorePathSet() : find_valid(StorePathSet(paths.begin(), paths.end()));
  std::vector<const ValidityRegistration*> wanted;
  for (const ValidityRegistration& one : registrations) {
    if (!valid.contains(one.path)) wanted.push_back(&one);
  }
  std::vector<std::optional<local::Registration>> examined(wanted.size());
  const local::HashTreeOptions how = {.stop = stop,
                                      .one_of_several = local::is_one_of_several(wanted.size())};
  run_parallel(wanted.size(), local::hash_threads_max, [&](std::size_t at) {
    check_cancelled(stop);
    examined[at] = state_->examine(*wanted[at], options.canonicalise, how);
  });
  std::vector<local::Registration> batch;
  batch.reserve(examined.size());
  for (std::optional<local::Registration>& one : examined) batch.push_back(*std::move(one));
  state_->register_together(batch);
}

local::Registration LocalStore::State::examine(const ValidityRegistration& registration,
                                               bool canonicalise,
                                               const local::HashTreeOptions& how) {
  const std::string name = registration.path.base_name();
  if (!objects().stat(name)) {
    throw Error(Code::not_found, "there is no object at the path that is to be registered")
        .about(objects().name_of(name));
  }
  if (canonicalise) local::canonicalise_tree(objects(), name, how.stop);
  const local::NarDigest digest =
      registration.nar_hash ? local::NarDigest{*registration.nar_hash, registration.nar_size}
                            : local::hash_tree(objects(), name, how);
  PathInfo info{.path = registration.path, .nar_hash = digest.hash};
  info.nar_size = digest.size_bytes;
  info.deriver = registration.deriver;
  info.references = registration.references;
  local::check_info(info, layout.store_dir);
  local::Registration item{.info = std::move(info), .derivation_outputs = {}};
  if (registration.path.is_derivation()) item.derivation_outputs = checker.check(registration.path);
  return item;
}

}  // namespace cinch
