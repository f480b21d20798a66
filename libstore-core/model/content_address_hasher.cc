#include "decode_to.hh"

#include <cinch/core/content_address_hasher.hh>
#include <cinch/core/error.hh>
#include <cinch/core/git_hasher.hh>
#include <cinch/core/nar.hh>
#include <cinch/core/references.hh>

#include <variant>

namespace cinch {

struct ModuloHasher::State {
  State(HashAlgorithm algorithm, std::string_view hash_part)
      : hasher(algorithm),
        blank({{std::string(hash_part), std::string(store_path_hash_part_length, '\0')}}, hasher,
              [this](std::uint64_t offset) { offsets.push_back(offset); }) {}
  State(const State&) = delete;
  State& operator=(const State&) = delete;

  Hasher hasher;
  std::vector<std::uint64_t> offsets;
  ReferenceRewriter blank;
};

ModuloHasher::ModuloHasher(HashAlgorithm algorithm, std::string_view hash_part)
    : state_(std::make_unique<State>(algorithm, hash_part)) {}
ModuloHasher::~ModuloHasher() = default;

void ModuloHasher::write(Bytes bytes) { state_->blank.write(bytes); }

Hash ModuloHasher::finish() {
  state_->blank.finish();
  for (const std::uint64_t offset : state_->offsets) {
    state_->hasher.write(as_bytes("|" + std::to_string(offset)));
  }
  return state_->hasher.finish();
}

namespace {

[[noreturn]] void refuse(ContentAddressMethod method, const char* what) {
  throw Error(Code::invalid_argument,
              std::string("the content is ") + what + ", but the method '" +
                  std::string(to_string(method)) + "' stands for " +
                  (method == ContentAddressMethod::git ? "a directory, or " : "") +
                  "a regular file that is not executable");
}

// The bytes of the one file in a NAR.
class PlainFile final : public NarVisitor {
 public:
  PlainFile(ContentAddressMethod method, HashAlgorithm algorithm)
      : method_(method), hasher_(algorithm) {}

  void directory() override { refuse(method_, "a directory"); }
  void entry(std::string_view) override {}
  void file(std::uint64_t, bool executable) override {
    if (executable) refuse(method_, "executable");
  }
  void contents(Bytes bytes) override { hasher_.write(bytes); }
  void symlink(std::string_view) override { refuse(method_, "a symlink"); }
  void leave() override {}
  Hash finish() { return hasher_.finish(); }

 private:
  ContentAddressMethod method_;
  Hasher hasher_;
};

// A parser, and the visitor that it calls.
template <class Visitor>
struct Parsed {
  template <class... Arguments>
  explicit Parsed(Arguments... arguments) : visitor(arguments...), parser(visitor) {}
  Visitor visitor;
  NarParserSink parser;
};

Hash finish_git(const GitObject& root) {
  if (root.mode == GitMode::executable) refuse(ContentAddressMethod::git, "executable");
  if (root.mode == GitMode::symlink) refuse(ContentAddressMethod::git, "a symlink");
  return root.hash;
}

}  // namespace

struct ContentAddressHasher::State {
  ContentAddressMethod method{};
  Sink* sink = nullptr;  // the part of the engine that gets the NAR
  std::variant<std::monostate, Hasher, ModuloHasher, std::unique_ptr<Parsed<PlainFile>>,
               std::unique_ptr<Parsed<GitHasher>>>
      engine;
};

ContentAddressHasher::ContentAddressHasher(const ContentAddressHashing& how)
    : state_(std::make_unique<State>()) {
  check_content_address_algorithm(how.method, how.algorithm);
  if (how.self &&
      (how.method != ContentAddressMethod::nar || how.algorithm != HashAlgorithm::sha256)) {
    throw Error(Code::invalid_argument,
                "only a NAR that is hashed with sha256 may mention its own path");
  }
  state_->method = how.method;
  auto& engine = state_->engine;
  switch (how.method) {
    case ContentAddressMethod::text:
    case ContentAddressMethod::flat: {
      auto file = std::make_unique<Parsed<PlainFile>>(how.method, how.algorithm);
      state_->sink = &file->parser;
      engine = std::move(file);
      break;
    }
    case ContentAddressMethod::git: {
      auto tree = std::make_unique<Parsed<GitHasher>>(how.algorithm);
      state_->sink = &tree->parser;
      engine = std::move(tree);
      break;
    }
    case ContentAddressMethod::nar:
      if (how.self) {
        state_->sink = &engine.emplace<ModuloHasher>(how.algorithm, *how.self);
      } else {
        state_->sink = &engine.emplace<Hasher>(how.algorithm);
      }
      break;
  }
}

ContentAddressHasher::ContentAddressHasher(ContentAddressHasher&&) noexcept = default;
ContentAddressHasher::~ContentAddressHasher() = default;

void ContentAddressHasher::write(Bytes nar) { state_->sink->write(nar); }

ContentAddress ContentAddressHasher::finish() {
  auto& engine = state_->engine;
  const auto hash = [&] {
    if (auto* plain = std::get_if<Hasher>(&engine)) return plain->finish();
    if (auto* modulo = std::get_if<ModuloHasher>(&engine)) return modulo->finish();
    if (auto* file = std::get_if<std::unique_ptr<Parsed<PlainFile>>>(&engine)) {
      (*file)->parser.finish();
      return (*file)->visitor.finish();
    }
    auto& tree = *std::get<std::unique_ptr<Parsed<GitHasher>>>(engine);
    tree.parser.finish();
    return finish_git(tree.visitor.finish());
  };
  return {state_->method, hash()};
}

}  // namespace cinch
