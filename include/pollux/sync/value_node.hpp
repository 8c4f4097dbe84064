// SPDX-License-Identifier: MIT
// A value of a broadcast or watch channel, on the heap, with the number of those who use it: so that nobody copies or destroys a value
// under a lock. Code that is no template knows it by its base.
#pragma once

#include <atomic>
#include <cstdint>
#include <utility>

namespace pollux::inline v0::detail {

// Threads: any. The value is not changed while others may read it.
class value_node {
public:
    using destroyer = void (*)(value_node*) noexcept;

    /// With one user.
    explicit value_node(destroyer destroy) noexcept : destroy_(destroy) {}
    value_node(const value_node&) = delete;
    value_node& operator=(const value_node&) = delete;

    void add_user() noexcept {
        // Relaxed: the caller knows of another.
        users_.fetch_add(1, std::memory_order::relaxed);
    }
    void drop() noexcept {
        // Release: this user's reads; acquire: the others', before it is destroyed. Partners: this line, is_mine_alone().
        if (users_.fetch_sub(1, std::memory_order::acq_rel) == 1) destroy_(this);
    }
    /// Whether the caller is the only user.
    bool is_mine_alone() const noexcept {
        return users_.load(std::memory_order::acquire) ==
               1;  // pairs with the release in drop(): nobody reads it any more
    }

protected:
    ~value_node() = default;

private:
    std::atomic<std::uint32_t> users_{1};
    const destroyer destroy_;
};

/// `Base` is a value_node.
template <class Base, class T>
class node_of final : public Base {
public:
    explicit node_of(T&& from)
        : Base([](value_node* node) noexcept { delete static_cast<node_of*>(node); }), value(std::move(from)) {}

    T value;
};

/// One use of a node, which is given up also if copying the value throws.
template <class Base, class T>
class value_use {
public:
    /// Takes over a user's count.
    explicit value_use(Base* node) noexcept : node_(static_cast<node_of<Base, T>*>(node)) {}
    value_use(const value_use&) = delete;
    value_use& operator=(const value_use&) = delete;
    ~value_use() { node_->drop(); }

    const T& get() const noexcept { return node_->value; }
    /// `may_move`: nobody else will come to use it.
    T take(bool may_move) const {
        if (may_move && node_->is_mine_alone()) return T(std::move(node_->value));
        return T(get());
    }

private:
    node_of<Base, T>* node_;
};

}  // namespace pollux::inline v0::detail
