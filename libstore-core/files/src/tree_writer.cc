#include <cinch/core/error.hh>
#include <cinch/files/file_tree.hh>

#include <algorithm>
#include <cerrno>
#include <vector>

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace cinch {

namespace {

// atime stays; mtime is one second after the epoch, as everywhere in a store.
constexpr struct timespec canonical_times[2] = {{.tv_sec = 0, .tv_nsec = UTIME_OMIT},
                                                {.tv_sec = 1, .tv_nsec = 0}};

// For larger writes the kernel looks for larger pieces of free memory, which costs more than they
// save.
constexpr std::size_t write_bytes = std::size_t{64} << 10;

mode_t canonical_file_mode(bool executable) { return executable ? 0555 : 0444; }

// Files are created with their mode; only a umask or an access list makes it another one. Looking
// costs less than setting it again.
void make_canonical(int descriptor, mode_t mode, const std::string& full_name) {
  constexpr mode_t mode_bits = 07777;
  struct stat status;
  const bool is_set = ::fstat(descriptor, &status) == 0 && (status.st_mode & mode_bits) == mode;
  if (!is_set && ::fchmod(descriptor, mode) != 0) {
    throw system_error(errno, "cannot set mode", full_name);
  }
  if (::futimens(descriptor, canonical_times) != 0) {
    throw system_error(errno, "cannot set times", full_name);
  }
}

void flush(int descriptor, const std::string& full_name) {
  if (::fsync(descriptor) != 0) throw system_error(errno, "cannot flush", full_name);
}

// What is there already in place of something new: the file system takes two names for one.
void refuse_same_name(const Directory& place, const std::string& name) {
  const std::optional<struct stat> status = place.stat(name);
  if (!status) return;
  for (const DirectoryEntry& entry : place.list()) {
    const std::optional<struct stat> other = place.stat(entry.name);
    if (entry.name == name || !other || other->st_ino != status->st_ino) continue;
    throw Error(Code::not_supported, "this file system cannot tell '" + name + "' from '" +
                                         entry.name + "', which is in the same directory")
        .about(place.name_of(name))
        .hint("use one that keeps names as they are: upper and lower case, and all of Unicode");
  }
}

// Makes a node. A tree has each name once.
template <class Make>
auto make_node(const Directory& place, const std::string& name, Make make) {
  try {
    return make();
  } catch (const Error&) {
    refuse_same_name(place, name);
    throw;
  }
}

[[noreturn]] void throw_out_of_order(const char* what) {
  throw Error(Code::invalid_argument,
              std::string("a tree was written in the wrong order: ") + what);
}

}  // namespace

struct TreeWriter::State {
  struct OpenFile {
    Descriptor descriptor;
    std::string full_name;
    std::uint64_t left_bytes;
    bool executable;
  };

  const Directory& parent;
  std::string root_name;
  WriteTreeOptions options;
  bool created = false;   // the root exists and is ours
  bool finished = false;  // finish() has returned
  std::vector<Directory> levels;
  std::string next_name;  // of the next node; empty: entry() must come first
  std::optional<OpenFile> file;

  // Where the next node goes; takes the name that entry() gave.
  const Directory& place() const { return levels.empty() ? parent : levels.back(); }
  std::string take_name() {
    if (file) throw_out_of_order("a node began inside a file");
    if (next_name.empty()) throw_out_of_order("a node has no name");
    return std::exchange(next_name, {});
  }
  void leave_file();
  void leave_directory();
};

TreeWriter::TreeWriter(const Directory& parent, std::string name, const WriteTreeOptions& options)
    : state_(new State{.parent = parent, .root_name = name, .options = options}) {
  check_component(name);
  state_->next_name = std::move(name);
}

TreeWriter::~TreeWriter() {
  if (!state_->created || state_->finished) return;
  state_->file.reset();
  state_->levels.clear();
  try {
    state_->parent.remove_tree(state_->root_name);
  } catch (const Error&) {
    // A destructor cannot report it, and what is left is not part of any store.
  }
}

void TreeWriter::directory() {
  if (state_->levels.size() >= nar_depth_max) {
    throw Error(Code::limit_exceeded,
                "more than " + std::to_string(nar_depth_max) + " directories lie inside each other")
        .about(state_->place().name());
  }
  const Directory& place = state_->place();
  const std::string name = state_->take_name();
  const mode_t mode = state_->options.canonical ? 0700 : 0777;
  // Set first: a failure between the creation and the opening must clean up, too.
  Directory made = make_node(place, name, [&] {
    if (::mkdirat(place.get(), name.c_str(), mode) != 0) {
      throw system_error(errno, "cannot create directory", place.name_of(name));
    }
    state_->created = true;
    return place.open_directory(name);
  });
  state_->levels.push_back(std::move(made));
}

void TreeWriter::entry(std::string_view name) {
  if (state_->levels.empty() || state_->file || !state_->next_name.empty()) {
    throw_out_of_order("an entry outside a directory");
  }
  check_component(name);
  state_->next_name = name;
}

void TreeWriter::file(std::uint64_t size_bytes, bool executable) {
  const Directory& place = state_->place();
  const std::string name = state_->take_name();
  const mode_t mode =
      state_->options.canonical ? canonical_file_mode(executable) : (executable ? 0777 : 0666);
  Descriptor descriptor = make_node(
      place, name, [&] { return place.open_file(name, O_RDWR | O_CREAT | O_EXCL, mode); });
  state_->created = true;
  state_->file =
      State::OpenFile{std::move(descriptor), place.name_of(name), size_bytes, executable};
}

void TreeWriter::contents(Bytes bytes) {
  if (!state_->file) throw_out_of_order("contents outside a file");
  if (bytes.size() > state_->file->left_bytes) throw_out_of_order("more contents than announced");
  state_->file->left_bytes -= bytes.size();
  DescriptorSink sink(state_->file->descriptor.get(), state_->file->full_name);
  for (; !bytes.empty(); bytes = bytes.subspan(std::min(bytes.size(), write_bytes))) {
    sink.write(bytes.first(std::min(bytes.size(), write_bytes)));
  }
}

int TreeWriter::clone_contents(int source) {
  if (!state_->file) throw_out_of_order("contents outside a file");
  State::OpenFile& file = *state_->file;
  const int clone = file.descriptor.get();
  // Whatever the reason is, a plain copy comes next, and meets it again if it matters.
  if (::ioctl(clone, FICLONE, source) != 0) return -1;
  struct stat status;
  if (::fstat(clone, &status) != 0) throw system_error(errno, "cannot get status", file.full_name);
  if (static_cast<std::uint64_t>(status.st_size) != file.left_bytes) {
    throw Error(Code::io, "the file changed its size while it was copied")
        .about(file.full_name)
        .retryable();
  }
  file.left_bytes = 0;
  return clone;
}

void TreeWriter::symlink(std::string_view target) {
  const Directory& place = state_->place();
  const std::string name = state_->take_name();
  if (target.empty() || target.find('\0') != target.npos) {
    throw Error(Code::invalid_argument, "a symlink needs a target without NUL bytes")
        .about(place.name_of(name));
  }
  make_node(place, name, [&] { place.make_symlink(std::string(target), name); });
  state_->created = true;
  if (state_->options.canonical &&
      ::utimensat(place.get(), name.c_str(), canonical_times, AT_SYMLINK_NOFOLLOW) != 0) {
    throw system_error(errno, "cannot set times", place.name_of(name));
  }
}

void TreeWriter::leave() {
  if (state_->file) return state_->leave_file();
  if (state_->levels.empty() || !state_->next_name.empty()) throw_out_of_order("nothing to leave");
  state_->leave_directory();
}

void TreeWriter::State::leave_file() {
  if (file->left_bytes != 0) throw_out_of_order("less contents than announced");
  OpenFile done = *std::exchange(file, std::nullopt);
  if (options.canonical) {
    return finish_canonical_file(std::move(done.descriptor), done.full_name, done.executable,
                                 options.fsync);
  }
  if (options.fsync) flush(done.descriptor.get(), done.full_name);
  done.descriptor.close_checked(done.full_name);
}

void TreeWriter::State::leave_directory() {
  const Directory& directory = levels.back();
  if (options.canonical) make_canonical(directory.get(), 0555, directory.name());
  if (options.fsync) flush(directory.get(), directory.name());
  levels.pop_back();
}

void finish_canonical_file(Descriptor file, const std::string& full_name, bool executable,
                           bool fsync) {
  make_canonical(file.get(), canonical_file_mode(executable), full_name);
  if (fsync) flush(file.get(), full_name);
  file.close_checked(full_name);
}

void TreeWriter::finish() {
  if (!state_->created || state_->file || !state_->levels.empty() || !state_->next_name.empty()) {
    throw_out_of_order("it is not complete");
  }
  if (state_->options.fsync) flush(state_->parent.get(), state_->parent.name());
  state_->finished = true;
}

}  // namespace cinch
