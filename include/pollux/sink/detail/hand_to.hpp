// SPDX-License-Identifier: MIT
// What all of sink/ needs: to start an item, whatever start_send returns, and to tell a sink from what only shares a
// function's name with one.
#pragma once

#include <type_traits>
#include <utility>

#include "pollux/core/concepts.hpp"
#include "pollux/core/polled.hpp"

namespace pollux::inline v0::detail {

template <class K>
using item_type_in = typename std::remove_cvref_t<K>::item_type;

/// `k.start_send(item)`, its outcome as an answer that is ready.
template <class K, class T>
polled<void, error_type_of<K>> hand_to(K& k, T&& item) {
    if constexpr (std::is_same_v<error_type_of<K>, never>) {
        k.start_send(std::forward<T>(item));
        return polled<>::ready();
    } else {
        return k.start_send(std::forward<T>(item));
    }
}

/// Has something of a sink, a stream or a future. The functions `send`, `flush`, `close` and `forward` are for these
/// only: under `using namespace pollux` they leave descriptors, std::ostream and std::forward alone.
template <class K>
concept nearly_sink = has_error_type<K> || requires { typename std::remove_cvref_t<K>::item_type; } ||
                      requires(std::remove_cvref_t<K>& k, context& cx) { k.poll_ready(cx); } ||
                      requires(std::remove_cvref_t<K>& k, context& cx) { k.poll_flush(cx); };

}  // namespace pollux::inline v0::detail
