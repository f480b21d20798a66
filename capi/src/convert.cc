#include "convert.hh"

#include <algorithm>
#include <new>

namespace cinch::capi {

namespace {

// For the case that there is no memory for an error. Never freed.
constinit cinch_error out_of_memory{};

cinch_error* make_error(Error error) noexcept {
  auto* made = new (std::nothrow) cinch_error;
  if (made == nullptr) return &out_of_memory;
  made->error.emplace(std::move(error));
  return made;
}

}  // namespace

cinch_error* current_error() noexcept {
  try {
    try {
      throw;
    } catch (const Error& error) {
      return make_error(error);
    } catch (const std::bad_alloc&) {
      return &out_of_memory;
    } catch (const std::exception& error) {
      return make_error(Error(Code::internal, error.what()));
    } catch (...) {
      return make_error(Error(Code::internal, "an exception of an unknown type"));
    }
  } catch (...) {
    return &out_of_memory;
  }
}

std::string file_name(cinch_str text) {
  const std::string_view name = view(text);
  if (name.empty() || name.find('\0') != std::string_view::npos) {
    throw Error(Code::invalid_argument, "a file name must not be empty or contain a NUL byte");
  }
  return std::string(name);
}

void check_options_tail(const void* options, std::size_t known, std::size_t given) {
  constexpr std::size_t options_bytes_max = 4096;
  if (given < sizeof(std::uint32_t) || given > options_bytes_max) {
    throw Error(Code::invalid_argument,
                "the size of an options structure is " + std::to_string(given))
        .hint("initialise it with its ..._INIT macro");
  }
  const auto* bytes = static_cast<const unsigned char*>(options);
  if (given > known && std::any_of(bytes + known, bytes + given, [](auto b) { return b != 0; })) {
    throw Error(Code::not_supported,
                "an option is set that this version of the library does not know");
  }
}

void check_callback(std::int32_t answer) {
  if (answer != 0) throw Error(Code::cancelled, "a callback asked to stop");
}

StorePathSet path_set(const cinch_path* const* paths, std::size_t count, const char* parameter) {
  StorePathSet set;
  if (count > 0) deref(paths, parameter);
  for (std::size_t i = 0; i < count; ++i) set.insert(deref(paths[i], parameter).path);
  return set;
}

}  // namespace cinch::capi
