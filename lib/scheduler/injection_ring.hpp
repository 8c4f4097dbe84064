// SPDX-License-Identifier: MIT
// The bounded part of an injection queue's shard: Boost.Lockfree's queue of pointers, with nothing of it in sight.
// Called by injection_queue only, from any thread.
//
// Fixed size, nodes in an array inside the object: a push never allocates, it fails when all nodes are in use (for a
// moment also when a pop has not yet given its node back).
//
// Two things to know about Boost's queue:
// - It reads nodes that another thread may be reusing, and throws away what it read when the tagged index beside it
//   turns out to have moved. C++ calls that a data race, thread sanitizer reports it; here it is told to look away. It
//   still follows the atomics, so a task handed over by the ring stays checked.
// - The tags have 16 bits. A thread that sleeps between its load and its compare-exchange while exactly a multiple of
//   65,536 operations pass, and finds the same node at the front, is fooled. At a million operations a second that
//   takes a sleep of 65 ms in a window of some nanoseconds and then one chance in about 10^5. Sharding makes it rarer
//   still.
#pragma once

#include <boost/lockfree/queue.hpp>
#include <cstddef>

#include "pollux/core/sync_policy.hpp"

#if defined(POLLUX_THREAD_SANITIZER)
extern "C" {
void AnnotateIgnoreReadsBegin(const char* file, int line);
void AnnotateIgnoreReadsEnd(const char* file, int line);
void AnnotateIgnoreWritesBegin(const char* file, int line);
void AnnotateIgnoreWritesEnd(const char* file, int line);
}
#endif

namespace pollux::inline v0::detail {

/// A bounded queue of `T*`, first in, first out, for any number of threads on both sides.
/// Source: Michael and Scott's queue, as in Boost.Lockfree.
template <class T, std::size_t Capacity>
class injection_ring {
public:
    injection_ring() = default;
    injection_ring(const injection_ring&) = delete;
    injection_ring& operator=(const injection_ring&) = delete;

    /// False: full.
    bool push(T* item) noexcept {
        const unchecked_accesses here;
        return queue_.bounded_push(item);
    }

    /// Null: empty at some moment of the call.
    T* pop() noexcept {
        const unchecked_accesses here;
        T* item = nullptr;
        return queue_.pop(item) ? item : nullptr;
    }

private:
    // Plain accesses only: thread sanitizer goes on following what the atomics order.
    struct unchecked_accesses {
        unchecked_accesses(const unchecked_accesses&) = delete;
        unchecked_accesses& operator=(const unchecked_accesses&) = delete;
#if defined(POLLUX_THREAD_SANITIZER)
        unchecked_accesses() noexcept {
            AnnotateIgnoreReadsBegin(__FILE__, __LINE__);
            AnnotateIgnoreWritesBegin(__FILE__, __LINE__);
        }
        ~unchecked_accesses() {
            AnnotateIgnoreWritesEnd(__FILE__, __LINE__);
            AnnotateIgnoreReadsEnd(__FILE__, __LINE__);
        }
#else
        unchecked_accesses() noexcept {}  // user-provided, or the object would be an unused variable
#endif
    };

    boost::lockfree::queue<T*, boost::lockfree::fixed_sized<true>, boost::lockfree::capacity<Capacity>> queue_;
};

}  // namespace pollux::inline v0::detail
