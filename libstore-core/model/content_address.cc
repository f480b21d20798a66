#include "refusal.hh"

#include <cinch/core/content_address.hh>
#include <cinch/core/error.hh>

#include <array>

namespace cinch {

namespace {

Hash parse_hash_part(std::string_view whole, std::size_t start) {
  const std::string_view part = whole.substr(start);
  if (part.find(':') == std::string_view::npos) {
    throw Error(Code::malformed, "a content address holds <algorithm>:<digest>")
        .about(std::string(whole))
        .at(start);
  }
  return parse_part(whole, start, [&] { return Hash::parse(part); });
}

// Why the method does not go with the algorithm; null if it does.
const char* fault_of_algorithm(ContentAddressMethod method, HashAlgorithm algorithm) {
  const bool is_sha256 = algorithm == HashAlgorithm::sha256;
  if (method == ContentAddressMethod::text && !is_sha256) {
    return "text is content-addressed by sha256 only";
  }
  if (method == ContentAddressMethod::git && !is_sha256 && algorithm != HashAlgorithm::sha1) {
    return "git objects are content-addressed by sha1 or sha256 only";
  }
  return nullptr;
}

ContentAddress parse_address(ContentAddressMethod method, std::string_view whole,
                             std::size_t start) {
  const Hash hash = parse_hash_part(whole, start);
  if (const char* fault = fault_of_algorithm(method, hash.algorithm())) {
    throw Error(Code::malformed, fault).about(std::string(whole)).at(start);
  }
  return {method, hash};
}

[[noreturn]] void refuse_combination(std::string_view name, const char* message) {
  throw Error(Code::invalid_argument, message).about(std::string(name));
}

// `text:<ref>:<ref>...` or `source:<ref>...[:self]`.
std::string type_with_references(const StoreDir& store_dir, std::string_view type,
                                 const References& references) {
  std::string text(type);
  for (const StorePath& reference : references.others) {
    text += ':';
    text += store_dir.print(reference);
  }
  if (references.self) text += ":self";
  return text;
}

StorePath make_fixed_path(const StoreDir& store_dir, std::string_view name,
                          const ContentAddress& address) {
  std::string description = "fixed:out:";
  description += method_prefix(address.method);
  description += address.hash.to_string(HashFormat::base16);
  description += ':';
  return make_store_path(store_dir, "output:out",
                         hash_bytes(HashAlgorithm::sha256, as_bytes(description)), name);
}

}  // namespace

std::string_view to_string(ContentAddressMethod method) {
  switch (method) {
    case ContentAddressMethod::text:
      return "text";
    case ContentAddressMethod::flat:
      return "flat";
    case ContentAddressMethod::nar:
      return "nar";
    case ContentAddressMethod::git:
      return "git";
  }
  return "unknown";
}

ContentAddressMethod parse_content_address_method(std::string_view name) {
  using enum ContentAddressMethod;
  for (const auto method : {nar, flat, text, git}) {
    if (name == to_string(method)) return method;
  }
  throw Error(Code::malformed, "unknown content-address method")
      .about(excerpt(name))
      .at(0)
      .hint("use nar, flat, text or git");
}

std::string_view method_prefix(ContentAddressMethod method) {
  switch (method) {
    case ContentAddressMethod::text:
      return "text:";
    case ContentAddressMethod::flat:
      return "";
    case ContentAddressMethod::nar:
      return "r:";
    case ContentAddressMethod::git:
      return "git:";
  }
  return "";
}

void check_content_address_algorithm(ContentAddressMethod method, HashAlgorithm algorithm) {
  if (const char* fault = fault_of_algorithm(method, algorithm)) {
    throw Error(Code::invalid_argument, fault);
  }
}

ContentAddress ContentAddress::parse(std::string_view text) {
  constexpr std::size_t length_max = 300;
  if (text.size() > length_max) {
    throw Error(Code::malformed, "a content address must not have more than 300 characters")
        .about(excerpt(text))
        .at(length_max);
  }
  if (text.starts_with("text:")) return parse_address(ContentAddressMethod::text, text, 5);
  if (text.starts_with("fixed:r:")) return parse_address(ContentAddressMethod::nar, text, 8);
  if (text.starts_with("fixed:git:")) return parse_address(ContentAddressMethod::git, text, 10);
  if (text.starts_with("fixed:")) return parse_address(ContentAddressMethod::flat, text, 6);
  throw Error(Code::malformed, "a content address starts with 'text:' or 'fixed:'")
      .about(std::string(text))
      .at(0);
}

std::string ContentAddress::to_string() const {
  std::string text = method == ContentAddressMethod::text ? "" : "fixed:";
  text += method_prefix(method);
  text += hash.to_string(HashFormat::nix32);
  return text;
}

StorePath make_store_path(const StoreDir& store_dir, std::string_view type, const Hash& inner,
                          std::string_view name) {
  if (inner.algorithm() != HashAlgorithm::sha256) {
    throw Error(Code::invalid_argument, "a store path is computed from a sha256 hash")
        .about(std::string(name));
  }
  check_store_path_name(name);
  std::string fingerprint(type);
  fingerprint += ':';
  fingerprint += inner.to_string(HashFormat::base16);
  fingerprint += ':';
  fingerprint += store_dir.text();
  fingerprint += ':';
  fingerprint += name;

  const Hash full = hash_bytes(HashAlgorithm::sha256, as_bytes(fingerprint));
  std::array<std::byte, store_path_digest_bytes> folded{};
  const Bytes digest = full.digest();
  for (std::size_t i = 0; i < digest.size(); ++i) folded[i % folded.size()] ^= digest[i];
  return StorePath::from_parts(folded, name);
}

StorePath make_output_path(const StoreDir& store_dir, std::string_view output,
                           const Hash& derivation_hash, std::string_view name) {
  return make_store_path(store_dir, "output:" + std::string(output), derivation_hash,
                         output_path_name(name, output));
}

StorePath make_content_addressed_path(const StoreDir& store_dir, std::string_view name,
                                      const ContentAddress& address, const References& references) {
  const HashAlgorithm algorithm = address.hash.algorithm();
  if (const char* fault = fault_of_algorithm(address.method, algorithm)) {
    refuse_combination(name, fault);
  }
  if (address.method == ContentAddressMethod::text) {
    if (references.self) {
      refuse_combination(name, "text that is content-addressed cannot refer to itself");
    }
    return make_store_path(store_dir, type_with_references(store_dir, "text", references),
                           address.hash, name);
  }
  if (address.method == ContentAddressMethod::nar && algorithm == HashAlgorithm::sha256) {
    return make_store_path(store_dir, type_with_references(store_dir, "source", references),
                           address.hash, name);
  }
  if (references.self || !references.others.empty()) {
    refuse_combination(name,
                       "only text, and NARs hashed with sha256, may have references when they are "
                       "content-addressed");
  }
  return make_fixed_path(store_dir, name, address);
}

std::string output_path_name(std::string_view derivation_name, std::string_view output) {
  std::string name(derivation_name);
  if (output != "out") {
    name += '-';
    name += output;
  }
  return name;
}

}  // namespace cinch
