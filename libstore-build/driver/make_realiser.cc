#include <cinch/build/linux_sandbox.hh>
#include <cinch/build/local_realiser.hh>
#include <cinch/build/make_realiser.hh>

#include <mutex>
#include <utility>

namespace cinch {

namespace {

class LazySandbox final : public Builder {
 public:
  explicit LazySandbox(LinuxSandboxOptions options) : options_(std::move(options)) {}
  std::unique_ptr<FinishedBuild> run(const BuildRequest& request, Sink& log,
                                     std::stop_token stop) override {
    return sandbox().run(request, log, std::move(stop));
  }
  bool supports(std::string_view system) const override { return sandbox().supports(system); }

 private:
  Builder& sandbox() const {
    const std::lock_guard lock(mutex_);
    if (!sandbox_) sandbox_ = make_linux_sandbox(options_);
    return *sandbox_;
  }
  const LinuxSandboxOptions options_;
  mutable std::mutex mutex_;
  mutable std::unique_ptr<Builder> sandbox_;
};

// Passes everything on to the store itself, or to a local realiser, which it owns then.
class StoreRealiser final : public Realiser {
 public:
  explicit StoreRealiser(Realiser& own) : target_(own) {}
  StoreRealiser(std::unique_ptr<Builder> sandbox, std::unique_ptr<Realiser> local)
      : sandbox_(std::move(sandbox)), local_(std::move(local)), target_(*local_) {}

  std::vector<BuildResult> realise(std::span<const DerivingPath> wanted,
                                   const RealiseOptions& options, EventSink& events,
                                   std::stop_token stop) override {
    return target_.realise(wanted, options, events, std::move(stop));
  }
  MissingPlan plan(std::span<const DerivingPath> wanted) override { return target_.plan(wanted); }

 private:
  std::unique_ptr<Builder> sandbox_;
  std::unique_ptr<Realiser> local_;
  Realiser& target_;
};

}  // namespace

std::unique_ptr<Realiser> make_realiser(Store& store, const Settings& settings) {
  if (auto* own = capability<Realiser>(store)) return std::make_unique<StoreRealiser>(*own);
  auto& place = require_capability<BuildStore>(store, "build derivations");
  auto sandbox = std::make_unique<LazySandbox>(
      LinuxSandboxOptions{.build_directory = place.build_directory(),
                          .system = settings.system,
                          .extra_platforms = settings.extra_platforms,
                          .filter_syscalls = settings.filter_syscalls});
  auto local = make_local_realiser(store, *sandbox, settings);
  return std::make_unique<StoreRealiser>(std::move(sandbox), std::move(local));
}

}  // namespace cinch
