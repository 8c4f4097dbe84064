// SPDX-License-Identifier: MIT
// Does this compiler build coroutines right? Run by Meson at configure time; exit status 0: yes. Two defects of g++ 12 are
// looked for: a coroutine that never comes back from a co_await in a condition, and a closure in a co_await expression
// whose captures are destroyed twice. Nothing here waits: each coroutine is resumed a fixed number of times and what
// happened is counted; a crash is an answer too. The forms below are the broken ones on purpose, so the coroutine lint skips this file.
#include <coroutine>
#include <cstdlib>
#include <exception>

namespace {

struct job {
    struct promise_type {
        promise_type() noexcept {}
        job get_return_object() { return job(std::coroutine_handle<promise_type>::from_promise(*this)); }
        std::suspend_always initial_suspend() noexcept { return {}; }
        std::suspend_always final_suspend() noexcept { return {}; }
        void return_value(int result) noexcept { result_ = result; }
        void unhandled_exception() noexcept { std::terminate(); }
        int result_ = 0;
    };

    explicit job(std::coroutine_handle<promise_type> handle) noexcept : handle_(handle) {}

    // More resumes than any of the coroutines has suspension points. A frame that has not ended by then is broken, and is
    // left alone: to destroy it could crash.
    bool gives(int expected) {
        for (int i = 0; i < 4 && !handle_.done(); ++i) handle_.resume();
        return handle_.done() && handle_.promise().result_ == expected;
    }

    std::coroutine_handle<promise_type> handle_;
};

struct answer {
    explicit answer(bool value) noexcept : value_(value) {}
    bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<>) const noexcept {}
    bool await_resume() const noexcept { return value_; }
    bool value_;
};

int alive = 0;

struct counted {
    counted() noexcept { ++alive; }
    counted(const counted&) noexcept { ++alive; }
    counted(counted&&) noexcept { ++alive; }
    ~counted() { --alive; }
};

template <class Fn>
answer call(Fn&& fn) {
    return answer(fn());
}

job condition() {
    if (co_await answer(true)) co_return 1;
    co_return 2;
}

job closure(counted& value) {
    co_await call([value] { return true; });
    co_return 3;
}

}  // namespace

int main() {
    bool works = condition().gives(1);
    {
        counted value;
        works = closure(value).gives(3) && works;
        works = alive == 1 && works;
    }
    // Not return: a broken compiler may have spoilt what runs at exit.
    std::_Exit(works ? EXIT_SUCCESS : EXIT_FAILURE);
}
