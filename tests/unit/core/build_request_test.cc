#include "catch.hh"

#include <cinch/core/build_request.hh>

#include <algorithm>

namespace cinch {

TEST_CASE("a build request is printed, one fact a line") {
  const StorePath drv = StorePath::parse("c015dhfh5l0lp6wxyvdn7bmwhbbr6hr9-x.drv");
  const StorePath input = StorePath::parse("c015dhfh5l0lp6wxyvdn7bmwhbbr6hr9-input");
  const StorePath output = StorePath::parse("c015dhfh5l0lp6wxyvdn7bmwhbbr6hr9-x");
  BuildRequest request{.derivation = drv,
                       .system = "x86_64-linux",
                       .command = {"/bin/sh", "-c", "echo \"hi\"\n\tdone \\ \x01\x7f\xc3\xa9"},
                       .environment = {{"out", "/nix/store/x"}, {"A", ""}},
                       .store_dir = "/nix/store",
                       .inputs = {{input, "/real/input"}},
                       .outputs = {{"out", output}},
                       .mounts = {{.target = "/usr", .source = "/usr"},
                                  {.target = "/bin/sh", .source = "/busybox", .optional = true}},
                       .files = {{.name = ".attrs.json", .contents = "{}"}},
                       .network = true};
  request.limits.time_max = std::chrono::seconds(60);
  const std::string text = request.print();
  CHECK(text ==
        "derivation c015dhfh5l0lp6wxyvdn7bmwhbbr6hr9-x.drv\n"
        "system \"x86_64-linux\"\n"
        "command \"/bin/sh\"\n"
        "command \"-c\"\n"
        "command \"echo \\\"hi\\\"\\n\\tdone \\\\ \\x01\\x7f\xc3\xa9\"\n"
        "environment \"A\" \"\"\n"
        "environment \"out\" \"/nix/store/x\"\n"
        "working-directory \"/build\"\n"
        "store-directory \"/nix/store\"\n"
        "input c015dhfh5l0lp6wxyvdn7bmwhbbr6hr9-input \"/real/input\"\n"
        "output \"out\" c015dhfh5l0lp6wxyvdn7bmwhbbr6hr9-x\n"
        "mount \"/bin/sh\" \"/busybox\" optional\n"
        "mount \"/usr\" \"/usr\" required\n"
        "file \".attrs.json\" \"{}\"\n"
        "network yes\n"
        "limit time 60s\n"
        "limit silence 0s\n"
        "limit log 0B\n"
        "limit shared-memory \"50%\"\n");
  std::ranges::reverse(request.mounts);
  CHECK(request.print() == text);
}

}  // namespace cinch
