// Which store paths do these bytes mention? An object refers to another when the 32 characters of
// the other's hash part occur in its NAR.
#pragma once

#include <cinch/core/export.hh>
#include <cinch/core/store_path.hh>
#include <cinch/core/stream.hh>

#include <memory>

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

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace cinch
