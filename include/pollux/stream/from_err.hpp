// SPDX-License-Identifier: MIT
// `from_err` of a stream: each error as another type that it converts to. The public function stands in
// pollux/future/from_err.hpp, for futures and streams.
#pragma once

#include <optional>
#include <utility>

#include "pollux/core/concepts.hpp"
#include "pollux/future/detail/meet.hpp"
#include "pollux/future/from_err.hpp"

namespace pollux::inline v0::detail {

template <class S, class E>
class [[nodiscard]] from_err_stream {
public:
    using value_type = value_type_of<S>;
    using error_type = E;

    constexpr explicit from_err_stream(S source) : source_(std::move(source)) {}

    polled<std::optional<value_type>, error_type> poll_next(context& cx) {
        using answer = polled<std::optional<value_type>, error_type>;
        auto item = source_.poll_next(cx);
        if (item.is_pending()) return pending;
        if (item.has_error()) return convert_error<answer>(item);
        return pass_value<answer>(item);
    }

private:
    [[no_unique_address]] S source_;
};

}  // namespace pollux::inline v0::detail
