// SPDX-License-Identifier: MIT
#include "pollux/net/detail/address_lookup.hpp"

#include <memory>
#include <system_error>
#include <utility>
#include <variant>
#include <vector>

#include "net/require_runtime.hpp"
#include "pollux/net/resolve.hpp"

namespace pollux::inline v0::net::detail {

struct name_lookup {
    explicit name_lookup(const host_name& of) : job({of.host, of.port}) {}

    lookup_future job;
    std::vector<socket_address> found;  // once the job has ended
};

address_lookup::address_lookup(address of) noexcept : of_(std::move(of)) {}
address_lookup::address_lookup(address_lookup&& other) noexcept = default;
address_lookup::~address_lookup() = default;

polled<address_lookup::addresses, std::error_code> address_lookup::poll(context& cx) {
    if (by_name_ == nullptr) require_runtime(cx);  // else it may have been left pending by the end of one
    if (const auto* wrong = std::get_if<std::error_code>(&of_.get())) return std::unexpected(*wrong);
    if (const auto* known = std::get_if<socket_address>(&of_.get())) return addresses(known, 1);
    if (by_name_ == nullptr) by_name_ = std::make_unique<name_lookup>(std::get<host_name>(of_.get()));
    if (by_name_->found.empty()) {
        auto answer = by_name_->job.poll(cx);
        if (answer.is_pending()) return pending;
        if (answer.has_error()) return std::unexpected(answer.error());
        by_name_->found = std::move(answer.value());
    }
    return addresses(by_name_->found);
}

}  // namespace pollux::inline v0::net::detail
