#include "workload.hh"

#include <cinch/core/closure.hh>
#include <cinch/core/derivation.hh>
#include <cinch/core/error.hh>
#include <cinch/core/export_archive.hh>
#include <cinch/core/hash.hh>
#include <cinch/core/nar.hh>
#include <cinch/core/signature.hh>
#include <cinch/core/validity_registration.hh>
#include <cinch/files/directory.hh>
#include <cinch/files/file_tree.hh>
#include <cinch/files/run_piped.hh>
#include <cinch/local/permanent_root.hh>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <new>
#include <optional>
#include <utility>

#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

namespace cinch::proof {

namespace {

constexpr std::uint64_t nar_bytes_max = std::uint64_t{64} << 20;
// Objects with this name may be damaged at any moment.
constexpr const char* damaged_name = "damaged";

// Refusals that are answers: what was drawn has gone, or is needed.
template <class Work>
void allowing(std::initializer_list<Code> codes, Work work) {
  try {
    work();
  } catch (const Error& error) {
    if (std::ranges::find(codes, error.code()) == codes.end()) throw;
  }
}

}  // namespace

Promises& Promises::share() {
  void* memory =
      ::mmap(nullptr, sizeof(Promises), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) throw system_error(errno, "cannot share", "memory");
  return *new (memory) Promises();
}

StorePathSet Promises::held() const {
  StorePathSet paths;
  for (const Root& root : roots) {
    if (root.holds) paths.insert(StorePath::parse(root.path.data()));
  }
  return paths;
}

const std::vector<Workload::Operation>& Workload::operations() {
  static const std::vector<Operation> all = {
      {"add text", 8, &Workload::add_text},
      {"add a tree", 8, &Workload::add_tree},
      {"add a large file", 1, &Workload::add_large_file},
      {"add a large NAR", 1, &Workload::add_large_nar},
      {"add an object", 6, &Workload::add_object},
      {"add a group", 3, &Workload::add_group},
      {"add a derivation", 4, &Workload::add_derivation},
      {"add derivations", 2, &Workload::add_derivations},
      {"sign", 3, &Workload::sign},
      {"read", 3, &Workload::read},
      {"add a root", 3, &Workload::add_root},
      {"add a permanent root", 3, &Workload::add_permanent_root},
      {"remove a root", 4, &Workload::remove_root},
      {"delete", 3, &Workload::delete_one},
      {"collect", 6, &Workload::collect},
      {"verify", 1, &Workload::verify},
      {"optimise", 3, &Workload::optimise},
      {"copy", 4, &Workload::copy_in},
      {"import", 3, &Workload::import_archive},
      {"register", 3, &Workload::register_object},
      {"repair", 2, &Workload::damage_and_repair},
      {"replace", 2, &Workload::damage_and_replace},
  };
  return all;
}

Workload::Workload(LocalStore& store, std::string folder, std::uint64_t seed, Promises& promises)
    : store_(store), folder_(std::move(folder)), random_(seed), promises_(promises) {
  std::filesystem::create_directories(folder_);
  for (const StorePath& path : store_.all_valid_paths()) learn(path);
}

void Workload::step() {
  unsigned total = 0;
  for (const Operation& operation : operations()) total += operation.weight;
  std::uint64_t drawn = draw(total);
  std::size_t index = 0;
  while (drawn >= operations()[index].weight) drawn -= operations()[index++].weight;
  promises_.at_work = index;
  const auto start = std::chrono::steady_clock::now();
  (this->*operations()[index].run)();
  const std::chrono::duration<double, std::micro> took = std::chrono::steady_clock::now() - start;
  const auto us = static_cast<std::uint64_t>(took.count());
  Promises::Effort& effort = promises_.efforts[index];
  ++effort.count;
  effort.us_in_all += us;
  if (us > effort.us_at_most) effort.us_at_most = us;  // nobody else writes there
  ++promises_.done;
}

void Workload::run(std::string_view name) {
  for (const Operation& operation : operations()) {
    if (operation.name == name) return (this->*operation.run)();
  }
  throw Error(Code::invalid_argument, "there is no such operation").about(std::string(name));
}

std::string Workload::bytes(std::size_t size) {
  std::string text(size, '\0');
  for (std::size_t at = 0; at < size; at += sizeof(std::uint64_t)) {
    const std::uint64_t piece = random_();
    text.replace(at, sizeof piece, reinterpret_cast<const char*>(&piece), sizeof piece);
  }
  text.resize(size);
  return text;
}

// A tree with directories in directories, files and symlinks.
std::string Workload::nar(std::size_t size_max) {
  StringSink sink(nar_bytes_max);
  NarWriter writer(sink);
  const std::uint64_t files = 1 + draw(6);
  writer.directory();
  for (std::uint64_t number = 0; number < files; ++number) {
    writer.entry("d" + std::to_string(number));
    writer.directory();
    writer.entry("file");
    const std::string content = bytes(draw(size_max / files + 1));
    writer.file(content.size(), draw(2) == 0);
    if (!content.empty()) writer.contents(as_bytes(content));
    writer.leave();
    writer.entry("link");
    writer.symlink("../d0/file");
    writer.leave();
  }
  writer.leave();
  writer.finish();
  return sink.take();
}

StorePathSet Workload::some() {
  StorePathSet chosen;
  for (std::uint64_t left = draw(4); left > 0 && !known_.empty(); --left) {
    chosen.insert(known_[draw(known_.size())]);
  }
  // They must stay until they are referred to.
  store_.add_temporary_roots(std::vector(chosen.begin(), chosen.end()));
  return store_.find_valid(chosen);
}

void Workload::added(const StorePath& path) {
  added_.insert(path);
  learn(path);
}

void Workload::learn(const StorePath& path) {
  constexpr std::size_t known_max = 40;
  if (known_.size() == known_max) known_.erase(known_.begin());
  known_.push_back(path);
}

void Workload::add_text() {
  const std::string content = bytes(draw(3000));
  StringSource source(content);
  added(
      store_
          .add_content({.name = "text", .method = ContentAddressMethod::text, .references = some()},
                       source)
          .path);
}

void Workload::add_tree() {
  const std::string content = nar(60'000);
  StringSource source(content);
  added(store_.add_content({.name = "tree", .references = some()}, source).path);
}

void Workload::add_large_file() {
  const std::string content = bytes(1'100'000 + draw(500'000));
  StringSource source(content);
  added(store_.add_content({.name = "large", .method = ContentAddressMethod::flat}, source).path);
}

void Workload::add_large_nar() {
  const std::string content = nar(4'000'000);
  StringSource source(content);
  added(store_.add_content({.name = "large-tree"}, source).path);
}

void Workload::add_object() {
  const std::string content = nar(20'000);
  const std::string digest = bytes(20);
  PathInfo info{.path = StorePath::from_parts(as_bytes(digest), "object"),
                .nar_hash = hash_bytes(HashAlgorithm::sha256, as_bytes(content))};
  info.nar_size = content.size();
  info.references = some();
  StringSource source(content);
  store_.add_nar(info, source, SignaturePolicy::accept_unsigned);
  added(info.path);
}

// Objects that become valid together, and the second of which refers to the first, as outputs do.
void Workload::add_group() {
  std::vector<PathInfo> infos;
  std::vector<std::string> contents;
  for (const char* name : {"first", "second"}) {
    contents.push_back(nar(20'000));
    const std::string digest = bytes(20);
    PathInfo info{.path = StorePath::from_parts(as_bytes(digest), name),
                  .nar_hash = hash_bytes(HashAlgorithm::sha256, as_bytes(contents.back()))};
    info.nar_size = contents.back().size();
    for (const PathInfo& other : infos) info.references.insert(other.path);
    infos.push_back(std::move(info));
  }
  const auto lock = store_.lock({infos[0].path, infos[1].path}, {}, {});
  std::vector<StagedCommit> objects;
  for (std::size_t i = 0; i < infos.size(); ++i) {
    objects.push_back({store_.stage(infos[i].path), infos[i]});
    objects.back().object->nar().write(as_bytes(contents[i]));
  }
  store_.commit(std::move(objects));
  for (const PathInfo& info : infos) added(info.path);
}

Derivation Workload::derivation() {
  Derivation derivation;
  derivation.name = "derivation";
  derivation.system = "x86_64-linux";
  derivation.builder = "/bin/sh";
  derivation.environment = {{"number", std::to_string(random_())}};
  derivation.outputs = {{"out", FloatingOutput{ContentAddressMethod::nar, HashAlgorithm::sha256}}};
  return derivation;
}

void Workload::add_derivation() {
  Derivation made = derivation();
  for (const StorePath& path : some()) {
    if (!path.is_derivation()) made.input_sources.insert(path);
  }
  added(store_.add_derivation(made));
}

// A chain, in one call; so many that they go through two batches.
void Workload::add_derivations() {
  constexpr std::size_t count = 40;
  std::vector<Derivation> chain;
  std::optional<StorePath> last;
  for (std::size_t number = 0; number < count; ++number) {
    Derivation made = derivation();
    if (last) made.input_derivations = {{*last, {"out"}}};
    last = derivation_path(store_.store_dir(), made);
    chain.push_back(std::move(made));
  }
  const std::vector<StorePath> paths = store_.add_derivations(chain);
  added_.insert(paths.begin(), paths.end());
  learn(paths.back());
}

void Workload::sign() {
  if (known_.empty()) return;
  const Signature signature = Signature::parse("proof:" + std::string(86, 'A') + "==");
  allowing({Code::not_found},
           [&] { store_.add_signatures(known_[draw(known_.size())], {signature}); });
}

std::string Workload::link_name(std::size_t slot) const {
  return folder_ + "/link-" + std::to_string(slot);
}

void Workload::read() {
  const StorePathSet paths = some();
  for (const auto& info : store_.find(std::vector(paths.begin(), paths.end()))) {
    Hasher hasher(HashAlgorithm::sha256);
    store_.read_nar(info->path, hasher);
    if (hasher.finish() == info->nar_hash || info->path.name() == damaged_name) continue;
    throw Error(Code::corrupt, "what is read is not what was registered")
        .about(info->path.base_name());
  }
}

// A root for a path that is valid, where there is none yet.
void Workload::make_root(
    const std::function<void(const StorePath& path, const std::string& link)>& make) {
  const std::size_t slot = draw(promises_.roots.size());
  Promises::Root& root = promises_.roots[slot];
  if (root.holds || known_.empty()) return;
  const StorePath path = known_[draw(known_.size())];
  std::filesystem::remove(link_name(slot));
  try {
    make(path, link_name(slot));
  } catch (const Error& error) {
    if (error.code() == Code::not_found && !store_.is_valid(path)) return;
    throw;
  }
  const std::string name = path.base_name();
  *std::copy(name.begin(), name.end(), root.path.begin()) = '\0';
  root.holds = true;
}

void Workload::add_root() {
  make_root([this](const StorePath& path, const std::string& link) {
    store_.add_temporary_roots({&path, 1});
    if (!store_.is_valid(path)) throw Error(Code::not_found, "it is gone");
    if (::symlink(store_.store_dir().print(path).c_str(), link.c_str()) != 0) {
      throw system_error(errno, "cannot create", link);
    }
    store_.add_indirect_root(link);
  });
}

void Workload::add_permanent_root() {
  make_root([this](const StorePath& path, const std::string& link) {
    cinch::add_permanent_root(store_, link, path);
  });
}

void Workload::remove_root() {
  const std::size_t slot = draw(promises_.roots.size());
  promises_.roots[slot].holds = false;
  std::filesystem::remove(link_name(slot));
}

void Workload::delete_one() {
  if (known_.empty()) return;
  GarbageOptions options;
  options.only = {known_[draw(known_.size())]};
  allowing({Code::busy}, [&] { store_.collect_garbage(options); });
}

void Workload::collect() {
  GarbageOptions options;
  if (draw(4) == 0) options.bytes_max = draw(1'000'000);
  allowing({Code::busy}, [&] { store_.collect_garbage(options); });
}

void Workload::verify() {
  for (const std::string& problem : find_damage(store_, nullptr)) {
    throw Error(Code::corrupt, problem);
  }
}

std::unique_ptr<LocalStore> open_elsewhere(const std::string& folder) {
  LocalStoreOptions options;
  options.root = folder + "/elsewhere";
  options.fsync_metadata = false;
  return ::access(options.root.c_str(), F_OK) == 0 ? LocalStore::open(options) : nullptr;
}

LocalStore& Workload::elsewhere() {
  if (elsewhere_) return *elsewhere_;
  const std::string root = folder_ + "/elsewhere";
  if (::mkdir(root.c_str(), 0755) != 0 && errno != EEXIST) {
    throw system_error(errno, "cannot create", root);
  }
  elsewhere_ = open_elsewhere(folder_);
  return *elsewhere_;
}

// Two objects in another store, the second of which refers to the first.
StorePathSet Workload::make_elsewhere() {
  StorePathSet paths;
  for (int number = 0; number < 2; ++number) {
    const std::string content = nar(50'000);
    StringSource source(content);
    paths.insert(elsewhere().add_content({.name = "copied", .references = paths}, source).path);
  }
  return paths;
}

// Two objects of the same files, so that there is something to gain.
void Workload::optimise() {
  const std::string content = nar(20'000);
  for (const char* name : {"one", "same"}) {
    StringSource source(content);
    added(store_.add_content({.name = name}, source).path);
  }
  store_.optimise();
}

void Workload::copy_in() {
  const StorePathSet paths = make_elsewhere();
  copy_closure(*elsewhere_, store_, paths,
               {.policy = SignaturePolicy::accept_unsigned, .run_piped = run_piped});
  for (const StorePath& path : paths) added(path);
}

void Workload::import_archive() {
  const StorePathSet paths = make_elsewhere();
  StringSink archive(nar_bytes_max);
  export_paths(*elsewhere_, paths, archive);
  const std::string bytes = archive.take();
  StringSource source(bytes);
  for (const StorePath& path :
       import_paths(store_, source, {.policy = SignaturePolicy::accept_unsigned})) {
    added(path);
  }
}

// Puts an object into its place by itself, and makes it valid.
void Workload::register_object() {
  const std::string digest = bytes(20);
  const ValidityRegistration registration{
      .path = StorePath::from_parts(as_bytes(digest), "registered"), .references = some()};
  store_.add_temporary_roots({&registration.path, 1});
  const std::string real_path = store_.real_path(registration.path);
  const std::string content = nar(20'000);
  StringSource source(content);
  const Directory objects = Directory::open(std::filesystem::path(real_path).parent_path());
  TreeWriter tree(objects, registration.path.base_name());
  parse_nar(source, tree);
  tree.finish();
  store_.register_paths({&registration, 1});
  added(registration.path);
}

// An object whose content changes on disk, and is replaced by that of another store.
void Workload::damage_and_repair() {
  const std::string content = bytes(20'000);
  const AddContent how{.name = damaged_name, .method = ContentAddressMethod::flat};
  StringSource there(content);
  const StorePath path = elsewhere().add_content(how, there).path;
  StringSource here(content);
  store_.add_content(how, here);
  added(path);
  const std::string file = store_.real_path(path);
  (void)::chmod(file.c_str(), 0644);
  std::fstream(file, std::ios::in | std::ios::out) << "damage";
  (void)::chmod(file.c_str(), 0444);
  const VerifyReport report = store_.verify({.only = StorePathSet{path},
                                             .check_contents = true,
                                             .repair = true,
                                             .source = elsewhere_.get()});
  for (const VerifyProblem& problem : report.problems) {
    if (problem.solved) continue;
    const bool full = problem.message.find("No space") != std::string::npos;
    throw Error(full ? Code::no_space : Code::io, problem.message).about(file);
  }
}

// An object whose content changes on disk, and is made again, as by its builder.
void Workload::damage_and_replace() {
  const std::string content = nar(20'000);
  StringSource source(content);
  PathInfo info = elsewhere().require(elsewhere().add_content({.name = damaged_name}, source).path);
  info.ultimate = true;
  StringSource here(content);
  store_.add_content({.name = damaged_name}, here);
  added(info.path);
  const auto lock = store_.lock({info.path}, {}, {});
  const std::string object = store_.real_path(info.path);
  (void)::chmod(object.c_str(), 0700);
  std::ofstream(object + "/damage") << "damage";
  (void)::chmod(object.c_str(), 0555);
  StagedCommit made{store_.stage(info.path), info};
  made.object->nar().write(as_bytes(content));
  std::vector<StagedCommit> all;
  all.push_back(std::move(made));
  store_.replace(std::move(all));
}

std::vector<std::string> find_damage(LocalStore& store, const Promises* promises, Store* source) {
  std::vector<std::string> damage;
  const VerifyReport report =
      store.verify({.check_contents = true, .repair = source != nullptr, .source = source});
  for (const VerifyProblem& problem : report.problems) {
    const bool may_be = problem.path.name() == damaged_name &&
                        problem.kind != VerifyProblemKind::gone && (problem.solved || !source);
    if (may_be) continue;
    damage.push_back(problem.path.base_name() + ": " + problem.message);
  }
  const StorePathSet valid = store.all_valid_paths();
  for (const auto& info : store.find(std::vector(valid.begin(), valid.end()))) {
    if (!info) continue;
    for (const StorePath& reference : info->references) {
      if (store.is_valid(reference)) continue;
      if (!store.is_valid(info->path)) continue;  // collected meanwhile
      damage.push_back(info->path.base_name() + " refers to " + reference.base_name() +
                       ", which is not valid");
    }
  }
  if (!promises) return damage;
  std::ranges::move(find_lost(store, *promises), std::back_inserter(damage));
  return damage;
}

std::vector<std::string> find_lost(LocalStore& store, const Promises& promises) {
  std::vector<std::string> lost;
  const StorePathSet held = promises.held();
  const StorePathSet valid = store.find_valid(held);
  for (const StorePath& path : held) {
    if (!valid.contains(path)) lost.push_back(path.base_name() + " had a root, and is lost");
  }
  return lost;
}

std::vector<std::string> find_litter(LocalStore& store, const std::string& real_dir) {
  std::vector<std::string> litter;
  StorePathSet missing = store.all_valid_paths();
  for (const DirectoryEntry& entry : Directory::open(real_dir).list()) {
    if (entry.name == ".links") continue;
    const auto path = store.store_dir().containing(store.store_dir().text() + "/" + entry.name);
    if (!path || missing.erase(*path) == 0) litter.push_back(entry.name);
  }
  return litter;
}

}  // namespace cinch::proof
