#include "convert.hh"

#include <cinch/core/realisation.hh>

#include <variant>

using cinch::HashedRealisation;
using cinch::Realisation;
using cinch::StoreDir;
using cinch::capi::deref;
using cinch::capi::guarded;
using cinch::capi::lend;
using cinch::capi::view;

namespace {

using AnyRealisation = std::variant<Realisation, HashedRealisation>;

std::string id_of(const Realisation& realisation, const StoreDir& store_dir) {
  return realisation.key.to_string(store_dir);
}
std::string id_of(const HashedRealisation& realisation, const StoreDir&) {
  return realisation.key.to_string();
}

std::string json_of(const Realisation& realisation) {
  return cinch::print_realisation_json(realisation);
}
std::string json_of(const HashedRealisation& realisation) {
  return cinch::print_hashed_realisation_json(realisation);
}

// The older form has an "id", which the newer one has not. What is neither is refused as the newer.
AnyRealisation parse(std::string_view json) {
  try {
    return cinch::parse_realisation_json(json);
  } catch (const cinch::Error&) {
    if (json.find("\"id\"") == std::string_view::npos) throw;
    return cinch::parse_hashed_realisation_json(json);
  }
}

}  // namespace

struct cinch_realisation {
  cinch_realisation(const StoreDir& store_dir, AnyRealisation any)
      : value(std::move(any)),
        id(std::visit([&](const auto& form) { return id_of(form, store_dir); }, value)),
        path(store_dir, std::visit([](const auto& form) { return form.path; }, value)) {
    refresh();
  }
  void refresh() {
    signatures.clear();
    std::visit(
        [&](const auto& form) {
          for (const auto& signature : form.signatures) {
            signatures.push_back(signature.to_string());
          }
        },
        value);
  }
  AnyRealisation value;
  std::string id;
  cinch_path path;
  std::vector<std::string> signatures;
};

extern "C" {

cinch_error* cinch_realisation_parse_json(cinch_str store_dir, cinch_str json,
                                          cinch_realisation** realisation_out) noexcept {
  return guarded([&] {
    cinch_realisation*& out = deref(realisation_out, "realisation_out");
    out = new cinch_realisation(StoreDir(view(store_dir)), parse(view(json)));
  });
}

cinch_error* cinch_realisation_print_json(const cinch_realisation* realisation,
                                          cinch_text** json_out) noexcept {
  return guarded([&] {
    cinch_text*& out = deref(json_out, "json_out");
    out = new cinch_text{std::visit([](const auto& form) { return json_of(form); },
                                    deref(realisation, "realisation").value)};
  });
}

cinch_str cinch_realisation_id(const cinch_realisation* realisation) noexcept {
  return lend(realisation->id);
}

const cinch_path* cinch_realisation_path(const cinch_realisation* realisation) noexcept {
  return &realisation->path;
}

size_t cinch_realisation_signatures_count(const cinch_realisation* realisation) noexcept {
  return realisation->signatures.size();
}

cinch_str cinch_realisation_signature_at(const cinch_realisation* realisation,
                                         size_t index) noexcept {
  return cinch::capi::lend_at(realisation->signatures, index);
}

cinch_error* cinch_realisation_fingerprint(const cinch_realisation* realisation,
                                           cinch_text** text_out) noexcept {
  return guarded([&] {
    cinch_text*& out = deref(text_out, "text_out");
    out = new cinch_text{std::visit([](const auto& form) { return form.fingerprint(); },
                                    deref(realisation, "realisation").value)};
  });
}

cinch_error* cinch_realisation_add_signature(cinch_realisation* realisation,
                                             cinch_str signature) noexcept {
  return guarded([&] {
    cinch_realisation& handle = deref(realisation, "realisation");
    const auto parsed = cinch::Signature::parse(view(signature));
    std::visit([&](auto& form) { form.signatures.insert(parsed); }, handle.value);
    handle.refresh();
  });
}

void cinch_realisation_free(cinch_realisation* realisation) noexcept { delete realisation; }

}  // extern "C"
