// SPDX-License-Identifier: MIT
// The list of finished jobs between the threads of a pool and the workers, as hand_back.hpp tells it: one word, and who has to queue
// which item. Called by hand_back; calls nothing. tests/model/finished_list_model.cpp runs this template under a model checker.
//
// What the word holds: null: nobody is coming to the list; jobs down to null: the *item* is scheduled; attended(), alone or below jobs:
// a worker attends, within a few looks it takes them. Steps:
//   push:   puts a job on top; if null was there, the caller schedules the item.
//   take:   by the run of the item: takes all, leaves null.
//   attend: (1) null -> attended(), else leave: the item is scheduled; (2) look; something came: take all, leave null;
//           (3) nothing came: attended() -> null, and if that fails as (2).
// Claim: a job on the list is taken. Proof: push finds null: it schedules a run, whose exchange takes the job; nothing else
// takes from a list that ends in null, so the item stands in one queue at most. It finds jobs: the same exchange takes it with
// them, or finds them gone, and then it was not these that it found. It finds attended() at the bottom: only the attendant
// takes that away, in (2) with all that is above it, or in (3) with nothing above it. There is one attendant at a time:
// send_attendant(). Two runs may overlap: each has its own list.
// Links of the two items: whoever schedules one again does so behind the end of its last stay in a queue. Of the item: take() releases that, push()
// that finds null acquires it; what lies between are read-modify-writes, which carry a release on. Of the attendant: the flag.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "pollux/core/sync_policy.hpp"

namespace pollux::inline v0::detail {

/// `Job` has a link `Job* next`, which is the list's from push() to the visit.
template <class Job, class Sync = std_sync>
class finished_list {
public:
    finished_list() = default;
    finished_list(const finished_list&) = delete;
    finished_list& operator=(const finished_list&) = delete;
    ~finished_list() = default;

    // --- threads of the pool ---

    /// True: schedule the item.
    [[nodiscard]] bool push(Job& job) noexcept {
        Job* newest = newest_.load(std::memory_order::relaxed);  // checked by the exchange
        do job.next = newest;
        // Release: the job, for the acquires of who takes it. Acquire: pairs with the release in take(), see above. Relaxed on failure:
        // another push came first, nothing of it is read.
        while (!newest_.compare_exchange_weak(newest, &job, std::memory_order::acq_rel, std::memory_order::relaxed));
        return newest == nullptr;
    }

    // --- workers ---

    /// In a run of the item: all that has come, for visit().
    Job* take() noexcept {
        // Acquire: pairs with the releases in push(). Release: with the acquire there.
        return newest_.exchange(nullptr, std::memory_order::acq_rel);
    }
    /// Afterwards: true: schedule the attendant; there is none.
    [[nodiscard]] bool send_attendant() noexcept {
        // Relaxed: saves the exchange. Acquire: pairs with the release in attendant_leaves().
        return !is_attendant_out_.load(std::memory_order::relaxed) &&
               !is_attendant_out_.exchange(true, std::memory_order::acquire);
    }
    /// In a run of the attendant, which looks: `look` says whether something has come since, by has_come(). What it takes, for visit();
    /// null: nothing. The attendant is then scheduled again, or leaves.
    template <class Look>
    Job* attend(Look look) noexcept {
        Job* newest = nullptr;
        // Relaxed, both: what is taken is acquired below.
        if (!newest_.compare_exchange_strong(newest, attended(), std::memory_order::relaxed)) return nullptr;  // (1)
        newest = attended();
        if (!look() && newest_.compare_exchange_strong(newest, nullptr, std::memory_order::relaxed))  // (2), (3)
            return nullptr;
        return newest_.exchange(nullptr, std::memory_order::acquire);  // pairs with the releases in push()
    }
    /// While the attendant looks.
    bool has_come() const noexcept {
        return newest_.load(std::memory_order::relaxed) != attended();  // what is taken is acquired in attend()
    }
    /// No worker is left. What comes afterwards schedules nothing, for the item may still stand in a queue; to be called again.
    Job* take_at_end() noexcept {
        return newest_.exchange(attended(), std::memory_order::acquire);  // pairs with the releases in push()
    }
    void attendant_leaves() noexcept {
        is_attendant_out_.store(false,
                                std::memory_order::release);  // pairs with send_attendant(): it is in no queue any more
    }

    /// Of what was taken, the oldest first; `fn` may free the job. Returns how many there were.
    template <class Fn>
    static std::size_t visit(Job* newest, Fn fn) noexcept {
        Job* oldest = nullptr;
        while (newest != nullptr && newest != attended()) {
            Job* const after = newest->next;
            newest->next = oldest;
            oldest = newest;
            newest = after;
        }
        std::size_t n = 0;
        for (; oldest != nullptr; ++n) {
            Job* const after = oldest->next;  // before the job may be freed
            fn(*oldest);
            oldest = after;
        }
        return n;
    }

private:
    // At the bottom of an attended list; never looked into.
    static Job* attended() noexcept { return reinterpret_cast<Job*>(alignof(Job)); }

    // Written by each completion: on a line of its own.
    alignas(64) typename Sync::template atomic<Job*> newest_{nullptr};
    // Workers, each time they have taken a list.
    alignas(64) typename Sync::template atomic<bool> is_attendant_out_{false};
};

}  // namespace pollux::inline v0::detail
