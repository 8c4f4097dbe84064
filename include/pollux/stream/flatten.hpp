// SPDX-License-Identifier: MIT
// `flatten` of a stream of streams: the inner ones, one after the other. The public function stands in
// pollux/future/flatten.hpp, for futures and streams.
#pragma once

#include <optional>
#include <utility>

#include "pollux/core/concepts.hpp"
#include "pollux/core/context.hpp"
#include "pollux/future/detail/meet.hpp"
#include "pollux/future/detail/slot.hpp"
#include "pollux/future/flatten.hpp"

namespace pollux::inline v0::detail {

template <class S>
class [[nodiscard]] flatten_stream {
    using inner = value_type_of<S>;

public:
    using value_type = value_type_of<inner>;
    using error_type = met<error_type_of<S>, error_type_of<inner>>;

    explicit flatten_stream(S source) : source_(std::move(source)) {}

    polled<std::optional<value_type>, error_type> poll_next(context& cx) {
        using answer = polled<std::optional<value_type>, error_type>;
        for (;;) {
            if (!inner_.is_alive()) {
                auto next = source_.poll_next(cx);
                if (next.is_pending()) return pending;
                if (next.has_error()) return pass_error<answer>(next);
                if (!next.value().has_value()) return answer::ready();
                inner_.emplace([&]() -> inner&& { return *std::move(next.value()); });
            }
            auto item = poll_inner(cx);
            if (item.is_pending()) return pending;
            if (item.has_error()) return pass_error<answer>(item);
            if (item.value().has_value()) return pass_value<answer>(item);
            inner_.reset();
            // Nothing but empty streams would keep this loop going for ever.
            if (!cx.consume_budget()) return pending;
        }
    }

private:
    auto poll_inner(context& cx) {
        try {
            return (*inner_).poll_next(cx);
        } catch (...) {
            inner_.reset();
            throw;
        }
    }

    S source_;
    slot<inner> inner_;  // below its source, whose closures it may point into, so destroyed before it
};

}  // namespace pollux::inline v0::detail
