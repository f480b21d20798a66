// The golden files that only the serve protocol has.
#include "golden.hh"
#include "serve/protocol.hh"
#include "serve/values.hh"

#include <cinch/core/model_json.hh>
#include <cinch/core/path_info_json.hh>

namespace cinch::serve {
namespace {

using nlohmann::json;
using test::check_document;
using test::check_vector;
using test::read_json;
using test::read_vector;
using wire::Decoder;
using wire::Encoder;

const std::string folder = "serve-protocol";
const StorePath some_path = StorePath::parse("g1w7hy3qg1w7hy3qg1w7hy3qg1w7hy3q-foo");

wire::Dialect dialect() { return dialect_of(StoreDir()); }

// Version 2.8, which is not offered, has these values in the form that the worker protocol has.
wire::Dialect newer_dialect() { return {.minor = 38, .realisation_with_path = true}; }
constexpr wire::BuildResultForm newer_form{.times = true, .outputs = wire::BuiltOutputs::by_path};

}  // namespace

TEST_CASE("serve: the server's first words") {
  Encoder words;
  words.number(server_magic);
  words.number(version_number(5));
  CHECK(as_text(words.bytes()) == read_vector(folder, "handshake-to-client.bin"));
}

TEST_CASE("serve: path infos") {
  for (const Minor minor : {Minor{3}, Minor{4}}) {
    CAPTURE(minor);
    const std::string name = "unkeyed-valid-path-info-2." + std::to_string(minor);
    Encoder encoder;
    for (const json& item : read_json(folder, name)) {
      const PathInfo info = parse_path_info_json(item.dump(), some_path, StoreDir());
      write_path_info(encoder, dialect(), minor, info);
    }
    CHECK(as_text(encoder.bytes()) == read_vector(folder, name + ".bin"));
  }
}

TEST_CASE("serve: build options of all versions") {
  for (const Minor minor : {Minor{1}, Minor{2}, Minor{3}, Minor{7}}) {
    CAPTURE(minor);
    const std::string bytes =
        read_vector(folder, "build-options-2." + std::to_string(minor) + ".bin");
    StringSource source(bytes);
    Decoder decoder(source);
    const BuildOptions options = read_build_options(decoder, minor);
    CHECK(decoder.at_end());
    CHECK(options.max_silent_time == std::chrono::seconds(5));
    CHECK(options.timeout == std::chrono::seconds(6));
    CHECK(options.log_bytes_max == (minor >= 2 ? std::optional<std::uint64_t>(7) : std::nullopt));
    CHECK(options.repeats == (minor >= 3 ? 8 : 0));
    CHECK(options.keep_failed == (minor >= 7 ? std::optional(true) : std::nullopt));
  }
}

TEST_CASE("serve: build results") {
  const auto check = [](const std::string& name, const wire::Dialect& in_dialect,
                        const wire::BuildResultForm& form) {
    check_vector(folder, name, [&](Decoder& in, Encoder& out, const json& item) {
      const BuildResult result =
          wire::read_build_result(in, in_dialect, form, OpaquePath{some_path});
      CHECK(result == parse_build_result_json(item.dump(), result.wanted));
      wire::write_build_result(out, in_dialect, form, result);
    });
  };
  check("build-result-2.2", dialect(), build_result_form(2));
  check("build-result-2.3", dialect(), build_result_form(3));
  check("build-result-2.7-compat", dialect(), build_result_form(7));
  check("build-result-2.8", newer_dialect(), newer_form);
}

// As in the worker protocol, the hash is not kept: only the values come back.
TEST_CASE("serve: build results that name derivations by hash") {
  const std::string bytes = read_vector(folder, "build-result-2.6.bin");
  StringSource source(bytes);
  Decoder decoder(source);
  for (const json& item : read_json(folder, "build-result-2.6")) {
    const BuildResult result =
        wire::read_build_result(decoder, dialect(), build_result_form(6), OpaquePath{some_path});
    CHECK(result == parse_build_result_json(item.dump(), result.wanted));
  }
  CHECK(decoder.at_end());
}

TEST_CASE("serve: realisations of version 2.8") {
  check_vector(folder, "drv-output-2.8", [](Decoder& in, Encoder& out, const json& item) {
    const RealisationKey key = wire::read_realisation_key(in, newer_dialect());
    CHECK(key.derivation.base_name() == item["drvPath"].get<std::string>());
    CHECK(key.output == item["outputName"].get<std::string>());
    wire::write_realisation_key(out, newer_dialect(), key);
  });
  check_document(folder, "realisation-2.8", [](Decoder& in, Encoder& out, const json& item) {
    const Realisation realisation = wire::read_realisation(in, newer_dialect());
    CHECK(realisation == parse_realisation_json(item.dump()));
    wire::write_realisation(out, newer_dialect(), realisation);
  });
  const RealisationKey key{StorePath::parse("g1w7hy3qg1w7hy3qg1w7hy3qg1w7hy3q-foo.drv"), "out"};
  check_document(
      folder, "unkeyed-realisation-2.8", [&](Decoder& in, Encoder& out, const json& item) {
        const Realisation realisation = wire::read_realisation_value(in, newer_dialect(), key);
        CHECK(realisation == parse_realisation_value_json(item.dump(), key));
        wire::write_realisation_value(out, newer_dialect(), realisation);
      });
}

}  // namespace cinch::serve
