// SPDX-License-Identifier: MIT
#include "pollux/signal/on.hpp"

#include <system_error>
#include <utility>

#include "pollux/runtime/errors.hpp"
#include "signal/arrivals.hpp"

namespace pollux::inline v0::signal {

signal_stream::signal_stream(int number) : number_(number) {
    const auto joined = detail::join_arrivals(number);
    seen_ = joined.count;
    arrivals_ = net::detail::source(joined.descriptor);
}

signal_stream::~signal_stream() {
    if (number_ == 0) return;
    arrivals_ = net::detail::source();
    detail::leave_arrivals(number_);
}

polled<std::optional<int>> signal_stream::poll_next(context& cx) {
    for (;;) {
        auto ready = arrivals_.poll_ready(cx, net::direction::read);
        if (ready.is_pending()) return pending;
        if (ready.has_error()) {
            if (ready.error() == std::errc::operation_canceled) throw task_cancelled();
            throw std::system_error(ready.error(), "pollux: signal::on: the reactor takes no descriptor more");
        }
        if (!cx.consume_budget()) return pending;
        const auto count = detail::count_arrivals(number_);
        if (count != seen_) {
            seen_ = count;
            return std::optional(number_);
        }
        arrivals_.would_block(net::direction::read, ready.value());
    }
}

}  // namespace pollux::inline v0::signal
