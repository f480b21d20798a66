#include "file_content.hh"

#include <cinch/core/error.hh>
#include <cinch/core/git_hasher.hh>
#include <cinch/files/descriptor.hh>
#include <cinch/files/directory.hh>
#include <cinch/files/file_tree.hh>

#include <cerrno>
#include <exception>
#include <filesystem>
#include <functional>
#include <thread>

#include <fcntl.h>
#include <unistd.h>

namespace cinch::cli {

namespace {

// Passes on the contents of one regular file.
class FlatVisitor final : public NarVisitor {
 public:
  FlatVisitor(Sink& sink, const std::string& file) : sink_(sink), file_(file) {}
  void directory() override { refuse(); }
  void entry(std::string_view) override {}
  void file(std::uint64_t, bool) override {}
  void contents(Bytes bytes) override { sink_.write(bytes); }
  void symlink(std::string_view) override { refuse(); }
  void leave() override {}

 private:
  [[noreturn]] void refuse() const {
    throw Error(Code::invalid_argument, "'" + file_ + "' is not a regular file")
        .hint("use --mode nar for directories and symlinks");
  }
  Sink& sink_;
  const std::string& file_;
};

// A pipe with a thread that fills it.
class ProducedSource final : public Source {
 public:
  ProducedSource(std::string subject, std::function<void(Sink&)> produce) : subject_(subject) {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) throw system_error(errno, "cannot make a pipe", subject);
    read_end_ = Descriptor(ends[0]);
    constexpr int pipe_bytes = 1 << 20;
    // A larger pipe is only faster; the usual one does as well.
    (void)::fcntl(ends[1], F_SETPIPE_SZ, pipe_bytes);
    thread_ = std::thread([this, end = Descriptor(ends[1]), produce = std::move(produce)] {
      try {
        DescriptorSink sink(end.get(), subject_);
        produce(sink);
      } catch (...) {
        error_ = std::current_exception();  // thrown by read(), where the pipe ends
      }
    });
  }
  ~ProducedSource() override {
    read_end_ = Descriptor();  // lets a producer that still writes fail at once
    if (thread_.joinable()) thread_.join();
  }
  std::size_t read(std::span<std::byte> buffer) override {
    DescriptorSource source(read_end_.get(), subject_);
    const std::size_t count = source.read(buffer);
    if (count == 0 && thread_.joinable()) {
      thread_.join();
      if (error_) std::rethrow_exception(error_);
    }
    return count;
  }

 private:
  std::string subject_;
  Descriptor read_end_;
  std::thread thread_;
  std::exception_ptr error_;
};

}  // namespace

void write_content(const std::string& file, ContentAddressMethod method, Sink& sink,
                   std::stop_token stop) {
  if (method == ContentAddressMethod::nar || method == ContentAddressMethod::git) {
    dump_tree(file, sink, {.filter = {}, .stop = stop});
  } else {
    FlatVisitor visitor(sink, file);
    read_tree(file, visitor, {.filter = {}, .stop = stop});
  }
}

std::unique_ptr<Source> read_content(const std::string& file, ContentAddressMethod method,
                                     std::stop_token stop) {
  return std::make_unique<ProducedSource>(
      file, [=](Sink& sink) { write_content(file, method, sink, stop); });
}

Hash hash_content(const std::string& file, ContentAddressMethod method, HashAlgorithm algorithm) {
  if (method == ContentAddressMethod::git) {
    GitHasher hasher(algorithm);
    read_tree(file, hasher, {});
    return hasher.finish().hash;
  }
  Hasher hasher(algorithm);
  write_content(file, method, hasher);
  return hasher.finish();
}

std::string name_of_file(const std::string& file) {
  const std::filesystem::path path =
      std::filesystem::path(std::filesystem::absolute(file)).lexically_normal();
  return path.has_filename() ? path.filename().string() : path.parent_path().filename().string();
}

std::string read_whole_file(const std::string& file, std::uint64_t size_bytes_max) {
  if (file == "-") {
    DescriptorSource source(STDIN_FILENO, "standard input");
    return read_all(source, size_bytes_max);
  }
  const Descriptor opened(::open(file.c_str(), O_RDONLY | O_CLOEXEC));
  if (!opened) throw system_error(errno, "cannot open", file);
  DescriptorSource source(opened.get(), file);
  return read_all(source, size_bytes_max);
}

}  // namespace cinch::cli
