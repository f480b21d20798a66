// What the builders of file-system objects share: where the next object goes.
#pragma once

#include <cinch/core/error.hh>
#include <cinch/core/file_system_object.hh>

#include <optional>
#include <utility>
#include <vector>

namespace cinch {

template <class Contents>
class TreeBuilder {
 public:
  using Object = FileSystemObject<Contents>;

  explicit TreeBuilder(std::uint64_t budget) : budget_(budget) {}

  // Takes from what the whole tree may cost. Throws Code::limit_exceeded.
  void spend(std::uint64_t cost) {
    if (cost > budget_) {
      throw Error(Code::limit_exceeded, "the tree is larger than allowed");
    }
    budget_ -= cost;
  }

  void directory() {
    Object& object = put({typename Object::Directory{}});
    open_.push_back(&object);
  }
  void entry(std::string_view name) {
    auto& entries = std::get<typename Object::Directory>(open_.back()->node).entries;
    next_ = &entries.insert_or_assign(entries.end(), std::string(name), Object{})->second;
  }
  void file(Contents contents, bool executable) {
    file_ = &put({typename Object::Regular{std::move(contents), executable}});
  }
  Contents& contents() { return std::get<typename Object::Regular>(file_->node).contents; }
  void symlink(std::string_view target) { put({typename Object::Symlink{std::string(target)}}); }
  void leave() {
    if (file_ != nullptr) {
      file_ = nullptr;
    } else {
      open_.pop_back();
    }
  }

  bool is_file_open() const { return file_ != nullptr; }
  std::size_t open() const { return open_.size(); }

  Object take() {
    if (!has_root_ || file_ != nullptr || !open_.empty()) {
      throw Error(Code::invalid_argument, "the tree is not complete");
    }
    return std::move(root_);
  }

 private:
  Object& put(Object object) {
    has_root_ = true;
    *next_ = std::move(object);
    return *next_;
  }

  Object root_;
  bool has_root_ = false;
  Object* next_ = &root_;
  Object* file_ = nullptr;
  std::vector<Object*> open_;
  std::uint64_t budget_;
};

}  // namespace cinch
