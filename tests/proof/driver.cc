// A local store that does what it is told: one JSON object a line in, one a line out. The other
// side of differential.py, which asks Nix the same.
#include <cinch/core/closure.hh>
#include <cinch/core/derivation_aterm.hh>
#include <cinch/core/derivation_hash.hh>
#include <cinch/core/derivation_json.hh>
#include <cinch/core/encoding.hh>
#include <cinch/core/error.hh>
#include <cinch/core/export_archive.hh>
#include <cinch/files/run_piped.hh>
#include <cinch/local/local_store.hh>

#include <algorithm>
#include <functional>
#include <iostream>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

namespace {

using namespace cinch;
using Json = nlohmann::json;

constexpr std::uint64_t nar_bytes_max = std::uint64_t{1} << 30;

class Driver {
 public:
  Driver() {
    add_writers();
    add_queries();
    add_maintenance();
    add_roots();
  }

  Json answer(const Json& question) {
    const auto operation = operations_.find(question.at("op").get<std::string>());
    if (operation == operations_.end()) {
      return {{"unknown", question.at("op")}};
    }
    try {
      return {{"answer", operation->second(question)}};
    } catch (const Error& error) {
      return {{"error", to_string(error.code())}, {"message", error.what()}};
    }
  }

 private:
  using Operation = std::function<Json(const Json&)>;

  void add_writers();
  void add_queries();
  void add_maintenance();
  void add_roots();

  static std::unique_ptr<LocalStore> open_in(const Json& root) {
    LocalStoreOptions options;
    options.root = root.get<std::string>();
    options.fsync_metadata = false;  // nobody pulls the plug here
    options.require_signatures = false;
    return LocalStore::open(options);
  }
  Json open(const Json& question) {
    store_.reset();
    store_ = open_in(question.at("root"));
    return store_->url();
  }
  // A closure to another store; what is there afterwards.
  Json copy(const Json& question) {
    const auto there = open_in(question.at("root"));
    copy_closure(*store_, *there, path_set(question.at("paths")),
                 {.policy = SignaturePolicy::accept_unsigned, .run_piped = run_piped});
    Json result = Json::array();
    for (const StorePath& item : there->all_valid_paths()) {
      result.push_back({print(item), print_info(*there->find({&item, 1}).front())});
    }
    return result;
  }

  StorePath path(const Json& full) const {
    return store_->store_dir().parse(full.get<std::string>());
  }
  std::vector<StorePath> paths(const Json& list) const {
    std::vector<StorePath> result;
    for (const Json& item : list) result.push_back(path(item));
    return result;
  }
  StorePathSet path_set(const Json& list) const {
    const std::vector<StorePath> items = paths(list);
    return {items.begin(), items.end()};
  }
  Json print(const StorePath& item) const { return store_->store_dir().print(item); }
  template <class Paths>
  Json print_all(const Paths& items) const {
    Json list = Json::array();
    for (const StorePath& item : items) list.push_back(print(item));
    std::sort(list.begin(), list.end());
    return list;
  }
  Json print_info(const PathInfo& info) const {
    Json signatures = Json::array();
    for (const Signature& signature : info.signatures) signatures.push_back(signature.to_string());
    std::sort(signatures.begin(), signatures.end());
    return {{"deriver", info.deriver ? print(*info.deriver) : Json("")},
            {"hash", info.nar_hash.digest_text(HashFormat::base16)},
            {"references", print_all(info.references)},
            {"size", info.nar_size},
            {"ultimate", info.ultimate},
            {"signatures", signatures},
            {"ca", info.content_address ? info.content_address->to_string() : ""}};
  }
  PathInfo read_info(const Json& item) const {
    PathInfo info{
        .path = path(item.at("path")),
        .nar_hash = Hash::parse_digest(item.at("hash").get<std::string>(), HashAlgorithm::sha256)};
    info.nar_size = item.at("size");
    info.references = path_set(item.at("references"));
    if (item.at("deriver") != "") info.deriver = path(item.at("deriver"));
    info.ultimate = item.at("ultimate");
    for (const Json& text : item.at("signatures")) {
      info.signatures.insert(Signature::parse(text.get<std::string>()));
    }
    if (item.at("ca") != "")
      info.content_address = ContentAddress::parse(item.at("ca").get<std::string>());
    return info;
  }
  Json find(const Json& question) {
    Json infos = Json::array();
    for (const auto& info : store_->find(paths(question.at("paths")))) {
      infos.push_back(info ? print_info(*info) : Json());
    }
    return infos;
  }
  Json outputs(const Json& question) {
    Json outputs = Json::object();
    const Derivation derivation = store_->read_derivation(path(question.at("path")));
    for (const auto& [name, output] : derivation.output_paths(store_->store_dir())) {
      outputs[name] = output ? print(*output) : Json("");
    }
    return outputs;
  }
  // The text of a derivation whose outputs are still to be filled in, and what it refers to.
  Json derive(const Json& question) {
    const StoreDir& store_dir = store_->store_dir();
    Derivation derivation =
        parse_derivation_json(question.at("json").get<std::string>(), store_dir);
    DerivationHasher hasher(store_dir,
                            [&](const StorePath& input) { return store_->read_derivation(input); });
    hasher.fill_in_outputs(derivation);
    StorePathSet references = derivation.input_sources;
    for (const auto& [input, wanted] : derivation.input_derivations) references.insert(input);
    return {{"text", print_derivation(derivation, store_dir)},
            {"references", print_all(references)}};
  }
  Json collect(const Json& question) {
    GarbageOptions options;
    options.liveness = {question.at("keep_outputs"), question.at("keep_derivations")};
    if (question.contains("only")) options.only = path_set(question.at("only"));
    options.dry_run = question.at("dry_run");
    if (question.contains("bytes_max")) options.bytes_max = question.at("bytes_max");
    const GarbageReport report = store_->collect_garbage(options);
    Json gone = print_all(report.paths);
    for (const std::string& name : report.left_overs) {
      gone.push_back(store_->store_dir().text() + "/" + name);
    }
    std::sort(gone.begin(), gone.end());
    return gone;
  }

  std::unique_ptr<LocalStore> store_;
  std::map<std::string, Operation> operations_;
};

std::string bytes_of(const Json& base64) { return base64_decode(base64.get<std::string>()); }

void Driver::add_writers() {
  operations_["open"] = [this](const Json& question) { return open(question); };
  operations_["add_content"] = [this](const Json& question) {
    const std::string bytes = bytes_of(question.at("bytes"));
    StringSource source(bytes);
    const AddContent options{
        .name = question.at("name"),
        .method = parse_content_address_method(question.at("method").get<std::string>()),
        .algorithm = parse_hash_algorithm(question.at("algorithm").get<std::string>()),
        .references = path_set(question.at("references"))};
    const PathInfo info = store_->add_content(options, source);
    return Json{{"path", print(info.path)}, {"info", print_info(info)}};
  };
  operations_["add_nar"] = [this](const Json& question) {
    const std::string nar = bytes_of(question.at("nar"));
    StringSource source(nar);
    store_->add_nar(read_info(question.at("info")), source, SignaturePolicy::accept_unsigned);
    return Json();
  };
  operations_["sign"] = [this](const Json& question) {
    std::set<Signature> signatures;
    for (const Json& text : question.at("signatures")) {
      signatures.insert(Signature::parse(text.get<std::string>()));
    }
    store_->add_signatures(path(question.at("path")), signatures);
    return Json();
  };
  operations_["collect"] = [this](const Json& question) { return collect(question); };
}

void Driver::add_queries() {
  operations_["find"] = [this](const Json& question) { return find(question); };
  operations_["find_valid"] = [this](const Json& question) {
    return print_all(store_->find_valid(path_set(question.at("paths"))));
  };
  operations_["all"] = [this](const Json&) { return print_all(store_->all_valid_paths()); };
  operations_["hash_part"] = [this](const Json& question) {
    const auto found = store_->find_by_hash_part(question.at("hash_part").get<std::string>());
    return found ? print(*found) : Json("");
  };
  operations_["referrers"] = [this](const Json& question) {
    return print_all(store_->find_referrers(paths(Json::array({question.at("path")}))).front());
  };
  operations_["derivers"] = [this](const Json& question) {
    return print_all(store_->find_derivers(paths(Json::array({question.at("path")}))).front());
  };
  operations_["outputs"] = [this](const Json& question) { return outputs(question); };
  operations_["derive"] = [this](const Json& question) { return derive(question); };
  operations_["nar"] = [this](const Json& question) {
    StringSink sink(nar_bytes_max);
    store_->read_nar(path(question.at("path")), sink);
    return Json(base64_encode(as_bytes(sink.take())));
  };
}

// Whole stores, and objects between them.
void Driver::add_maintenance() {
  operations_["verify"] = [this](const Json& question) {
    const VerifyReport report = store_->verify(
        {.check_contents = question.at("contents"), .repair = question.value("repair", false)});
    const auto unsolved = [](const VerifyProblem& problem) { return !problem.solved; };
    return std::ranges::any_of(report.problems, unsolved) ||
           (!report.damaged_links.empty() && !report.links_removed);
  };
  operations_["optimise"] = [this](const Json&) {
    store_->optimise();
    return Json();
  };
  operations_["export"] = [this](const Json& question) {
    StringSink sink(nar_bytes_max);
    export_paths(*store_, {path(question.at("path"))}, sink);
    return Json(base64_encode(as_bytes(sink.take())));
  };
  operations_["import"] = [this](const Json& question) {
    const std::string archive = bytes_of(question.at("bytes"));
    StringSource source(archive);
    Json imported = Json::array();
    for (const StorePath& item :
         import_paths(*store_, source, {.policy = SignaturePolicy::accept_unsigned})) {
      imported.push_back(print(item));
    }
    return imported;
  };
  operations_["copy"] = [this](const Json& question) { return copy(question); };
}

void Driver::add_roots() {
  operations_["temporary_root"] = [this](const Json& question) {
    store_->add_temporary_roots(paths(Json::array({question.at("path")})));
    return Json();
  };
  operations_["indirect_root"] = [this](const Json& question) {
    store_->add_indirect_root(question.at("link").get<std::string>());
    return Json();
  };
  operations_["roots"] = [this](const Json&) {
    Json roots = Json::array();
    for (const GarbageRoot& root : store_->find_roots()) {
      roots.push_back({root.link, print(root.path)});
    }
    return roots;
  };
  operations_["alive"] = [this](const Json& question) {
    return print_all(
        store_->find_alive({question.at("keep_outputs"), question.at("keep_derivations")}));
  };
}

}  // namespace

int main() {
  Driver driver;
  std::string line;
  while (std::getline(std::cin, line)) {
    std::cout << driver.answer(Json::parse(line)).dump() << '\n' << std::flush;
  }
}
