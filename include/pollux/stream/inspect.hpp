// SPDX-License-Identifier: MIT
// `inspect` and `inspect_err` of a stream: a look at each item, or at each error. The public functions stand in
// pollux/future/inspect.hpp, for futures and streams.
#pragma once

#include <optional>
#include <utility>

#include "pollux/core/concepts.hpp"
#include "pollux/future/inspect.hpp"

namespace pollux::inline v0::detail {

template <class S, class Fn>
class [[nodiscard]] inspect_stream {
public:
    using value_type = value_type_of<S>;
    using error_type = error_type_of<S>;

    inspect_stream(S source, Fn fn) : fn_(std::move(fn)), source_(std::move(source)) {}

    polled<std::optional<value_type>, error_type> poll_next(context& cx) {
        auto item = source_.poll_next(cx);
        if (item.has_value() && item.value().has_value()) detail::show<value_type>(fn_, *item.value());
        return item;
    }

private:
    [[no_unique_address]] Fn fn_;
    [[no_unique_address]] S source_;
};

template <class S, class Fn>
class [[nodiscard]] inspect_err_stream {
public:
    using value_type = value_type_of<S>;
    using error_type = error_type_of<S>;

    inspect_err_stream(S source, Fn fn) : fn_(std::move(fn)), source_(std::move(source)) {}

    polled<std::optional<value_type>, error_type> poll_next(context& cx) {
        auto item = source_.poll_next(cx);
        if (item.has_error()) detail::show<error_type>(fn_, item.error());
        return item;
    }

private:
    [[no_unique_address]] Fn fn_;
    [[no_unique_address]] S source_;
};

}  // namespace pollux::inline v0::detail
