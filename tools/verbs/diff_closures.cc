// store diff-closures.
#include "../context.hh"
#include "../installable.hh"
#include "../terminal_text.hh"
#include "../verbs.hh"

#include <cinch/core/closure.hh>
#include <cinch/core/error.hh>

#include <algorithm>
#include <cstdio>
#include <cstdlib>

namespace cinch::cli {

namespace {

// Differences of size below this are not worth a line.
constexpr std::int64_t size_shown_min = 8 * 1024;

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

// A name as packages have it, taken apart: "hello-2.10-dev" is "hello" in version "2.10". What is
// after the last dash, if it has small letters alone, is taken for the name of an output.
struct PackageName {
  explicit PackageName(std::string_view text) {
    const std::size_t dash = text.rfind('-');
    if (dash != text.npos && is_output(text.substr(dash + 1))) text = text.substr(0, dash);
    for (std::size_t at = 0; at + 1 < text.size(); ++at) {
      if (text[at] != '-' || is_letter(text[at + 1])) continue;
      name = text.substr(0, at);
      version = text.substr(at + 1);
      return;
    }
    name = text;
  }

  static bool is_output(std::string_view text) {
    if (text == "lib32" || text == "lib64") return true;
    return !text.empty() && std::ranges::all_of(text, [](char c) { return c >= 'a' && c <= 'z'; });
  }

  std::string name;
  std::string version;
};

struct Package {
  std::set<std::string> versions;
  std::uint64_t size_bytes = 0;
};

std::map<std::string, Package> packages_of(Store& store, const StorePath& top) {
  std::map<std::string, Package> packages;
  for (const auto& [path, info] : compute_closure(store, {top})) {
    PackageName name(path.name());
    Package& package = packages[name.name];
    package.versions.insert(std::move(name.version));
    package.size_bytes += info.nar_size;
  }
  return packages;
}

// Those of the one that the other one has not: "1.2, 1.3", "ε" for a package without a version, "∅"
// for none.
std::string versions_only_in(const Package& package, const Package& other) {
  std::set<std::string> words;
  for (const std::string& version : package.versions) {
    if (!other.versions.contains(version)) words.insert(version.empty() ? "ε" : version);
  }
  if (words.empty()) return "∅";
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : ", ") + word;
  return text;
}

std::string difference(const Package& before, const Package& after, bool colours) {
  std::string text;
  if (before.versions != after.versions) {
    text = versions_only_in(before, after) + " → " + versions_only_in(after, before);
  }
  const auto more = static_cast<std::int64_t>(after.size_bytes - before.size_bytes);
  if (std::abs(more) < size_shown_min) return text;
  char size[40];
  std::snprintf(size, sizeof size, "%+.1f KiB", static_cast<double>(more) / 1024);
  if (!text.empty()) text += ", ";
  if (!colours) return text + size;
  return text + std::string(more > 0 ? style::red : style::green) + size +
         std::string(style::plain);
}

int run_diff_closures(Context& context) {
  const std::unique_ptr<Store> store = context.open_store();
  const auto& given = context.arguments.positional();
  std::map<std::string, Package> before = packages_of(*store, installable_path(*store, given[0]));
  std::map<std::string, Package> after = packages_of(*store, installable_path(*store, given[1]));
  for (const auto& [name, package] : after) before.try_emplace(name);
  for (const auto& [name, package] : before) {
    const std::string text = difference(package, after[name], context.colours_on_output());
    if (!text.empty()) context.output.line(name + ": " + text);
  }
  return 0;
}

constexpr Verb table[] = {
    {"store diff-closures",
     "Show how two closures differ in packages, versions and sizes",
     "BEFORE AFTER",
     2,
     2,
     "Goes by the names of the objects: a line for each package that came, went, changed its "
     "version, or changed its size by at least 8 KiB. ∅ stands for absent, ε for no version.",
     "cinch store diff-closures ./result-1 ./result-2",
     {},
     run_diff_closures},
};

}  // namespace

constinit const std::span<const Verb> diff_closures_verbs = table;

}  // namespace cinch::cli
