#include "convert.hh"
#include "derivation_value.hh"

#include <cinch/core/derivation_hash.hh>

using cinch::Code;
using cinch::Derivation;
using cinch::DerivationHasher;
using cinch::Error;
using cinch::StoreDir;
using cinch::StorePath;
using cinch::capi::deref;
using cinch::capi::guarded;
using cinch::capi::view;

struct cinch_derivation_hasher {
  StoreDir store_dir;
  DerivationHasher hasher;
};

namespace {

// The derivation that the callback gives.
Derivation ask(const StoreDir& store_dir, cinch_derivation_fn read, void* payload,
               const StorePath& wanted) {
  const cinch_path path(store_dir, wanted);
  cinch_derivation* given = nullptr;
  const std::int32_t answer = read(&path, &given, payload);
  const std::unique_ptr<cinch_derivation> owned(given);
  cinch::capi::check_callback(answer);
  if (!owned) throw Error(Code::not_found, "this input derivation was not given").about(path.text);
  if (!(owned->store_dir == store_dir)) {
    throw Error(Code::invalid_argument, "this input derivation is one of another store directory")
        .about(path.text);
  }
  return std::move(owned->derivation);
}

const Derivation& of_same_store(const cinch_derivation_hasher& hasher,
                                const cinch_derivation& derivation) {
  if (derivation.store_dir == hasher.store_dir) return derivation.derivation;
  throw Error(Code::invalid_argument, "the derivation is one of another store directory")
      .about(derivation.store_dir.text());
}

}  // namespace

extern "C" {

cinch_error* cinch_derivation_hasher_new(cinch_str store_dir, cinch_derivation_fn read,
                                         void* payload,
                                         cinch_derivation_hasher** hasher_out) noexcept {
  return guarded([&] {
    cinch_derivation_hasher*& out = deref(hasher_out, "hasher_out");
    deref(read, "read");
    const StoreDir directory(view(store_dir));
    out = new cinch_derivation_hasher{
        directory, DerivationHasher(directory, [directory, read, payload](const StorePath& path) {
          return ask(directory, read, payload, path);
        })};
  });
}

cinch_error* cinch_derivation_hasher_output_paths(cinch_derivation_hasher* hasher,
                                                  const cinch_derivation* derivation,
                                                  cinch_outputs** outputs_out) noexcept {
  return guarded([&] {
    cinch_outputs*& out = deref(outputs_out, "outputs_out");
    cinch_derivation_hasher& handle = deref(hasher, "hasher");
    const Derivation& given = of_same_store(handle, deref(derivation, "derivation"));
    const auto paths = handle.hasher.output_paths(given);
    std::map<std::string, std::optional<StorePath>> outputs;
    for (const auto& [name, output] : given.outputs) {
      const auto path = paths.find(name);
      outputs[name] = path == paths.end() ? std::nullopt : std::optional(path->second);
    }
    out = new cinch_outputs(handle.store_dir, outputs);
  });
}

cinch_error* cinch_derivation_hasher_fill_in(cinch_derivation_hasher* hasher,
                                             cinch_derivation* derivation) noexcept {
  return guarded([&] {
    cinch_derivation_hasher& handle = deref(hasher, "hasher");
    cinch_derivation& target = deref(derivation, "derivation");
    Derivation filled = of_same_store(handle, target);
    handle.hasher.fill_in_outputs(filled);
    target.derivation = std::move(filled);
    target.refresh();
  });
}

cinch_error* cinch_derivation_hasher_check(cinch_derivation_hasher* hasher,
                                           const cinch_derivation* derivation) noexcept {
  return guarded([&] {
    cinch_derivation_hasher& handle = deref(hasher, "hasher");
    handle.hasher.check_outputs(of_same_store(handle, deref(derivation, "derivation")));
  });
}

void cinch_derivation_hasher_free(cinch_derivation_hasher* hasher) noexcept { delete hasher; }

}  // extern "C"
