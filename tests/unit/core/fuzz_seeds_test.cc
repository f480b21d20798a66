// The seeds of the fuzz targets are documents that their parsers take: one that is refused at the
// door leads nowhere.
#include "catch.hh"
#include "vectors.hh"

#include <cinch/core/cache_info.hh>
#include <cinch/core/content_address.hh>
#include <cinch/core/derivation_aterm.hh>
#include <cinch/core/derivation_json.hh>
#include <cinch/core/derivation_options.hh>
#include <cinch/core/dynamic_path.hh>
#include <cinch/core/error.hh>
#include <cinch/core/export_archive.hh>
#include <cinch/core/guix_signature.hh>
#include <cinch/core/machine.hh>
#include <cinch/core/model_json.hh>
#include <cinch/core/nar.hh>
#include <cinch/core/nar_listing.hh>
#include <cinch/core/narinfo.hh>
#include <cinch/core/path_info_json.hh>
#include <cinch/core/realisation.hh>
#include <cinch/core/sexp.hh>
#include <cinch/core/signature.hh>
#include <cinch/core/store_url.hh>
#include <cinch/core/validity_registration.hh>

#include <algorithm>
#include <functional>
#include <string>
#include <vector>

namespace cinch {
namespace {

using Parse = std::function<void(const std::string&)>;

bool takes(const Parse& parse, const std::string& seed) {
  try {
    parse(seed);
    return true;
  } catch (const Error&) {
    return false;
  }
}

// Each seed is taken by one of the parsers that its target calls.
void check_seeds(const std::string& target, const std::vector<Parse>& parsers) {
  const std::filesystem::path folder =
      std::filesystem::path(CINCH_SOURCE_ROOT) / "tests/fuzz/seeds" / target;
  std::size_t seeds = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    const std::string seed = test::read_file(entry.path());
    CAPTURE(entry.path());
    CHECK(std::ranges::any_of(parsers, [&](const Parse& parse) { return takes(parse, seed); }));
    ++seeds;
  }
  CHECK(seeds > 0);
}

const StoreDir store_dir;
// Reads the options of a derivation that has this variable.
Parse read_options(const std::string& variable) {
  return [variable](const std::string& value) {
    Derivation derivation;
    derivation.environment = {{variable, value}};
    (void)read_derivation_options(derivation, store_dir);
  };
}

const StorePath some_path = StorePath::parse("g1w7hy3qg1w7hy3qg1w7hy3qg1w7hy3q-foo");

}  // namespace

TEST_CASE("seeds of derivations") {
  check_seeds("aterm", {[](const std::string& s) { parse_derivation(s, "fuzz", store_dir); }});
  check_seeds("derivation_json",
              {[](const std::string& s) { parse_derivation_json(s, store_dir); },
               [](const std::string& s) { parse_derivations_json(s, store_dir); }});
  check_seeds("derivation_options", {parse_derivation_options_json, read_options("__json"),
                                     read_options("exportReferencesGraph")});
}

TEST_CASE("seeds of short texts") {
  check_seeds("deriving_path",
              {[](const std::string& s) { parse_dynamic_path(s, store_dir); },
               [](const std::string& s) { parse_dynamic_path(s, StoreDir("/a^b/c!d"), '!'); },
               parse_output_spec});
  check_seeds("hash", {[](const std::string& s) { Hash::parse(s); },
                       [](const std::string& s) { Hash::parse(s, HashAlgorithm::sha256); },
                       [](const std::string& s) { Hash::parse(s, HashAlgorithm::md5); },
                       ContentAddress::parse});
  check_seeds("store_path", {[](const std::string& s) { StorePath::parse(s); },
                             [](const std::string& s) { store_dir.parse(s); }});
  check_seeds("store_url", {parse_store_url});
}

TEST_CASE("seeds of signatures and realisations") {
  check_seeds("signature",
              {Signature::parse, SecretKey::parse, parse_secret_key_file, parse_public_keys});
  check_seeds("sexp", {Sexp::parse});
  const auto read_registrations = [](RegistrationHashes hashes) {
    return [hashes](const std::string& s) {
      StringSource source(s);
      RegistrationReader reader(source, store_dir, hashes);
      while (reader.next()) {
      }
    };
  };
  check_seeds("validity_registration", {read_registrations(RegistrationHashes::absent),
                                        read_registrations(RegistrationHashes::given)});
  check_seeds("realisation",
              {[](const std::string& s) { RealisationKey::parse(s, store_dir); },
               HashedRealisationKey::parse, parse_realisation_json, parse_hashed_realisation_json,
               [](const std::string& s) {
                 parse_realisation_value_json(s, {.derivation = some_path, .output = "out"});
               }});
}

TEST_CASE("seeds of documents") {
  check_seeds("narinfo",
              {[](const std::string& s) { parse_narinfo(s, store_dir); }, parse_cache_info});
  check_seeds("path_info_json",
              {[](const std::string& s) { parse_path_info_json(s, some_path, store_dir); },
               [](const std::string& s) { parse_path_infos_json(s, store_dir); }});
  check_seeds("nar_listing",
              {parse_nar_listing, [](const std::string& s) { parse_tree_json(s, 1000); }});
  check_seeds("machines", {[](const std::string& s) { parse_machines(s, {}); }});
  check_seeds("model_json", {[](const std::string& s) {
                const std::string json = s.substr(1);
                if (s[0] == 'p') parse_store_path_json(json);
                if (s[0] == 'c') parse_content_address_json(json);
                if (s[0] == 'o') parse_output_spec_json(json);
                if (s[0] == 's') parse_single_path_json(json);
                if (s[0] == 'd') parse_dynamic_path_json(json);
                if (s[0] == 'b') parse_build_result_json(json, OpaquePath{some_path});
              }});
  check_seeds("export", {[](const std::string& s) {
                StringSource source(s);
                ExportReader reader(source, store_dir);
                while (reader.next()) {
                  StringSink nar(s.size());
                  copy_nar(reader.nar(), nar);
                  (void)reader.read_object();
                }
              }});
  check_seeds("nar", {[](const std::string& s) {
                NarListingBuilder builder;
                NarParserSink sink(builder);
                sink.write(as_bytes(s.substr(1)));
                sink.finish();
              }});
}

}  // namespace cinch
