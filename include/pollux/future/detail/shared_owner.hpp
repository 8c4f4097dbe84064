// SPDX-License-Identifier: MIT
// What an owner of a `shared` future is apart from its types: a count of one block, and a place among those who wait.
// Made by pollux/future/shared.hpp; the block, the protocol and its proof stand in lib/future/shared.cpp.
//
// The block has room for what is typed: the future, then its result. Whoever makes the first owner makes that in place(),
// and the owner whose leave() says so destroys it. So a waker that outlives the owners finds nothing typed, and no code
// of a plugin, in the block that it keeps.
#pragma once

#include <cstddef>

#include "pollux/core/export.hpp"
#include "pollux/core/ring_links.hpp"
#include "pollux/core/waker.hpp"

namespace pollux::inline v0::detail {

class shared_block;

/// What the owner that is polled has to do.
enum class shared_turn : unsigned char {
    wait,  // another owner polls; this one will be woken
    poll,  // poll the future, then call end_pending() or end_ready()
    give,  // the result is there
};

// An owner is used by one thread at a time; another may copy it at the same time.
class POLLUX_API shared_owner : ring_links {
public:
    /// A block with `bytes` bytes of that alignment, and its first owner. Throws: std::bad_alloc.
    shared_owner(std::size_t bytes, std::size_t alignment);
    /// One owner more, unless none is left; then it can only be destroyed.
    shared_owner(const shared_owner& other) noexcept;
    /// Takes the place of `other`, also in the list of those who wait.
    shared_owner(shared_owner&& other) noexcept;
    /// After leave().
    shared_owner& operator=(shared_owner&& other) noexcept;
    /// After leave().
    ~shared_owner();

    /// It has not been awaited to its end, nor been moved from.
    bool is_counted() const noexcept { return is_counted_; }
    /// Of every owner that has not been moved from.
    void* place() const noexcept;

    /// Who polls begins with this.
    shared_turn begin(const waker& to_wake) noexcept;
    /// The waker for that poll, without a count: ended with `forget()`.
    waker uncounted() const noexcept;
    void end_pending(const waker& to_wake) noexcept;
    /// The result is in its place, and the future destroyed.
    void end_ready() noexcept;

    /// True: it was the last that is counted, and is counted no more; nobody else will look at the place.
    [[nodiscard]] bool leave_if_last() noexcept;
    /// Waits and counts no more, whether it did or not. True: it was the last; destroy what is in the place.
    [[nodiscard]] bool leave() noexcept;

private:
    friend class shared_block;

    void take_over(shared_owner& other) noexcept;
    void leave_list() noexcept { ring_links::leave(); }
    static waker take_first(ring_links& list) noexcept;

    shared_block* block_;  // null: moved from
    waker waker_;          // guarded by the block's lock; set while this stands in a list
    bool is_counted_ = true;
    bool has_waited_ = false;  // it stands, or has stood, in a list
};

}  // namespace pollux::inline v0::detail
