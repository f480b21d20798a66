// The one exception type of the C++ libraries.
//
// An Error says what went wrong (a stable code and one sentence), about what (the subject), where
// in the input (for parsers), what to do about it (the hint), and, as it travels up, what was being
// done at the time (the context). "There is none" is never an error: it is an empty optional.
#pragma once

#include <cinch/core/export.hh>

#include <cstdint>
#include <exception>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace cinch {

// Numbers are part of the C ABI: never renumber, only append.
enum class Code : std::uint32_t {
  invalid_argument = 1,      // the caller asked for something that makes no sense
  malformed = 2,             // bytes from outside do not follow their format
  not_found = 3,             // a required object, file or log does not exist
  not_supported = 4,         // valid, but this version or this store cannot do it
  io = 5,                    // the operating system refused a file or socket operation
  no_space = 6,              // the disk or the quota is full
  permission_denied = 7,     // the operating system or the store forbids it to this user
  read_only = 8,             // the store or its file system cannot be written
  busy = 9,                  // somebody else holds the lock; trying again later may work
  corrupt = 10,              // stored data does not match what was registered
  hash_mismatch = 11,        // content differs from the hash that was promised for it
  limit_exceeded = 12,       // a length, count or depth is above its named limit
  protocol = 13,             // the peer broke the protocol
  disconnected = 14,         // the peer went away
  cancelled = 15,            // the caller asked to stop
  not_trusted = 16,          // the peer, or the signature, is not trusted enough
  invalid_derivation = 17,   // well-formed, but breaks a rule of derivations
  build_failed = 18,         // a builder failed, or its outputs were refused
  dependency_failed = 19,    // not tried, because something it needs failed
  timed_out = 20,            // a time limit of the build or the connection was reached
  sandbox_unavailable = 21,  // the system forbids the namespaces that a sandbox needs
  internal = 22,             // a bug in this library
};

// The name of a code as it is printed and documented, e.g. "not-found".
CINCH_CORE_API std::string_view to_string(Code code);

class CINCH_CORE_API Error : public std::exception {
 public:
  Error(Code code, std::string message);
  Error(const Error&);
  Error(Error&&) noexcept;
  Error& operator=(const Error&);
  Error& operator=(Error&&) noexcept;
  ~Error() override;

  // Each adds one fact and returns the error, so that a throw reads as one expression:
  //   throw Error(Code::malformed, "expected ','").about(path).at(offset);
  Error&& about(std::string subject) &&;
  Error&& at(std::uint64_t offset) &&;
  Error&& hint(std::string what_to_do) &&;
  Error&& retryable() &&;

  // Adds a clause that says what was being done, outermost last: "while reading X".
  void add_context(std::string clause);
  // Sets the subject unless one is set already.
  void set_subject_if_empty(std::string subject);

  Code code() const noexcept { return code_; }
  const std::string& message() const noexcept { return message_; }
  const std::string& subject() const noexcept { return subject_; }
  std::optional<std::uint64_t> offset() const noexcept { return offset_; }
  const std::string& hint() const noexcept { return hint_; }
  bool is_retryable() const noexcept { return retryable_; }
  const std::vector<std::string>& context() const noexcept { return context_; }

  // The whole story on one line: message, subject, offset, context and hint.
  const char* what() const noexcept override;

 private:
  void compose();

  Code code_;
  bool retryable_ = false;
  std::string message_;
  std::string subject_;
  std::optional<std::uint64_t> offset_;
  std::string hint_;
  std::vector<std::string> context_;
  std::string what_;
};

// An Error from an errno value: the code follows from it (ENOSPC and EDQUOT give no_space, EROFS
// read_only, EACCES and EPERM permission_denied, ENOENT not_found, others io).
//   throw system_error(errno, "cannot open", path);
[[nodiscard]] CINCH_CORE_API Error system_error(int error_number, std::string_view action,
                                                std::string subject);

}  // namespace cinch
