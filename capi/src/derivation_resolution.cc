#include "convert.hh"
#include "derivation_value.hh"

#include <cinch/core/derivation_resolution.hh>
#include <cinch/core/placeholder.hh>

using cinch::Code;
using cinch::Error;
using cinch::Placeholder;
using cinch::StorePath;
using cinch::capi::deref;
using cinch::capi::guarded;
using cinch::capi::lend;
using cinch::capi::view;

namespace {

Placeholder first_placeholder(const cinch_path* derivation, std::string_view output) {
  if (derivation == nullptr) return Placeholder::own_output(output);
  if (!derivation->path.is_derivation()) {
    throw Error(Code::invalid_argument, "this is no path of a derivation").about(derivation->text);
  }
  return Placeholder::input_output(derivation->path, output);
}

}  // namespace

extern "C" {

cinch_error* cinch_placeholder(const cinch_path* derivation, const cinch_str* outputs,
                               size_t outputs_count, cinch_text** text_out) noexcept {
  return guarded([&] {
    cinch_text*& out = deref(text_out, "text_out");
    if (outputs_count == 0) throw Error(Code::invalid_argument, "a placeholder is of an output");
    deref(outputs, "outputs");
    Placeholder placeholder = first_placeholder(derivation, view(outputs[0]));
    if (outputs_count > 1 && derivation == nullptr) {
      throw Error(Code::invalid_argument, "the outputs of an own output have no placeholders");
    }
    for (size_t i = 1; i < outputs_count; ++i) {
      placeholder = placeholder.output_of_this(view(outputs[i]));
    }
    out = new cinch_text{placeholder.text()};
  });
}

bool cinch_derivation_needs_resolution(const cinch_derivation* derivation) noexcept {
  return cinch::needs_resolution(derivation->derivation);
}

cinch_error* cinch_derivation_resolve(const cinch_derivation* derivation, cinch_find_output_fn find,
                                      void* payload, cinch_derivation** derivation_out) noexcept {
  return guarded([&] {
    cinch_derivation*& out = deref(derivation_out, "derivation_out");
    const cinch_derivation& handle = deref(derivation, "derivation");
    deref(find, "find");
    const auto ask = [&](const StorePath& wanted,
                         std::string_view output) -> std::optional<StorePath> {
      const cinch_path path(handle.store_dir, wanted);
      const std::string name(output);
      cinch_path* found = nullptr;
      const std::int32_t answer = find(&path, lend(name), &found, payload);
      const std::unique_ptr<cinch_path> owned(found);
      cinch::capi::check_callback(answer);
      if (!owned) return std::nullopt;
      return owned->path;
    };
    auto resolved = cinch::resolve_derivation(handle.derivation, handle.store_dir, ask);
    out = resolved ? new cinch_derivation(handle.store_dir, *std::move(resolved)) : nullptr;
  });
}

}  // extern "C"
