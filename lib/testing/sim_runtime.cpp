// SPDX-License-Identifier: MIT
#include "pollux/testing/sim_runtime.hpp"

#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>

#include "pollux/testing/poll.hpp"
#include "scheduler/runtime_core.hpp"
#include "testing/simulation.hpp"

namespace pollux::inline v0 {

namespace detail {

simulation_scope::simulation_scope(simulation& world) : outer_(current_platform) {
    if (!world.is_on_its_thread())
        throw testing::assertion_failed(
            "pollux: sim_runtime: used on another thread than the one that made it; a simulation is one thread");
    current_platform = &world;
}

simulation_scope::~simulation_scope() { current_platform = outer_; }

}  // namespace detail

namespace testing {

namespace {

std::uint64_t seed_from_environment(std::uint64_t otherwise) {
    const char* const text = std::getenv("POLLUX_SEED");
    if (text == nullptr) return otherwise;
    const std::string_view digits(text);
    std::uint64_t seed = 0;
    const auto [end, error] = std::from_chars(digits.begin(), digits.end(), seed);
    if (error != std::errc() || end != digits.end())
        throw assertion_failed("pollux: sim_runtime: POLLUX_SEED=" + std::string(text) +
                               " is not a number below 2^64; set the seed that a failing test printed");
    return seed;
}

void refuse_inside(const detail::simulation& world, const char* message) {
    if (!world.is_on_first())
        throw std::system_error(std::make_error_code(std::errc::resource_deadlock_would_occur), message);
}

}  // namespace

sim_runtime::sim_runtime(std::uint64_t seed, runtime_options options) : exceptions_(std::uncaught_exceptions()) {
    auto world = std::make_unique<detail::simulation>(seed_from_environment(seed));
    if (options.workers == 0) options.workers = 1 + static_cast<unsigned>(world->random() % 4);
    if (options.seed == 0) options.seed = world->random() | 1;
    core_ = &detail::runtime_core::make(std::move(options), detail::runtime_core::flavour::threads, world.get());
    world->serves(*core_);
    world_ = world.release();
}

sim_runtime::~sim_runtime() {
    if (std::uncaught_exceptions() > exceptions_) {
        const auto seed = static_cast<unsigned long long>(world_->seed());
        std::fprintf(stderr, "pollux: sim_runtime: seed %llu; POLLUX_SEED=%llu replays it\n", seed, seed);
    }
    if (!world_->is_on_first())
        detail::fail_check(
            "pollux: ~sim_runtime: called inside one of its tasks or jobs, which it would have to wait for; destroy it "
            "outside");
    {
        const detail::simulation_scope scope(*world_);
        core_->end();
    }
    delete world_;
    core_->drop_owner();
}

shutdown_report sim_runtime::shutdown(std::chrono::nanoseconds grace) {
    const detail::simulation_scope scope(*world_);
    refuse_inside(*world_, "pollux: sim_runtime: shutdown: called inside one of its tasks or jobs; call it outside");
    return core_->shutdown(grace);
}

runtime_metrics sim_runtime::metrics() const noexcept { return core_->metrics(); }

void sim_runtime::advance(std::chrono::nanoseconds duration) {
    const detail::simulation_scope scope(*world_);
    refuse_inside(*world_, "pollux: sim_runtime: advance: called inside one of its tasks or jobs; call it outside");
    if (duration < std::chrono::nanoseconds::zero())
        throw std::invalid_argument("pollux: sim_runtime: advance: duration = " + std::to_string(duration.count()) +
                                    " ns is negative; the clock only goes forward, so use 0 or more");
    const auto now = world_->now();
    const auto last = decltype(now)::max() - std::chrono::nanoseconds(1);  // behind it is what never comes
    world_->run_until(duration < last - now ? now + duration : last);
}

instant sim_runtime::now() const noexcept {
    return instant(std::chrono::duration_cast<clock::duration>(world_->now().time_since_epoch()));
}

std::uint64_t sim_runtime::seed() const noexcept { return world_->seed(); }

const std::string& sim_runtime::event_log() const noexcept { return world_->event_log(); }

}  // namespace testing

}  // namespace pollux::inline v0
