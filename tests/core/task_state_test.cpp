// SPDX-License-Identifier: MIT
#include "pollux/core/task_state.hpp"

#include "pollux/core/sync_policy.hpp"

#include <doctest/doctest.h>

#include <cstdint>

// One thread walks every transition and looks at the whole word; what several threads do is the model's subject.
namespace {

using namespace pollux::detail;
using states = task_state<std_sync>;

constexpr auto running = states::running;
constexpr auto complete = states::complete;
constexpr auto notified = states::notified;
constexpr auto join_interest = states::join_interest;
constexpr auto join_waker = states::join_waker;
constexpr auto cancelled = states::cancelled;

constexpr std::uint64_t references(std::uint64_t n) { return n * states::one_reference; }

// A word in a given state; tests read it back with now().
struct word {
    explicit word(std::uint64_t value) : state(value) {}
    std::uint64_t now() const { return state.load(); }
    states::word state;
};

}  // namespace

TEST_SUITE("core/task_state") {
    TEST_CASE("initial: notified, with references for the runtime, the queue and a handle") {
        CHECK(states::initial(true) == (notified | join_interest | references(3)));
        CHECK(states::initial(false) == (notified | references(2)));
    }

    TEST_CASE("a detached task that ends in its first poll: the last references go without a further exchange") {
        word w(states::initial(false));
        REQUIRE(states::to_running(w.state) == run_action::run);
        CHECK(w.now() == (running | references(2)));
        CHECK_FALSE(states::is_complete(w.state));
        CHECK(states::to_complete(w.state) == (complete | references(2)));
        CHECK(w.now() == (complete | references(2)));
        CHECK(states::is_complete(w.state));
        CHECK(states::drop_references(w.state, 2));
    }

    TEST_CASE("to_running: turns the queue's reference into the poll's and keeps the bits of the handle") {
        word w(notified | join_interest | join_waker | references(3));
        CHECK(states::to_running(w.state) == run_action::run);
        CHECK(w.now() == (running | join_interest | join_waker | references(3)));
    }

    TEST_CASE("to_running: a cancelled task is to be destroyed by whoever takes it") {
        word w(notified | cancelled | references(2));
        CHECK(states::to_running(w.state) == run_action::cancel);
        CHECK(w.now() == (running | cancelled | references(2)));
    }

    TEST_CASE("to_idle: gives up the poll's reference") {
        word w(running | references(2));
        CHECK(states::to_idle(w.state) == idle_action::parked);
        CHECK(w.now() == references(1));
    }

    TEST_CASE("to_idle: says so if that was the last reference") {
        word w(running | references(1));
        CHECK(states::to_idle(w.state) == idle_action::parked_last);
    }

    TEST_CASE("to_idle: a wake-up during the poll turns the reference into the queue's") {
        word w(running | references(3));
        CHECK(states::wake(w.state) == wake_action::nothing);
        CHECK(w.now() == (running | notified | references(3)));
        CHECK(states::to_idle(w.state) == idle_action::reschedule);
        CHECK(w.now() == (notified | references(3)));
    }

    TEST_CASE("to_idle: an abort during the poll wins over a wake-up, and running is kept") {
        word w(running | references(3));
        CHECK(states::wake(w.state) == wake_action::nothing);
        CHECK(states::abort(w.state) == wake_action::nothing);
        CHECK(states::to_idle(w.state) == idle_action::cancel);
        CHECK(w.now() == (running | notified | cancelled | references(3)));
    }

    TEST_CASE("wake: an idle task is scheduled once, with a reference for the queue") {
        word w(references(2));
        CHECK(states::wake(w.state) == wake_action::schedule);
        CHECK(w.now() == (notified | references(3)));
        CHECK(states::wake(w.state) == wake_action::nothing);
        CHECK(w.now() == (notified | references(3)));
    }

    TEST_CASE("wake: a task that has ended is left alone") {
        word w(complete | references(1));
        CHECK(states::wake(w.state) == wake_action::nothing);
        CHECK(w.now() == (complete | references(1)));
    }

    TEST_CASE("wake_and_drop: the waker's reference becomes the queue's, or goes") {
        word idle(references(2));
        CHECK(states::wake_and_drop(idle.state) == last_wake_action::schedule);
        CHECK(idle.now() == (notified | references(2)));
        word queued(notified | references(3));
        CHECK(states::wake_and_drop(queued.state) == last_wake_action::nothing);
        CHECK(queued.now() == (notified | references(2)));
        word polled(running | references(3));
        CHECK(states::wake_and_drop(polled.state) == last_wake_action::nothing);
        CHECK(polled.now() == (running | notified | references(2)));
        word ended(complete | references(2));
        CHECK(states::wake_and_drop(ended.state) == last_wake_action::drop_reference);
        CHECK(ended.now() == (complete | references(2)));
    }

    TEST_CASE("abort: an idle task is scheduled to be destroyed") {
        word w(references(2));
        CHECK(states::abort(w.state) == wake_action::schedule);
        CHECK(w.now() == (notified | cancelled | references(3)));
        CHECK(states::is_cancelled(w.state));
        CHECK(states::abort(w.state) == wake_action::nothing);
        CHECK(w.now() == (notified | cancelled | references(3)));
    }

    TEST_CASE("abort: a queued task is only marked, one that has ended is left alone") {
        word queued(notified | references(3));
        CHECK(states::abort(queued.state) == wake_action::nothing);
        CHECK(queued.now() == (notified | cancelled | references(3)));
        word ended(complete | references(1));
        CHECK(states::abort(ended.state) == wake_action::nothing);
        CHECK_FALSE(states::is_cancelled(ended.state));
    }

    TEST_CASE("join: a handle that finds the task complete takes the output, and is the last") {
        word w(states::initial(true));
        REQUIRE(states::to_running(w.state) == run_action::run);
        const auto seen = states::to_complete(w.state);
        CHECK((seen & join_interest) != 0);
        CHECK((seen & join_waker) == 0);
        CHECK_FALSE(states::drop_references(w.state, 2));
        CHECK(states::is_complete(w.state));
        const auto todo = states::drop_join_handle(w.state);
        CHECK(todo.drop_output);
        CHECK_FALSE(todo.drop_waker);
        REQUIRE(todo.drop_reference);
        CHECK(states::drop_reference(w.state));
    }

    TEST_CASE("join: a published waker is found by the completion, and is the completer's from then on") {
        word w(running | join_interest | references(3));
        CHECK((states::seen_by_joiner(w.state) & (complete | join_waker)) == 0);
        REQUIRE(states::publish_join_waker(w.state));
        CHECK((states::seen_by_joiner(w.state) & (complete | join_waker)) == join_waker);
        CHECK((states::to_complete(w.state) & join_waker) != 0);
        CHECK((states::seen_by_joiner(w.state) & complete) != 0);
        CHECK_FALSE(states::withdraw_join_waker(w.state));
        const auto todo = states::drop_join_handle(w.state);
        CHECK(todo.drop_output);
        CHECK_FALSE(todo.drop_waker);
        CHECK(todo.drop_reference);
    }

    TEST_CASE("join: a waker is withdrawn before it is replaced") {
        word w(join_interest | references(2));
        REQUIRE(states::publish_join_waker(w.state));
        CHECK(states::withdraw_join_waker(w.state));
        CHECK((states::seen_by_joiner(w.state) & join_waker) == 0);
        CHECK(w.now() == (join_interest | references(2)));
    }

    TEST_CASE("join: publishing or withdrawing fails once the task is complete") {
        word w(complete | join_interest | references(2));
        CHECK_FALSE(states::publish_join_waker(w.state));
        CHECK(states::reference_count(w.now()) == 2);
        word waking(complete | join_interest | join_waker | references(2));
        CHECK_FALSE(states::withdraw_join_waker(waking.state));
        CHECK(waking.now() == (complete | join_interest | join_waker | references(2)));
    }

    TEST_CASE("drop_join_handle: a handle that was never polled goes in one step") {
        word w(states::initial(true));
        const auto todo = states::drop_join_handle(w.state);
        CHECK_FALSE(todo.drop_output);
        CHECK_FALSE(todo.drop_waker);
        CHECK_FALSE(todo.drop_reference);
        CHECK(w.now() == states::initial(false));
    }

    TEST_CASE("drop_join_handle: a handle that waits takes its waker along") {
        word w(join_interest | join_waker | references(2));
        const auto todo = states::drop_join_handle(w.state);
        CHECK_FALSE(todo.drop_output);
        CHECK(todo.drop_waker);
        CHECK(todo.drop_reference);
        CHECK(w.now() == references(2));
    }

    TEST_CASE("references: only the last drop says so") {
        word w(complete | references(1));
        states::add_reference(w.state);
        states::add_reference(w.state);
        CHECK(states::reference_count(w.now()) == 3);
        CHECK_FALSE(states::drop_references(w.state, 2));
        CHECK(states::reference_count(w.now()) == 1);
        CHECK(states::drop_reference(w.state));
    }
}
