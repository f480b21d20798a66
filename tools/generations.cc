#include "generations.hh"

#include <cinch/core/error.hh>

#include <charconv>
#include <chrono>
#include <utility>

namespace cinch::cli {

Profile::Choose older_than(const std::string& days) {
  const char* const end = days.data() + days.size();
  int number = 0;
  const auto [rest, error] = std::from_chars(days.data(), end, number);
  if (error != std::errc() || end - rest != 1 || *rest != 'd' || number < 1) {
    throw Error(Code::invalid_argument, "invalid number of days specifier '" + days + "'")
        .hint("write a number and 'd', such as 30d");
  }
  const auto time = std::chrono::system_clock::now() - std::chrono::hours(24) * number;
  const std::int64_t seconds = std::chrono::system_clock::to_time_t(time);
  return
      [seconds](const Generations& generations) { return replaced_before(generations, seconds); };
}

void remove_generations(Context& context, Profile& profile, const Profile::Choose& choose,
                        bool dry_run, std::stop_token stop) {
  for (const GenerationNumber number : profile.remove(choose, dry_run, std::move(stop))) {
    context.console.message(Verbosity::notice,
                            (dry_run ? "would remove version " : "removing version ") +
                                std::to_string(number) + " of profile '" + profile.name() + "'");
  }
}

}  // namespace cinch::cli
