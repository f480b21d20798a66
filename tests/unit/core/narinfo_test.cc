#include "catch.hh"
#include "errors.hh"

#include <cinch/core/cache_info.hh>
#include <cinch/core/narinfo.hh>

namespace cinch {

using test::code_of;
using test::error_of;

namespace {

const StoreDir store_dir;
const StoreDir guix_store("/gnu/store");

const std::string hello =
    "StorePath: /nix/store/sbldylj3clbkc0aqvjjzfa6slp4zdvlj-hello-2.12.1\n"
    "URL: nar/1k6m1k3pmy6bw2mq5a0pq2mf7k0cj6qf5vkxixwzmzsl2hd8jpiw.nar.xz\n"
    "Compression: xz\n"
    "FileHash: sha256:1lr187v6dck1rjh2j6svpikcfz53wyl3qrlcbb405zlh13x0khhh\n"
    "FileSize: 50088\n"
    "NarHash: sha256:1pj7swf7dl5z165j08n7vjgj9mvvrz3f878avc96lyxk3zjzfl6r\n"
    "NarSize: 226560\n"
    "References: sbldylj3clbkc0aqvjjzfa6slp4zdvlj-hello-2.12.1 "
    "vnwdak3n1w2jjil119j65k8mw1z23p84-glibc-2.35-224\n"
    "Deriver: 5c1ph2pncrgd6cbcb6wfz4lmp2iqk2ih-hello-2.12.1.drv\n"
    "Sig: test-1:BML/1WG6wz16mQTTlEUXUkgZfcl2y1YtPGvVfnDWkwr2vpbiBT9JLeGqB7X6tZ3Tp76Zpr/"
    "gUo2tmPZ8zt7IDA==\n"
    "CA: fixed:r:sha256:1pj7swf7dl5z165j08n7vjgj9mvvrz3f878avc96lyxk3zjzfl6r\n";

const std::string guix_signed =
    "StorePath: /gnu/store/sbldylj3clbkc0aqvjjzfa6slp4zdvlj-hello-2.12.1\n"
    "NarHash: sha256:1pj7swf7dl5z165j08n7vjgj9mvvrz3f878avc96lyxk3zjzfl6r\n"
    "NarSize: 226560\n"
    "References: \n"
    "Deriver: 5c1ph2pncrgd6cbcb6wfz4lmp2iqk2ih-hello-2.12.1.drv\n"
    "System: x86_64-linux\n";

const std::string guix_hello = guix_signed +
                               "Signature: 1;host.example;KHNpZ25hdHVyZSk=\n"
                               "URL: nar/gzip/sbldylj3clbkc0aqvjjzfa6slp4zdvlj-hello-2.12.1\n"
                               "Compression: gzip\n"
                               "FileSize: 60000\n"
                               "URL: nar/lzip/sbldylj3clbkc0aqvjjzfa6slp4zdvlj-hello-2.12.1\n"
                               "Compression: lzip\n";

std::string replaced(std::string text, const std::string& from, const std::string& to) {
  text.replace(text.find(from), from.size(), to);
  return text;
}

std::optional<Code> refusal(const std::string& text) {
  return code_of([&] { parse_narinfo(text, store_dir); });
}

}  // namespace

TEST_CASE("a narinfo of Nix is read, and written to the same bytes") {
  const NarInfo narinfo = parse_narinfo(hello, store_dir);
  CHECK(narinfo.info.path.name() == "hello-2.12.1");
  CHECK(narinfo.info.nar_size == 226560);
  CHECK(narinfo.info.references.size() == 2);
  CHECK(narinfo.info.split_references().self);
  CHECK(narinfo.info.deriver->is_derivation());
  CHECK(narinfo.info.signatures.begin()->key_name == "test-1");
  CHECK(narinfo.info.content_address->method == ContentAddressMethod::nar);
  REQUIRE(narinfo.downloads.size() == 1);
  CHECK(narinfo.downloads[0].compression == "xz");
  CHECK(narinfo.downloads[0].file_size == 50088);
  CHECK(print_narinfo(narinfo, store_dir) == hello);
}

TEST_CASE("what a narinfo may leave out") {
  const std::string text =
      "StorePath: /nix/store/sbldylj3clbkc0aqvjjzfa6slp4zdvlj-hello-2.12.1\n"
      "URL: https://elsewhere.example/x?y=z\n"
      "NarHash: sha256:1pj7swf7dl5z165j08n7vjgj9mvvrz3f878avc96lyxk3zjzfl6r\n"
      "NarSize: 1\n"
      "Deriver: unknown-deriver\n";
  const NarInfo narinfo = parse_narinfo(text, store_dir);
  CHECK(narinfo.downloads[0].compression == "bzip2");
  CHECK_FALSE(narinfo.downloads[0].file_hash);
  CHECK(narinfo.info.references.empty());
  CHECK_FALSE(narinfo.info.deriver);
  CHECK(print_narinfo(narinfo, store_dir) ==
        "StorePath: /nix/store/sbldylj3clbkc0aqvjjzfa6slp4zdvlj-hello-2.12.1\n"
        "URL: https://elsewhere.example/x?y=z\n"
        "Compression: bzip2\n"
        "NarHash: sha256:1pj7swf7dl5z165j08n7vjgj9mvvrz3f878avc96lyxk3zjzfl6r\n"
        "NarSize: 1\n"
        "References: \n");
}

TEST_CASE("unknown fields of a narinfo are kept in their order") {
  const NarInfo narinfo = parse_narinfo(hello + "X-B: 1\nX-A: two: words \nX-B: 3\n", store_dir);
  CHECK(narinfo.other_fields ==
        std::vector<NamedField>{{"X-B", "1"}, {"X-A", "two: words "}, {"X-B", "3"}});
  CHECK(print_narinfo(narinfo, store_dir) == hello + "X-B: 1\nX-A: two: words \nX-B: 3\n");
}

TEST_CASE("a narinfo of Guix is read, and written to the same bytes") {
  const NarInfo narinfo = parse_narinfo(guix_hello, guix_store);
  REQUIRE(narinfo.downloads.size() == 2);
  CHECK(narinfo.downloads[0].compression == "gzip");
  CHECK(narinfo.downloads[0].file_size == 60000);
  CHECK(narinfo.downloads[1].url.starts_with("nar/lzip/"));
  CHECK_FALSE(narinfo.downloads[1].file_size);
  REQUIRE(narinfo.guix_signature);
  CHECK(narinfo.guix_signature->host == "host.example");
  CHECK(narinfo.guix_signature->expression == "(signature)");
  CHECK(narinfo.guix_signature->signed_text == guix_signed);
  CHECK(print_narinfo(narinfo, guix_store, NarInfoDialect::guix) == guix_hello);
}

TEST_CASE("a narinfo of Guix whose signature would cover something else is not written") {
  NarInfo narinfo = parse_narinfo(guix_hello, guix_store);
  narinfo.info.nar_size += 1;
  const auto print = [&](NarInfoDialect dialect) {
    return code_of([&] { print_narinfo(narinfo, guix_store, dialect); });
  };
  CHECK(print(NarInfoDialect::guix) == Code::invalid_argument);
  narinfo.guix_signature.reset();
  CHECK_FALSE(print(NarInfoDialect::guix));
  CHECK(print(NarInfoDialect::nix) == Code::invalid_argument);  // two downloads
  narinfo.downloads.pop_back();
  CHECK_FALSE(print(NarInfoDialect::nix));
  narinfo.other_fields.push_back({"NarSize", "1"});
  CHECK(print(NarInfoDialect::nix) == Code::invalid_argument);
  narinfo.other_fields.back() = {"X", "a\nNarSize: 1"};
  CHECK(print(NarInfoDialect::nix) == Code::invalid_argument);
  narinfo.other_fields.clear();
  narinfo.downloads.clear();
  CHECK(print(NarInfoDialect::guix) == Code::invalid_argument);
}

TEST_CASE("a signature of Guix stands below what it must cover") {
  const std::string line = "Signature: 1;host.example;KHNpZ25hdHVyZSk=\n";
  CHECK(code_of([&] { parse_narinfo(line + replaced(guix_hello, line, ""), guix_store); }) ==
        Code::malformed);
  CHECK(code_of([&] { parse_narinfo(replaced(guix_hello, "1;", "2;"), guix_store); }) ==
        Code::not_supported);
  CHECK(code_of([&] {
          parse_narinfo(replaced(guix_hello, "1;host.example;", "1;"), guix_store);
        }) == Code::malformed);
  CHECK(code_of([&] { parse_narinfo(replaced(guix_hello, "Sk=", "Sk"), guix_store); }) ==
        Code::malformed);
}

TEST_CASE("texts that are no narinfos") {
  CHECK(refusal("") == Code::malformed);
  CHECK(refusal("\n") == Code::malformed);
  CHECK(refusal(hello + "X\n") == Code::malformed);
  CHECK(refusal(hello + "X:y\n") == Code::malformed);
  CHECK(refusal(hello + ": y\n") == Code::malformed);
  CHECK(refusal(hello.substr(0, hello.size() - 1)) == Code::malformed);
  CHECK(refusal(std::string(narinfo_bytes_max + 1, 'x')) == Code::limit_exceeded);
  for (const std::string field : {"StorePath", "URL", "NarHash", "NarSize"}) {
    CAPTURE(field);
    CHECK(refusal(replaced(hello, field, "X-" + field)) == Code::malformed);
  }
  for (const std::string line :
       {"StorePath: /nix/store/sbldylj3clbkc0aqvjjzfa6slp4zdvlj-hello-2.12.1", "NarSize: 226560",
        "NarHash: sha256:1pj7swf7dl5z165j08n7vjgj9mvvrz3f878avc96lyxk3zjzfl6r",
        "References: ", "Deriver: unknown-deriver", "Compression: xz", "FileSize: 1",
        "URL: ", "FileHash: sha256:1pj7swf7dl5z165j08n7vjgj9mvvrz3f878avc96lyxk3zjzfl6r", "Sig: x",
        "CA: text:sha256:1pj7swf7dl5z165j08n7vjgj9mvvrz3f878avc96lyxk3zjzfl6r"}) {
    CAPTURE(line);
    CHECK(refusal(hello + line + "\n") == Code::malformed);
  }
  for (const std::string size :
       {"0", "", "-1", "+1", "1 ", "0226560", "0x1", "18446744073709551616"}) {
    CAPTURE(size);
    CHECK(refusal(replaced(hello, "NarSize: 226560", "NarSize: " + size)) == Code::malformed);
  }
  CHECK(refusal(replaced(hello, "/nix/store/", "/gnu/store/")) == Code::malformed);
  CHECK(refusal(replaced(hello, "NarHash: sha256:", "NarHash: sha1:")) == Code::malformed);
  CHECK(refusal(replaced(hello, " vnwdak", "  vnwdak")) == Code::malformed);
  CHECK(refusal(replaced(hello, "vnwdak3n1w2jjil119j65k8mw1z23p84-glibc-2.35-224",
                         "sbldylj3clbkc0aqvjjzfa6slp4zdvlj-hello-2.12.1")) == Code::malformed);
}

TEST_CASE("a refusal of a narinfo says line and offset") {
  const std::string text = replaced(hello, "vnwdak3n", "vnwdak3e");
  const auto error = error_of([&] { parse_narinfo(text, store_dir); });
  REQUIRE(error);
  CHECK(error->message().starts_with("line 8: the field 'References': "));
  CHECK(error->offset() == text.find("vnwdak3e") + 7);
}

TEST_CASE("what caches say about themselves") {
  const std::string text = "StoreDir: /nix/store\nWantMassQuery: 1\nPriority: 40\n";
  const CacheInfo info = parse_cache_info(text);
  CHECK(info.store_dir == store_dir);
  CHECK(info.want_mass_query == true);
  CHECK(info.priority == 40);
  CHECK(print_cache_info(info) == text);
  const std::string other = "WantMassQuery: 0\nX: y\n";
  CHECK(print_cache_info(parse_cache_info(other)) == other);
  CHECK(parse_cache_info("") == CacheInfo{});
  CHECK(print_cache_info({}).empty());
  CHECK(parse_cache_info("Priority: -3").priority == -3);
  for (const std::string bad :
       {"StoreDir: nix\n", "WantMassQuery: yes\n", "Priority: 4294967296\n", "Priority: x\n",
        "Priority: 1\nPriority: 2\n", "StoreDir\n", "\n"}) {
    CAPTURE(bad);
    CHECK(code_of([&] { parse_cache_info(bad); }) == Code::malformed);
  }
  CHECK(code_of([] { parse_cache_info(std::string(cache_info_bytes_max + 1, 'x')); }) ==
        Code::limit_exceeded);
}

}  // namespace cinch
