// SPDX-License-Identifier: MIT
#include "scheduler/task_list.hpp"

#include <doctest/doctest.h>

#include <array>
#include <cstddef>
#include <exception>
#include <thread>
#include <vector>

namespace {

using pollux::detail::list_try;
using pollux::detail::task_list;

// Nothing but the links.
struct linked_task final : pollux::detail::task_header {
    void run(pollux::detail::execution&) noexcept override {}
    void destroy_future(pollux::detail::execution&) noexcept override {}
    void set_cancelled() noexcept override {}
    bool holds_exception() const noexcept override { return false; }
    std::exception_ptr drop_result() noexcept override { return nullptr; }
    pollux::detail::task_identity identity() const noexcept override { return {}; }
};

std::size_t size_of(task_list& list) {
    std::size_t n = 0;
    list.for_each([&](pollux::detail::task_header&) { ++n; });
    return n;
}

// As a worker does.
bool insert(task_list& list, linked_task& task) {
    const list_try answer = list.try_insert(task);
    if (answer == list_try::locked) list.unlock(task);
    return answer == list_try::done || list.insert(task);
}
void remove(task_list& list, linked_task& task) {
    const list_try answer = list.try_remove(task);
    if (answer == list_try::locked) list.unlock(task);
    if (answer == list_try::not_done) list.remove(task);
}

}  // namespace

TEST_SUITE("scheduler/task_list") {
    TEST_CASE("task_list: a task is visited from its insertion to its removal, once however often it was inserted") {
        task_list list(4);
        std::array<linked_task, 3> tasks;
        for (auto& task : tasks) CHECK(list.try_insert(task) == list_try::done);
        CHECK(list.try_insert(tasks[0]) == list_try::done);
        CHECK(list.insert(tasks[1]));
        CHECK(size_of(list) == 3);
        CHECK(list.try_remove(tasks[1]) == list_try::done);
        list.remove(tasks[0]);
        CHECK(size_of(list) == 1);
        CHECK(tasks[0].was_linked());
        list.remove(tasks[2]);
        CHECK(size_of(list) == 0);
    }

    TEST_CASE("task_list: a list that is closed takes none, and visits those that it has") {
        task_list list(1);
        linked_task here, later;
        REQUIRE(list.insert(here));
        std::size_t visited = 0;
        list.close([&](pollux::detail::task_header& each) { visited += &each == &here ? 1 : 100; });
        CHECK(visited == 1);
        CHECK(list.try_insert(later) == list_try::locked);
        list.unlock(later);
        CHECK(!list.insert(later));
        CHECK(!later.was_linked());
        CHECK(list.try_remove(here) == list_try::done);
    }

    TEST_CASE("task_list: while somebody has the lock a try does nothing") {
        task_list list(1);
        linked_task here, later;
        REQUIRE(list.insert(here));
        list.for_each([&](pollux::detail::task_header&) {
            CHECK(list.try_insert(later) == list_try::not_done);
            CHECK(list.try_remove(here) == list_try::not_done);
        });
        CHECK(!later.was_linked());
        CHECK(size_of(list) == 1);
        list.remove(here);
    }

    TEST_CASE("task_list: none is lost or left of those that threads insert and remove at once") {
        constexpr int threads = 4, turns = 5'000;
        task_list list(1);
        std::vector<std::jthread> all;
        for (int i = 0; i != threads; ++i)
            all.emplace_back([&] {
                linked_task kept;
                insert(list, kept);
                for (int turn = 0; turn != turns; ++turn) {
                    linked_task one;
                    insert(list, one);
                    remove(list, one);
                }
                remove(list, kept);
            });
        all.clear();
        CHECK(size_of(list) == 0);
    }
}
