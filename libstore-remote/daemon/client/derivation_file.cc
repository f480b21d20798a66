#include "client/derivation_file.hh"

#include <cinch/core/derivation_aterm.hh>
#include <cinch/core/error.hh>
#include <cinch/core/nar.hh>

#include <string>

namespace cinch {
namespace {

class TextFile final : public NarVisitor {
 public:
  void directory() override { refuse(); }
  void entry(std::string_view) override { refuse(); }
  void symlink(std::string_view) override { refuse(); }
  void file(std::uint64_t size_bytes, bool) override {
    if (size_bytes > derivation_bytes_max) {
      throw Error(Code::limit_exceeded, "a derivation of " + std::to_string(size_bytes) +
                                            " bytes is larger than the allowed " +
                                            std::to_string(derivation_bytes_max));
    }
  }
  void contents(Bytes bytes) override { text_ += as_text(bytes); }
  void leave() override {}
  const std::string& text() const { return text_; }

 private:
  [[noreturn]] static void refuse() {
    throw Error(Code::malformed, "a derivation must be a regular file");
  }
  std::string text_;
};

}  // namespace

Derivation read_derivation_nar(Source& nar, const StorePath& path, const StoreDir& store_dir) {
  try {
    TextFile file;
    parse_nar(nar, file);
    std::string_view name = path.name();
    if (path.is_derivation()) name.remove_suffix(std::string_view(".drv").size());
    return parse_derivation(file.text(), name, store_dir);
  } catch (Error& error) {
    error.set_subject_if_empty(store_dir.print(path));
    throw;
  }
}

}  // namespace cinch
