#include "tree_reader.hh"

#include <cinch/core/cancellation.hh>
#include <cinch/core/error.hh>

#include <algorithm>
#include <cstring>

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

namespace cinch {

namespace {

constexpr std::uint64_t large_file_bytes = std::uint64_t{1} << 20;
// The least room in which a name or a symlink target fits.
constexpr std::size_t text_room_bytes = 8192;

std::string kind_of(unsigned char type) {
  switch (type) {
    case DT_SOCK:
      return "a socket";
    case DT_FIFO:
      return "a named pipe";
    case DT_BLK:
    case DT_CHR:
      return "a device";
    default:
      return "of an unknown kind";
  }
}

}  // namespace

void throw_size_changed(const std::string& full_name) {
  throw Error(Code::io, "the file changed its size while it was read")
      .about(full_name)
      .hint("wait until whatever writes it is done")
      .retryable();
}

void throw_not_in_a_store(const Directory& parent, std::string_view name, unsigned char type) {
  throw Error(Code::not_supported, "the file is " + kind_of(type) +
                                       "; a store object holds only regular files, directories "
                                       "and symlinks")
      .about(parent.name_of(name));
}

RegularFile open_regular_file(const Directory& parent, std::string_view name) {
  // O_NONBLOCK: should a pipe have taken the place of the file, opening it must not hang.
  Descriptor descriptor = parent.open_file(name, O_RDONLY | O_NONBLOCK | O_NOCTTY);
  struct stat status;
  if (::fstat(descriptor.get(), &status) != 0) {
    throw system_error(errno, "cannot get status", parent.name_of(name));
  }
  if (!S_ISREG(status.st_mode)) {
    throw Error(Code::io, "the file was replaced while the tree was read")
        .about(parent.name_of(name))
        .retryable();
  }
  const auto size_bytes = static_cast<std::uint64_t>(status.st_size);
  if (size_bytes >= large_file_bytes) {
    (void)::posix_fadvise(descriptor.get(), 0, 0, POSIX_FADV_SEQUENTIAL);  // a hint, no more
  }
  return {std::move(descriptor), parent.name_of(name), size_bytes, (status.st_mode & S_IXUSR) != 0};
}

TreeBatch::TreeBatch() : bytes_(new std::byte[batch_bytes]) {}

void TreeBatch::clear() {
  events_.clear();
  used_ = 0;
}

bool TreeBatch::has_room() const {
  return batch_bytes - used_ >= text_room_bytes && events_.size() < batch_events_max;
}

void TreeBatch::add_text(Kind kind, std::string_view text) {
  std::memcpy(bytes_.get() + used_, text.data(), text.size());
  events_.push_back({kind, text.size()});
  used_ += text.size();
}

void TreeBatch::add_file(std::uint64_t size_bytes, bool executable) {
  events_.push_back({executable ? Kind::executable : Kind::file, size_bytes});
}

void TreeBatch::add_contents(std::size_t count) {
  events_.push_back({Kind::contents, count});
  used_ += count;
}

void TreeBatch::replay(NarVisitor& visitor) const {
  std::size_t position = 0;
  const auto take = [&](std::uint64_t count) {
    const Bytes bytes(bytes_.get() + position, count);
    position += count;
    return bytes;
  };
  for (const Event& event : events_) {
    switch (event.kind) {
      case Kind::directory:
        visitor.directory();
        break;
      case Kind::leave:
        visitor.leave();
        break;
      case Kind::entry:
        visitor.entry(as_text(take(event.size_bytes)));
        break;
      case Kind::symlink:
        visitor.symlink(as_text(take(event.size_bytes)));
        break;
      case Kind::file:
      case Kind::executable:
        visitor.file(event.size_bytes, event.kind == Kind::executable);
        break;
      case Kind::contents:
        visitor.contents(take(event.size_bytes));
        break;
    }
  }
}

TreeReader::TreeReader(const Directory& parent, std::string_view name,
                       const ReadTreeOptions& options)
    : options_(options), parent_(&parent), root_name_(name) {}

TreeReader::TreeReader(Directory root, const ReadTreeOptions& options)
    : options_(options), root_(std::move(root)) {}

bool TreeReader::fill(TreeBatch& batch) {
  while (batch.has_room()) {
    if (!step(batch)) return false;
  }
  return true;
}

bool TreeReader::step(TreeBatch& batch) {
  if (file_) {
    read_contents(batch);
    return true;
  }
  if (parent_) {
    const Directory& parent = *std::exchange(parent_, nullptr);
    const std::optional<struct stat> status = parent.stat(root_name_);
    if (!status) {
      throw Error(Code::not_found, "there is no such file").about(parent.name_of(root_name_));
    }
    begin(batch, parent, root_name_, static_cast<unsigned char>(IFTODT(status->st_mode)));
    return true;
  }
  if (root_) {
    Directory root = *std::exchange(root_, std::nullopt);
    begin_directory(batch, std::move(root));
    return true;
  }
  if (levels_.empty()) return false;
  Level& level = levels_.back();
  if (level.next == level.entries.size()) {
    batch.add_leave();
    levels_.pop_back();
    return true;
  }
  check_cancelled(options_.stop);
  const DirectoryEntry& entry = level.entries[level.next++];
  if (!wanted(level, entry.name)) return true;
  batch.add_entry(entry.name);
  begin(batch, level.directory, entry.name, entry.type);
  return true;
}

bool TreeReader::wanted(const Level& level, std::string_view name) {
  if (!options_.filter) return true;
  path_.resize(level.path_length);
  if (!path_.empty()) path_ += '/';
  path_ += name;
  return options_.filter(path_);
}

void TreeReader::begin(TreeBatch& batch, const Directory& parent, std::string_view name,
                       unsigned char type) {
  switch (type) {
    case DT_DIR:
      return begin_directory(batch, parent.open_directory(name));
    case DT_REG:
      return begin_file(batch, parent, name);
    case DT_LNK:
      return batch.add_symlink(parent.read_symlink(name));
    default:
      throw_not_in_a_store(parent, name, type);
  }
}

void TreeReader::begin_directory(TreeBatch& batch, Directory directory) {
  if (levels_.size() >= nar_depth_max) {
    throw Error(Code::limit_exceeded,
                "more than " + std::to_string(nar_depth_max) + " directories lie inside each other")
        .about(directory.name());
  }
  std::vector<DirectoryEntry> entries = directory.list();
  batch.add_directory();
  levels_.push_back({std::move(directory), std::move(entries), 0, path_.size()});
}

void TreeReader::begin_file(TreeBatch& batch, const Directory& parent, std::string_view name) {
  RegularFile file = open_regular_file(parent, name);
  batch.add_file(file.size_bytes, file.executable);
  file_ = OpenFile{std::move(file.descriptor), std::move(file.full_name), file.size_bytes};
  read_contents(batch);
}

void TreeReader::read_contents(TreeBatch& batch) {
  check_cancelled(options_.stop);
  const std::span<std::byte> room = batch.room();
  // Asking for one byte more than is left tells, in the same call, whether the file has grown.
  const std::size_t wanted_bytes =
      static_cast<std::size_t>(std::min<std::uint64_t>(room.size(), file_->left_bytes + 1));
  if (wanted_bytes == 0) return;
  const std::size_t count =
      DescriptorSource(file_->descriptor.get(), file_->full_name).read(room.first(wanted_bytes));
  if (count > file_->left_bytes) throw_size_changed(file_->full_name);
  if (count == 0 && file_->left_bytes > 0) throw_size_changed(file_->full_name);
  if (count > 0) batch.add_contents(count);
  file_->left_bytes -= count;
  // A short read at the end of the file is its end; a full one must be asked once more.
  if (file_->left_bytes == 0 && count < wanted_bytes) {
    file_.reset();
    batch.add_leave();
  }
}

}  // namespace cinch
