// SPDX-License-Identifier: MIT
// The model checker's world: a `Sync` policy (see core/sync_policy.hpp) over Relacy, and what a model needs to run.
// Used by the programs of this folder only; one that includes it must include no other Relacy header.
//
// A model is a struct derived from model::suite<itself, threads>: its constructor makes the objects, thread(index) is
// what each thread does, after() looks at the end state; expect() states what must hold. scenarios.hpp runs them.
//
// Every operation on an atomic may switch, so yield_point() need not. A loop that waits calls wait_a_turn().
//
// Where this differs from plain Relacy:
// - A store ends the release sequence of an earlier store of its own thread, as it does since C++20.
// - A compare-exchange may have a failure order that is stronger than its success order.
// - heavy_fence() is membarrier: at some moment of the call each other thread runs a full fence, whatever it is doing.
// Relacy never shows load buffering, and its read-modify-writes see the newest value: a mutant that needs one survives.
#pragma once

#include <relacy/relacy.hpp>

#undef new
#undef delete
#undef malloc
#undef calloc
#undef realloc
#undef free
#undef assert
#undef errno
#undef memory_order_relaxed
#undef memory_order_consume
#undef memory_order_acquire
#undef memory_order_release
#undef memory_order_acq_rel
#undef memory_order_seq_cst
#undef $

#include <atomic>
#include <chrono>
#include <cstdint>
#include <source_location>
#include <type_traits>
#include <utility>

#include "scenarios.hpp"

namespace rl {

/// Found by rl::simulate() for a search without a bound, which no model asks for: it would be a third of what there is to compile.
template <class Suite, class Scheduler>
    requires std::is_same_v<Scheduler, full_search_scheduler<Suite::params::thread_count>>
test_result_e run_test(test_params&, std::ostream&, bool) {
    return test_result_inconsistent_test_suite;
}

}  // namespace rl

namespace pollux::model {

inline constexpr int most_threads = 4;

using place = std::source_location;

inline rl::debug_info to_relacy(const place& at) { return {at.function_name(), at.file_name(), at.line()}; }

inline rl::memory_order to_relacy(std::memory_order order) {
    switch (order) {
        case std::memory_order::relaxed: return rl::mo_relaxed;
        case std::memory_order::consume: return rl::mo_consume;
        case std::memory_order::acquire: return rl::mo_acquire;
        case std::memory_order::release: return rl::mo_release;
        case std::memory_order::acq_rel: return rl::mo_acq_rel;
        case std::memory_order::seq_cst: return rl::mo_seq_cst;
    }
    return rl::mo_seq_cst;
}

template <int N>
rl::thread_info<N>& current_thread() {
    return static_cast<rl::thread_info<N>&>(*rl::ctx().threadx_);
}

/// Calls fn with the number of threads of this model as a std::integral_constant: Relacy's records depend on it.
template <class Fn>
auto with_thread_count(Fn fn) {
    switch (rl::ctx().get_thread_count()) {
        case 1: return fn(std::integral_constant<int, 1>());
        case 2: return fn(std::integral_constant<int, 2>());
        case 3: return fn(std::integral_constant<int, 3>());
        default: return fn(std::integral_constant<int, most_threads>());
    }
}

// What a store is since C++20: unlike Relacy's own, it keeps nothing of the store it replaces.
template <int N>
unsigned store_without_release_sequence(rl::thread_info<N>& self, rl::atomic_data* data, rl::memory_order order) {
    auto& variable = *static_cast<rl::atomic_data_impl<N>*>(data);
    const unsigned index = ++variable.current_index_ % rl::atomic_history_size;
    auto& record = variable.history_[index];
    record.busy_ = true;
    record.thread_id_ = self.index_;
    record.seq_cst_ = order == rl::mo_seq_cst;
    record.acq_rel_timestamp_ = ++self.own_acq_rel_order_;
    const auto& shown = order == rl::mo_relaxed ? self.release_fence_order_ : self.acq_rel_order_;
    for (int i = 0; i != N; ++i) {
        record.first_seen_order_[i] = static_cast<rl::timestamp_t>(-1);
        record.acq_rel_order_[i] = shown[i];
    }
    record.first_seen_order_[self.index_] = self.own_acq_rel_order_;
    return index;
}

}  // namespace pollux::model

namespace rl {
#define POLLUX_MODEL_STORE(threads, order)                                                          \
    template <>                                                                                     \
    template <>                                                                                     \
    inline unsigned thread_info<threads>::atomic_store<order, false>(atomic_data * RL_RESTRICT d) { \
        return ::pollux::model::store_without_release_sequence<threads>(*this, d, order);           \
    }
#define POLLUX_MODEL_STORES(threads)        \
    POLLUX_MODEL_STORE(threads, mo_relaxed) \
    POLLUX_MODEL_STORE(threads, mo_release) \
    POLLUX_MODEL_STORE(threads, mo_seq_cst)
POLLUX_MODEL_STORES(1)
POLLUX_MODEL_STORES(2)
POLLUX_MODEL_STORES(3)
POLLUX_MODEL_STORES(4)
#undef POLLUX_MODEL_STORES
#undef POLLUX_MODEL_STORE
}  // namespace rl

namespace pollux::model {

/// States what must hold; a false `holds` ends this execution and the program, with the history.
inline void expect(bool holds, const char* what, const place& at = place::current()) {
    if (!holds) rl::ctx().fail_test(what, rl::test_result_user_assert_failed, to_relacy(at));
}

/// For a loop that waits for another thread: gives the others a turn, and makes their stores visible in the end.
inline void wait_a_turn(const place& at = place::current()) { rl::yield(1, to_relacy(at)); }

/// A number below `limit`, of which the exhaustive search tries every one.
inline unsigned choose(unsigned limit) { return rl::rand(limit); }

struct relacy_sync {
    template <class T>
    class atomic {
        // Relacy prints values and adds offsets to them, which it cannot with an enumeration.
        template <class U, bool = std::is_enum_v<U>>
        struct stored {
            using type = U;
        };
        template <class U>
        struct stored<U, true> {
            using type = std::underlying_type_t<U>;
        };
        using raw = typename stored<T>::type;
        using order = std::memory_order;

    public:
        using value_type = T;
        using difference_type = typename rl::atomic_add_type<raw>::type;
        static constexpr bool is_always_lock_free = true;

        atomic() : atomic(T{}) {}
        atomic(T value, const place& at = place::current()) {
            // Nobody else knows the object yet: a switch here would only add equal schedules.
            const rl::preemption_disabler alone(rl::ctx());
            word_.store(static_cast<raw>(value), rl::mo_relaxed, to_relacy(at));
        }
        atomic(const atomic&) = delete;
        atomic& operator=(const atomic&) = delete;

        T load(order o = order::seq_cst, const place& at = place::current()) const {
            return static_cast<T>(word_.load(to_relacy(o), to_relacy(at)));
        }
        void store(T value, order o = order::seq_cst, const place& at = place::current()) {
            word_.store(static_cast<raw>(value), to_relacy(o), to_relacy(at));
        }
        T exchange(T value, order o = order::seq_cst, const place& at = place::current()) {
            return static_cast<T>(word_.exchange(static_cast<raw>(value), to_relacy(o), to_relacy(at)));
        }
        T fetch_add(difference_type n, order o = order::seq_cst, const place& at = place::current()) {
            return static_cast<T>(word_.fetch_add(n, to_relacy(o), to_relacy(at)));
        }
        T fetch_sub(difference_type n, order o = order::seq_cst, const place& at = place::current()) {
            return static_cast<T>(word_.fetch_sub(n, to_relacy(o), to_relacy(at)));
        }
        T fetch_or(T bits, order o = order::seq_cst, const place& at = place::current()) {
            return static_cast<T>(word_.fetch_or(static_cast<raw>(bits), to_relacy(o), to_relacy(at)));
        }
        T fetch_and(T bits, order o = order::seq_cst, const place& at = place::current()) {
            return static_cast<T>(word_.fetch_and(static_cast<raw>(bits), to_relacy(o), to_relacy(at)));
        }
        T fetch_xor(T bits, order o = order::seq_cst, const place& at = place::current()) {
            return static_cast<T>(word_.fetch_xor(static_cast<raw>(bits), to_relacy(o), to_relacy(at)));
        }

        bool compare_exchange_weak(T& seen, T value, order success, order failure, const place& at = place::current()) {
            return compare_exchange<true>(seen, value, success, failure, at);
        }
        bool compare_exchange_weak(T& seen, T value, order o = order::seq_cst, const place& at = place::current()) {
            return compare_exchange<true>(seen, value, o, load_half(o), at);
        }
        bool compare_exchange_strong(T& seen, T value, order success, order failure,
                                     const place& at = place::current()) {
            return compare_exchange<false>(seen, value, success, failure, at);
        }
        bool compare_exchange_strong(T& seen, T value, order o = order::seq_cst, const place& at = place::current()) {
            return compare_exchange<false>(seen, value, o, load_half(o), at);
        }

    private:
        static order load_half(order o) {
            return o == order::acq_rel ? order::acquire : o == order::release ? order::relaxed : o;
        }

        template <bool Weak>
        bool compare_exchange(T& seen, T value, order success, order failure, const place& at) {
            const bool stronger_failure = (success == order::relaxed || success == order::release) &&
                                          (failure == order::acquire || failure == order::seq_cst);
            if (stronger_failure) return compare_exchange_acquiring_failure<Weak>(seen, value, success, at);
            raw expected = static_cast<raw>(seen);
            const auto where = to_relacy(at);
            const bool done = call<Weak>(expected, static_cast<raw>(value), success, failure, where);
            seen = static_cast<T>(expected);
            return done;
        }

        // Relacy knows no such pair of orders. A failure reads relaxed, then a fence acquires what was read, and
        // nothing of what other relaxed loads have read before: that is put aside meanwhile.
        template <bool Weak>
        bool compare_exchange_acquiring_failure(T& seen, T value, order success, const place& at) {
            return with_thread_count([&](auto threads) {
                raw expected = static_cast<raw>(seen);
                const auto where = to_relacy(at);
                rl::ctx().sched();
                const rl::preemption_disabler alone(rl::ctx());
                auto& self = current_thread<threads()>();
                rl::timestamp_t aside[threads()];
                for (int i = 0; i != threads(); ++i) aside[i] = std::exchange(self.acquire_fence_order_[i], 0);
                const bool done = call<Weak>(expected, static_cast<raw>(value), success, order::relaxed, where);
                if (!done) self.atomic_thread_fence_acquire();
                for (int i = 0; i != threads(); ++i)
                    if (self.acquire_fence_order_[i] < aside[i]) self.acquire_fence_order_[i] = aside[i];
                seen = static_cast<T>(expected);
                return done;
            });
        }

        template <bool Weak>
        bool call(raw& expected, raw value, order success, order failure, const rl::debug_info& where) {
            const auto s = to_relacy(success);
            const auto f = to_relacy(failure);
            if constexpr (Weak) return word_.compare_exchange_weak(expected, value, s, where, f, where);
            return word_.compare_exchange_strong(expected, value, s, where, f, where);
        }

        rl::atomic<raw> word_;
    };

    /// Plain memory: two accesses of which none happens before the other, one of them a store, end the program. Destroying it
    /// is a store: who frees memory has to have been shown what others did to it.
    template <class T>
    class cell {
    public:
        cell() : cell(T{}) {}
        explicit cell(T value) : value_(value) {}
        cell(const cell&) = delete;
        cell& operator=(const cell&) = delete;
        ~cell() { store(T{}); }
        T load(const place& at = place::current()) const { return value_(to_relacy(at)).load(); }
        void store(T value, const place& at = place::current()) { value_(to_relacy(at)).store(value); }

    private:
        rl::var<T> value_;
    };

    class short_lock {
    public:
        void lock(const place& at = place::current()) { mutex_.lock(to_relacy(at)); }
        void unlock(const place& at = place::current()) { mutex_.unlock(to_relacy(at)); }

    private:
        rl::mutex mutex_;
    };

    static void full_fence(const place& at = place::current()) {
        rl::atomic_thread_fence(rl::mo_seq_cst, to_relacy(at));
    }

    // A thread of the model runs in program order; what other threads may see late is decided where they load.
    static void light_fence() {}

    // Interrupting a thread means running its fence for it, between two of its operations: no thread has to wait, and
    // no schedule is lost. The interrupts come in any order, and others may run between them.
    static void heavy_fence(const place& at = place::current()) {
        full_fence(at);
        with_thread_count([](auto threads) {
            auto& c = rl::ctx();
            auto* const self = static_cast<rl::aligned<rl::thread_info<threads()>>*>(&current_thread<threads()>());
            auto* const first = self - self->index_;
            const unsigned start = threads() > 2 ? choose(threads()) : 0;
            for (unsigned i = 0; i != threads(); ++i) {
                auto& other = first[(start + i) % threads()];
                if (&other == self) continue;
                if (i != 0) c.sched();
                other.atomic_thread_fence_seq_cst(c.seq_cst_fence_order_);
            }
        });
        full_fence(at);
    }

    static void stand_back() {}
    static void yield_point(const char*) {}
};

/// A link `T* next` that is plain memory: whoever has the item guards it.
template <class T>
class plain_link {
public:
    plain_link& operator=(T* to) {
        target_.store(to);
        return *this;
    }
    operator T*() const { return target_.load(); }

private:
    relacy_sync::cell<T*> target_;
};

/// A thread's place to sleep, as a parker: one token, so that an unpark() before the park() is not lost. park() sees
/// what came before every unpark() whose token it took or merged. All threads asleep is a deadlock, which Relacy
/// reports.
class parker {
public:
    parker() {
        const rl::preemption_disabler alone(rl::ctx());
        token_.store(0, rl::mo_relaxed, to_relacy(place::current()));
    }

    void park(const place& at = place::current()) {
        const auto where = to_relacy(at);
        while (token_.exchange(0, rl::mo_acquire, where) == 0) {
            // No switch can happen between this look and the sleep, just as with a futex.
            if (token_.debug_value() == 0) token_.wait(rl::ctx(), false, false, where);
        }
    }
    void unpark(const place& at = place::current()) {
        const auto where = to_relacy(at);
        token_.exchange(1, rl::mo_release, where);
        token_.wake(rl::ctx(), 1, where);
    }

private:
    rl::atomic<int> token_;
};

}  // namespace pollux::model
