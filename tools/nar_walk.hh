// Walking through a NAR as it streams by: listing it, taking one file out of it.
#pragma once

#include <cinch/core/nar.hh>
#include <cinch/core/stream.hh>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace cinch::cli {

enum class NodeType : std::uint8_t { regular, directory, symlink };

// One file-system object of a tree. A tree is a list of them in NAR order: a directory stands
// before what is in it.
struct Node {
  std::string path;  // below the root, "a/b"; the root's own is empty
  NodeType type = NodeType::regular;
  std::uint64_t size_bytes = 0;  // of a regular file
  bool executable = false;
  std::string target;                       // of a symlink
  std::optional<std::uint64_t> nar_offset;  // of a regular file's bytes, if known
};

// Parses the NAR that is written to it. finish() throws unless one whole NAR was written.
class NarWalk : public Sink {
 public:
  ~NarWalk() override;
  void write(Bytes bytes) final;
  void finish();

 protected:
  virtual void node(Node node) = 0;
  virtual void contents(Bytes bytes) = 0;  // of the regular file that was the last node

 private:
  void run();
  std::string next_path() const;

  NarReader reader_;
  NarReader::Step step_ = NarReader::Step::need_input;
  bool started_ = false;
  std::vector<std::string> directories_;  // the paths of the open ones
  std::string entry_;
  std::vector<bool> open_;  // whether each open node is a directory
};

// Collects all nodes.
class NarListing final : public NarWalk {
 public:
  ~NarListing() override;
  std::vector<Node> take() { return std::move(nodes_); }

 private:
  void node(Node node) override { nodes_.push_back(std::move(node)); }
  void contents(Bytes) override {}
  std::vector<Node> nodes_;
};

// Writes the contents of one regular file to a sink.
class NarExtract final : public NarWalk {
 public:
  NarExtract(std::string path, Sink& sink) : path_(std::move(path)), sink_(sink) {}
  ~NarExtract() override;
  // What was found at the path, if anything.
  const std::optional<Node>& found() const { return found_; }

 private:
  void node(Node node) override;
  void contents(Bytes bytes) override;

  std::string path_;
  Sink& sink_;
  std::optional<Node> found_;
  bool copying_ = false;
};

}  // namespace cinch::cli
