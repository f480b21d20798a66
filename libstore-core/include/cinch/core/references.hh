// Which store paths do these bytes mention? An object refers to another when the 32 characters of
// the other's hash part occur in its NAR. So an object is moved, or made to refer to others, by
// replacing hash parts by others of the same length.
#pragma once

#include <cinch/core/export.hh>
#include <cinch/core/store_path.hh>
#include <cinch/core/stream.hh>

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>

namespace cinch {

// Finds which of the candidates occur in the stream written to it, across any chunk borders.
// Time is linear in the bytes and hardly depends on the number of candidates.
class CINCH_CORE_API ReferenceScanner final : public Sink {
 public:
  explicit ReferenceScanner(const StorePathSet& candidates);
  ReferenceScanner(ReferenceScanner&&) noexcept;
  ~ReferenceScanner() override;

  void write(Bytes bytes) override;
  StorePathSet found() const;
  // What was found; then begins anew, as if nothing had been written. Takes no time for candidates
  // that were not found.
  StorePathSet take_found();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// Replaces hash parts in a stream on its way to another sink. All are looked for at once, from left
// to right; what was put in is not looked at again, so that two paths can be exchanged. Where two
// overlap, the first one is replaced. Holds back at most 31 bytes until more input, or finish().
class CINCH_CORE_API ReferenceRewriter final : public Sink {
 public:
  // From a hash part to what stands in its place: 32 bytes of any kind.
  using HashParts = std::map<std::string, std::string, std::less<>>;
  // Is told the offset of each occurrence, ascending.
  using OnMatch = std::function<void(std::uint64_t offset)>;

  // `next` must outlive it. Throws Code::invalid_argument for a key that is not 32 nix32 characters
  // or a value that is not 32 bytes.
  ReferenceRewriter(HashParts rewrites, Sink& next, OnMatch on_match = nullptr);
  ~ReferenceRewriter() override;

  void write(Bytes bytes) override;
  // Passes on what was held back. Does not finish `next`.
  void finish();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace cinch
