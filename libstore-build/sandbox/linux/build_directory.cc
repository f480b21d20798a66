#include "build_directory.hh"

#include <cinch/core/encoding.hh>
#include <cinch/core/error.hh>

#include <array>
#include <cerrno>
#include <utility>

#include <fcntl.h>
#include <sys/random.h>
#include <sys/stat.h>

namespace cinch::sandbox {
namespace {

constexpr std::size_t name_random_bytes = 10;  // 16 characters, without a chance of a clash

std::string random_name() {
  std::array<std::byte, name_random_bytes> bytes{};
  if (getrandom(bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size())) {
    throw system_error(errno, "cannot get random bytes", "");
  }
  return nix32_encode(bytes);
}

}  // namespace

BuildDirectory::BuildDirectory(const Directory& parent, std::string name)
    : parent_(parent), name_(std::move(name)), outer_(parent.make_directory(name_, 0700)) {}

// Once the other constructor is done, the destructor removes what exists if this one fails.
BuildDirectory::BuildDirectory(const Directory& parent) : BuildDirectory(parent, random_name()) {
  work_ = outer_.make_directory("work", 0700);
  store_ = outer_.make_directory("store", 0755);
  Directory temp = outer_.make_directory("tmp", 0700);
  // Not by mkdir(), whose mode the umask cuts.
  if (fchmod(temp.get(), 01777) != 0) {
    throw system_error(errno, "cannot change the mode", temp.name());
  }
}

BuildDirectory::~BuildDirectory() {
  // If descriptors are scarce, the removal needs these.
  work_.reset();
  store_.reset();
  try {
    if (kept_) {
      remove_parts();
    } else {
      { const Directory closed = std::move(outer_); }
      parent_.remove_tree(name_);
    }
  } catch (const Error&) {
    // A destructor has nobody to tell. What is left lies behind a wall of mode 0700.
  }
}

void BuildDirectory::remove_parts() const {
  outer_.remove_tree("store");
  outer_.remove_tree("tmp");
}

Layout BuildDirectory::layout() const {
  return {outer_.name_of("work"), outer_.name_of("store"), outer_.name_of("tmp")};
}

void BuildDirectory::write_files(std::span<const BuildFile> files) const {
  for (const BuildFile& file : files) {
    Descriptor descriptor = work_->open_file(file.name, O_WRONLY | O_CREAT | O_EXCL, 0644);
    DescriptorSink(descriptor.get(), work_->name_of(file.name)).write(as_bytes(file.contents));
    descriptor.close_checked(work_->name_of(file.name));
  }
}

std::string BuildDirectory::keep() {
  kept_ = true;
  return outer_.name_of("work");
}

}  // namespace cinch::sandbox
