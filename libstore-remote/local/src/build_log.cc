// Build logs: `<log dir>/drvs/<first two characters>/<the rest>[.bz2]`, as Nix keeps them.
#include "bzip2.hh"
#include "state.hh"

#include <cinch/core/error.hh>
#include <cinch/files/directory.hh>

#include <cerrno>
#include <memory>
#include <optional>
#include <utility>

#include <fcntl.h>
#include <unistd.h>

namespace cinch {

namespace {

constexpr std::size_t prefix_length = 2;

// A log under a temporary name, which gets its own name when the sink is destroyed.
class LogFile final : public Sink {
 public:
  LogFile(Directory directory, std::string name, bool compress)
      : directory_(std::move(directory)),
        name_(std::move(name)),
        file_(directory_.create_temporary_file(0644)),
        output_(file_.descriptor.get(), directory_.name_of(name_)) {
    if (compress) compressor_.emplace(output_);
  }
  LogFile(const LogFile&) = delete;
  LogFile& operator=(const LogFile&) = delete;
  ~LogFile() override {
    try {
      finish();
    } catch (const Error&) {
      // A build does not fail for want of its log, and a destructor has nobody to tell.
      (void)::unlinkat(directory_.get(), file_.name.c_str(), 0);
    }
  }

  void write(Bytes bytes) override {
    if (compressor_) return compressor_->write(bytes);
    output_.write(bytes);
  }

 private:
  void finish() {
    if (compressor_) compressor_->finish();
    file_.descriptor.close_checked(directory_.name_of(name_));
    directory_.rename(file_.name, directory_, name_);
  }

  Directory directory_;
  std::string name_;
  TemporaryFile file_;
  DescriptorSink output_;
  std::optional<Bzip2Compressor> compressor_;
};

Descriptor open_if_there(const std::string& full_name) {
  Descriptor file(::open(full_name.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  if (!file && errno != ENOENT) throw system_error(errno, "cannot open", full_name);
  return file;
}

bool read_compressed(int descriptor, const std::string& full_name, Sink& sink) {
  try {
    DescriptorSource source(descriptor, full_name);
    decompress_bzip2(source, sink);
    return true;
  } catch (Error& error) {
    error.set_subject_if_empty(full_name);
    throw;
  }
}

}  // namespace

std::string LocalStore::log_location(const StorePath& derivation) const {
  const std::string& base = derivation.base_name();
  return state_->layout.log_dir + "/drvs/" + base.substr(0, prefix_length) + "/" +
         base.substr(prefix_length) + (state_->options.compress_logs ? ".bz2" : "");
}

bool LocalStore::read_log(const StorePath& derivation, Sink& sink) {
  const std::string& base = derivation.base_name();
  const std::string drvs = state_->layout.log_dir + "/drvs/";
  const std::string now = drvs + base.substr(0, prefix_length) + "/" + base.substr(prefix_length);
  const std::string before = drvs + base;  // all logs in one directory
  for (const std::string& full_name : {now, before}) {
    if (const Descriptor file = open_if_there(full_name)) {
      DescriptorSource source(file.get(), full_name);
      copy_stream(source, sink);
      return true;
    }
    if (const Descriptor file = open_if_there(full_name + ".bz2")) {
      return read_compressed(file.get(), full_name + ".bz2", sink);
    }
  }
  return false;
}

std::unique_ptr<Sink> LocalStore::write_log(const StorePath& derivation) {
  state_->check_writable();
  const std::string& base = derivation.base_name();
  Directory directory =
      Directory::create(state_->layout.log_dir + "/drvs/" + base.substr(0, prefix_length), 0755);
  const bool compress = state_->options.compress_logs;
  // The other form of an older log would be found first, or linger.
  directory.remove_tree(base.substr(prefix_length) + (compress ? "" : ".bz2"));
  return std::make_unique<LogFile>(std::move(directory),
                                   base.substr(prefix_length) + (compress ? ".bz2" : ""), compress);
}

}  // namespace cinch
