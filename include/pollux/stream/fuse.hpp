// SPDX-License-Identifier: MIT
// `fuse` of a stream: nothing after the first `std::nullopt`. The public function stands in pollux/future/fuse.hpp, for
// futures and streams.
#pragma once

#include <optional>
#include <utility>

#include "pollux/core/concepts.hpp"
#include "pollux/future/fuse.hpp"

namespace pollux::inline v0::detail {

template <class S>
class [[nodiscard]] fuse_stream {
public:
    using value_type = value_type_of<S>;
    using error_type = error_type_of<S>;

    constexpr explicit fuse_stream(S source) : source_(std::move(source)) {}

    polled<std::optional<value_type>, error_type> poll_next(context& cx) {
        if (has_ended_) return polled<std::optional<value_type>, error_type>::ready();
        auto item = source_.poll_next(cx);
        has_ended_ = item.has_value() && !item.value().has_value();
        return item;
    }

private:
    [[no_unique_address]] S source_;
    bool has_ended_ = false;
};

}  // namespace pollux::inline v0::detail
