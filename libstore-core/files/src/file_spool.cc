#include <cinch/core/error.hh>
#include <cinch/files/file_spool.hh>

#include <cerrno>

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

namespace cinch {

namespace {

constexpr std::size_t memory_bytes_max = std::size_t{1} << 20;

// Some file systems have no files without a name: there it is taken away at once.
Descriptor open_named(const std::string& directory) {
  std::string name = directory + "/.spool-XXXXXX";
  Descriptor file(::mkostemp(name.data(), O_CLOEXEC));
  if (!file) throw system_error(errno, "cannot create a temporary file in", directory);
  if (::unlink(name.c_str()) != 0) throw system_error(errno, "cannot remove", name);
  return file;
}

}  // namespace

FileSpool::~FileSpool() = default;

void FileSpool::open() {
  file_ = Descriptor(::open(directory_.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600));
  if (!file_ && (errno == EOPNOTSUPP || errno == EISDIR)) file_ = open_named(directory_);
  if (!file_) throw system_error(errno, "cannot create a temporary file in", directory_);
}

void FileSpool::write(Bytes bytes) {
  if (source_) throw Error(Code::invalid_argument, "a spool is written after it was read");
  if (!file_ && head_.size() + bytes.size() <= memory_bytes_max) {
    head_ += as_text(bytes);
    return;
  }
  if (!file_) {
    open();
    DescriptorSink(file_.get(), directory_).write(as_bytes(head_));
  }
  DescriptorSink(file_.get(), directory_).write(bytes);
}

Source& FileSpool::read_back() {
  if (!file_) {
    source_ = std::make_unique<StringSource>(head_);
    return *source_;
  }
  if (::lseek(file_.get(), 0, SEEK_SET) != 0) {
    throw system_error(errno, "cannot read back", directory_);
  }
  source_ = std::make_unique<DescriptorSource>(file_.get(), directory_);
  return *source_;
}

}  // namespace cinch
