// SPDX-License-Identifier: MIT
// The random inputs, by RapidCheck, whose headers are included here only.
#include "truth/properties.hpp"

#include <doctest/doctest.h>
#include <rapidcheck.h>
#include <rapidcheck/detail/TestListenerAdapter.h>

#include <cstdlib>
#include <functional>
#include <ostream>
#include <sstream>
#include <string>
#include <tuple>
#include <unordered_map>
#include <utility>

namespace pollux::test {

// For the report of a failure.
inline std::ostream& operator<<(std::ostream& out, const script& steps) {
    const char* before = "";
    for (const step& each : steps) {
        out << std::exchange(before, " ");
        switch (each.what) {
            case step::kind::value: out << each.number; break;
            case step::kind::error: out << 'e' << each.number; break;
            case step::kind::pending_woken: out << '.'; break;
            case step::kind::pending_waits: out << '-'; break;
        }
    }
    return out;
}
inline std::ostream& operator<<(std::ostream& out, const inputs& in) {
    return out << "first [" << in.first << "] second [" << in.second << "] n " << in.n << " units " << in.units;
}

namespace {

// Cases of a property. A guess: with it all properties take a second.
constexpr int cases = 500;

// Values most of the time. A smaller number is a simpler step, so that failures shrink to values without pauses.
rc::Gen<step> steps() {
    return rc::gen::map(rc::gen::inRange(0, 500), [](int drawn) {
        constexpr step::kind kinds[] = {step::kind::value,         step::kind::value,        step::kind::value,
                                        step::kind::value,         step::kind::error,        step::kind::pending_woken,
                                        step::kind::pending_waits, step::kind::pending_waits};
        return step{kinds[drawn % 8], drawn / 8};
    });
}
rc::Gen<inputs> all_inputs() {
    const auto scripts = rc::gen::scale(0.4, rc::gen::container<script>(steps()));
    return rc::gen::map(rc::gen::tuple(scripts, scripts, rc::gen::inRange(0, 8), rc::gen::inRange(0, 8)),
                        [](std::tuple<script, script, int, int> drawn) {
                            auto& [first, second, n, units] = drawn;
                            // Below three a poll may not get to the last of a source, a child and a consumer.
                            return inputs{std::move(first), std::move(second), n + 1, units < 4 ? 0 : units - 1};
                        });
}

rc::detail::TestParams parameters() {
    rc::detail::Configuration fixed;
    fixed.testParams.seed = 1;
    fixed.testParams.maxSuccess = cases;
    const char* const given = std::getenv("RC_PARAMS");
    return rc::detail::configFromString(given == nullptr ? "" : given, fixed).testParams;
}

}  // namespace

void check_property(const char* name, const std::function<void(const inputs&)>& holds) {
    rc::detail::TestMetadata metadata;
    metadata.id = metadata.description = name;
    const rc::detail::TestParams params = parameters();
    const auto property = [&holds] { holds(*all_inputs()); };
    // The library's own listener would read the environment once more and announce another seed.
    rc::detail::TestListenerAdapter quiet;
    const auto result = rc::detail::checkTestable(property, metadata, params, quiet,
                                                  std::unordered_map<std::string, rc::detail::Reproduce>());
    std::ostringstream report;
    rc::detail::printResultMessage(result, report);
    const std::string text =
        std::string(name) + ", RC_PARAMS=\"seed=" + std::to_string(params.seed) + "\": " + report.str();
    CAPTURE(text);
    CHECK(result.is<rc::detail::SuccessResult>());
}

}  // namespace pollux::test
