// SPDX-License-Identifier: MIT
// The two pointers of a place in a ring, for lists whose items live elsewhere: in futures that wait, in nodes of a tree. A list is one
// link that is no item, with the items after it. Who stands alone is in no list, so leaving needs no question.
//
// Threads: guarded by whoever has the list.
#pragma once

namespace pollux::inline v0::detail {

class ring_links {
public:
    ring_links() noexcept = default;
    ring_links(const ring_links&) = delete;
    ring_links& operator=(const ring_links&) = delete;

    /// Of an item: it is in no list. Of a list: it is empty.
    bool is_alone() const noexcept { return next_ == this; }
    /// Of a list.
    bool has_one() const noexcept { return next_ != this && next_ == previous_; }
    ring_links& first() const noexcept { return *next_; }

    /// Of a list: `one`, which stands alone, becomes the last.
    void push_back(ring_links& one) noexcept {
        one.previous_ = previous_;
        one.next_ = this;
        previous_->next_ = &one;
        previous_ = &one;
    }
    /// Of a list: all items of `other` come last, and it is empty.
    void take_all_of(ring_links& other) noexcept {
        if (other.is_alone()) return;
        other.next_->previous_ = previous_;
        other.previous_->next_ = this;
        previous_->next_ = other.next_;
        previous_ = other.previous_;
        other.previous_ = other.next_ = &other;
    }
    /// Of an item: it stands alone, whether it did before or not.
    void leave() noexcept {
        previous_->next_ = next_;
        next_->previous_ = previous_;
        previous_ = next_ = this;
    }
    /// Of an item that stands alone: takes the place of `one`, which stands alone then.
    void replace(ring_links& one) noexcept {
        one.next_->previous_ = this;
        one.previous_->next_ = this;
        previous_ = one.previous_;
        next_ = one.next_;
        one.previous_ = one.next_ = &one;
    }

private:
    ring_links* previous_ = this;
    ring_links* next_ = this;
};

}  // namespace pollux::inline v0::detail
