#include "catch.hh"
#include "errors.hh"

#include <cinch/core/sexp.hh>

namespace cinch {

using test::code_of;
using test::error_of;

namespace {

std::string canonical(std::string_view text) { return Sexp::parse(text).to_canonical(); }

std::optional<Code> refusal(std::string_view text) {
  return code_of([&] { Sexp::parse(text); });
}

}  // namespace

TEST_CASE("the spellings of an s-expression") {
  CHECK(canonical("(3:abc2:xy)") == "(3:abc2:xy)");
  CHECK(canonical("()") == "()");
  CHECK(canonical("0:") == "0:");
  CHECK(canonical("(data\n (flags rfc6979)\n (hash sha256 #00FFab#)\n )\n") ==
        "(4:data(5:flags7:rfc6979)(4:hash6:sha2563:" + std::string("\0\xff\xab", 3) + "))");
  CHECK(canonical(R"(("NIST P-256" "a\n\"\\\x41\101"))") == "(10:NIST P-2566:a\n\"\\AA)");
  CHECK(canonical("|aGk=|") == "2:hi");
  CHECK(canonical("(3:a)b(c))") == "(3:a)b(1:c))");
  CHECK(canonical(std::string("2:\0\n", 4)) == std::string("2:\0\n", 4));
}

TEST_CASE("lists are searched by their names") {
  const Sexp expression = Sexp::parse("(a (b 1:x) (c) (c) b ((b)))");
  CHECK(expression.is("a"));
  CHECK_FALSE(expression.is("b"));
  REQUIRE(expression.find("b") != nullptr);
  CHECK(expression.find("b")->items.size() == 2);
  CHECK(expression.find("c") == nullptr);
  CHECK(expression.find("d") == nullptr);
}

TEST_CASE("what is no s-expression") {
  for (const std::string text : {"",
                                 " ",
                                 "(",
                                 ")",
                                 "(a",
                                 "(a))",
                                 "a b",
                                 "3:ab",
                                 "03:abc",
                                 "3",
                                 "3abc",
                                 "3;abc",
                                 "18446744073709551615:a",
                                 "18446744073709551616:a",
                                 "9223372036854775808:a",
                                 "18446744073709551608:a",
                                 "#0#",
                                 "#0g#",
                                 "#00",
                                 "|aGk|",
                                 "|aGk=",
                                 "\"a",
                                 "\"\\",
                                 "\"\\x4\"",
                                 "\"\\q\"",
                                 "\"\\477\"",
                                 "{a}",
                                 "'a",
                                 "(a . b) c",
                                 "\xff"}) {
    CAPTURE(text);
    CHECK(refusal(text) == Code::malformed);
  }
  CHECK(refusal("[text]2:hi") == Code::not_supported);
  CHECK(error_of([] { Sexp::parse("(a #0g#)"); })->offset() == 5);
}

TEST_CASE("s-expressions have limits") {
  const auto nested = [](std::size_t depth) {
    return std::string(depth, '(') + std::string(depth, ')');
  };
  CHECK_FALSE(refusal(nested(sexp_depth_max)));
  CHECK(refusal(nested(sexp_depth_max + 1)) == Code::limit_exceeded);
  CHECK(refusal(std::string(sexp_bytes_max, '(')) == Code::limit_exceeded);
  CHECK(refusal(std::string(sexp_bytes_max + 1, 'a')) == Code::limit_exceeded);
}

}  // namespace cinch
