#include "convert.hh"

#include <cinch/core/store_url.hh>

using cinch::Code;
using cinch::Error;
using cinch::StoreUrl;
using cinch::capi::deref;
using cinch::capi::guarded;
using cinch::capi::lend;
using cinch::capi::view;

struct cinch_store_reference {
  explicit cinch_store_reference(StoreUrl value)
      : url(std::move(value)), text(cinch::print_store_url(url)) {
    for (const auto& [name, content] : url.parameters) {
      parameters.push_back({lend(name), lend(content)});
    }
  }
  cinch_store_reference(const cinch_store_reference&) = delete;
  cinch_store_reference& operator=(const cinch_store_reference&) = delete;

  StoreUrl url;
  std::string text;
  std::vector<cinch_variable> parameters;  // views into `url`
};

extern "C" {

cinch_error* cinch_store_reference_parse(cinch_str url,
                                         cinch_store_reference** reference_out) noexcept {
  return guarded([&] {
    cinch_store_reference*& out = deref(reference_out, "reference_out");
    out = new cinch_store_reference(cinch::parse_store_url(view(url)));
  });
}

cinch_error* cinch_store_reference_new(cinch_str scheme, cinch_str authority,
                                       const cinch_variable* parameters, size_t parameters_count,
                                       cinch_store_reference** reference_out) noexcept {
  return guarded([&] {
    cinch_store_reference*& out = deref(reference_out, "reference_out");
    if (parameters_count > 0) deref(parameters, "parameters");
    StoreUrl url{.scheme = std::string(view(scheme)),
                 .authority = std::string(view(authority)),
                 .parameters = {}};
    for (size_t i = 0; i < parameters_count; ++i) {
      const auto [place, is_new] =
          url.parameters.emplace(view(parameters[i].name), view(parameters[i].value));
      if (is_new) continue;
      throw Error(Code::invalid_argument, "a parameter is given twice").about(place->first);
    }
    out = new cinch_store_reference(std::move(url));
  });
}

cinch_str cinch_store_reference_url(const cinch_store_reference* reference) noexcept {
  return lend(reference->text);
}

cinch_str cinch_store_reference_scheme(const cinch_store_reference* reference) noexcept {
  return lend(reference->url.scheme);
}

cinch_str cinch_store_reference_authority(const cinch_store_reference* reference) noexcept {
  return lend(reference->url.authority);
}

size_t cinch_store_reference_parameters_count(const cinch_store_reference* reference) noexcept {
  return reference->parameters.size();
}

cinch_variable cinch_store_reference_parameter_at(const cinch_store_reference* reference,
                                                  size_t index) noexcept {
  return cinch::capi::variable_at(reference->parameters, index);
}

void cinch_store_reference_free(cinch_store_reference* reference) noexcept { delete reference; }

}  // extern "C"
