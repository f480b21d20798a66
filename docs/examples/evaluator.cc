// A very small front end: it turns lines of text into a graph of derivations, and links
// libstore-core alone. It needs no store, no daemon and no Nix.
//
//   c++ -std=c++20 evaluator.cc $(pkg-config --cflags --libs libstore-core) -o evaluator
//   printf 'greeting: echo Hello > $out\nloud greeting: tr a-z A-Z < $greeting > $out\n' |
//     ./evaluator DIRECTORY
//
// A line is `NAME [INPUT ...]: SHELL COMMAND`. Inputs are names of earlier lines; the command finds
// their outputs in variables of these names. The .drv files are written to the directory, and their
// store paths are printed.
#include <cinch/core/derivation.hh>
#include <cinch/core/derivation_aterm.hh>
#include <cinch/core/derivation_hash.hh>
#include <cinch/core/error.hh>

#include <fstream>
#include <iostream>
#include <map>
#include <sstream>
#include <string>

namespace {

class Evaluator {
 public:
  // Returns the path of the line's derivation.
  cinch::StorePath evaluate(const std::string& line) {
    const std::size_t colon = line.find(':');
    if (colon == line.npos) {
      throw cinch::Error(cinch::Code::malformed, "a line needs a colon").about(line);
    }
    std::istringstream words(line.substr(0, colon));
    cinch::Derivation derivation;
    words >> derivation.name;
    derivation.system = "x86_64-linux";
    derivation.builder = "/bin/sh";
    derivation.arguments = {"-euc", line.substr(colon + 1)};
    derivation.environment = {{"PATH", "/usr/bin:/bin"}};
    // The path is still open: filling it in is what the hasher does.
    derivation.outputs = {{"out", cinch::DeferredOutput{}}};
    for (std::string input; words >> input;) add_input(derivation, input);
    hasher_.fill_in_outputs(derivation);

    const cinch::StorePath path = cinch::derivation_path(store_dir, derivation);
    paths_.insert_or_assign(derivation.name, path);
    derivations_.insert_or_assign(path, std::move(derivation));
    return path;
  }

  const cinch::Derivation& derivation(const cinch::StorePath& path) const {
    return derivations_.at(path);
  }

  const cinch::StoreDir store_dir;

 private:
  void add_input(cinch::Derivation& derivation, const std::string& name) const {
    const auto found = paths_.find(name);
    if (found == paths_.end()) {
      throw cinch::Error(cinch::Code::not_found, "no earlier line has this name").about(name);
    }
    derivation.input_derivations[found->second].insert("out");
    derivation.environment[name] =
        store_dir.print(*derivations_.at(found->second).output_path(store_dir, "out"));
  }

  std::map<std::string, cinch::StorePath> paths_;
  std::map<cinch::StorePath, cinch::Derivation> derivations_;
  cinch::DerivationHasher hasher_{
      store_dir, [this](const cinch::StorePath& path) { return derivations_.at(path); }};
};

void write_file(const std::string& file_name, const std::string& text) {
  std::ofstream file(file_name, std::ios::binary);
  if (!(file << text).flush()) {
    throw cinch::Error(cinch::Code::io, "cannot write").about(file_name);
  }
}

}  // namespace

int main(int argc, char* argv[]) try {
  if (argc != 2) {
    std::cerr << "usage: evaluator DIRECTORY < LINES\n";
    return 2;
  }
  Evaluator evaluator;
  for (std::string line; std::getline(std::cin, line);) {
    const cinch::StorePath path = evaluator.evaluate(line);
    write_file(std::string(argv[1]) + "/" + path.base_name(),
               cinch::print_derivation(evaluator.derivation(path), evaluator.store_dir));
    std::cout << evaluator.store_dir.print(path) << '\n';
  }
  return 0;
} catch (const cinch::Error& error) {
  std::cerr << "error: " << error.what() << '\n';
  return 1;
}
