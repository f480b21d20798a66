// Build logs: `<log dir>/drvs/<first two characters>/<the rest>[.bz2]`, as Nix keeps them.
#include "state.hh"

#include <cinch/core/error.hh>
#include <cinch/files/directory.hh>

#include <array>
#include <cerrno>
#include <memory>
#include <utility>
#include <vector>

#include <archive.h>
#include <archive_entry.h>
#include <fcntl.h>
#include <unistd.h>

namespace cinch {

namespace {

constexpr std::size_t prefix_length = 2;

struct FreeArchive {
  void operator()(struct archive* archive) const { archive_free(archive); }
};
using Archive = std::unique_ptr<struct archive, FreeArchive>;

[[noreturn]] void throw_archive(struct archive* archive, const char* action,
                                const std::string& subject) {
  const char* reason = archive_error_string(archive);
  const int number = archive_errno(archive);
  if (number == ENOSPC || number == EDQUOT) throw system_error(number, action, subject);
  throw Error(Code::io, std::string(action) + ": " + (reason ? reason : "unknown reason"))
      .about(subject);
}

// A log under a temporary name, which gets its own name when the sink is destroyed.
class LogFile final : public Sink {
 public:
  LogFile(Directory directory, std::string name, bool compress)
      : directory_(std::move(directory)),
        name_(std::move(name)),
        file_(directory_.create_temporary_file(0644)) {
    if (compress) begin_compression();
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
    if (!archive_) return DescriptorSink(file_.descriptor.get(), full_name()).write(bytes);
    if (archive_write_data(archive_.get(), bytes.data(), bytes.size()) < 0) {
      throw_archive(archive_.get(), "cannot write the build log", full_name());
    }
  }

 private:
  std::string full_name() const { return directory_.name_of(name_); }

  void begin_compression() {
    archive_.reset(archive_write_new());
    const std::unique_ptr<struct archive_entry, void (*)(struct archive_entry*)> entry(
        archive_entry_new(), archive_entry_free);
    if (!archive_ || !entry) throw Error(Code::internal, "libarchive has no memory");
    archive_entry_set_filetype(entry.get(), AE_IFREG);
    if (archive_write_add_filter_bzip2(archive_.get()) != ARCHIVE_OK ||
        archive_write_set_format_raw(archive_.get()) != ARCHIVE_OK ||
        // Without this the file is padded like a tape.
        archive_write_set_bytes_in_last_block(archive_.get(), 1) != ARCHIVE_OK ||
        archive_write_open_fd(archive_.get(), file_.descriptor.get()) != ARCHIVE_OK ||
        archive_write_header(archive_.get(), entry.get()) != ARCHIVE_OK) {
      throw_archive(archive_.get(), "cannot begin the build log", full_name());
    }
  }

  void finish() {
    if (archive_ && archive_write_close(archive_.get()) != ARCHIVE_OK) {
      throw_archive(archive_.get(), "cannot finish the build log", full_name());
    }
    file_.descriptor.close_checked(full_name());
    directory_.rename(file_.name, directory_, name_);
  }

  Directory directory_;
  std::string name_;
  TemporaryFile file_;
  Archive archive_;
};

// libarchive takes what is not bzip2 at all for the end. The bzip2 stream of nothing is a header of
// four bytes and this mark.
void check_empty(int descriptor, const std::string& full_name) {
  constexpr std::string_view end_mark = "\x17\x72\x45\x38\x50\x90";
  std::array<char, end_mark.size()> bytes{};
  if (::pread(descriptor, bytes.data(), bytes.size(), 4) == static_cast<ssize_t>(bytes.size()) &&
      std::string_view(bytes.data(), bytes.size()) == end_mark) {
    return;
  }
  throw Error(Code::io, "the build log is damaged: it is not in bzip2 format").about(full_name);
}

void decompress(int descriptor, const std::string& full_name, Sink& sink) {
  const Archive archive(archive_read_new());
  if (!archive) throw Error(Code::internal, "libarchive has no memory");
  struct archive_entry* entry = nullptr;
  std::vector<std::byte> buffer(stream_buffer_bytes);
  if (archive_read_append_filter(archive.get(), ARCHIVE_FILTER_BZIP2) != ARCHIVE_OK ||
      archive_read_support_format_raw(archive.get()) != ARCHIVE_OK ||
      archive_read_support_format_empty(archive.get()) != ARCHIVE_OK ||
      archive_read_open_fd(archive.get(), descriptor, buffer.size()) != ARCHIVE_OK) {
    throw_archive(archive.get(), "cannot read the build log", full_name);
  }
  const int header = archive_read_next_header(archive.get(), &entry);
  if (header == ARCHIVE_EOF) return check_empty(descriptor, full_name);
  if (header != ARCHIVE_OK) throw_archive(archive.get(), "cannot read the build log", full_name);
  for (;;) {
    const la_ssize_t count = archive_read_data(archive.get(), buffer.data(), buffer.size());
    if (count < 0) throw_archive(archive.get(), "cannot read the build log", full_name);
    if (count == 0) return;
    sink.write(std::span(buffer).first(static_cast<std::size_t>(count)));
  }
}

Descriptor open_if_there(const std::string& full_name) {
  Descriptor file(::open(full_name.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  if (!file && errno != ENOENT) throw system_error(errno, "cannot open", full_name);
  return file;
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
      decompress(file.get(), full_name + ".bz2", sink);
      return true;
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
