#include <cinch/core/error.hh>
#include <cinch/core/git_hasher.hh>

#include <algorithm>
#include <array>
#include <charconv>

namespace cinch {

namespace {

// Git sorts directories as if their names ended in a slash.
std::string sort_key(const std::string& name, GitMode mode) {
  return mode == GitMode::directory ? name + '/' : name;
}

std::string octal(GitMode mode) {
  std::array<char, 16> digits;
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(),
                                 static_cast<std::uint32_t>(mode), 8);
  return {digits.data(), end.ptr};
}

}  // namespace

GitHasher::GitHasher(HashAlgorithm algorithm) : algorithm_(algorithm) {
  if (algorithm == HashAlgorithm::sha1 || algorithm == HashAlgorithm::sha256) return;
  throw Error(Code::invalid_argument,
              "git hashes objects with sha1 or sha256, not " + std::string(to_string(algorithm)));
}

GitHasher::~GitHasher() = default;

void GitHasher::directory() { open_.emplace_back(); }

void GitHasher::entry(std::string_view name) {
  open_.back().push_back({.name = std::string(name), .object = std::nullopt});
}

void GitHasher::file(std::uint64_t size_bytes, bool executable) {
  blob_mode_ = executable ? GitMode::executable : GitMode::regular;
  begin_blob(size_bytes);
}

void GitHasher::contents(Bytes bytes) { blob_->write(bytes); }

void GitHasher::symlink(std::string_view target) {
  begin_blob(target.size());
  blob_->write(as_bytes(target));
  const Hash hash = blob_->finish();
  blob_.reset();
  end_node(GitMode::symlink, hash);
}

void GitHasher::leave() {
  if (blob_) {
    const Hash hash = blob_->finish();
    blob_.reset();
    return end_node(blob_mode_, hash);
  }
  const Hash hash = hash_tree(std::move(open_.back()));
  open_.pop_back();
  end_node(GitMode::directory, hash);
}

GitObject GitHasher::finish() const {
  if (!root_) throw Error(Code::invalid_argument, "the object to hash is not complete");
  return *root_;
}

void GitHasher::begin_blob(std::uint64_t size_bytes) {
  blob_.emplace(algorithm_);
  std::string head = "blob " + std::to_string(size_bytes);
  head += '\0';
  blob_->write(as_bytes(head));
}

void GitHasher::end_node(GitMode mode, const Hash& hash) {
  const GitObject object{mode, hash};
  if (open_.empty()) {
    root_ = object;
  } else {
    open_.back().back().object = object;
  }
}

Hash GitHasher::hash_tree(Directory entries) const {
  std::sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) {
    return sort_key(a.name, a.object->mode) < sort_key(b.name, b.object->mode);
  });
  std::string body;
  for (const Entry& entry : entries) {
    body += octal(entry.object->mode);
    body += ' ';
    body += entry.name;
    body += '\0';
    body += as_text(entry.object->hash.digest());
  }
  std::string head = "tree " + std::to_string(body.size());
  head += '\0';
  Hasher hasher(algorithm_);
  hasher.write(as_bytes(head));
  hasher.write(as_bytes(body));
  return hasher.finish();
}

}  // namespace cinch
