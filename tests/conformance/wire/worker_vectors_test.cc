// The golden files of the worker protocol, and what the serve protocol has in common with it: each
// is read, compared with its JSON, and written again to the same bytes.
#include "catch.hh"
#include "golden.hh"
#include "wire/handshake.hh"
#include "wire/values.hh"

#include <cinch/core/model_json.hh>

#include <string>

#include <nlohmann/json.hpp>

namespace cinch::wire {
namespace {

using nlohmann::json;
using test::check_document;
using test::check_vector;
using test::read_json;
using test::read_vector;

Dialect dialect_of(Minor minor) { return {.minor = minor}; }

json to_json(const std::optional<StorePath>& path) {
  return path ? json(path->base_name()) : json(nullptr);
}

json to_json(const std::optional<ContentAddress>& address) {
  if (!address) return nullptr;
  return {{"method", to_string(address->method)},
          {"hash", address->hash.to_string(HashFormat::sri)}};
}

json to_json(const DerivingPath& path) {
  if (const auto* opaque = std::get_if<OpaquePath>(&path)) return opaque->path.base_name();
  const BuiltPath& built = std::get<BuiltPath>(path);
  json outputs = json::array({"*"});
  if (const auto* names = std::get_if<std::set<std::string>>(&built.outputs)) outputs = *names;
  return {{"drvPath", built.derivation.base_name()}, {"outputs", outputs}};
}

std::set<std::string> base_names(const StorePathSet& paths) {
  std::set<std::string> names;
  for (const StorePath& path : paths) names.insert(path.base_name());
  return names;
}

void check_path_info(const PathInfo& info, const json& expected) {
  CHECK(to_json(info.content_address) == expected["ca"]);
  CHECK(to_json(info.deriver) == expected["deriver"]);
  CHECK(info.nar_hash.to_string(HashFormat::sri) == expected["narHash"].get<std::string>());
  CHECK(info.nar_size == expected["narSize"]);
  CHECK(base_names(info.references) == expected["references"].get<std::set<std::string>>());
  CHECK(info.registration_time == expected["registrationTime"]);
  CHECK(info.ultimate == expected["ultimate"]);
  REQUIRE(info.signatures.size() == expected["signatures"].size());
  auto signature = info.signatures.begin();
  for (const json& item : expected["signatures"]) {
    CHECK((signature++)->to_string() ==
          item["keyName"].get<std::string>() + ":" + item["sig"].get<std::string>());
  }
}

// Everything but what was wanted, which stands beside it.
void check_build_result(const BuildResult& result, const json& expected) {
  CHECK(result == parse_build_result_json(expected.dump(), result.wanted));
}

constexpr const char* all_folders[] = {"common-protocol", "worker-protocol", "serve-protocol"};

const DerivingPath some_path = OpaquePath{StorePath::parse("g1w7hy3qg1w7hy3qg1w7hy3qg1w7hy3q-foo")};

}  // namespace

TEST_CASE("texts, paths and content addresses") {
  for (const std::string folder : all_folders) {
    check_vector(folder, "string", [](Decoder& in, Encoder& out, const json& item) {
      const std::string text = in.text(1000);
      CHECK(text == item.get<std::string>());
      out.text(text);
    });
    check_vector(folder, "store-path", [](Decoder& in, Encoder& out, const json& item) {
      const StorePath path = read_path(in, dialect_of(38));
      CHECK(path.base_name() == item.get<std::string>());
      write_path(out, dialect_of(38), path);
    });
    check_vector(folder, "optional-store-path", [](Decoder& in, Encoder& out, const json& item) {
      const auto path = read_optional_path(in, dialect_of(38));
      CHECK(to_json(path) == item);
      write_optional_path(out, dialect_of(38), path);
    });
    check_vector(folder, "content-address", [](Decoder& in, Encoder& out, const json& item) {
      const auto address = read_optional_content_address(in);
      CHECK(to_json(address) == item);
      write_optional_content_address(out, address);
    });
    check_vector(folder, "optional-content-address",
                 [](Decoder& in, Encoder& out, const json& item) {
                   const auto address = read_optional_content_address(in);
                   CHECK(to_json(address) == item);
                   write_optional_content_address(out, address);
                 });
  }
}

// Three lists of texts, and a list of such lists.
TEST_CASE("lists") {
  for (const std::string folder : all_folders) {
    for (const std::string name : {"set", "vector"}) {
      check_vector(folder, name, [](Decoder& in, Encoder& out, const json& item) {
        const bool nested = !item.empty() && item[0].is_array();
        if (nested) {
          REQUIRE(in.count(list_count_max) == item.size());
          out.number(item.size());
        }
        for (const json& list : nested ? item : json::array({item})) {
          const std::vector<std::string> texts = read_texts(in, name_bytes_max);
          CHECK(texts == list.get<std::vector<std::string>>());
          out.texts(texts);
        }
      });
    }
  }
}

TEST_CASE("build modes and trust") {
  check_vector("worker-protocol", "build-mode", [](Decoder& in, Encoder& out, const json& item) {
    const auto mode = static_cast<std::uint64_t>(read_build_mode(in));
    CHECK(mode == item);
    out.number(mode);
  });
  check_vector("worker-protocol", "optional-trusted-flag",
               [](Decoder& in, Encoder& out, const json& item) {
                 const Trust trust = read_trust(in);
                 CHECK((trust == Trust::unknown) == item.is_null());
                 if (!item.is_null()) CHECK((trust == Trust::trusted) == item.get<bool>());
                 out.number(static_cast<std::uint64_t>(trust));
               });
}

TEST_CASE("deriving paths, with and without the syntax for outputs") {
  for (const Minor minor : {Minor{29}, Minor{30}}) {
    check_vector("worker-protocol", "derived-path-1." + std::to_string(minor),
                 [minor](Decoder& in, Encoder& out, const json& item) {
                   const DerivingPath path = read_deriving_path(in, dialect_of(minor));
                   CHECK(to_json(path) == item);
                   write_deriving_path(out, dialect_of(minor), path);
                 });
  }
}

TEST_CASE("path infos") {
  check_vector("worker-protocol", "valid-path-info-1.16",
               [](Decoder& in, Encoder& out, const json& item) {
                 const StorePath path = read_path(in, dialect_of(38));
                 CHECK(path.base_name() == item["path"].get<std::string>());
                 const PathInfo info = read_path_info(in, dialect_of(38), path);
                 check_path_info(info, item);
                 write_path(out, dialect_of(38), info.path);
                 write_path_info(out, dialect_of(38), info);
               });
}

TEST_CASE("build results of several versions") {
  const auto check = [](const std::string& name, const Dialect& dialect) {
    check_vector("worker-protocol", name, [&](Decoder& in, Encoder& out, const json& item) {
      const BuildResult result = read_build_result(in, dialect, some_path);
      check_build_result(result, item);
      write_build_result(out, dialect, result);
    });
  };
  check("build-result-1.27", dialect_of(27));
  check("build-result-1.29-compat", dialect_of(29));
  check("build-result-realisation-with-path-not-hash",
        {.minor = 38, .realisation_with_path = true});
}

TEST_CASE("build results keep the signatures of their outputs") {
  BuildResult result{.wanted = some_path, .status = BuildStatus::built};
  result.outputs.emplace("out", StorePath::parse("g1w7hy3qg1w7hy3qg1w7hy3qg1w7hy3q-foo"));
  result.signatures["out"].insert(Signature{"a", {}});
  result.signatures["out"].insert(Signature{"b", {}});
  for (const Dialect& dialect :
       {dialect_of(28), dialect_of(37), Dialect{.minor = 38, .realisation_with_path = true}}) {
    Encoder encoder;
    write_build_result(encoder, dialect, result);
    StringSource source(as_text(encoder.bytes()));
    Decoder decoder(source);
    CHECK(read_build_result(decoder, dialect, some_path) == result);
  }
}

// The old realisations hold the derivation's hash, which a result does not keep: a row of zeros
// takes its place, as in the vector 1.29-compat, so that only the values come back.
TEST_CASE("build results that name derivations by hash") {
  for (const Minor minor : {Minor{28}, Minor{29}, Minor{37}}) {
    CAPTURE(minor);
    const Dialect dialect = dialect_of(minor);
    const std::string name = "build-result-1." + std::to_string(minor);
    const std::string bytes = read_vector("worker-protocol", name + ".bin");
    StringSource source(bytes);
    Decoder decoder(source);
    for (const json& item : read_json("worker-protocol", name)) {
      const BuildResult result = read_build_result(decoder, dialect, some_path);
      check_build_result(result, item);
      Encoder encoder;
      write_build_result(encoder, dialect, result);
      StringSource written(as_text(encoder.bytes()));
      Decoder again(written);
      CHECK(read_build_result(again, dialect, some_path) == result);
      CHECK(again.at_end());
    }
    CHECK(decoder.at_end());
  }
}

TEST_CASE("realisations that are keyed by path") {
  const Dialect dialect{.minor = 38, .realisation_with_path = true};
  const std::string suffix = "-realisation-with-path-not-hash";
  check_vector("worker-protocol", "drv-output" + suffix,
               [&](Decoder& in, Encoder& out, const json& item) {
                 const RealisationKey key = read_realisation_key(in, dialect);
                 CHECK(key.derivation.base_name() == item["drvPath"].get<std::string>());
                 CHECK(key.output == item["outputName"].get<std::string>());
                 write_realisation_key(out, dialect, key);
               });
  check_document("worker-protocol", "realisation" + suffix,
                 [&](Decoder& in, Encoder& out, const json& item) {
                   const Realisation realisation = read_realisation(in, dialect);
                   CHECK(realisation == parse_realisation_json(item.dump()));
                   write_realisation(out, dialect, realisation);
                 });
  const RealisationKey key{StorePath::parse("g1w7hy3qg1w7hy3qg1w7hy3qg1w7hy3q-foo.drv"), "out"};
  check_document("worker-protocol", "unkeyed-realisation" + suffix,
                 [&](Decoder& in, Encoder& out, const json& item) {
                   const Realisation realisation = read_realisation_value(in, dialect, key);
                   CHECK(realisation == parse_realisation_value_json(item.dump(), key));
                   write_realisation_value(out, dialect, realisation);
                 });
}

TEST_CASE("realisations that are keyed by hash") {
  for (const std::string folder : all_folders) {
    check_vector(folder, "drv-output", [](Decoder& in, Encoder& out, const json& item) {
      const HashedRealisationKey key = read_hashed_key(in);
      CHECK(key.to_string() == item.get<std::string>());
      write_hashed_key(out, key);
    });
    check_vector(folder, "realisation-with-deps", [](Decoder& in, Encoder& out, const json& item) {
      const HashedRealisation realisation = read_hashed_realisation(in, dialect_of(37));
      CHECK(realisation == parse_hashed_realisation_json(item.dump()));
      write_hashed_realisation(out, dialect_of(37), realisation);
    });
    // With signatures in the spelling of Nix 2.34, which its predecessors do not read.
    check_vector(folder, "realisation", [](Decoder& in, Encoder& out, const json& item) {
      const HashedRealisation realisation = read_hashed_realisation(in, dialect_of(37));
      CHECK(realisation == parse_hashed_realisation_json(item.dump()));
      if (realisation.signatures.empty()) {
        return write_hashed_realisation(out, dialect_of(37), realisation);
      }
      out.text(print_hashed_realisation_json(realisation, SignatureJson::object));
    });
  }
}

TEST_CASE("before 1.31, a realisation is a key and a path") {
  const Dialect old = dialect_of(30);
  const HashedRealisation realisation{
      .key = HashedRealisationKey::parse("sha256:" + std::string(64, '1') + "!dev"),
      .path = StorePath::parse("g1w7hy3qg1w7hy3qg1w7hy3qg1w7hy3q-foo"),
      .signatures = {},
      .dependencies = {}};
  Encoder encoder;
  write_hashed_realisation(encoder, old, realisation);
  Encoder expected;
  expected.text(realisation.key.to_string());
  expected.text("/nix/store/g1w7hy3qg1w7hy3qg1w7hy3qg1w7hy3q-foo");
  CHECK(as_text(encoder.bytes()) == as_text(expected.bytes()));
  StringSource source(as_text(encoder.bytes()));
  Decoder decoder(source);
  CHECK(read_hashed_realisation(decoder, old) == realisation);
}

TEST_CASE("keyed build results") {
  check_vector("worker-protocol", "keyed-build-result-1.29",
               [](Decoder& in, Encoder& out, const json& item) {
                 const Dialect dialect = dialect_of(29);
                 const DerivingPath path = read_deriving_path(in, dialect);
                 CHECK(to_json(path) == item["path"]);
                 const BuildResult result = read_build_result(in, dialect, path);
                 CHECK(result == parse_keyed_build_result_json(item.dump()));
                 CHECK(json::parse(print_keyed_build_result_json(result)) == item);
                 write_deriving_path(out, dialect, result.wanted);
                 write_build_result(out, dialect, result);
               });
}

TEST_CASE("the greeting of the handshake") {
  for (const Minor minor : {Minor{30}, Minor{33}, Minor{35}}) {
    CAPTURE(minor);
    std::string bytes =
        read_vector("worker-protocol", "client-handshake-info_1_" + std::to_string(minor) + ".bin");
    // One or two greetings, one after the other.
    do {
      HandshakeClient client({.newest = minor});
      Encoder before;
      before.number(server_magic);
      before.number(version_number(minor));
      std::string input = std::string(as_text(before.bytes())) + bytes;
      while (client.step() != HandshakeStep::finished) {
        client.clear_output();
        if (client.step() != HandshakeStep::need_input) continue;
        REQUIRE(input.size() >= client.needed());
        const std::size_t count = client.needed();
        client.put(as_bytes(std::string_view(input).substr(0, count)));
        input.erase(0, count);
      }
      CHECK((client.daemon_version() == "foo" || client.daemon_version() == "bar" || minor < 33));
      CHECK((client.trust() == Trust::unknown) == (minor < 35));
      bytes = input;
    } while (!bytes.empty());
  }
}

TEST_CASE("the server's first words, up to its newest version") {
  const std::string bytes = read_vector("worker-protocol", "handshake-to-client.bin");
  HandshakeServer server({.newest = 10}, {.daemon_version = "x", .trust = Trust::unknown});
  Encoder magic;
  magic.number(client_magic);
  REQUIRE(server.step() == HandshakeStep::need_input);
  server.put(magic.bytes());
  REQUIRE(server.step() == HandshakeStep::have_output);
  CHECK(as_text(server.output()) == bytes);
}

}  // namespace cinch::wire
