// SPDX-License-Identifier: MIT
// The token that block_on waits for. Its wakers share it, so that one kept too long wakes nobody and harms nobody.
#include "pollux/core/block_on.hpp"

#include <atomic>
#include <system_error>

#include "core/futex.hpp"
#include "core/platform.hpp"
#include "pollux/core/execution.hpp"

namespace pollux::inline v0::detail {

// empty -> notified by wake; empty -> waiting by wait, then notified by wake, which also ends the futex wait.
struct thread_parker::token {
    static constexpr std::uint32_t empty = 0, waiting = 1, notified = 2;

    std::atomic<std::uint32_t> word{empty};
    std::atomic<std::uint32_t> owners{2};  // the parker, and its waker

    static token& of(void* data) noexcept { return *static_cast<token*>(data); }
    static void wake(token& one) noexcept {
        // Release: what was written before the wake-up; its partner is the acquire in wait(). A notified word is written again,
        // so that this wake-up's writes are seen too.
        if (one.word.exchange(notified, std::memory_order::release) == waiting) os_futex::wake_one(one.word);
    }
    static void drop(token& one) noexcept {
        // Release: our last use of the word; acquire: the others', before it is deleted. Partner: this line.
        if (one.owners.fetch_sub(1, std::memory_order::acq_rel) == 1) delete &one;
    }
};

thread_parker::thread_parker() : token_(new token()) {
    static constexpr waker_table table{
        // Relaxed: whoever clones owns a count.
        [](void* data) noexcept { token::of(data).owners.fetch_add(1, std::memory_order::relaxed); },
        [](void* data) noexcept { token::wake(token::of(data)); },
        [](void* data) noexcept {
            token::wake(token::of(data));
            token::drop(token::of(data));
        },
        [](void* data) noexcept { token::drop(token::of(data)); },
        [](const void* data) noexcept { return data; },
    };
    waker_ = pollux::waker(token_, &table);
}

thread_parker::~thread_parker() { token::drop(*token_); }

bool thread_parker::is_forgotten() const noexcept {
    if (current_execution != nullptr && current_execution->worker_of != nullptr) return false;  // there wait() throws
    // Acquire: pairs with the release of the last clone that was dropped: shows its wake-up.
    return token_->owners.load(std::memory_order::acquire) == 2 &&
           token_->word.load(std::memory_order::relaxed) == token::empty;
}

void thread_parker::wait() {
    if (current_execution != nullptr && current_execution->worker_of != nullptr)
        throw std::system_error(std::make_error_code(std::errc::resource_deadlock_would_occur),
                                "pollux: block_on: called on a worker, whose tasks would wait for ever; await the "
                                "future, or use blocking()");
    std::uint32_t seen = token::empty;
    // Relaxed: publishes nothing; a failure means notified, which the exchange below acquires.
    if (token_->word.compare_exchange_strong(seen, token::waiting, std::memory_order::relaxed)) {
        while (token_->word.load(std::memory_order::relaxed) == token::waiting) {
            if (current_platform != nullptr)
                current_platform->wait_in_block_on(token_->word, token::waiting, current_runtime());
            else
                os_futex::wait_in_system(token_->word, token::waiting, os_futex::clock::time_point::max());
        }
    }
    token_->word.exchange(token::empty, std::memory_order::acquire);  // pairs with the release in wake
}

}  // namespace pollux::inline v0::detail
