// Format: docs/formats/store-url.md.
#include "refusal.hh"

#include <cinch/core/error.hh>
#include <cinch/core/store_url.hh>

#include <algorithm>
#include <utility>

namespace cinch {

namespace {

constexpr std::string_view letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
constexpr std::string_view digits = "0123456789";
constexpr std::string_view scheme_separator = "://";
constexpr std::string_view escaped_percent = "%25";

bool is_one_of(char c, std::string_view characters) {
  return characters.find(c) != std::string_view::npos;
}
bool is_plain(char c) {
  return is_one_of(c, letters) || is_one_of(c, digits) || is_one_of(c, "-._~");
}

int hex_digit(char character) {
  if (character >= '0' && character <= '9') return character - '0';
  if (character >= 'a' && character <= 'f') return character - 'a' + 10;
  if (character >= 'A' && character <= 'F') return character - 'A' + 10;
  return -1;
}

// What is neither plain nor one of `also` becomes %XX.
std::string percent_encode(std::string_view text, std::string_view also) {
  constexpr std::string_view hex_digits = "0123456789ABCDEF";
  std::string encoded;
  for (const char character : text) {
    if (is_plain(character) || is_one_of(character, also)) {
      encoded += character;
      continue;
    }
    const auto byte = static_cast<unsigned char>(character);
    encoded += '%';
    encoded += hex_digits[byte >> 4];
    encoded += hex_digits[byte & 15];
  }
  return encoded;
}

// `start` is where the text begins in the URL, for the error.
std::string percent_decode(std::string_view text, std::size_t start) {
  std::string decoded;
  for (std::size_t index = 0; index < text.size(); ++index) {
    if (text[index] != '%') {
      decoded += text[index];
      continue;
    }
    const bool complete = index + 2 < text.size();
    const int high = complete ? hex_digit(text[index + 1]) : -1;
    const int low = complete ? hex_digit(text[index + 2]) : -1;
    if (high < 0 || low < 0 || (high == 0 && low == 0)) {
      throw Error(Code::malformed, "'%' in a store URL is not followed by two hexadecimal digits")
          .at(start + index);
    }
    decoded += static_cast<char>(high << 4 | low);
    index += 2;
  }
  return decoded;
}

// `start` is where the parameters begin in the URL.
std::map<std::string, std::string> parse_parameters(std::string_view text, std::size_t start) {
  std::map<std::string, std::string> parameters;
  while (!text.empty()) {
    const std::string_view parameter = text.substr(0, text.find('&'));
    const std::size_t equals = parameter.find('=');
    if (equals == std::string_view::npos || equals == 0) {
      throw Error(Code::malformed, "a parameter of a store URL is not 'name=value'")
          .about(excerpt(parameter))
          .at(start);
    }
    std::string name = percent_decode(parameter.substr(0, equals), start);
    std::string value = percent_decode(parameter.substr(equals + 1), start + equals + 1);
    if (!parameters.emplace(name, std::move(value)).second) {
      throw Error(Code::malformed, "a parameter of a store URL is given twice")
          .about(std::move(name))
          .at(start);
    }
    const std::size_t used = std::min(parameter.size() + 1, text.size());
    text.remove_prefix(used);
    start += used;
  }
  return parameters;
}

// Up to eight groups of up to four hexadecimal digits; "::" stands for those that are left out.
bool is_ipv6(std::string_view text) {
  const std::size_t gap = text.find("::");
  if (gap != std::string_view::npos && text.find("::", gap + 1) != std::string_view::npos) {
    return false;
  }
  std::size_t groups = 0;
  std::size_t length = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == ':') {
      const bool at_gap = i == gap || i == gap + 1;
      if (length == 0 && !at_gap) return false;
      length = 0;
    } else {
      if (hex_digit(text[i]) < 0 || ++length > 4) return false;
      if (length == 1) ++groups;
    }
  }
  const bool complete = length > 0 || (gap != std::string_view::npos && gap + 2 == text.size());
  return complete && (gap == std::string_view::npos ? groups == 8 : groups < 8);
}

// "[fe80::1%25eth0]" for the same without brackets, or with the '%' of the zone not escaped.
std::string host_with_brackets(std::string_view host) {
  const bool bracketed = host.size() > 2 && host.front() == '[' && host.back() == ']';
  const std::string_view inside = bracketed ? host.substr(1, host.size() - 2) : host;
  const std::size_t percent = inside.find('%');
  const std::string_view address = inside.substr(0, percent);
  if (!is_ipv6(address)) return std::string(host);
  if (percent == std::string_view::npos) return "[" + std::string(address) + "]";
  std::string_view zone = inside.substr(percent + 1);
  if (zone.empty()) return std::string(host);
  // Without brackets nobody has escaped anything: the zone may be called "25".
  if (bracketed && zone.size() > 2 && zone.starts_with("25")) return std::string(host);
  return "[" + std::string(address) + std::string(escaped_percent) + percent_encode(zone, "%") +
         "]";
}

std::string ssh_authority(std::string_view authority) {
  const std::size_t slash = std::min(authority.find('/'), authority.size());
  const std::string_view start = authority.substr(0, slash);
  const std::size_t at = start.rfind('@');
  const std::size_t host = at == std::string_view::npos ? 0 : at + 1;
  return std::string(start.substr(0, host)) + host_with_brackets(start.substr(host)) +
         std::string(authority.substr(slash));
}

void check_scheme(std::string_view scheme) {
  const auto bad = std::ranges::find_if(scheme, [](char c) {
    return !is_one_of(c, letters) && !is_one_of(c, digits) && !is_one_of(c, "+-.");
  });
  if (!scheme.empty() && bad == scheme.end() && is_one_of(scheme.front(), letters)) return;
  throw Error(Code::malformed, "the scheme of a store URL has letters, digits, '+', '-' and '.'")
      .at(bad == scheme.end() ? 0 : static_cast<std::size_t>(bad - scheme.begin()));
}

StoreUrl parse_place(std::string_view text) {
  const std::size_t separator = text.find(scheme_separator);
  if (separator == std::string_view::npos) {
    if (text.empty() || text == "auto") return {.scheme = "auto"};
    if (text == "local") return {.scheme = "local"};
    if (text == "daemon") return {.scheme = "unix"};
    if (text.find('/') != std::string_view::npos) {
      return {.scheme = "local", .authority = std::string(text)};
    }
    throw Error(Code::malformed,
                "a store is 'auto', 'local', 'daemon', a directory (with a '/') or a URL")
        .at(0);
  }
  StoreUrl url{.scheme = std::string(text.substr(0, separator)),
               .authority = std::string(text.substr(separator + scheme_separator.size()))};
  check_scheme(url.scheme);
  if (url.scheme == "auto") {
    throw Error(Code::malformed, "'auto' is no scheme of store URLs").at(0);
  }
  if (url.scheme == "ssh" || url.scheme == "ssh-ng") url.authority = ssh_authority(url.authority);
  return url;
}

void check_text(std::string_view text) {
  if (text.size() > store_url_bytes_max) {
    throw Error(Code::limit_exceeded,
                "a store URL has more than " + std::to_string(store_url_bytes_max) + " bytes")
        .at(store_url_bytes_max);
  }
  const auto control = std::ranges::find_if(
      text, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
  if (control != text.end()) {
    throw Error(Code::malformed, "a store URL must not have control characters")
        .at(static_cast<std::size_t>(control - text.begin()));
  }
}

}  // namespace

StoreUrl parse_store_url(std::string_view text) {
  try {
    check_text(text);
    const std::size_t question = text.find('?');
    StoreUrl url = parse_place(text.substr(0, question));
    if (question != std::string_view::npos) {
      url.parameters = parse_parameters(text.substr(question + 1), question + 1);
    }
    return url;
  } catch (Error& error) {
    error.set_subject_if_empty(excerpt(text));
    throw;
  }
}

std::string print_store_url(const StoreUrl& url) {
  std::string text = url.scheme + std::string(scheme_separator) + url.authority;
  if (url.authority.empty()) {
    if (url.scheme == "auto") text = "auto";
    if (url.parameters.empty() && url.scheme == "local") text = "local";
    if (url.parameters.empty() && url.scheme == "unix") text = "daemon";
  }
  char separator = '?';
  for (const auto& [name, value] : url.parameters) {
    text += separator + percent_encode(name, ":@/?") + "=" + percent_encode(value, ":@/?");
    separator = '&';
  }
  bool same = false;
  try {
    same = parse_store_url(text) == url;
  } catch (const Error&) {
    same = false;
  }
  if (!same) {
    throw Error(Code::invalid_argument, "these parts of a store URL have no text")
        .about(excerpt(text));
  }
  return text;
}

}  // namespace cinch
