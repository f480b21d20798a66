// What every parser owes the reader of its errors: a code, a sentence, where in the input, and what
// stands there.
#include "catch.hh"
#include "errors.hh"

#include <cinch/core/cache_info.hh>
#include <cinch/core/config_file.hh>
#include <cinch/core/content_address.hh>
#include <cinch/core/derivation_aterm.hh>
#include <cinch/core/derivation_json.hh>
#include <cinch/core/dynamic_path.hh>
#include <cinch/core/encoding.hh>
#include <cinch/core/guix_signature.hh>
#include <cinch/core/machine.hh>
#include <cinch/core/model_json.hh>
#include <cinch/core/nar_listing.hh>
#include <cinch/core/narinfo.hh>
#include <cinch/core/path_info_json.hh>
#include <cinch/core/realisation.hh>
#include <cinch/core/settings.hh>
#include <cinch/core/sexp.hh>
#include <cinch/core/signature.hh>
#include <cinch/core/store_url.hh>

#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace cinch {
namespace {

using Parse = std::function<void(std::string_view)>;

struct Refusal {
  std::string input;
  std::uint64_t offset;
  std::string token;  // must occur in the error
};

void check_refusals(const std::string& parser, const Parse& parse,
                    const std::vector<Refusal>& refusals) {
  for (const auto& [input, offset, token] : refusals) {
    const auto error = test::error_of([&, &text = input] { parse(text); });
    CAPTURE(parser, input);
    REQUIRE(error);
    CAPTURE(error->what());
    CHECK(error->code() != Code::internal);
    CHECK(error->message().size() > 10);
    CHECK(error->offset() == offset);
    CHECK(std::string_view(error->what()).find(token) != std::string_view::npos);
  }
}

const StoreDir store_dir;
const StorePath some_path = StorePath::parse("g1w7hy3qg1w7hy3qg1w7hy3qg1w7hy3q-foo");
const std::string path_text = "/nix/store/g1w7hy3qg1w7hy3qg1w7hy3qg1w7hy3q-foo";
const std::string zeros = std::string(64, '0');

}  // namespace

TEST_CASE("refusals of encodings, hashes and content addresses") {
  check_refusals("base16", base16_decode, {{"00g0", 2, "'g'"}, {"000", 3, "3 characters"}});
  check_refusals("nix32", nix32_decode, {{"00e0", 2, "'e'"}, {"zz", 0, "unused bits"}});
  check_refusals("base64", base64_decode, {{"AA\nA", 2, "byte 0x0a"}, {"AAA", 3, "3 characters"}});
  check_refusals("hash", [](std::string_view text) { Hash::parse(text); },
                 {{"", 0, "algorithm"},
                  {"sha3:00", 0, "'sha3'"},
                  {"sha256:00", 9, "2 characters"},
                  {"sha256:" + zeros.substr(1) + "x", 70, "'x'"},
                  {"md5-AAAAAAAAAAAAAAAAAAAAAA=?", 27, "options"},
                  {"md5-AAAAAAAAAAAAAAAAAAAAAA==?x", 28, "options"}});
  check_refusals("content address", [](std::string_view text) { ContentAddress::parse(text); },
                 {{"flat:sha256:" + zeros, 0, "flat:"},
                  {"fixed:sha256", 6, "fixed:sha256"},
                  {"text:sha1:" + zeros.substr(24), 5, "sha256 only"},
                  {"fixed:r:sha256:" + zeros.substr(1) + "!", 78, "'!'"}});
  check_refusals("method", parse_content_address_method, {{"recursive", 0, "recursive"}});
}

TEST_CASE("refusals of paths") {
  const auto parse_full = [](std::string_view text) { store_dir.parse(text); };
  check_refusals("store path", parse_full,
                 {{"/nix/stork/" + some_path.base_name(), 0, "/nix/stork"},
                  {path_text + "?/", path_text.size() + 1, "foo?/"},
                  {"/nix/store/e" + some_path.base_name().substr(1), 11, "/e1w7"}});
  check_refusals("deriving path",
                 [](std::string_view text) { parse_deriving_path(text, store_dir); },
                 {{path_text + "^out", path_text.size(), "foo^out"},
                  {path_text + ".drv^", path_text.size() + 5, "empty"},
                  {path_text + ".drv^a,b c", path_text.size() + 8, "b c"},
                  {path_text + ".drv^a^b", path_text.size() + 6, "outputs of outputs"}});
  check_refusals("dynamic path", [](std::string_view text) { parse_dynamic_path(text, store_dir); },
                 {{path_text + "^out", path_text.size(), "foo^out"},
                  {path_text + ".drv^a^b!", path_text.size() + 8, "b!"}});
  check_refusals("output spec", parse_output_spec, {{"a,,b", 2, "a,,b"}, {"a,*", 2, "a,*"}});
  check_refusals("store URL", parse_store_url,
                 {{"nonsense", 0, "nonsense"},
                  {"s_h://a", 1, "s_h"},
                  {"ssh://a?b=%4", 10, "%4"},
                  {"ssh://a\n", 7, "control"}});
  check_refusals("realisation key",
                 [](std::string_view text) { RealisationKey::parse(text, store_dir); },
                 {{path_text, path_text.size(), "'^'"}, {path_text + "^out", 0, "'.drv'"}});
  check_refusals("hashed realisation key", HashedRealisationKey::parse,
                 {{"sha256:" + zeros, 71, "'!'"}, {"sha256:" + zeros + "!a b", 73, "a b"}});
}

TEST_CASE("refusals of signatures and keys, which do not show secrets") {
  check_refusals("signature", Signature::parse,
                 {{"a", 0, "<key name>"},
                  {"ab:AAA", 6, "ab:AAA"},
                  {"ab:" + std::string(85, 'A') + "?==", 88, "'?'"}});
  check_refusals("public key", PublicKey::parse, {{"ab:AA==", 7, "ab:AA=="}});
  check_refusals("public keys", parse_public_keys, {{" \nab:AA==", 9, "ab:AA=="}});
  check_refusals("secret key", SecretKey::parse,
                 {{"ab:AA==", 3, "ab"}, {"ab:" + std::string(86, 'A') + "==", 3, "two halves"}});
  const auto error = test::error_of([] { SecretKey::parse("ab:geheim"); });
  REQUIRE(error);
  CHECK(std::string_view(error->what()).find("geheim") == std::string_view::npos);
}

TEST_CASE("refusals of files of lines") {
  const std::string head = "StorePath: " + path_text + "\n";
  check_refusals("narinfo", [](std::string_view text) { parse_narinfo(text, store_dir); },
                 {{head + "URL", head.size() + 3, "URL"},
                  {head + "NarSize: x1\n", head.size() + 9, "NarSize"},
                  {"StorePath: /nix/store/x\n", 23, "/nix/store/x"},
                  {std::string(narinfo_bytes_max + 1, 'a'), narinfo_bytes_max, "bytes"}});
  check_refusals("nix-cache-info", parse_cache_info,
                 {{"StoreDir: x\n", 10, "StoreDir"},
                  {"A: b\nPriority: x\n", 15, "Priority"},
                  {std::string(cache_info_bytes_max + 1, 'a'), cache_info_bytes_max, "bytes"}});
  check_refusals("machines", [](std::string_view text) { parse_machines(text, {}); },
                 {{"a\nb - - x y\n", 8, "'x'"},
                  {"a;b - - - - - - - -", 18, "fields"},
                  {std::string(machines_bytes_max + 1, 'a'), machines_bytes_max, "bytes"}});
  check_refusals("nix.conf", [](std::string_view text) { parse_config(text, "/nix.conf", {}); },
                 {{"a = 1\n cores\n", 7, "'cores'"},
                  {"a = 1\ncores 4 5\n", 12, "'4'"},
                  {"include\n", 0, "'include'"}});
}

TEST_CASE("refusals of settings say where in the value") {
  const auto set = [](const char* name) {
    return [name](std::string_view value) { Settings().set(name, value); };
  };
  check_refusals("cores", set("cores"), {{"4x", 0, "'4x'"}});
  check_refusals("sandbox", set("sandbox"), {{"maybe", 0, "'maybe'"}});
  check_refusals("sandbox-paths", set("sandbox-paths"), {{"/bin  lib=/lib", 6, "'lib=/lib'"}});
  check_refusals("trusted-public-keys", set("trusted-public-keys"),
                 {{" a:" + std::string(43, 'A') + "=  b:A?==", 55, "'b:A?=='"}});
}

TEST_CASE("refusals of derivations") {
  check_refusals("ATerm", [](std::string_view text) { parse_derivation(text, "x", store_dir); },
                 {{"Derivate(", 0, "Derive("},
                  {R"(Derive([("out","","","")],[],[],"a,)", 32, "string"},
                  {R"(Derive([("out","","sha255","00")],[],[],"a","b",[],[]))", 19, "'sha255'"},
                  {R"(Derive([("out","","x:sha256","00")],[],[],"a","b",[],[]))", 19, "'x:'"}});
}

TEST_CASE("refusals of JSON say where the value stands, and show it") {
  check_refusals("derivation",
                 [](std::string_view text) { parse_derivation_json(text, store_dir); },
                 {{"[1, 2", 5, "not JSON"},
                  {R"( {"name": "x", "version": 3.5})", 26, "3.5"},
                  {R"({"a": {"b": 1, "\u0062": 2}})", 15, "'b' twice"},
                  {R"({"a\"[": ")" + std::string(3, '[') + R"(", "b":)" + std::string(70, '['), 83,
                   "64 levels"}});
  check_refusals("content address", parse_content_address_json,
                 {{R"({"method": "nar", "hash": "sha256-x"})", 26, "\"sha256-x\""},
                  {R"({"method": ["nar"]})", 11, "[\"nar\"]"},
                  {"7", 0, "number"}});
  check_refusals("output spec", parse_output_spec_json,
                 {{R"(["a", "b", "a"])", 11, "\"a\""}, {R"(["a", ["[,]"], 1])", 6, "[\"[,]\"]"}});
  check_refusals("single path", parse_single_path_json,
                 {{R"({"output": "a", "drvPath" : { "drvPath":"x" } })", 40, "\"x\""}});
  check_refusals("listing", parse_nar_listing,
                 {{R"({"version":1,"root":{"type":"directory","entries":{"a/b":{}}}})", 57, "{}"},
                  {R"({"version":2})", 11, "version 2"}});
  check_refusals("tree", [](std::string_view text) { parse_tree_json(text, 1000); },
                 {{R"({"type":"directory","entries":{"~":{"type":"dir"}}})", 43, "\"dir\""}});
  check_refusals("path info",
                 [](std::string_view text) { parse_path_info_json(text, some_path, store_dir); },
                 {{R"({"version": 9})", 12, "9"}, {R"({"narHash": 1})", 12, "1"}});
  check_refusals("realisation", parse_realisation_json,
                 {{R"({"key": {"drvPath": "a", "outputName": "out"}, "value": {}})", 20, "\"a\""}});
  check_refusals("hashed realisation", parse_hashed_realisation_json,
                 {{R"({"id":"sha256:1!out"})", 6, "sha256:1!out"}});
  check_refusals(
      "build result",
      [](std::string_view text) { parse_build_result_json(text, OpaquePath{some_path}); },
      {{R"({"status":"Done"})", 10, "'Done'"}});
  const std::string long_text(100000, 'a');
  const auto error = test::error_of([&] { parse_store_path_json("\"" + long_text + "\""); });
  REQUIRE(error);
  CHECK(std::string_view(error->what()).size() < 2000);
}

TEST_CASE("refusals of s-expressions and what Guix writes in them") {
  check_refusals("s-expression", Sexp::parse,
                 {{"(a ?)", 3, "'?'"},
                  {"(a \"\\q\")", 5, "escape"},
                  {"(a #0g#)", 5, "'g'"},
                  {"(a))", 3, "follows"},
                  {"(9223372036854775808:a)", 1, "longer than the text"},
                  {"(18446744073709551615:a)", 1, "longer than the text"},
                  {"(18446744073709551608:a)", 1, "longer than the text"},
                  {"(18446744073709551616:a)", 1, "<count>:<bytes>"},
                  {std::string(sexp_bytes_max + 1, 'a'), sexp_bytes_max, "bytes"}});
  check_refusals("public key", GuixPublicKey::parse,
                 {{" (key)", 1, "(public-key"},
                  {"(public-key (ecc (curve Ed448) (q ab)))", 12, "Ed448"},
                  {"(public-key (ecc (curve Ed25519) (q ab)))", 12, "32 bytes"},
                  {"(public-key (ecc (curve (a)) (q ab)))", 17, "'curve'"}});
  check_refusals("access list", parse_guix_acl, {{"(acl (entry (tag)) x)", 19, "(entry"}});
}

}  // namespace cinch
