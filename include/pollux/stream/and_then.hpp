// SPDX-License-Identifier: MIT
// `and_then` of a stream: each item goes on into a future. The public function stands in pollux/future/and_then.hpp,
// for futures and streams.
#pragma once

#include <optional>
#include <utility>

#include "pollux/core/concepts.hpp"
#include "pollux/future/and_then.hpp"
#include "pollux/future/detail/meet.hpp"
#include "pollux/future/detail/result_future.hpp"
#include "pollux/future/detail/slot.hpp"
#include "pollux/stream/detail/step.hpp"

namespace pollux::inline v0::detail {

template <class S, class Fn>
class [[nodiscard]] and_then_stream {
    using step = called_future<Fn, value_type_of<S>>;

public:
    using value_type = or_unit<value_type_of<step>>;
    using error_type = met<error_type_of<S>, error_type_of<step>>;

    and_then_stream(S source, Fn fn) : fn_(std::move(fn)), source_(std::move(source)) {}

    polled<std::optional<value_type>, error_type> poll_next(context& cx) {
        using answer = polled<std::optional<value_type>, error_type>;
        if (!step_.is_alive()) {
            auto item = source_.poll_next(cx);
            if (item.is_pending()) return pending;
            if (item.has_error()) return pass_error<answer>(item);
            if (!item.value().has_value()) return answer::ready();
            step_.emplace([&]() -> step { return detail::call_future<value_type_of<S>>(fn_, *item.value()); });
        }
        return poll_step<answer>(step_, cx);
    }

private:
    [[no_unique_address]] Fn fn_;
    [[no_unique_address]] S source_;
    slot<step> step_;  // below what it may point into, so destroyed before it
};

}  // namespace pollux::inline v0::detail
