// SPDX-License-Identifier: MIT
// `map` and `map_err` of a stream: a plain function of each item, or of each error. The public functions stand in
// pollux/future/map.hpp, for futures and streams.
#pragma once

#include <optional>
#include <type_traits>
#include <utility>

#include "pollux/core/concepts.hpp"
#include "pollux/future/detail/call.hpp"
#include "pollux/future/detail/meet.hpp"
#include "pollux/future/map.hpp"

namespace pollux::inline v0::detail {

template <class S, class Fn>
class [[nodiscard]] map_stream {
public:
    using value_type = std::remove_cvref_t<call_result<Fn, value_type_of<S>>>;
    using error_type = error_type_of<S>;

    map_stream(S source, Fn fn) : fn_(std::move(fn)), source_(std::move(source)) {}

    polled<std::optional<value_type>, error_type> poll_next(context& cx) {
        using answer = polled<std::optional<value_type>, error_type>;
        auto item = source_.poll_next(cx);
        if (item.is_pending()) return pending;
        if (item.has_error()) return pass_error<answer>(item);
        if (!item.value().has_value()) return answer::ready();
        return answer::ready(std::in_place, detail::call(fn_, *std::move(item.value())));
    }

private:
    [[no_unique_address]] Fn fn_;
    [[no_unique_address]] S source_;
};

template <class S, class Fn>
class [[nodiscard]] map_err_stream {
public:
    using value_type = value_type_of<S>;
    using error_type = std::remove_cvref_t<call_result<Fn, error_type_of<S>>>;

    map_err_stream(S source, Fn fn) : fn_(std::move(fn)), source_(std::move(source)) {}

    polled<std::optional<value_type>, error_type> poll_next(context& cx) {
        using answer = polled<std::optional<value_type>, error_type>;
        auto item = source_.poll_next(cx);
        if (item.is_pending()) return pending;
        if (item.has_error()) return answer::failed(detail::call_with<error_type_of<S>>(fn_, item.error()));
        return pass_value<answer>(item);
    }

private:
    [[no_unique_address]] Fn fn_;
    [[no_unique_address]] S source_;
};

}  // namespace pollux::inline v0::detail
