// SPDX-License-Identifier: MIT
// The counter behind counting_waker, and the exception of the assertions.
#include "pollux/testing/poll.hpp"

#include <atomic>
#include <cstddef>
#include <memory>
#include <string>

namespace pollux::inline v0::testing {

// Shared, so that copying it does not throw.
assertion_failed::assertion_failed(const std::string& message)
    : message_(std::make_shared<const std::string>(message)) {}
assertion_failed::assertion_failed(const assertion_failed&) noexcept = default;
assertion_failed& assertion_failed::operator=(const assertion_failed&) noexcept = default;
assertion_failed::~assertion_failed() = default;

const char* assertion_failed::what() const noexcept { return message_->c_str(); }

struct counting_waker::counter : wakeable {
    // Release and acquire: a test that has seen the count sees what the waking thread wrote before it.
    void wake() noexcept override { count.fetch_add(1, std::memory_order::release); }

    std::atomic<std::size_t> count{0};
};

counting_waker::counting_waker() : counter_(std::make_shared<counter>()), waker_(make_waker(counter_)) {}
counting_waker::~counting_waker() = default;

std::size_t counting_waker::count() const noexcept {
    return counter_->count.load(std::memory_order::acquire);  // pairs with the release in counter::wake()
}

}  // namespace pollux::inline v0::testing

namespace pollux::inline v0::detail {

void fail_assertion(const char* message) { throw testing::assertion_failed(message); }

}  // namespace pollux::inline v0::detail
