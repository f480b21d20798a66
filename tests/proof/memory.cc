// Peak memory of operations on one large object:
//   proof-memory [--megabytes N]
// Each is done by a process of its own, which may not have more than 64 MiB of data.
#include "program.hh"
#include "scratch.hh"

#include <cinch/core/closure.hh>
#include <cinch/core/error.hh>
#include <cinch/core/export_archive.hh>
#include <cinch/core/hash.hh>
#include <cinch/core/nar.hh>
#include <cinch/core/store.hh>
#include <cinch/files/run_piped.hh>
#include <cinch/local/local_store.hh>

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

namespace cinch::proof {
namespace {

constexpr std::uint64_t memory_bytes_max = std::uint64_t{64} << 20;
const CopyOptions accept_unsigned = {.policy = SignaturePolicy::accept_unsigned,
                                     .run_piped = run_piped};
constexpr std::uint64_t file_bytes = std::uint64_t{96} << 20;  // of each file in the tree

// The NAR of a tree of large files, made while it is read.
class LargeNar final : public Source {
 public:
  explicit LargeNar(std::uint64_t size_bytes) : files_left_(1 + size_bytes / file_bytes) {
    put({"nix-archive-1", "(", "type", "directory"});
  }
  ~LargeNar() override;

  std::size_t read(std::span<std::byte> buffer) override {
    if (at_ == head_.size() && content_left_ == 0) next_file();
    if (at_ < head_.size()) {
      const std::size_t count = std::min(buffer.size(), head_.size() - at_);
      std::ranges::copy(as_bytes(head_).subspan(at_, count), buffer.begin());
      at_ += count;
      return count;
    }
    const auto count =
        static_cast<std::size_t>(std::min<std::uint64_t>(buffer.size(), content_left_));
    std::ranges::fill(buffer.first(count), static_cast<std::byte>(files_left_));
    content_left_ -= count;
    return count;
  }

 private:
  void put(std::initializer_list<std::string_view> words) {
    for (const std::string_view word : words) {
      put_number(word.size());
      head_ += word;
      head_.append((8 - word.size() % 8) % 8, '\0');
    }
  }
  void put_number(std::uint64_t number) {
    for (int shift = 0; shift < 64; shift += 8) head_ += static_cast<char>(number >> shift & 0xff);
  }
  void next_file() {
    if (files_left_ == 0) return;
    head_.clear();
    at_ = 0;
    if (in_file_) put({")", ")"});
    in_file_ = true;
    if (--files_left_ == 0) return put({")"});
    std::string name = std::to_string(1'000'000 - files_left_);
    put({"entry", "(", "name", name, "node", "(", "type", "regular", "contents"});
    put_number(file_bytes);
    content_left_ = file_bytes;
    static_assert(file_bytes % 8 == 0);
  }

  std::uint64_t files_left_;
  std::string head_;
  std::size_t at_ = 0;
  std::uint64_t content_left_ = 0;
  bool in_file_ = false;
};
LargeNar::~LargeNar() = default;

class Measurer {
 public:
  explicit Measurer(std::uint64_t size_bytes) : size_bytes_(size_bytes) {}

  int run() {
    LargeNar nar(size_bytes_);
    Hasher hasher(HashAlgorithm::sha256);
    copy_stream(nar, hasher);
    info_.nar_size = hasher.size_bytes();
    info_.nar_hash = hasher.finish();
    std::cout << "# a NAR of " << (info_.nar_size >> 20) << " MiB" << std::endl;
    measure("nothing", [](LocalStore&) {});
    measure("add a NAR with its info", [&](LocalStore& store) {
      LargeNar source(size_bytes_);
      store.add_nar(info_, source, SignaturePolicy::accept_unsigned);
    });
    measure("dump", [&](LocalStore& store) {
      Hasher dumped(HashAlgorithm::sha256);
      store.read_nar(info_.path, dumped);
      if (dumped.finish() != info_.nar_hash) throw Error(Code::corrupt, "another NAR comes back");
    });
    measure("verify", [](LocalStore& store) {
      if (!store.verify({.check_contents = true}).problems.empty())
        throw Error(Code::corrupt, "damage");
    });
    measure("optimise", [](LocalStore& store) { store.optimise(); });
    measure_between_stores();
    measure("delete", [](LocalStore& store) { store.collect_garbage({}); });
    measure("add content", [&](LocalStore& store) {
      LargeNar source(size_bytes_);
      store.add_content({.name = "content"}, source);
    });
    measure("delete", [](LocalStore& store) { store.collect_garbage({}); });
    measure("add a flat file", [&](LocalStore& store) {
      LargeNar source(size_bytes_);
      store.add_content({.name = "flat", .method = ContentAddressMethod::flat}, source);
    });
    std::cout << (good_ ? "ok: no operation had more than 64 MiB\n" : "not ok\n");
    return good_ ? 0 : 1;
  }

 private:
  void measure_between_stores() {
    const auto collect = [this](LocalStore&) { open("elsewhere")->collect_garbage({}); };
    measure("copy to another store", [this](LocalStore& store) {
      copy_closure(store, *open("elsewhere"), {info_.path}, accept_unsigned);
    });
    measure("delete", collect);
    measure("copy as a NAR", [this](LocalStore& store) {
      run_piped([&](Sink& sink) { store.read_nar(info_.path, sink); },
                [&](Source& source) {
                  open("elsewhere")->add_nar(info_, source, SignaturePolicy::accept_unsigned);
                });
    });
    measure("delete", collect);
    measure("export, and import elsewhere", [this](LocalStore& store) {
      run_piped([&](Sink& sink) { export_paths(store, {info_.path}, sink); },
                [&](Source& source) {
                  import_paths(*open("elsewhere"), source,
                               {.policy = SignaturePolicy::accept_unsigned});
                });
    });
    measure("repair from another store", [this](LocalStore& store) {
      damage();
      const auto elsewhere = open("elsewhere");
      const VerifyReport report =
          store.verify({.check_contents = true, .repair = true, .source = elsewhere.get()});
      if (report.problems.size() != 1 || !report.problems.front().solved)
        throw Error(Code::corrupt, "the object is not repaired");
    });
    measure("delete", collect);
  }

  // Changes one byte of the object.
  void damage() const {
    const std::filesystem::path object = scratch_.path("root/nix/store/" + info_.path.base_name());
    const std::string file = std::filesystem::directory_iterator(object)->path();
    ::chmod(file.c_str(), 0644);
    std::fstream(file, std::ios::in | std::ios::out) << '\xff';
    ::chmod(file.c_str(), 0444);
  }

  std::unique_ptr<LocalStore> open(const std::string& root) const {
    LocalStoreOptions options;
    options.root = scratch_.path(root);
    options.fsync_metadata = false;
    options.require_signatures = false;
    return LocalStore::open(options);
  }

  void measure(const std::string& title, const std::function<void(LocalStore&)>& body) {
    const pid_t child = ::fork();
    if (child < 0) throw system_error(errno, "cannot start", "a child process");
    if (child == 0) ::_exit(work(body));
    int status = 0;
    struct rusage usage = {};
    while (::wait4(child, &status, 0, &usage) < 0 && errno == EINTR) {
    }
    const bool ended = WIFEXITED(status) && WEXITSTATUS(status) == 0;
    const auto peak_kib = static_cast<std::uint64_t>(usage.ru_maxrss);
    const bool fits = ended && peak_kib * 1024 < memory_bytes_max;
    good_ = good_ && fits;
    std::cout << (fits ? "# " : "not ok: ") << title << ": " << peak_kib / 1024 << " MiB"
              << (ended ? "" : ", and failed") << std::endl;
  }

  int work(const std::function<void(LocalStore&)>& body) {
    try {
      const struct rlimit limit = {memory_bytes_max, memory_bytes_max};
      if (::setrlimit(RLIMIT_DATA, &limit) != 0) throw system_error(errno, "cannot limit", "data");
      body(*open("root"));
      return 0;
    } catch (const std::exception& error) {
      std::cout << "# " << error.what() << std::endl;
      return 1;
    }
  }

  std::uint64_t size_bytes_;
  test::Scratch scratch_;
  PathInfo info_{.path = StorePath::parse("00000000000000000000000000000000-large"),
                 .nar_hash = Hash::parse_digest(std::string(64, '0'), HashAlgorithm::sha256)};
  bool good_ = true;
};

}  // namespace
}  // namespace cinch::proof

int main(int count, char** words) {
  using cinch::proof::Arguments;
  return cinch::proof::run_main(count, words, {.option = "--megabytes", .count = 256},
                                [](const Arguments& arguments) {
                                  return cinch::proof::Measurer(arguments.count << 20).run();
                                });
}
