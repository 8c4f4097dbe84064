// SPDX-License-Identifier: MIT
// What chains of streams cost against the machine that one would write by hand, as bench_chains does it for futures.
//
// fold: 1,000 numbers through filter, map and fold; both charge the poll's budget for each. buffered: 64 futures, eight at a time, each of
// which is ready in its first, second or third poll and is woken in between, drained; both allocate once for it. The waker of the eight is
// kept by whom they wait for, and may outlive the machine: its block is counted, as the library's is.
//   bench_stream_chains CHAIN library|hand [ROUNDS]
#include <array>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <new>
#include <optional>
#include <span>
#include <utility>

#include "chains.hpp"
#include "pollux/stream.hpp"
#include "pollux/sync/atomic_waker.hpp"

// Not unnamed: the compiler must not know more of the machines' callers than of the library's templates.
namespace chains {

using bench::opaque;
using pollux::context;
using pollux::polled;
using pollux::waker;

// --- filter, map, fold of 1,000 ----------------------------------------------------------------------------------------------

std::array<int, 1000> numbers() {
    std::array<int, 1000> all;
    for (std::size_t i = 0; i != all.size(); ++i) all[i] = opaque(static_cast<int>(i));
    return all;
}
const std::array<int, 1000> thousand = numbers();

[[gnu::noinline]] int fold_library(int i, context& cx) {
    auto chain = pollux::iter(std::span(thousand)) | pollux::filter([](const int& n) { return n % 4 != 0; }) |
                 pollux::map([](int n) { return n * 3; }) | pollux::fold(i % 8, [](int sum, int n) { return sum + n; });
    return bench::polled_out(std::move(chain), cx);
}

class fold_machine {
public:
    using value_type = int;
    using error_type = pollux::never;

    fold_machine(std::span<const int> numbers, int init) : at_(numbers.begin()), end_(numbers.end()), sum_(init) {}

    polled<int> poll(context& cx) {
        for (;;) {
            if (!cx.consume_budget()) return pollux::pending;
            if (at_ == end_) return sum_;
            const int n = *at_++;
            if (n % 4 != 0) sum_ += n * 3;
        }
    }

private:
    std::span<const int>::iterator at_;
    std::span<const int>::iterator end_;
    int sum_;
};

[[gnu::noinline]] int fold_hand(int i, context& cx) {
    return bench::polled_out(fold_machine(std::span(thousand), i % 8), cx);
}

// --- buffered(8) of 64 -------------------------------------------------------------------------------------------------------

// Whom the children wait for: it has their wakers, and wakes them when it is rung.
class bell {
public:
    void keep(const waker& who) { waiting_[used_++] = who; }
    void ring() {
        for (; rung_ != used_; ++rung_) std::move(waiting_[rung_]).wake();
        used_ = rung_ = 0;
    }

private:
    std::array<waker, 8> waiting_;
    std::size_t used_ = 0;
    std::size_t rung_ = 0;
};

// Ready in its n-th poll; rung for every other.
class [[nodiscard]] rung_leaf {
public:
    using value_type = int;
    using error_type = pollux::never;

    rung_leaf(bell& by, int pendings, int value) : by_(&by), left_(opaque(pendings)), value_(opaque(value)) {}

    polled<int> poll(context& cx) {
        if (left_-- == 0) return value_;
        by_->keep(cx.waker());
        return pollux::pending;
    }

private:
    bell* by_;
    int left_;
    int value_;
};

// Whoever polls the drain rings whenever it is pending.
template <class S>
[[gnu::noinline]] auto next_in_memory(S& source, context& cx) {
    return source.poll_next(cx);
}
template <class S>
int drained(S&& source, bell& by, context& cx) {
    int sum = 0;
    for (;;) {
        auto item = next_in_memory(source, cx);
        if (item.is_pending()) {
            by.ring();
        } else if (item.value().has_value()) {
            sum = sum * 3 % 1024 + *item.value();  // their order counts
        } else {
            return sum;
        }
    }
}

[[gnu::noinline]] int buffered_library(int i, context& cx) {
    bell by;
    auto source = pollux::iter(std::span(thousand).first<64>()) |
                  pollux::map([&by, i](int n) { return rung_leaf(by, (n + i) % 3, n); }) | pollux::buffered(8);
    return drained(source, by, cx);
}

// Eight places and the wakers of what is in them. Any thread wakes; all else is for the one that polls.
class ring_block {
public:
    struct place {
        ring_block* block;
        std::optional<rung_leaf> child;  // none: it is ready
        int result;
    };

    ring_block() {
        for (place& each : places) each.block = this;
    }
    void drop() noexcept {
        if (owners.fetch_sub(1, std::memory_order::acq_rel) == 1) delete this;
    }
    void wake(place& woken_place) noexcept {
        const auto bit = std::uint32_t{1} << (&woken_place - places.data());
        if (woken.fetch_or(bit, std::memory_order::acq_rel) == 0) parent.wake();
    }

    static const pollux::detail::waker_table table;

    std::atomic<std::size_t> owners{1};
    std::atomic<std::uint32_t> woken{0};
    pollux::sync::atomic_waker parent;
    std::array<place, 8> places;
};

constinit const pollux::detail::waker_table ring_block::table = {
    .clone =
        [](void* data) noexcept { static_cast<place*>(data)->block->owners.fetch_add(1, std::memory_order::relaxed); },
    .wake = [](void* data) noexcept { static_cast<place*>(data)->block->wake(*static_cast<place*>(data)); },
    .wake_and_drop =
        [](void* data) noexcept {
            ring_block& block = *static_cast<place*>(data)->block;
            block.wake(*static_cast<place*>(data));
            block.drop();
        },
    .drop = [](void* data) noexcept { static_cast<place*>(data)->block->drop(); },
    .identity = [](const void* data) noexcept { return data; },
};

class buffered_machine {
public:
    buffered_machine(std::span<const int> numbers, bell& by, int i)
        : at_(numbers.begin()), end_(numbers.end()), by_(&by), i_(i) {}
    buffered_machine(const buffered_machine&) = delete;
    buffered_machine& operator=(const buffered_machine&) = delete;
    ~buffered_machine() {
        if (block_ == nullptr) return;
        for (auto& each : block_->places) each.child.reset();
        static_cast<void>(block_->parent.take());
        block_->drop();
    }

    polled<std::optional<int>> poll_next(context& cx) {
        using answer = polled<std::optional<int>>;
        if (block_ == nullptr) block_ = new ring_block;
        block_->parent.store(cx.waker());
        auto woken = block_->woken.exchange(0, std::memory_order::acquire);
        while (at_ != end_ && used_ != 8) {
            if (!cx.consume_budget()) break;
            const int n = *at_++;
            auto& here = block_->places[(oldest_ + used_++) % 8];
            here.child.emplace(*by_, (n + i_) % 3, n);
            poll_child(cx, here);
        }
        for (; woken != 0; woken &= woken - 1) {
            auto& here = block_->places[static_cast<std::size_t>(std::countr_zero(woken))];
            if (here.child.has_value()) poll_child(cx, here);
        }
        if (used_ == 0) return at_ == end_ ? answer::ready() : pollux::pending;
        auto& oldest = block_->places[oldest_];
        if (oldest.child.has_value()) return pollux::pending;
        oldest_ = (oldest_ + 1) % 8;
        --used_;
        return answer::ready(oldest.result);
    }

private:
    static void poll_child(context& cx, ring_block::place& here) {
        waker uncounted(&here, &ring_block::table);
        context child_cx = cx.with_waker(uncounted);
        auto result = here.child->poll(child_cx);
        uncounted.forget();
        if (result.is_pending()) return;
        here.child.reset();
        here.result = result.value();
    }

    std::span<const int>::iterator at_;
    std::span<const int>::iterator end_;
    bell* by_;
    int i_;
    ring_block* block_ = nullptr;
    std::size_t oldest_ = 0;
    std::size_t used_ = 0;
};

[[gnu::noinline]] int buffered_hand(int i, context& cx) {
    bell by;
    return drained(buffered_machine(std::span(thousand).first<64>(), by, i), by, cx);
}

}  // namespace chains

int main(int argc, char** argv) {
    static constexpr bench::chain all[] = {
        {"fold", &bench::in_rounds<chains::fold_library>, &bench::in_rounds<chains::fold_hand>},
        {"buffered", &bench::in_rounds<chains::buffered_library>, &bench::in_rounds<chains::buffered_hand>},
    };
    return bench::run_chain(argc, argv, all);
}
