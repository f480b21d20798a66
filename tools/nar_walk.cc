#include "nar_walk.hh"

#include <cinch/core/error.hh>

namespace cinch::cli {

NarWalk::~NarWalk() = default;
NarListing::~NarListing() = default;
NarExtract::~NarExtract() = default;

void NarWalk::write(Bytes bytes) {
  if (bytes.empty()) return;
  if (!started_) {
    started_ = true;
    run();
  }
  if (step_ == NarReader::Step::finished) {
    throw Error(Code::malformed, "bytes follow the end of the NAR").at(reader_.offset());
  }
  reader_.put(bytes);
  run();
  if (step_ == NarReader::Step::finished && reader_.unread() > 0) {
    throw Error(Code::malformed, "bytes follow the end of the NAR").at(reader_.offset());
  }
}

void NarWalk::finish() {
  if (step_ == NarReader::Step::finished) return;
  if (!started_) run();
  reader_.end_input();
  run();
}

void NarWalk::run() {
  using Step = NarReader::Step;
  for (;;) {
    step_ = reader_.step();
    switch (step_) {
      case Step::need_input:
      case Step::finished:
        return;
      case Step::directory: {
        const std::string path = next_path();
        node({.path = path, .type = NodeType::directory, .target = {}, .nar_offset = {}});
        directories_.push_back(path);
        open_.push_back(true);
        break;
      }
      case Step::entry:
        entry_ = reader_.name();
        break;
      case Step::file:
        node({.path = next_path(),
              .type = NodeType::regular,
              .size_bytes = reader_.size_bytes(),
              .executable = reader_.executable(),
              .target = {},
              .nar_offset = reader_.offset()});
        open_.push_back(false);
        break;
      case Step::contents:
        contents(reader_.contents());
        break;
      case Step::symlink:
        node({.path = next_path(),
              .type = NodeType::symlink,
              .target = std::string(reader_.target()),
              .nar_offset = {}});
        break;
      case Step::leave:
        if (open_.back()) directories_.pop_back();
        open_.pop_back();
        break;
    }
  }
}

std::string NarWalk::next_path() const {
  if (directories_.empty()) return {};
  const std::string& parent = directories_.back();
  return parent.empty() ? entry_ : parent + "/" + entry_;
}

void NarExtract::node(Node node) {
  copying_ = node.path == path_;
  if (copying_) found_ = std::move(node);
}

void NarExtract::contents(Bytes bytes) {
  if (copying_) sink_.write(bytes);
}

}  // namespace cinch::cli
