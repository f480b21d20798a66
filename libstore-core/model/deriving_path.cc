#include "refusal.hh"

#include <cinch/core/deriving_path.hh>
#include <cinch/core/error.hh>

#include <utility>

namespace cinch {

namespace {

std::set<std::string> parse_outputs(std::string_view whole, std::size_t start) {
  std::set<std::string> outputs;
  for (;;) {
    const std::size_t comma = whole.find(',', start);
    const std::string_view output = whole.substr(start, comma - start);
    parse_part(whole, start, [&] { check_store_path_name(output); });
    outputs.emplace(output);
    if (comma == std::string_view::npos) return outputs;
    start = comma + 1;
  }
}

}  // namespace

DerivingPath parse_deriving_path(std::string_view text, const StoreDir& store_dir, char separator) {
  // The store directory may contain the separator; the rest of a store path cannot.
  const std::size_t at = text.find(separator, store_dir.text().size());
  if (at == std::string_view::npos) return OpaquePath{store_dir.parse(text)};
  StorePath derivation = parse_part(text, 0, [&] { return store_dir.parse(text.substr(0, at)); });
  if (!derivation.is_derivation()) {
    throw Error(Code::malformed, "only a derivation has outputs; its name must end in '.drv'")
        .about(excerpt(text))
        .at(at);
  }
  const std::string_view outputs = text.substr(at + 1);
  if (outputs == "*") return BuiltPath{std::move(derivation), AllOutputs{}};
  if (const std::size_t second = text.find(separator, at + 1); second != std::string_view::npos) {
    throw Error(Code::not_supported, "outputs of outputs (dynamic derivations) are not supported")
        .about(excerpt(text))
        .at(second);
  }
  return BuiltPath{std::move(derivation), parse_outputs(text, at + 1)};
}

std::string print_deriving_path(const DerivingPath& path, const StoreDir& store_dir,
                                char separator) {
  if (const auto* opaque = std::get_if<OpaquePath>(&path)) return store_dir.print(opaque->path);
  const BuiltPath& built = std::get<BuiltPath>(path);
  std::string text = store_dir.print(built.derivation);
  const auto* names = std::get_if<std::set<std::string>>(&built.outputs);
  if (names == nullptr) return text + separator + '*';
  char before = separator;
  for (const std::string& name : *names) {
    text += before;
    text += name;
    before = ',';
  }
  return text;
}

bool wants_output(const OutputSpec& spec, std::string_view output) {
  const auto* names = std::get_if<std::set<std::string>>(&spec);
  return names == nullptr || names->contains(std::string(output));
}

}  // namespace cinch
