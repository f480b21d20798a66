#include "convert.hh"
#include "derivation_value.hh"

#include <cinch/core/derivation_json.hh>

#include <deque>

using cinch::Code;
using cinch::Derivation;
using cinch::Error;
using cinch::StoreDir;
using cinch::StorePath;
using cinch::capi::deref;
using cinch::capi::guarded;
using cinch::capi::view;

struct cinch_derivations {
  struct Entry {
    cinch_path path;
    cinch_derivation derivation;
  };
  std::deque<Entry> list;  // stays where it is: derivations have views into themselves
};

extern "C" {

cinch_error* cinch_derivations_parse_json(cinch_str store_dir, cinch_str json,
                                          cinch_derivations** derivations_out) noexcept {
  return guarded([&] {
    cinch_derivations*& out = deref(derivations_out, "derivations_out");
    const StoreDir directory(view(store_dir));
    auto derivations = std::make_unique<cinch_derivations>();
    for (auto& [path, derivation] : cinch::parse_derivations_json(view(json), directory)) {
      derivations->list.push_back(
          {cinch_path(directory, path), cinch_derivation(directory, derivation)});
    }
    out = derivations.release();
  });
}

cinch_error* cinch_derivations_print_json(cinch_str store_dir, const cinch_path* const* paths,
                                          const cinch_derivation* const* derivations, size_t count,
                                          cinch_text** json_out) noexcept {
  return guarded([&] {
    cinch_text*& out = deref(json_out, "json_out");
    const StoreDir directory(view(store_dir));
    if (count > 0) deref(paths, "paths");
    if (count > 0) deref(derivations, "derivations");
    std::map<StorePath, Derivation> graph;
    for (size_t i = 0; i < count; ++i) {
      const cinch_path& path = deref(paths[i], "paths");
      const cinch_derivation& derivation = deref(derivations[i], "derivations");
      if (graph.emplace(path.path, derivation.derivation).second) continue;
      throw Error(Code::invalid_argument, "a path is given twice").about(path.text);
    }
    out = new cinch_text{cinch::print_derivations_json(graph, directory)};
  });
}

size_t cinch_derivations_count(const cinch_derivations* derivations) noexcept {
  return derivations->list.size();
}

const cinch_path* cinch_derivations_path_at(const cinch_derivations* derivations,
                                            size_t index) noexcept {
  return index < derivations->list.size() ? &derivations->list[index].path : nullptr;
}

const cinch_derivation* cinch_derivations_at(const cinch_derivations* derivations,
                                             size_t index) noexcept {
  return index < derivations->list.size() ? &derivations->list[index].derivation : nullptr;
}

void cinch_derivations_free(cinch_derivations* derivations) noexcept { delete derivations; }

}  // extern "C"
