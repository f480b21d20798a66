#include "server/session.hh"

#include "server/operations.hh"

namespace cinch {

void Session::flush() {
  if (out.empty()) return;
  socket.write(out.bytes());
  out.clear();
}

void Session::check_trust() const {
  if (trusted || !operation || operation->least == LeastTrust::any) return;
  throw Error(Code::not_trusted,
              "only trusted users may use the operation '" + std::string(operation->name) + "'")
      .hint("ask for a place in the setting trusted-users of the daemon");
}

void Session::refuse(const Error& error) {
  wire::write_message(out, wire::to_failure(error));
  throw ErrorSent();
}

}  // namespace cinch
