// SPDX-License-Identifier: MIT
// `sink_map_err`: a plain function of each error of a sink.
#pragma once

#include <type_traits>
#include <utility>

#include "pollux/core/concepts.hpp"
#include "pollux/future/detail/call.hpp"
#include "pollux/future/detail/own.hpp"
#include "pollux/future/detail/pipe.hpp"
#include "pollux/sink/detail/hand_to.hpp"

namespace pollux::inline v0 {

namespace detail {

template <class K, class Fn>
class [[nodiscard]] map_err_sink {
    using inner_answer = polled<void, error_type_of<K>>;

public:
    using item_type = item_type_in<K>;
    using error_type = std::remove_cvref_t<call_result<Fn, error_type_of<K>>>;

    map_err_sink(K target, Fn fn) : fn_(std::move(fn)), target_(std::move(target)) {}

    polled<void, error_type> poll_ready(context& cx) { return turn(target_.poll_ready(cx)); }
    template <class T>
        requires sink<K, T>
    outcome<void, error_type> start_send(T&& item) {
        return turn(detail::hand_to(target_, std::forward<T>(item))).take();
    }
    polled<void, error_type> poll_flush(context& cx) { return turn(target_.poll_flush(cx)); }
    polled<void, error_type> poll_close(context& cx) { return turn(target_.poll_close(cx)); }

private:
    polled<void, error_type> turn(inner_answer answer) {
        using turned = polled<void, error_type>;
        if (answer.is_pending()) return pending;
        if (answer.has_error()) return turned::failed(detail::call_with<error_type_of<K>>(fn_, answer.error()));
        return turned::ready();
    }

    [[no_unique_address]] Fn fn_;
    [[no_unique_address]] K target_;
};

}  // namespace detail

/// The sink `k` with each of its errors turned into what `fn` returns for it, which is moved in.
///
/// Throws: what `fn` throws, out of the poll or of start_send.
/// Threads: `fn` runs there, and is destroyed with the result of `sink_map_err`.
/// Cancel: it holds no item; destroying it destroys `k`. Cost: nothing beside `fn`.
template <class K, class Fn>
auto sink_map_err(K&& k, Fn fn) {
    static_assert(sink<K>,
                  "pollux: sink_map_err: the first argument is not a sink; it needs item_type, error_type, poll_ready, "
                  "start_send, poll_flush and poll_close");
    if constexpr (!sink<K>) {
        detail::require_sink<K>();
    } else {
        using error = detail::error_type_of<K>;
        static_assert(detail::callable_with<Fn, error>,
                      "pollux: sink_map_err: the callable does not take the error; it is called with the error_type as "
                      "an rvalue (a sink that cannot fail has the error_type never)");
        if constexpr (detail::callable_with<Fn, error>) {
            static_assert(!std::is_void_v<detail::call_result<Fn, error>>,
                          "pollux: sink_map_err: the callable returns void; return the new error");
            return detail::map_err_sink<detail::owned<K>, Fn>(detail::own(std::forward<K>(k)), std::move(fn));
        }
    }
}

namespace detail {

struct sink_map_err_op {
    template <class K, class Fn>
    auto operator()(K&& k, Fn&& fn) const {
        return pollux::sink_map_err(std::forward<K>(k), std::forward<Fn>(fn));
    }
};

}  // namespace detail

template <class Fn>
detail::pipe<detail::sink_map_err_op, Fn> sink_map_err(Fn fn) {
    return {std::move(fn)};
}

}  // namespace pollux::inline v0
