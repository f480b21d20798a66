#include "catch.hh"
#include "errors.hh"

#include <cinch/core/validity_registration.hh>

namespace cinch {

using test::code_of;
using test::error_of;

namespace {

const StoreDir store_dir;
const std::string path_t = "/nix/store/29fkk7s2rzvj6a12c4syj1cy8624gr2j-t";
const std::string path_x = "/nix/store/c015dhfh5l0lp6wxyvdn7bmwhbbr6hr9-x.drv";
const std::string digits = "5352c7fc1533c6b1344a01b41ca258e80ef5835b4388bd144c521815f78529e6";
const std::string full =
    path_t + "\n" + digits + "\n120\n" + path_x + "\n2\n" + path_t + "\n" + path_x + "\n";

std::vector<ValidityRegistration> read(std::string_view text,
                                       RegistrationHashes hashes = RegistrationHashes::given) {
  StringSource source(text);
  RegistrationReader reader(source, store_dir, hashes);
  std::vector<ValidityRegistration> all;
  while (auto registration = reader.next()) all.push_back(*std::move(registration));
  return all;
}

// Gives one byte at a time.
class Trickle final : public Source {
 public:
  explicit Trickle(std::string_view text) : rest_(text) {}
  std::size_t read(std::span<std::byte> buffer) override { return rest_.read(buffer.first(1)); }

 private:
  StringSource rest_;
};

}  // namespace

TEST_CASE("registrations are read and printed") {
  const auto all = read(full);
  REQUIRE(all.size() == 1);
  CHECK(store_dir.print(all[0].path) == path_t);
  REQUIRE(all[0].nar_hash);
  CHECK(all[0].nar_hash->to_string(HashFormat::base16) == "sha256:" + digits);
  CHECK(all[0].nar_size == 120);
  CHECK(all[0].deriver == store_dir.parse(path_x));
  CHECK(all[0].references == StorePathSet{store_dir.parse(path_t), store_dir.parse(path_x)});
  CHECK(print_registration(all[0], store_dir) == full);

  PathInfo info{.path = all[0].path, .nar_hash = *all[0].nar_hash};
  info.nar_size = 120;
  info.references = all[0].references;
  info.deriver = all[0].deriver;
  CHECK(registration_of(info) == all[0]);
}

TEST_CASE("registrations without hashes, several, and the ways in which they end") {
  const std::string one = path_t + "\n\n0\n";
  const std::string two = path_x + "\n\n1\n" + path_t;
  CHECK(print_registration({.path = store_dir.parse(path_t)}, store_dir) == one);
  CHECK(read("", RegistrationHashes::absent).empty());
  CHECK(read("\n" + one, RegistrationHashes::absent).empty());
  CHECK(read(one + two, RegistrationHashes::absent).size() == 2);
  CHECK(read(one + two + "\n\nnonsense", RegistrationHashes::absent).size() == 2);
  const std::string both = one + two;
  Trickle source(both);
  RegistrationReader reader(source, store_dir, RegistrationHashes::absent);
  CHECK(reader.next());
  CHECK(reader.next()->references.size() == 1);
  CHECK_FALSE(reader.next());
  CHECK_FALSE(reader.next());
}

TEST_CASE("what is no registration is refused with the place of the line") {
  const auto offset_of = [](const std::string& text) -> std::int64_t {
    const auto error = error_of([&] { (void)read(text); });
    if (!error || error->code() != Code::malformed || !error->offset()) return -1;
    return static_cast<std::int64_t>(*error->offset());
  };
  const auto length = static_cast<std::int64_t>(path_t.size()) + 1;
  CHECK(offset_of("/elsewhere/29fkk7s2rzvj6a12c4syj1cy8624gr2j-t\n") == 0);
  CHECK(offset_of(path_t) == length - 1);
  CHECK(offset_of(path_t + "\nno hash\n") == length);
  CHECK(offset_of(path_t + "\n" + digits + "\n-1\n\n0\n") == length + 65);
  CHECK(offset_of(path_t + "\n" + digits + "\n1x\n\n0\n") == length + 65);
  CHECK(offset_of(path_t + "\n" + digits + "\n1\nx\n0\n") == length + 67);
  CHECK(offset_of(path_t + "\n" + digits + "\n1\n\n\n") == length + 68);
  CHECK(offset_of(path_t + "\n" + digits + "\n1\n\n1\n") == length + 70);
  const std::string head = path_t + "\n" + digits + "\n";
  CHECK(code_of([&] { (void)read(head + "9223372036854775808\n\n0\n"); }) == Code::limit_exceeded);
  CHECK(code_of([&] { (void)read(head + "1\n\n1000001\n"); }) == Code::limit_exceeded);
  CHECK(code_of([&] { (void)read(std::string(registration_line_bytes_max, 'x')); }) ==
        Code::limit_exceeded);
}

}  // namespace cinch
