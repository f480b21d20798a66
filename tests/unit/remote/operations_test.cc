// The table of operations, walked: each operation takes its arguments, answers, and leaves the
// connection in step, whoever the client is and whatever version it speaks.
#include "server/operations.hh"

#include "catch.hh"
#include "errors.hh"
#include "fakes.hh"
#include "server/session.hh"
#include "wire/decoder.hh"
#include "wire/encoder.hh"
#include "wire/messages.hh"
#include "wire/values.hh"

#include <map>
#include <memory>
#include <set>
#include <thread>

#include <sys/socket.h>

namespace cinch::test {
namespace {

using wire::Dialect;
using wire::Encoder;
using wire::Operation;

const StorePath some_path = StorePath::parse("g1w7hy3qg1w7hy3qg1w7hy3qg1w7hy3q-x");
const StorePath some_derivation = StorePath::parse("g1w7hy3qg1w7hy3qg1w7hy3qg1w7hy3q-x.drv");

void path(Encoder& out) { out.text("/nix/store/" + some_path.base_name()); }
void numbers(Encoder& out, int count) {
  for (int left = count; left > 0; --left) out.number(0);
}
void frames(Encoder& out, std::string_view content) {
  out.number(content.size());
  std::string padded(content);
  REQUIRE(padded.size() % 8 == 0);  // so that the text's bytes can stand for the frame's
  for (std::size_t index = 0; index < padded.size(); index += 8) {
    std::uint64_t word = 0;
    for (std::size_t byte = 8; byte-- > 0;) {
      word = word << 8 | static_cast<unsigned char>(padded[index + byte]);
    }
    out.number(word);
  }
  out.number(0);
}

PathInfo some_info(const std::string& nar) {
  return {.path = some_path,
          .nar_hash = hash_bytes(HashAlgorithm::sha256, as_bytes(nar)),
          .nar_size = nar.size()};
}

void add_nar(Encoder& out, const Dialect& dialect) {
  const std::string nar = MemoryStore::file_nar("x");
  path(out);
  wire::write_path_info(out, dialect, some_info(nar));
  out.flag(false);
  out.flag(true);
  frames(out, nar);
}

void add_multiple(Encoder& out, const Dialect& dialect) {
  const std::string nar = MemoryStore::file_nar("x");
  Encoder content;
  content.number(1);
  path(content);
  wire::write_path_info(content, dialect, some_info(nar));
  out.flag(false);
  out.flag(true);
  frames(out, std::string(as_text(content.bytes())) + nar);
}

void basic_derivation(Encoder& out, const Dialect&) {
  path(out);
  out.number(1);
  for (const char* text : {"out", "/nix/store/x", "", ""}) out.text(text);
  out.number(0);
  out.text("x86_64-linux");
  out.text("/bin/sh");
  out.texts(std::vector<std::string>{"-c", "true"});
  out.number(1);
  out.text("name");
  out.text("value");
  out.number(0);
}

HashedRealisationKey hashed_key() {
  return HashedRealisationKey::parse("sha256:" + std::string(64, '0') + "!out");
}

void realisation(Encoder& out, const Dialect& dialect) {
  if (dialect.realisation_with_path) {
    write_realisation(out, dialect, {.key = {some_derivation, "out"}, .path = some_derivation});
  } else {
    write_hashed_realisation(out, dialect, {.key = hashed_key(), .path = some_derivation});
  }
}

void one_path(Encoder& out, const Dialect&) { path(out); }
void none(Encoder&, const Dialect&) {}
void one_number(Encoder& out, const Dialect&) { numbers(out, 1); }
void two_numbers(Encoder& out, const Dialect&) { numbers(out, 2); }

void add_to_store(Encoder& out, const Dialect&) {
  out.text("name");
  out.text("fixed:sha256");
  numbers(out, 2);
  frames(out, "contents");
}

void add_text_to_store(Encoder& out, const Dialect&) {
  out.text("name");
  out.text("text");
  out.number(0);
}

void query_valid_paths(Encoder& out, const Dialect& dialect) {
  out.number(1);
  path(out);
  if (dialect.minor >= 27) out.flag(true);
}

void query_substitutable_path_infos(Encoder& out, const Dialect&) {
  out.number(1);
  path(out);
  out.text("");
}

void add_signatures(Encoder& out, const Dialect&) {
  path(out);
  out.number(0);
}

void query_realisation(Encoder& out, const Dialect& dialect) {
  if (dialect.realisation_with_path) {
    write_realisation_key(out, dialect, {some_derivation, "out"});
  } else {
    write_hashed_key(out, hashed_key());
  }
}

void add_build_log(Encoder& out, const Dialect&) {
  out.text(some_derivation.base_name());
  frames(out, "log line");
}

void add_permanent_root(Encoder& out, const Dialect&) {
  path(out);
  out.text("/link");
}

using Write = std::function<void(Encoder&, const Dialect&)>;
const std::map<Operation, Write>& arguments() {
  static const std::map<Operation, Write> table = {
      {Operation::is_valid_path, one_path},
      {Operation::query_referrers, one_path},
      {Operation::add_to_store, add_to_store},
      {Operation::add_text_to_store, add_text_to_store},
      {Operation::build_paths, two_numbers},
      {Operation::ensure_path, one_path},
      {Operation::add_temp_root, one_path},
      {Operation::add_indirect_root, [](Encoder& out, const Dialect&) { out.text("/link"); }},
      {Operation::sync_with_gc, none},
      {Operation::find_roots, none},
      {Operation::query_deriver, one_path},
      {Operation::set_options, [](Encoder& out, const Dialect&) { numbers(out, 13); }},
      {Operation::collect_garbage, [](Encoder& out, const Dialect&) { numbers(out, 7); }},
      {Operation::query_substitutable_path_info, one_path},
      {Operation::query_derivation_outputs, one_path},
      {Operation::query_all_valid_paths, none},
      {Operation::query_path_info, one_path},
      {Operation::query_derivation_output_names, one_path},
      {Operation::query_path_from_hash_part,
       [](Encoder& out, const Dialect&) { out.text(some_path.hash_part()); }},
      {Operation::query_substitutable_path_infos, query_substitutable_path_infos},
      {Operation::query_valid_paths, query_valid_paths},
      {Operation::query_substitutable_paths, one_number},
      {Operation::query_valid_derivers, one_path},
      {Operation::optimise_store, none},
      {Operation::verify_store, two_numbers},
      {Operation::build_derivation, basic_derivation},
      {Operation::add_signatures, add_signatures},
      {Operation::nar_from_path, one_path},
      {Operation::add_to_store_nar, add_nar},
      {Operation::query_missing, one_number},
      {Operation::query_derivation_output_map, one_path},
      {Operation::register_derivation_output, realisation},
      {Operation::query_realisation, query_realisation},
      {Operation::add_multiple_to_store, add_multiple},
      {Operation::add_build_log, add_build_log},
      {Operation::build_paths_with_results, two_numbers},
      {Operation::add_permanent_root, add_permanent_root},
  };
  return table;
}

// A session over a pair of sockets, without the handshake.
class Bench {
 public:
  Bench(bool trusted, const Dialect& dialect) {
    int pair[2];
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == 0);
    near_ = std::make_unique<transport::Socket>(Descriptor(pair[0]), "server");
    far_ = std::make_unique<transport::Socket>(Descriptor(pair[1]), "client");
    session_ = std::make_unique<Session>(Session::Parts{
        .store = store, .realiser = realiser, .socket = *near_, .stop = std::stop_token()});
    session_->trusted = trusted;
    session_->dialect = dialect;
  }

  // Runs one operation; the error that the client got, if it got one.
  std::optional<Code> run(const OperationEntry& entry, const Write& write) {
    Encoder request;
    write(request, session_->dialect);
    request.number(sentinel);
    far_->write(request.bytes());
    session_->operation = &entry;
    bool refused = false;
    try {
      entry.run(*session_);
    } catch (const ErrorSent&) {
      refused = true;
    }
    CHECK(session_->in.number() == sentinel);  // exactly the arguments were read
    session_->flush();
    wire::Decoder decoder(*far_);
    const wire::Message message = wire::read_message(decoder);
    const auto* failure = std::get_if<wire::Failure>(&message);
    CHECK(refused == (failure != nullptr));
    if (!failure) {
      CHECK(std::holds_alternative<wire::WorkDone>(message));
      return std::nullopt;
    }
    return wire::to_error(*failure).code();
  }

  MemoryStore store;
  FakeRealiser realiser;

 private:
  static constexpr std::uint64_t sentinel = 0x5e57171e1;
  std::unique_ptr<transport::Socket> near_;
  std::unique_ptr<transport::Socket> far_;
  std::unique_ptr<Session> session_;
};

std::vector<Dialect> dialects() {
  std::vector<Dialect> all;
  for (wire::Minor minor = wire::oldest_minor; minor <= wire::newest_minor; ++minor) {
    all.push_back({.minor = minor});
  }
  all.push_back({.minor = wire::newest_minor, .realisation_with_path = true, .build_end = true});
  return all;
}

}  // namespace

TEST_CASE("every operation of the table reads exactly its arguments, in every version") {
  for (const bool trusted : {false, true}) {
    for (const Dialect& dialect : dialects()) {
      for (const OperationEntry& entry : all_operations()) {
        CAPTURE(trusted, dialect.minor, std::string(entry.name));
        REQUIRE(arguments().contains(entry.number));
        Bench bench(trusted, dialect);
        const auto code = bench.run(entry, arguments().at(entry.number));
        if (entry.least == LeastTrust::trusted) {
          CHECK((code == Code::not_trusted) == !trusted);
        } else if (entry.number != Operation::add_to_store_nar &&
                   entry.number != Operation::add_multiple_to_store) {
          CHECK(code != Code::not_trusted);
        }
      }
    }
  }
}

TEST_CASE("the table is in order and without doubles") {
  std::uint64_t last = 0;
  std::set<std::string_view> names;
  for (const OperationEntry& entry : all_operations()) {
    const auto number = static_cast<std::uint64_t>(entry.number);
    CHECK(number > last);
    last = number;
    CHECK(names.insert(entry.name).second);
    CHECK(find_operation(number) == &entry);
  }
  CHECK(arguments().size() == all_operations().size());
}

TEST_CASE("only a trusted client adds without signatures") {
  for (const bool trusted : {false, true}) {
    for (const auto operation : {Operation::add_to_store_nar, Operation::add_multiple_to_store}) {
      CAPTURE(trusted, static_cast<int>(operation));
      Bench bench(trusted, {});
      const auto code = bench.run(*find_operation(static_cast<std::uint64_t>(operation)),
                                  arguments().at(operation));
      CHECK((code == Code::not_trusted) == !trusted);
      CHECK(bench.store.size() == (trusted ? 1 : 0));
      CHECK(bench.store.last_policy ==
            (trusted ? SignaturePolicy::accept_unsigned : SignaturePolicy::require_trusted));
    }
  }
}

TEST_CASE("realisations reach the store with the trust that the client has") {
  for (const bool trusted : {false, true}) {
    for (const Dialect& dialect : dialects()) {
      CAPTURE(trusted, dialect.minor, dialect.realisation_with_path);
      Bench bench(trusted, dialect);
      bench.store.last_policy =
          trusted ? SignaturePolicy::require_trusted : SignaturePolicy::accept_unsigned;
      const auto operation = Operation::register_derivation_output;
      CHECK_FALSE(bench.run(*find_operation(static_cast<std::uint64_t>(operation)), realisation));
      CHECK(bench.store.last_policy ==
            (trusted ? SignaturePolicy::accept_unsigned : SignaturePolicy::require_trusted));
      CHECK(bench.store.realisations.size() == (dialect.realisation_with_path ? 1 : 0));
      CHECK(bench.store.hashed_realisations.size() == (dialect.realisation_with_path ? 0 : 1));
    }
  }
}

TEST_CASE("only a trusted client says that a path was built here") {
  for (const bool trusted : {false, true}) {
    Bench bench(trusted, {});
    const auto code =
        bench.run(*find_operation(static_cast<std::uint64_t>(Operation::add_to_store_nar)),
                  [](Encoder& out, const Dialect& dialect) {
                    const std::string nar = MemoryStore::file_nar("x");
                    PathInfo info = some_info(nar);
                    info.ultimate = true;
                    info.signatures.insert(SecretKey::generate("key").sign("x"));
                    path(out);
                    wire::write_path_info(out, dialect, info);
                    out.flag(false);
                    out.flag(false);
                    frames(out, nar);
                  });
    CHECK_FALSE(code);
    CHECK(bench.store.require(some_path).ultimate == trusted);
  }
}

TEST_CASE("nobody replaces what is valid, and an untrusted client may not ask a builder to") {
  Bench bench(true, {});
  const auto add = bench.run(*find_operation(static_cast<std::uint64_t>(Operation::add_to_store)),
                             [](Encoder& out, const Dialect&) {
                               out.text("name");
                               out.text("fixed:sha256");
                               out.number(0);
                               out.flag(true);
                               frames(out, "contents");
                             });
  CHECK(add == Code::not_supported);
  Bench untrusted(false, {});
  const auto build =
      untrusted.run(*find_operation(static_cast<std::uint64_t>(Operation::build_paths)),
                    [](Encoder& out, const Dialect&) {
                      out.number(0);
                      out.number(static_cast<std::uint64_t>(BuildMode::repair));
                    });
  CHECK(build == Code::not_trusted);
}

}  // namespace cinch::test
