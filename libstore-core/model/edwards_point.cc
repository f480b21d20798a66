#include "edwards_point.hh"

#include <cinch/core/error.hh>

#include <memory>

#include <openssl/bn.h>

namespace cinch {

namespace {

struct Free {
  void operator()(BIGNUM* number) const { BN_free(number); }
  void operator()(BN_CTX* context) const { BN_CTX_free(context); }
};
using Number = std::unique_ptr<BIGNUM, Free>;
using Context = std::unique_ptr<BN_CTX, Free>;

void require(bool success) {
  if (!success) throw Error(Code::internal, "libcrypto cannot compute with large numbers");
}

Number make_number() {
  Number number(BN_new());
  require(number != nullptr);
  return number;
}

Number from_hexadecimal(const char* digits) {
  BIGNUM* number = nullptr;
  require(BN_hex2bn(&number, digits) != 0);
  return Number(number);
}

}  // namespace

// From -x^2 + y^2 = 1 + d x^2 y^2 follows x^2 = (y^2 - 1) / (d y^2 + 1), modulo 2^255 - 19.
std::optional<std::array<unsigned char, 32>> ed25519_x_coordinate(
    const std::array<unsigned char, 32>& point) {
  const Number prime =
      from_hexadecimal("7fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffed");
  const Number d =
      from_hexadecimal("52036cee2b6ffe738cc740797779e89800700a4d4141d8ab75eb4dca135978a3");
  const Context context(BN_CTX_new());
  require(context != nullptr);
  std::array<unsigned char, 32> bytes = point;
  const bool odd = (bytes.back() & 0x80) != 0;
  bytes.back() &= 0x7f;

  const Number square = make_number();
  require(BN_lebin2bn(bytes.data(), static_cast<int>(bytes.size()), square.get()) != nullptr);
  require(BN_mod_sqr(square.get(), square.get(), prime.get(), context.get()) == 1);
  const Number below = make_number();
  require(BN_mod_mul(below.get(), d.get(), square.get(), prime.get(), context.get()) == 1 &&
          BN_mod_add(below.get(), below.get(), BN_value_one(), prime.get(), context.get()) == 1 &&
          BN_mod_sub(square.get(), square.get(), BN_value_one(), prime.get(), context.get()) == 1);
  // It is never 0: -1/d is no square.
  require(BN_mod_inverse(below.get(), below.get(), prime.get(), context.get()) != nullptr &&
          BN_mod_mul(square.get(), square.get(), below.get(), prime.get(), context.get()) == 1);
  const Number x = make_number();
  if (BN_mod_sqrt(x.get(), square.get(), prime.get(), context.get()) == nullptr) {
    return std::nullopt;
  }
  if ((BN_is_odd(x.get()) != 0) != odd) {
    if (BN_is_zero(x.get()) != 0) return std::nullopt;
    require(BN_sub(x.get(), prime.get(), x.get()) == 1);
  }
  require(BN_bn2lebinpad(x.get(), bytes.data(), static_cast<int>(bytes.size())) ==
          static_cast<int>(bytes.size()));
  return bytes;
}

}  // namespace cinch
