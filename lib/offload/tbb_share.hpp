// SPDX-License-Identifier: MIT
// This process's use of oneTBB: how many threads it may have, and when they end. Each CPU pool holds one share.
//
// oneTBB gives all arenas together one thread less than its limit of parallelism, whatever their sizes, and its limit is the
// number of CPUs: two slots on two CPUs would be one thread. So while there are shares, one global_control raises the limit to
// one more than all slots together, and never below what it was before. Of several controls the smallest counts, so a host
// that sets a smaller limit is obeyed; one that sets a larger is held to ours while we have one.
//
// With the last share oneTBB's threads end, unless somebody else uses it in this process: then they are not ours alone, and
// stay.
#pragma once

namespace pollux::inline v0::detail {

class tbb_share {
public:
    /// Throws: std::bad_alloc; std::system_error after has_no_threads().
    explicit tbb_share(unsigned slots);
    tbb_share(const tbb_share&) = delete;
    tbb_share& operator=(const tbb_share&) = delete;
    /// The arena of this share has been terminated. Waits for oneTBB's threads if it was the last one.
    ~tbb_share();

    /// oneTBB was refused a thread, which it counts all the same: waiting for the end of its threads would not end. So nobody does any more.
    static void was_refused_thread() noexcept;
    /// It was the first one: there will never be any. From now on nobody gets a share, either.
    static void has_no_threads() noexcept;

    /// Of our slots, as many as oneTBB's limit allows now; at least 1, which enqueued work always gets.
    unsigned usable_slots() const noexcept;

private:
    unsigned slots_;
};

}  // namespace pollux::inline v0::detail
