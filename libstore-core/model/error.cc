#include <cinch/core/error.hh>

#include <cerrno>
#include <cstring>
#include <utility>

namespace cinch {

std::string_view to_string(Code code) {
  switch (code) {
    case Code::invalid_argument:
      return "invalid-argument";
    case Code::malformed:
      return "malformed";
    case Code::not_found:
      return "not-found";
    case Code::not_supported:
      return "not-supported";
    case Code::io:
      return "io";
    case Code::no_space:
      return "no-space";
    case Code::permission_denied:
      return "permission-denied";
    case Code::read_only:
      return "read-only";
    case Code::busy:
      return "busy";
    case Code::corrupt:
      return "corrupt";
    case Code::hash_mismatch:
      return "hash-mismatch";
    case Code::limit_exceeded:
      return "limit-exceeded";
    case Code::protocol:
      return "protocol";
    case Code::disconnected:
      return "disconnected";
    case Code::cancelled:
      return "cancelled";
    case Code::not_trusted:
      return "not-trusted";
    case Code::invalid_derivation:
      return "invalid-derivation";
    case Code::build_failed:
      return "build-failed";
    case Code::dependency_failed:
      return "dependency-failed";
    case Code::timed_out:
      return "timed-out";
    case Code::sandbox_unavailable:
      return "sandbox-unavailable";
    case Code::internal:
      return "internal";
  }
  return "unknown";
}

Error::Error(Code code, std::string message) : code_(code), message_(std::move(message)) {
  compose();
}
Error::Error(const Error&) = default;
Error::Error(Error&&) noexcept = default;
Error& Error::operator=(const Error&) = default;
Error& Error::operator=(Error&&) noexcept = default;
Error::~Error() = default;

Error&& Error::about(std::string subject) && {
  subject_ = std::move(subject);
  compose();
  return std::move(*this);
}

Error&& Error::at(std::uint64_t offset) && {
  offset_ = offset;
  compose();
  return std::move(*this);
}

Error&& Error::hint(std::string what_to_do) && {
  hint_ = std::move(what_to_do);
  compose();
  return std::move(*this);
}

Error&& Error::retryable() && {
  retryable_ = true;
  return std::move(*this);
}

void Error::add_context(std::string clause) {
  context_.push_back(std::move(clause));
  compose();
}

void Error::set_subject_if_empty(std::string subject) {
  if (!subject_.empty()) return;
  subject_ = std::move(subject);
  compose();
}

const char* Error::what() const noexcept { return what_.c_str(); }

void Error::compose() {
  what_.clear();
  for (auto clause = context_.rbegin(); clause != context_.rend(); ++clause) {
    what_ += *clause;
    what_ += ": ";
  }
  what_ += message_;
  if (!subject_.empty() || offset_) {
    what_ += " (";
    if (!subject_.empty()) what_ += "'" + subject_ + "'";
    if (!subject_.empty() && offset_) what_ += ", ";
    if (offset_) what_ += "at byte " + std::to_string(*offset_);
    what_ += ")";
  }
  if (!hint_.empty()) what_ += "; " + hint_;
}

namespace {

Code code_of_errno(int error_number) {
  switch (error_number) {
    case ENOSPC:
    case EDQUOT:
      return Code::no_space;
    case EROFS:
      return Code::read_only;
    case EACCES:
    case EPERM:
      return Code::permission_denied;
    case ENOENT:
      return Code::not_found;
    default:
      return Code::io;
  }
}

}  // namespace

Error system_error(int error_number, std::string_view action, std::string subject) {
  // Not strerror(), whose text depends on the locale of the process.
  const char* reason = strerrordesc_np(error_number);
  std::string message(action);
  message += ": ";
  message += reason != nullptr ? reason : "error " + std::to_string(error_number);
  Error error(code_of_errno(error_number), std::move(message));
  if (error.code() == Code::no_space) {
    return std::move(error).about(std::move(subject)).hint("make room on the disk and try again");
  }
  return std::move(error).about(std::move(subject));
}

}  // namespace cinch
