#include "catch.hh"

#include <cinch/core/error.hh>

#include <cerrno>

namespace cinch {

TEST_CASE("an error tells its whole story on one line") {
  Error error = Error(Code::malformed, "expected ','").about("x.drv").at(12).hint("write it again");
  error.add_context("while reading x.drv");
  CHECK(std::string(error.what()) ==
        "while reading x.drv: expected ',' ('x.drv', at byte 12); write it again");
  CHECK(error.code() == Code::malformed);
  CHECK_FALSE(error.is_retryable());
}

TEST_CASE("errno values become codes") {
  CHECK(system_error(ENOSPC, "cannot write", "f").code() == Code::no_space);
  CHECK(system_error(EDQUOT, "cannot write", "f").code() == Code::no_space);
  CHECK(system_error(EROFS, "cannot write", "f").code() == Code::read_only);
  CHECK(system_error(EACCES, "cannot open", "f").code() == Code::permission_denied);
  CHECK(system_error(ENOENT, "cannot open", "f").code() == Code::not_found);
  CHECK(system_error(EIO, "cannot read", "f").code() == Code::io);
  CHECK(system_error(EIO, "cannot read", "f").message() == "cannot read: Input/output error");
  CHECK(system_error(9999, "cannot read", "f").message() == "cannot read: error 9999");
}

}  // namespace cinch
