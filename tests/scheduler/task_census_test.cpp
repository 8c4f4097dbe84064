// SPDX-License-Identifier: MIT
#include "scheduler/task_census.hpp"

#include <doctest/doctest.h>

// One thread; what several do is the model's subject.
namespace {

using census = pollux::detail::task_census<>;
using pollux::detail::spawn_answer;

}  // namespace

TEST_SUITE("scheduler/task_census") {
    TEST_CASE("task_census: counts what each worker and others spawn and end") {
        census counts(2, true);
        CHECK(counts.spawned_elsewhere(5) == spawn_answer::accepted);
        CHECK(counts.spawned_in_task(counts.of_worker(0)));
        CHECK(counts.spawned_in_task(counts.of_worker(1)));
        CHECK(counts.spawned() == 3);
        CHECK(counts.alive() == 3);
        CHECK_FALSE(counts.ended(counts.of_worker(1)));
        CHECK_FALSE(counts.ended(counts.of_worker(1)));
        CHECK(counts.alive() == 1);
        CHECK(counts.spawned() == 3);
    }

    TEST_CASE("end: refuses spawns, and the end of the last task is told") {
        for (const bool asymmetric : {true, false}) {
            census counts(1, asymmetric);
            CHECK(counts.spawned_in_task(counts.of_worker(0)));
            CHECK(counts.spawned_in_task(counts.of_worker(0)));
            CHECK_FALSE(counts.is_ending());
            CHECK_FALSE(counts.end());
            CHECK(counts.is_ending());
            CHECK_FALSE(counts.spawned_in_task(counts.of_worker(0)));
            CHECK(counts.spawned_elsewhere(1) == spawn_answer::refused);
            CHECK(counts.alive() == 2);
            CHECK_FALSE(counts.ended(counts.of_worker(0)));
            CHECK(counts.ended(counts.of_worker(0)));
            CHECK(counts.spawned_elsewhere(1) == spawn_answer::refused_and_all_ended);
        }
    }

    TEST_CASE("end: without tasks it is told at once") {
        census counts(4, true);
        CHECK(counts.end());
    }
}
