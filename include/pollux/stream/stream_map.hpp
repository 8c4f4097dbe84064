// SPDX-License-Identifier: MIT
// `stream_map`: any number of streams at the same time, each under a key. Each stands in a node on the heap, found by its key
// through a table of hash chains that go through the nodes.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <type_traits>
#include <utility>
#include <vector>

#include "pollux/core/concepts.hpp"
#include "pollux/core/context.hpp"
#include "pollux/future/detail/meet.hpp"
#include "pollux/stream/detail/child_set.hpp"

namespace pollux::inline v0 {

namespace detail {

template <class K>
concept map_key = requires(const K& key) {
    { std::hash<K>{}(key) } -> std::convertible_to<std::size_t>;
    { key == key } -> std::convertible_to<bool>;
};

template <class K, class S>
struct keyed_stream {
    K key;
    std::size_t hash;
    set_child* next;  // in the same chain
    S source;
};

// The chains. The nodes belong to the map.
template <class K, class S>
class key_table {
    using child_type = children<keyed_stream<K, S>>;

public:
    static std::size_t hash_of(const K& key) {
        // Spread by the golden ratio: the standard library hashes a number to itself.
        return static_cast<std::size_t>(std::uint64_t{std::hash<K>{}(key)} * 0x9e3779b97f4a7c15U >> 16U);
    }

    /// Null if there is none.
    set_child* find(const K& key, std::size_t hash) const {
        if (chains_.empty()) return nullptr;
        for (set_child* each = chains_[index_of(hash)]; each != nullptr; each = child_type::at(*each).next) {
            if (child_type::at(*each).hash == hash && child_type::at(*each).key == key) return each;
        }
        return nullptr;
    }
    /// Room for one more, beside `size` others. Throws: std::bad_alloc; nothing has changed then.
    void make_room(std::size_t size, const child_type& all) {
        if (size < chains_.size()) return;
        chains_ = std::vector<set_child*>(chains_.empty() ? 8 : 2 * chains_.size());
        for (set_child* each = all.first(); each != nullptr; each = each->next) link(*each);
    }
    void link(set_child& child) noexcept {
        set_child*& chain = chains_[index_of(child_type::at(child).hash)];
        child_type::at(child).next = std::exchange(chain, &child);
    }
    void unlink(set_child& child) noexcept {
        set_child** at = &chains_[index_of(child_type::at(child).hash)];
        while (*at != &child) at = &child_type::at(**at).next;
        *at = child_type::at(child).next;
    }
    void swap(key_table& other) noexcept { chains_.swap(other.chains_); }

private:
    std::size_t index_of(std::size_t hash) const noexcept { return hash & (chains_.size() - 1); }

    std::vector<set_child*> chains_;  // none, or a power of two
};

}  // namespace detail

/// Streams of one type under keys, polled together: a stream of pairs of a key and an item. A stream that has ended is removed.
/// It is at its end when it is empty, and goes on when it is filled again: insert() wakes whoever polled it last and waits.
/// While several streams have items they take turns.
///
/// `K` can be copied, compared with == and hashed with std::hash.
/// Errors: those of the streams, without their keys; the stream that gave it stays. Throws: an exception of a stream comes out of
/// the poll; that stream is out of the map then, and the map goes on.
/// Threads: used by one at a time. It may be moved at any time, also after a poll.
/// Cancel: dropping a pending `next` loses nothing. Dropping the map destroys the streams in it, in the order of insert().
/// Cost: an allocation for each stream, one for the map, a table that doubles; none for a poll or a wake-up. A wake-up polls only
/// the stream that was woken, however many there are. One unit of the poll's budget for each stream polled.
template <class K, class S>
class [[nodiscard]] stream_map {
    static_assert(stream<S>,
                  "pollux: stream_map: the second type is not a stream; it needs value_type, error_type and "
                  "poll_next(context&)");
    static_assert(!future<S>,
                  "pollux: stream_map: the second type is both a future and a stream; wrap the one that is meant");
    static_assert(std::is_same_v<S, std::remove_cvref_t<S>>,
                  "pollux: stream_map: the second type is const or a reference; the map owns its streams");
    static_assert(detail::map_key<K>,
                  "pollux: stream_map: the key cannot be hashed with std::hash and compared with ==");

    using entry = detail::keyed_stream<K, S>;

public:
    using value_type = std::pair<K, detail::value_type_of<S>>;
    using error_type = detail::error_type_of<S>;

    stream_map() noexcept = default;
    stream_map(stream_map&&) noexcept = default;
    /// Destroys the streams that were in this one.
    stream_map& operator=(stream_map&& other) noexcept {
        // The old streams go last, with their own table, as their destructors may use either map. `other` may be this one.
        stream_map mine(std::move(other));
        table_.swap(mine.table_);
        streams_.swap(mine.streams_);
        mine.streams_.wake_poller();  // what he waits for is about to go
        return *this;
    }
    // One by one, out of the table too: the destructor of a stream may still use the map.
    ~stream_map() {
        while (detail::set_child* const child = streams_.first()) erase(*child);
    }

    /// Puts `source` into the map. It is polled with the next poll of the map, not before. An earlier stream of that key is
    /// destroyed; true if there was none.
    ///
    /// Throws: std::bad_alloc, and what hashing, comparing and moving throw; the map is as it was then.
    bool insert(K key, S source) {
        const std::size_t hash = table_.hash_of(key);
        detail::set_child* const earlier = table_.find(key, hash);
        table_.make_room(size(), streams_);
        auto& added = streams_.emplace([&] { return entry{std::move(key), hash, nullptr, std::move(source)}; });
        table_.link(added);
        if (earlier != nullptr) erase(*earlier);
        streams_.wake_poller();
        return earlier == nullptr;
    }

    /// Destroys the stream of that key; false if there is none.
    bool remove(const K& key) {
        detail::set_child* const found = table_.find(key, table_.hash_of(key));
        if (found == nullptr) return false;
        erase(*found);
        if (empty()) streams_.wake_poller();  // who waits for it is at the end
        return true;
    }

    std::size_t size() const noexcept { return streams_.size(); }
    bool empty() const noexcept { return size() == 0; }

    polled<std::optional<value_type>, error_type> poll_next(context& cx) {
        using answer = polled<std::optional<value_type>, error_type>;
        for (auto* child = streams_.begin_poll(cx); child != nullptr; child = streams_.next_woken(cx)) {
            auto item = poll(cx, *child);
            if (item.is_pending()) continue;
            if (item.has_value() && !item.value().has_value()) {
                erase(*child);
                continue;
            }
            streams_.gave_result();
            // It has kept no waker: it is polled again, behind the others.
            streams_.put_back(*child);
            if (item.has_error()) return detail::pass_error<answer>(item);
            return answer::ready(std::in_place, streams_.at(*child).key, *std::move(item.value()));
        }
        if (empty()) return answer::ready();
        return pending;
    }

private:
    auto poll(context& cx, detail::set_child& child) {
        try {
            const detail::set_child_poll poll(child);
            context child_cx = cx.with_waker(poll.waker());
            return streams_.at(child).source.poll_next(child_cx);
        } catch (...) {
            streams_.gave_result();
            erase(child);
            throw;
        }
    }
    void erase(detail::set_child& child) noexcept {
        table_.unlink(child);
        streams_.erase(child);
    }

    detail::key_table<K, S> table_;
    detail::children<entry> streams_;
};

}  // namespace pollux::inline v0
