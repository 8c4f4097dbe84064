// SPDX-License-Identifier: MIT
// A future by hand: what the word means here, without any help from the library's combinators or coroutines.
//
// A future is a plain class with `value_type`, `error_type` and `poll(context&)`; there is no base class. `hello` is ready at
// its first poll. `display` wraps another future: it owns it, polls it when it is polled itself, and passes on what it does not
// care about. That is how every combinator of the library works, and why a chain of them needs no allocation.
//
// Nothing happens until somebody polls: block_on() does, on this thread, until there is a result.
//
// Next: request.cpp makes a future, extends it and hands it on before anything runs.
//
// Prints:
//   hello world
//   display passed the error on: nobody to greet
#include <expected>
#include <iostream>
#include <pollux/core.hpp>
#include <string>
#include <utility>

// Ready at once: a greeting, or an error if there is nobody to greet.
class hello {
public:
    using value_type = std::string;
    using error_type = std::string;

    explicit hello(std::string name) : name_(std::move(name)) {}

    pollux::polled<std::string, std::string> poll(pollux::context&) {
        if (name_.empty()) return std::unexpected<std::string>("nobody to greet");
        return "hello " + name_;
    }

private:
    std::string name_;
};

static_assert(pollux::future<hello>);

// Prints the value of another future; succeeds with nothing.
template <pollux::future F>
class display {
public:
    using value_type = void;
    using error_type = typename F::error_type;

    explicit display(F inner) : inner_(std::move(inner)) {}

    pollux::polled<void, error_type> poll(pollux::context& cx) {
        auto answer = inner_.poll(cx);
        // The inner future has registered the waker in `cx`, so whoever polls this one will be woken.
        if (answer.is_pending()) return pollux::pending;
        if (answer.has_error()) return std::unexpected(std::move(answer.error()));
        std::cout << answer.value() << '\n';
        return pollux::polled<void, error_type>::ready();
    }

private:
    F inner_;
};

int main() {
    // A future that can fail ends with a std::expected.
    std::expected<void, std::string> greeted = pollux::block_on(display(hello("world")));
    std::expected<void, std::string> failed = pollux::block_on(display(hello("")));
    if (!greeted.has_value() || failed.has_value()) return 1;
    std::cout << "display passed the error on: " << failed.error() << '\n';
}
