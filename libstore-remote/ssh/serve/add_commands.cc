// A client that may write may say what it likes: no signatures are asked for.
#include "serve/commands.hh"
#include "serve/values.hh"

#include <cinch/core/error.hh>
#include <cinch/core/export_archive.hh>

#include <algorithm>

namespace cinch::serve::commands {
namespace {

// No more than was announced.
class AnnouncedNar final : public Source {
 public:
  AnnouncedNar(wire::Decoder& decoder, std::uint64_t size_bytes)
      : decoder_(decoder), left_(size_bytes) {}
  ~AnnouncedNar() override = default;

  std::size_t read(std::span<std::byte> buffer) override {
    if (left_ == 0) {
      throw Error(Code::protocol, "the NAR is longer than the client has said")
          .at(decoder_.offset());
    }
    const auto count = static_cast<std::size_t>(std::min<std::uint64_t>(left_, buffer.size()));
    const std::size_t got = decoder_.read(buffer.first(count));
    if (got == 0) {
      throw Error(Code::disconnected, "the client went away in the middle of a NAR")
          .at(decoder_.offset());
    }
    left_ -= got;
    return got;
  }

  void require_end() const {
    if (left_ == 0) return;
    throw Error(Code::protocol, "the NAR is shorter than the client has said")
        .at(decoder_.offset());
  }

 private:
  wire::Decoder& decoder_;
  std::uint64_t left_;
};

constexpr std::uint64_t success = 1;

}  // namespace

void import_paths(Session& session) {
  cinch::import_paths(
      session.store, session.in,
      {.policy = SignaturePolicy::accept_unsigned, .make_spool = session.options.make_spool},
      session.stop);
  session.out.number(success);
}

void add_to_store_nar(Session& session) {
  StorePath path = wire::read_path(session.in, session.dialect);
  const PathInfo info = wire::read_path_info(session.in, session.dialect, std::move(path));
  if (info.nar_size == 0) {
    throw Error(Code::protocol, "the client does not say how long the NAR is")
        .about(session.store.store_dir().print(info.path));
  }
  AnnouncedNar nar(session.in, info.nar_size);
  session.store.add_nar(info, nar, SignaturePolicy::accept_unsigned, session.stop);
  nar.require_end();
  session.out.number(success);
}

}  // namespace cinch::serve::commands
