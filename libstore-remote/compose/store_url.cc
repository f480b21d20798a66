#include <cinch/core/error.hh>
#include <cinch/remote/open_store.hh>

#include <algorithm>
#include <string>

namespace cinch {
namespace {

int hex_digit(char character) {
  if (character >= '0' && character <= '9') return character - '0';
  if (character >= 'a' && character <= 'f') return character - 'a' + 10;
  if (character >= 'A' && character <= 'F') return character - 'A' + 10;
  return -1;
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
          .about(std::string(parameter))
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

StoreUrl parse_scheme(std::string_view text) {
  const std::size_t separator = text.find("://");
  if (separator == std::string_view::npos) {
    if (text.empty() || text == "auto") return {.scheme = "auto"};
    if (text == "local") return {.scheme = "local"};
    if (text == "daemon") return {.scheme = "unix"};
    if (text.find('/') != std::string_view::npos) {
      return {.scheme = "local", .authority = std::string(text)};
    }
    throw Error(Code::malformed,
                "a store is 'auto', 'local', 'daemon', a directory (with a '/') or a URL");
  }
  StoreUrl url{.scheme = std::string(text.substr(0, separator)),
               .authority = std::string(text.substr(separator + 3))};
  if (url.scheme != "local" && url.scheme != "unix") {
    throw Error(Code::not_supported, "stores of type '" + url.scheme + "' are not supported")
        .hint("this version opens 'local' and 'unix' stores");
  }
  return url;
}

}  // namespace

StoreUrl parse_store_url(std::string_view text) {
  try {
    const std::size_t question = text.find('?');
    StoreUrl url = parse_scheme(text.substr(0, question));
    if (question != std::string_view::npos) {
      url.parameters = parse_parameters(text.substr(question + 1), question + 1);
    }
    return url;
  } catch (Error& error) {
    error.set_subject_if_empty(std::string(text));
    throw;
  }
}

}  // namespace cinch
