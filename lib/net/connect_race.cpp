// SPDX-License-Identifier: MIT
#include "net/connect_race.hpp"

#include <sys/socket.h>

#include <system_error>
#include <utility>

#include "net/system.hpp"
#include "net/tcp.hpp"
#include "pollux/runtime/errors.hpp"

namespace pollux::inline v0::net::detail {

std::vector<socket_address> connect_race::in_turn(address_lookup::addresses of) {
    std::vector<socket_address> same, other;
    for (const auto& one : of) (one.family() == of.front().family() ? same : other).push_back(one);
    std::vector<socket_address> all;
    all.reserve(of.size());
    for (std::size_t i = 0; i != of.size(); ++i) {
        if (i < same.size()) all.push_back(same[i]);
        if (i < other.size()) all.push_back(other[i]);
    }
    return all;
}

connect_race::connect_race(address_lookup::addresses to) : to_(in_turn(to)) { running_.reserve(to_.size()); }

void connect_race::begin_next(context& cx) {
    has_failed_one_ = false;
    if (auto begun = begin_connect(cx, to_[next_++])) {
        running_.push_back(std::move(*begun));
    } else {
        error_ = begun.error();
        has_failed_one_ = true;
    }
}

polled<source, std::error_code> connect_race::poll_running(context& cx) {
    for (auto one = running_.begin(); one != running_.end();) {
        auto answer = poll_connected(*one, cx);
        if (answer.has_value()) return std::move(*one);
        if (answer.is_pending()) {
            ++one;
            continue;
        }
        error_ = answer.error();
        has_failed_one_ = true;
        one = running_.erase(one);
    }
    return pending;
}

polled<source, std::error_code> connect_race::poll(context& cx) {
    for (;;) {
        auto won = poll_running(cx);
        if (won.is_ready()) return won;
        if (next_ == to_.size()) {
            if (running_.empty()) return std::unexpected(error_);
            return pending;
        }
        if (delay_.is_alive() && !has_failed_one_ && !running_.empty()) {
            try {
                if ((*delay_).poll(cx).is_pending()) return pending;
            } catch (const task_cancelled&) {
                return std::unexpected(std::make_error_code(std::errc::operation_canceled));
            }
        }
        begin_next(cx);
        delay_.emplace([] { return sleep_for(head_start); });
    }
}

}  // namespace pollux::inline v0::net::detail
