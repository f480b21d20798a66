// What hostile inputs cost: nesting, escapes, a million entries, keys that occur twice, blanks and
// tiny tokens, for every parser. Each is parsed at the sizes N, 2N and 4N; the time per byte may
// not grow with the size, else the parser does not take linear time. Also prints the most memory
// that was held, per byte of input. Argument: a part of the names to measure; without one, all.
// The exit status is 1 if a bound was missed.

#include "wire/decoder.hh"
#include "wire/encoder.hh"
#include "wire/values.hh"

#include <cinch/core/cache_info.hh>
#include <cinch/core/config_file.hh>
#include <cinch/core/content_address.hh>
#include <cinch/core/derivation_aterm.hh>
#include <cinch/core/derivation_json.hh>
#include <cinch/core/derivation_options.hh>
#include <cinch/core/encoding.hh>
#include <cinch/core/error.hh>
#include <cinch/core/guix_signature.hh>
#include <cinch/core/machine.hh>
#include <cinch/core/model_json.hh>
#include <cinch/core/nar.hh>
#include <cinch/core/nar_listing.hh>
#include <cinch/core/narinfo.hh>
#include <cinch/core/path_info_json.hh>
#include <cinch/core/placeholder.hh>
#include <cinch/core/realisation.hh>
#include <cinch/core/references.hh>
#include <cinch/core/settings.hh>
#include <cinch/core/sexp.hh>
#include <cinch/core/store_url.hh>
#include <cinch/core/structured_attributes.hh>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <functional>
#include <new>
#include <string>
#include <string_view>
#include <utility>

#include <malloc.h>

// --- how much memory is held: this program has one thread ---

namespace {

std::size_t held_bytes = 0;
std::size_t peak_bytes = 0;

void* allocate(std::size_t size) {
  void* memory = std::malloc(std::max<std::size_t>(size, 1));
  if (memory == nullptr) throw std::bad_alloc();
  held_bytes += malloc_usable_size(memory);
  peak_bytes = std::max(peak_bytes, held_bytes);
  return memory;
}

void release(void* memory) noexcept {
  if (memory != nullptr) held_bytes -= malloc_usable_size(memory);
  std::free(memory);
}

}  // namespace

void* operator new(std::size_t size) { return allocate(size); }
void* operator new[](std::size_t size) { return allocate(size); }
void operator delete(void* memory) noexcept { release(memory); }
void operator delete[](void* memory) noexcept { release(memory); }
void operator delete(void* memory, std::size_t) noexcept { release(memory); }
void operator delete[](void* memory, std::size_t) noexcept { release(memory); }

namespace cinch {

namespace {

constexpr double growth_max = 1.5;  // of the time per byte, from N to 4N
// Searches and copies take less than this: they are as fast as memory, of which the nearest is
// small.
constexpr double memory_nanoseconds = 1;
constexpr int attempts_max = 3;            // a busy machine disturbs; the best counts
constexpr double seconds_measured = 0.02;  // at least, for one figure
constexpr int rounds = 3;
constexpr std::size_t kilobyte = std::size_t{1} << 10;
constexpr std::size_t megabyte = std::size_t{1} << 20;

using Make = std::function<std::string(std::size_t)>;  // an input of about so many bytes
using Parse = std::function<void(std::string_view)>;

struct Cost {
  double nanoseconds;  // per byte of the input
  double peak_bytes;   // the same
};

// A refusal is an answer, too.
void run(const Parse& parse, std::string_view input) {
  try {
    parse(input);
  } catch (const Error& error) {
    if (error.code() == Code::internal) throw;
  }
}

double seconds_of(const Parse& parse, std::string_view input) {
  const std::clock_t start = std::clock();
  std::clock_t end = start;
  std::size_t runs = 0;
  do {
    run(parse, input);
    ++runs;
    end = std::clock();
  } while (end - start < static_cast<std::clock_t>(seconds_measured * CLOCKS_PER_SEC));
  return static_cast<double>(end - start) / CLOCKS_PER_SEC / static_cast<double>(runs);
}

Cost cost_of(const Parse& parse, const std::string& input) {
  const std::size_t before = held_bytes;
  peak_bytes = before;
  run(parse, input);
  const auto size = static_cast<double>(input.size());
  const double peak = static_cast<double>(peak_bytes - before) / size;
  double best = 1e9;
  for (int round = 0; round < rounds; ++round) best = std::min(best, seconds_of(parse, input));
  return {.nanoseconds = best * 1e9 / size, .peak_bytes = peak};
}

class Bench {
 public:
  explicit Bench(std::string_view part) : part_(part) {
    std::printf("%-46s %8s %30s %16s %10s\n", "input", "N", "ns/byte at N, 2N, 4N", "4N : N",
                "peak B/B");
  }

  void measure(const std::string& name, std::size_t size, const Make& make, const Parse& parse) {
    if (name.find(part_) == std::string::npos) return;
    std::array<Cost, 3> costs{};
    costs.fill({.nanoseconds = 1e9, .peak_bytes = 0});
    double growth = 0;
    bool kept = false;
    for (int attempt = 0; attempt < attempts_max && !kept; ++attempt) {
      for (std::size_t i = 0; i < costs.size(); ++i) {
        const Cost cost = cost_of(parse, make(size << i));
        costs[i].nanoseconds = std::min(costs[i].nanoseconds, cost.nanoseconds);
        costs[i].peak_bytes = cost.peak_bytes;
      }
      growth = costs[2].nanoseconds / costs[0].nanoseconds;
      kept = growth <= growth_max || costs[2].nanoseconds < memory_nanoseconds;
    }
    missed_ += kept ? 0 : 1;
    std::printf("%-46s %7zuK %10.2f%10.2f%10.2f %8.2f %s %10.1f\n", name.c_str(), size / kilobyte,
                costs[0].nanoseconds, costs[1].nanoseconds, costs[2].nanoseconds, growth,
                kept ? "kept  " : "MISSED", costs[2].peak_bytes);
    std::fflush(stdout);
  }

  int finish() const {
    std::printf("bound for 4N : N is %.1f; %d missed\n", growth_max, missed_);
    return missed_ == 0 ? 0 : 1;
  }

 private:
  std::string_view part_;
  int missed_ = 0;
};

// --- generators ---

// `head`, items of growing numbers until there are `size` bytes, `tail`.
template <class Item>
Make items(std::string head, Item item, std::string tail, std::string separator = ",") {
  return [=](std::size_t size) {
    std::string text = head;
    text.reserve(size + kilobyte);
    for (std::size_t i = 0; text.size() < size; ++i) {
      if (i > 0) text += separator;
      text += item(i);
    }
    return text + tail;
  };
}

Make repeated(const std::string& head, const std::string& item, const std::string& tail) {
  return items(
      head, [item](std::size_t) { return item; }, tail, "");
}

// Seven digits, so that the order of numbers is that of texts.
std::string digits(std::size_t number) { return std::to_string(10'000'000 + number); }

std::string base_name(std::size_t number) {
  return "00000000000000000000000" + digits(number) + "0-x";
}
std::string full_path(std::size_t number) { return "/nix/store/" + base_name(number); }

const StoreDir store_dir;
const StorePath some_path = StorePath::parse(base_name(0));
const std::string zeros64(64, '0');
const std::string signature_text = "a:" + std::string(86, 'A') + "==";

void bench_aterm(Bench& bench) {
  const Parse parse = [](std::string_view text) { parse_derivation(text, "x", store_dir); };
  const std::string rest = R"(],[],[],"s","b",[],[]))";
  const auto output = [](std::size_t i) { return "(\"" + digits(i) + R"(","","",""))"; };
  const auto variable = [](std::size_t i) { return "(\"" + digits(i) + R"(",""))"; };
  const std::string variables = R"(Derive([("out","","","")],[],[],"s","b",[],[)";
  bench.measure("aterm: a million outputs", 6 * megabyte, items("Derive([", output, rest), parse);
  bench.measure("aterm: variables", megabyte, items(variables, variable, "])"), parse);
  bench.measure("aterm: variables, in the wrong order", megabyte,
                items(
                    variables, [&](std::size_t i) { return variable(5'000'000 - i); }, "])"),
                parse);
  bench.measure("aterm: variables, the last one twice", megabyte,
                items(variables, variable, R"(,("9",""),("9","")]))"), parse);
  bench.measure("aterm: inputs", megabyte,
                items(R"(Derive([("out","","","")],[)",
                      [](std::size_t i) { return "(\"" + full_path(i) + R"(.drv",["out"]))"; },
                      R"(],[],"s","b",[],[]))"),
                parse);
  bench.measure(
      "aterm: sources", megabyte,
      items(R"(Derive([("out","","","")],[],[)",
            [](std::size_t i) { return "\"" + full_path(i) + "\""; }, R"(],"s","b",[],[]))"),
      parse);
  const std::string arguments = R"(Derive([("out","","","")],[],[],"s","b",[)";
  bench.measure("aterm: empty arguments", megabyte, repeated(arguments + "\"\"", R"(,"")", "],[])"),
                parse);
  bench.measure("aterm: escapes", megabyte, repeated(arguments + "\"", R"(\n\"\\)", "\"],[])"),
                parse);
  bench.measure("aterm: a string without end", megabyte, repeated(arguments + "\"", "a", ""),
                parse);
  bench.measure("aterm: backslashes without end", megabyte, repeated(arguments + "\"", "\\", ""),
                parse);
  bench.measure(
      "aterm: nested wishes", megabyte,
      repeated(R"(DrvWithVersion("xp-dyn-drv",[("out","","","")],[(")" + full_path(0) + ".drv\",",
               R"(([],[("a",)", ""),
      parse);
}

void bench_derivation_json(Bench& bench) {
  const Parse parse = [](std::string_view text) { parse_derivation_json(text, store_dir); };
  const std::string head = R"({"name":"x","version":4,"system":"s","builder":"b","inputs":)"
                           R"({"srcs":[],"drvs":{}},)";
  const auto member = [](std::size_t i) { return "\"" + digits(i) + R"(":"")"; };
  bench.measure("derivation json: outputs", megabyte,
                items(
                    head + R"("env":{},"args":[],"outputs":{)",
                    [](std::size_t i) { return "\"" + digits(i) + "\":{}"; }, "}}"),
                parse);
  const std::string variables = head + R"("args":[],"outputs":{"out":{}},"env":{)";
  bench.measure("derivation json: variables", megabyte, items(variables, member, "}}"), parse);
  bench.measure("derivation json: the last variable twice", megabyte,
                items(variables, member, R"(,"9":"","9":""}})"), parse);
  const std::string arguments = head + R"("env":{},"outputs":{"out":{}},"args":[)";
  bench.measure("derivation json: empty arguments", megabyte,
                repeated(arguments + "\"\"", ",\"\"", "]}"), parse);
  bench.measure("derivation json: a bad argument at the end", megabyte,
                repeated(arguments + "\"\"", ",\"\"", ",1]}"), parse);
  bench.measure("derivation json: escapes", megabyte,
                repeated(arguments + "\"", R"(\u0041\n)", "\"]}"), parse);
  bench.measure("derivation json: blanks", megabyte, repeated(arguments, "  \n\t", "]}"), parse);
  bench.measure("derivation json: deep nesting", megabyte, repeated("", "[", ""), parse);
  bench.measure("derivation json: numbers", megabyte,
                repeated(head + R"("structuredAttrs":{"a":[0)", ",1", "]}}"), parse);
  const Parse parse_many = [](std::string_view text) { parse_derivations_json(text, store_dir); };
  bench.measure("derivation json: derivations", megabyte,
                items(
                    "{",
                    [&](std::size_t i) {
                      return "\"" + base_name(i) + ".drv\":" + head +
                             R"("env":{},"args":[],"outputs":{"out":{}}})";
                    },
                    "}"),
                parse_many);
}

Derivation with_variable(const std::string& name, std::string_view value) {
  Derivation derivation;
  derivation.name = "x";
  derivation.outputs.emplace("out", DeferredOutput{});
  derivation.environment.emplace(name, value);
  return derivation;
}

void bench_options(Bench& bench) {
  const auto read = [](const char* variable) {
    return [variable](std::string_view value) {
      read_derivation_options(with_variable(variable, value), store_dir);
    };
  };
  bench.measure("options: features", megabyte, items("", digits, "", " "),
                read("requiredSystemFeatures"));
  bench.measure("options: references", megabyte, items("", full_path, "", " "),
                read("allowedReferences"));
  bench.measure("options: graphs", megabyte,
                items(
                    "", [](std::size_t i) { return digits(i) + " " + full_path(i); }, "", " "),
                read("exportReferencesGraph"));
  bench.measure("options: blanks", megabyte, repeated("", " ", ""), read("passAsFile"));
  bench.measure("options: structured", megabyte,
                items(
                    "{\"outputChecks\":{",
                    [](std::size_t i) { return "\"" + digits(i) + "\":{\"maxSize\":1}"; }, "}}"),
                read("__json"));
  const Make document = [](std::size_t size) {
    DerivationOptions options;
    for (std::size_t i = 0; i < size / 20; ++i) options.required_system_features.insert(digits(i));
    return print_derivation_options_json(options);
  };
  bench.measure("options json: features", megabyte, document, parse_derivation_options_json);
  const Parse print = [](std::string_view value) {
    print_structured_attributes(with_variable("__json", value), store_dir, {});
  };
  bench.measure("structured attributes: texts", megabyte,
                items(
                    "{", [](std::size_t i) { return "\"a" + digits(i) + "\":\"'\""; }, "}"),
                print);
  bench.measure("structured attributes: quotes", megabyte, repeated("{\"a\":\"", "'", "\"}"),
                print);
}

std::string wire_text(std::string_view text) {
  wire::Encoder encoder;
  encoder.text(text);
  return std::string(as_text(encoder.bytes()));
}
std::string wire_texts(std::initializer_list<std::string_view> texts) {
  std::string bytes;
  for (const std::string_view text : texts) bytes += wire_text(text);
  return bytes;
}

void bench_nar(Bench& bench) {
  const std::string head = wire_texts({"nix-archive-1", "(", "type", "directory"});
  const auto entry = [](std::size_t i) {
    return wire_texts({"entry", "(", "name"}) + wire_text(digits(i)) +
           wire_texts({"node", "(", "type", "regular", "contents", "", ")", ")"});
  };
  const Parse list = [](std::string_view text) {
    NarListingBuilder lister;
    NarParserSink sink(lister);
    sink.write(as_bytes(text));
    sink.finish();
  };
  const Parse build = [](std::string_view text) {
    MemoryTreeBuilder builder(std::uint64_t{1} << 32);
    NarParserSink sink(builder);
    sink.write(as_bytes(text));
    sink.finish();
  };
  const Parse bytewise = [](std::string_view text) {
    MemoryTreeBuilder builder(std::uint64_t{1} << 32);
    NarParserSink sink(builder);
    for (const std::byte& byte : as_bytes(text)) sink.write({&byte, 1});
    sink.finish();
  };
  const std::string deeper =
      wire_texts({"entry", "(", "name", "a", "node", "(", "type", "directory"});
  bench.measure("nar: entries, listed", 4 * megabyte, items(head, entry, wire_text(")"), ""), list);
  bench.measure("nar: entries, as a tree", 4 * megabyte, items(head, entry, wire_text(")"), ""),
                build);
  bench.measure("nar: entries, byte by byte", megabyte, items(head, entry, wire_text(")"), ""),
                bytewise);
  bench.measure("nar: deep nesting", megabyte, repeated(head, deeper, ""), build);
  bench.measure("nar: the last name twice", megabyte,
                items(head, entry, entry(8'999'999) + entry(8'999'999), ""), build);
}

void bench_trees(Bench& bench) {
  const auto file = [](std::size_t i) {
    return "\"" + digits(i) + R"(":{"type":"regular","size":0,"contents":""})";
  };
  const std::string head = R"({"type":"directory","entries":{)";
  bench.measure("nar listing: entries", megabyte,
                items(R"({"version":1,"root":)" + head, file, "}}}"), parse_nar_listing);
  bench.measure("nar listing: deep nesting", megabyte,
                repeated(R"({"version":1,"root":)", head + "\"a\":", ""), parse_nar_listing);
  bench.measure("tree json: entries", megabyte, items(head, file, "}}"),
                [](std::string_view text) { parse_tree_json(text, std::uint64_t{1} << 32); });
}

void bench_narinfo(Bench& bench) {
  const Parse parse = [](std::string_view text) { parse_narinfo(text, store_dir); };
  const std::string head = "StorePath: " + full_path(0) +
                           "\nURL: x\nCompression: none\nNarHash: " + "sha256:" + zeros64 +
                           "\nNarSize: 1\n";
  bench.measure("narinfo: references", megabyte, items(head + "References: ", base_name, "\n", " "),
                parse);
  bench.measure("narinfo: blanks", megabyte, repeated(head + "References:", " ", "\n"), parse);
  bench.measure(
      "narinfo: unknown fields", megabyte,
      items(
          head + "References: \n", [](std::size_t i) { return digits(i) + ": \n"; }, "", ""),
      parse);
  bench.measure("narinfo: one unknown field", megabyte,
                repeated(head + "References: \n", "X: \n", ""), parse);
  bench.measure(
      "narinfo: signatures", megabyte,
      items(
          head + "References: \n",
          [](std::size_t i) { return "Sig: " + digits(i) + signature_text + "\n"; }, "", ""),
      parse);
  bench.measure("narinfo: downloads", megabyte,
                repeated(head + "References: \n", "URL: x\nCompression: none\n", ""), parse);
  bench.measure("narinfo: a line without end", megabyte, repeated(head + "X: ", "a", ""), parse);
  bench.measure("nix-cache-info: fields", 15 * kilobyte, repeated("", "X: \n", ""),
                parse_cache_info);
}

void bench_path_info_json(Bench& bench) {
  const Parse parse = [](std::string_view text) {
    parse_path_info_json(text, some_path, store_dir);
  };
  const Parse parse_many = [](std::string_view text) { parse_path_infos_json(text, store_dir); };
  const std::string info = R"({"version":2,"narHash":"sha256-)" + std::string(43, 'A') +
                           R"(=","narSize":1,"ca":null,"deriver":null,"references":[)";
  const std::string tail = R"(],"registrationTime":null,"signatures":[],"ultimate":false})";
  const auto quoted = [](std::size_t i) { return "\"" + base_name(i) + "\""; };
  bench.measure("path info: references", megabyte, items(info, quoted, tail), parse);
  bench.measure("path info: one reference", megabyte,
                items(
                    info, [&](std::size_t) { return quoted(0); }, tail),
                parse);
  bench.measure("path info: many", megabyte,
                items(R"({"version":2,"storeDir":"/nix/store","info":{)",
                      [&](std::size_t i) { return quoted(i) + ":" + info + tail; }, "}}"),
                parse_many);
}

void bench_realisations(Bench& bench) {
  const std::string id = "sha256:" + zeros64 + "!";
  const auto signature = [](std::size_t i) { return "\"" + digits(i) + signature_text + "\""; };
  const std::string head = R"({"id":")" + id + R"(out","outPath":")" + base_name(0) + "\",";
  bench.measure("realisation: signatures", megabyte,
                items(head + "\"signatures\":[", signature, "]}"), parse_hashed_realisation_json);
  bench.measure(
      "realisation: dependencies", megabyte,
      items(
          head + "\"dependentRealisations\":{",
          [&](std::size_t i) { return "\"" + id + digits(i) + "\":\"" + base_name(i) + "\""; },
          "}}"),
      parse_hashed_realisation_json);
}

void bench_model_json(Bench& bench) {
  const auto quoted = [](std::size_t i) { return "\"" + digits(i) + "\""; };
  bench.measure("output spec json: names", megabyte, items("[", quoted, "]"),
                parse_output_spec_json);
  bench.measure("output spec json: the last name twice", megabyte,
                items("[", quoted, R"(,"9","9"])"), parse_output_spec_json);
  bench.measure("single path json: deep nesting", megabyte,
                repeated("", R"({"output":"a","drvPath":)", ""), parse_single_path_json);
  const Parse parse_result = [](std::string_view text) {
    parse_build_result_json(text, OpaquePath{some_path});
  };
  bench.measure("build result json: outputs", megabyte,
                items(R"({"status":"Built","success":true,"timesBuilt":1,"startTime":0,)"
                      R"("stopTime":0,"builtOutputs":{)",
                      [&](std::size_t i) {
                        return quoted(i) + R"(:{"outPath":")" + base_name(i) +
                               R"(","signatures":[]})";
                      },
                      "}}"),
                parse_result);
}

void bench_paths(Bench& bench) {
  const std::string head = full_path(0) + ".drv^";
  bench.measure("deriving path: outputs", megabyte, items(head, digits, ""),
                [](std::string_view text) { parse_deriving_path(text, store_dir); });
  bench.measure("deriving path: one output", megabyte, repeated(head + "a", ",a", ""),
                [](std::string_view text) { parse_deriving_path(text, store_dir); });
  bench.measure("dynamic path: outputs", megabyte, items(head + "a^", digits, ""),
                [](std::string_view text) { parse_dynamic_path(text, store_dir); });
  bench.measure("dynamic path: steps", megabyte, repeated(head + "a", "^a", ""),
                [](std::string_view text) { parse_dynamic_path(text, store_dir); });
  bench.measure("store path: a long name", megabyte, repeated(full_path(0), "a", ""),
                [](std::string_view text) { store_dir.parse(text); });
  bench.measure("store path: a long store directory", megabyte, repeated("/a", "/a", ""),
                [](std::string_view text) { StoreDir{text}; });
  bench.measure("store url: parameters", 15 * kilobyte,
                items(
                    "local?", [](std::size_t i) { return digits(i) + "=%20"; }, "", "&"),
                parse_store_url);
  bench.measure("store url: escapes", 15 * kilobyte, repeated("local?a=", "%41", ""),
                parse_store_url);
  bench.measure("store url: colons", 15 * kilobyte, repeated("ssh://", ":", ""), parse_store_url);
}

void bench_hashes(Bench& bench) {
  bench.measure("base16", megabyte, repeated("", "0f", ""), base16_decode);
  bench.measure("nix32", megabyte, repeated("", "00000000", ""), nix32_decode);
  bench.measure("base64", megabyte, repeated("", "QUFB", ""), base64_decode);
  bench.measure("hash: a long digest", megabyte, repeated("sha256:", "0", ""),
                [](std::string_view text) { Hash::parse(text); });
  bench.measure("hash: a long name", megabyte, repeated("", "sha", ":"),
                [](std::string_view text) { Hash::parse(text); });
  bench.measure("content address: long", megabyte, repeated("fixed:", "r:", ""),
                ContentAddress::parse);
  bench.measure("signature: a long name", megabyte, repeated("", "a", ":AAAA"), Signature::parse);
  const std::string key = ":" + std::string(43, 'A') + "=";
  bench.measure("public keys", megabyte,
                items(
                    "", [&](std::size_t i) { return digits(i) + key; }, "", " "),
                parse_public_keys);
}

void bench_settings(Bench& bench) {
  const Parse parse = [](std::string_view text) {
    parse_config(text, "/nix.conf", [](const std::string&) { return std::nullopt; });
  };
  const auto set = [](const char* name) {
    return [name](std::string_view value) { Settings().set(name, value); };
  };
  bench.measure("nix.conf: lines", megabyte, repeated("", "a = \n", ""), parse);
  bench.measure("nix.conf: words", megabyte, repeated("a =", " b", ""), parse);
  bench.measure("nix.conf: blanks", megabyte, repeated("a =", " ", "b"), parse);
  bench.measure("nix.conf: comments", megabyte, repeated("", "#\n", ""), parse);
  bench.measure("nix.conf: includes", 4 * kilobyte, repeated("", "!include a\n", ""), parse);
  bench.measure("settings: words", megabyte, items("", digits, "", " "), set("system-features"));
  bench.measure("settings: sandbox paths", megabyte,
                items(
                    "", [](std::size_t i) { return "/" + digits(i); }, "", " "),
                set("sandbox-paths"));
  const std::string key = ":" + std::string(43, 'A') + "=";
  bench.measure("settings: keys", megabyte,
                items(
                    "", [&](std::size_t i) { return digits(i) + key; }, "", " "),
                set("trusted-public-keys"));
  const Parse machines = [](std::string_view text) { parse_machines(text, {}); };
  bench.measure("machines: lines", 250 * kilobyte, repeated("", "a\n", ""), machines);
  bench.measure("machines: features", 250 * kilobyte, items("a - - 1 1 ", digits, ""), machines);
  bench.measure("machines: blanks", 250 * kilobyte, repeated("a", " ", "b"), machines);
  bench.measure("machines: a bad line at the end", 250 * kilobyte, repeated("", "a\n", "a b c d"),
                machines);
}

void bench_sexp(Bench& bench) {
  constexpr std::size_t size = 250 * kilobyte;
  bench.measure("s-expression: empty lists", size, repeated("(", "()", ")"), Sexp::parse);
  bench.measure("s-expression: empty strings", size, repeated("(", "0:", ")"), Sexp::parse);
  bench.measure("s-expression: deep nesting", size, repeated("", "(", ""), Sexp::parse);
  bench.measure("s-expression: nested again and again", size,
                repeated("(", std::string(31, '(') + std::string(31, ')'), ")"), Sexp::parse);
  bench.measure("s-expression: escapes", size, repeated("\"", R"(\n\x41\101)", "\""), Sexp::parse);
  bench.measure("s-expression: blanks", size, repeated("(", " \n", ")"), Sexp::parse);
  bench.measure("s-expression: strings without end", size, repeated("(", "#", ""), Sexp::parse);
  bench.measure("s-expression: base16", size, repeated("#", "0a", "#"), Sexp::parse);
  bench.measure("guix access list: entries", size,
                repeated("(acl", "(entry(public-key(rsa))(tag(guix import)))", ")"),
                parse_guix_acl);
}

void bench_references(Bench& bench) {
  const Parse scan = [](std::string_view text) {
    ReferenceScanner scanner({some_path});
    scanner.write(as_bytes(text));
  };
  bench.measure("references: nothing but hash characters", megabyte, repeated("", "0", ""), scan);
  bench.measure("references: nearly found", megabyte,
                repeated("", base_name(0).substr(0, 31) + "1", ""), scan);
  const Parse rewrite = [](std::string_view text) {
    StringSink sink(std::uint64_t{1} << 32);
    ReferenceRewriter rewriter({{base_name(0).substr(0, 32), base_name(1).substr(0, 32)}}, sink);
    rewriter.write(as_bytes(text));
    rewriter.finish();
  };
  bench.measure("references: rewritten", megabyte, repeated("", base_name(0), ""), rewrite);
  const PlaceholderTexts texts = {{Placeholder::own_output("out").text(), "x"}};
  bench.measure("placeholders: slashes", megabyte, repeated("", "/", ""),
                [&](std::string_view text) { replace_placeholders(text, texts); });
  bench.measure("placeholders: nearly found", megabyte,
                repeated("", Placeholder::own_output("dev").text(), ""),
                [&](std::string_view text) { replace_placeholders(text, texts); });
}

void bench_wire(Bench& bench) {
  const auto parse = [](auto read) {
    return [read](std::string_view text) {
      StringSource source(text);
      wire::Decoder decoder(source);
      read(decoder);
    };
  };
  // How many follow is a guess: what is missing is a refusal at the end.
  const std::string count("\0\0\x40\0\0\0\0\0", 8);
  const wire::Dialect dialect{.minor = 38, .realisation_with_path = true};
  bench.measure("wire: empty texts", megabyte, repeated(count, wire_text(""), ""),
                parse([](wire::Decoder& in) { wire::read_texts(in, wire::name_bytes_max); }));
  bench.measure("wire: paths", megabyte,
                items(
                    count, [](std::size_t i) { return wire_text(full_path(i)); }, "", ""),
                parse([&](wire::Decoder& in) { wire::read_paths(in, dialect); }));
  bench.measure(
      "wire: signatures", megabyte,
      items(
          count, [](std::size_t i) { return wire_text(digits(i) + signature_text); }, "", ""),
      parse([](wire::Decoder& in) { wire::read_signatures(in); }));
  bench.measure(
      "wire: a long text", megabyte,
      [](std::size_t size) { return wire_text(std::string(size, 'a')); },
      parse([](wire::Decoder& in) { in.text(wire::text_bytes_max); }));
}

}  // namespace

}  // namespace cinch

int main(int argc, char* argv[]) {
  // Memory that was given back is kept: to get it anew from the system costs more than parsing.
  mallopt(M_MMAP_MAX, 0);
  mallopt(M_TRIM_THRESHOLD, 1 << 30);
  mallopt(M_TOP_PAD, 256 << 20);
  cinch::Bench bench(argc > 1 ? argv[1] : "");
  cinch::bench_aterm(bench);
  cinch::bench_derivation_json(bench);
  cinch::bench_options(bench);
  cinch::bench_nar(bench);
  cinch::bench_trees(bench);
  cinch::bench_narinfo(bench);
  cinch::bench_path_info_json(bench);
  cinch::bench_realisations(bench);
  cinch::bench_model_json(bench);
  cinch::bench_paths(bench);
  cinch::bench_hashes(bench);
  cinch::bench_settings(bench);
  cinch::bench_sexp(bench);
  cinch::bench_references(bench);
  cinch::bench_wire(bench);
  return bench.finish();
}
