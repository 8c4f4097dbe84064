// SPDX-License-Identifier: MIT
// The woken children of a known number, in groups of up to 64: a group is a node of woken_list, with its proof. Many threads push, the
// one that polls the owner takes. Used by child_groups; checked by tests/model/woken_list_model.cpp.
//
// Of one group alone there is no list: (2) is left out, and (b) finds the group there if one of its bits is set.
//
// Claim: as that of woken_list.
// Proof: what is to be shown is that a (b) that sees the bit comes after each (1). (1) finds zero: (3) follows, and the proof of the
// waker's cell says that (3) causes a poll, or that an (a) has yet to come after which the bit is seen. (1) finds a bit: no (c) stands
// between the (1) that found zero and this one, so the (c) that the first causes takes both.
#pragma once

#include <atomic>

#include "pollux/stream/detail/woken_list.hpp"

namespace pollux::inline v0::detail {

template <class Sync>
class woken_groups {
    using list = woken_list<Sync>;

public:
    using group = typename list::node;
    using bits = typename list::bits;

    /// `only`: the one group there is, or null if there are more.
    explicit woken_groups(group* only) noexcept : only_(only) {}
    woken_groups(const woken_groups&) = delete;
    woken_groups& operator=(const woken_groups&) = delete;

    /// Any thread. True: nobody had been woken, the caller wakes the owner.
    bool push(group& of, bits child) noexcept {
        // As in woken_list::push(). Not its exchange: the others' bits stay.
        if (of.woken.fetch_or(child, std::memory_order::acq_rel) != 0) return false;
        return only_ != nullptr || list_.enlist(of);
    }

    /// The owner's thread, in each poll: takes what was pushed until now, behind what an earlier round has left. True: peek() has one.
    bool begin_round() noexcept {
        if (only_ == nullptr) return take_list();
        // Relaxed: a bit whose (3) came before (a) has been acquired by (a), and any other causes a poll to come.
        if (only_->woken.load(std::memory_order::relaxed) == 0) return false;
        list_.take_alone(*only_);
        return true;
    }

    /// The owner's thread: as in woken_list.
    group* peek() const noexcept { return list_.peek(); }
    bits take_children() noexcept { return list_.take_children(); }

private:
    // Not inlined, for most owners have one group only.
    [[gnu::noinline]] bool take_list() noexcept {
        list_.begin_round();
        return list_.peek() != nullptr;
    }

    group* const only_;
    list list_;
};

}  // namespace pollux::inline v0::detail
