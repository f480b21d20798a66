#include "sandbox_spec.hh"

namespace cinch::sandbox {
namespace {

std::string octal(mode_t mode) {
  std::string digits;
  for (; mode != 0; mode >>= 3) digits.insert(digits.begin(), static_cast<char>('0' + (mode & 7)));
  return "0" + digits;
}

struct Printer {
  std::string operator()(const MakeDirectory& op) const {
    return "directory /" + op.path + " " + octal(op.mode);
  }
  std::string operator()(const WriteFile& op) const {
    return "file /" + op.path + " " + octal(op.mode) + " " + std::to_string(op.contents.size()) +
           " bytes";
  }
  std::string operator()(const MakeSymlink& op) const {
    return "symlink /" + op.path + " -> " + op.target;
  }
  std::string operator()(const Bind& op) const {
    return "bind /" + op.path + " = " + op.source +
           (op.access == BindAccess::read_only ? " read-only" : " read-write") +
           (op.kind == BindKind::device ? " device" : "") + (op.make_target ? "" : " existing");
  }
  std::string operator()(const MountNew& op) const {
    const char* type = op.type == FileSystem::proc    ? "proc"
                       : op.type == FileSystem::tmpfs ? "tmpfs"
                                                      : "devpts";
    return "mount /" + op.path + " " + type + (op.options.empty() ? "" : " " + op.options);
  }
  std::string operator()(const Protect& op) const { return "protect /" + op.path; }
};

}  // namespace

std::string SandboxSpec::print() const {
  std::string text = "user " + std::to_string(user) + "\ngroup " + std::to_string(group) +
                     "\nhost-name " + host_name + "\ndomain-name " + domain_name + "\nnetwork " +
                     (network ? "shared" : "none") + "\n" + (narrow ? "narrow\n" : "");
  for (const Operation& operation : operations) text += std::visit(Printer{}, operation) + "\n";
  text += "working-directory " + working_directory + "\n";
  for (const std::string& word : command) text += "word " + word + "\n";
  for (const auto& [name, value] : environment) text += "env " + name + "=" + value + "\n";
  return text;
}

}  // namespace cinch::sandbox
