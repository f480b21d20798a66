#include "convert.hh"

#include <cinch/core/derivation_graph.hh>
#include <cinch/core/derivation_json.hh>

using cinch::Derivation;
using cinch::StoreDir;
using cinch::StorePath;
using cinch::capi::deref;
using cinch::capi::guarded;
using cinch::capi::lend;
using cinch::capi::view;

cinch_outputs::cinch_outputs(const StoreDir& store_dir,
                             const std::map<std::string, std::optional<StorePath>>& outputs) {
  for (const auto& [name, path] : outputs) {
    Output& output = list.emplace_back(Output{name, std::nullopt});
    if (path) output.path.emplace(store_dir, *path);
  }
}

extern "C" {

cinch_error* cinch_store_add_derivation(const cinch_store* store, cinch_str json,
                                        cinch_path** path_out) noexcept {
  return guarded([&] {
    cinch_path*& out = deref(path_out, "path_out");
    cinch::Store& backend = *deref(store, "store").store;
    const StoreDir& store_dir = backend.store_dir();
    const StorePath path = cinch::add_incomplete_derivation(
        backend, cinch::parse_derivation_json(view(json), store_dir));
    out = new cinch_path(store_dir, path);
  });
}

cinch_error* cinch_store_add_derivations(const cinch_store* store, cinch_str json,
                                         cinch_paths** paths_out) noexcept {
  return guarded([&] {
    cinch_paths*& out = deref(paths_out, "paths_out");
    cinch::Store& backend = *deref(store, "store").store;
    const StoreDir& store_dir = backend.store_dir();
    auto paths = std::make_unique<cinch_paths>();
    for (const auto& added : cinch::add_incomplete_derivations(
             backend, cinch::parse_derivations_json(view(json), store_dir))) {
      paths->list.emplace_back(store_dir, added.path);
    }
    out = paths.release();
  });
}

cinch_error* cinch_store_derivation_outputs(const cinch_store* store, const cinch_path* derivation,
                                            cinch_outputs** outputs_out) noexcept {
  return guarded([&] {
    cinch_outputs*& out = deref(outputs_out, "outputs_out");
    cinch::Store& backend = *deref(store, "store").store;
    const StoreDir& store_dir = backend.store_dir();
    const Derivation found = backend.read_derivation(deref(derivation, "derivation").path);
    out = new cinch_outputs(store_dir, found.output_paths(store_dir));
  });
}

size_t cinch_outputs_count(const cinch_outputs* outputs) noexcept { return outputs->list.size(); }

cinch_str cinch_outputs_name_at(const cinch_outputs* outputs, size_t index) noexcept {
  return lend(index < outputs->list.size() ? std::string_view(outputs->list[index].name) : "");
}

const cinch_path* cinch_outputs_path_at(const cinch_outputs* outputs, size_t index) noexcept {
  if (index >= outputs->list.size() || !outputs->list[index].path) return nullptr;
  return &*outputs->list[index].path;
}

void cinch_outputs_free(cinch_outputs* outputs) noexcept { delete outputs; }

}  // extern "C"
