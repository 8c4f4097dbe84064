// SPDX-License-Identifier: MIT
// `catch_exception` of a stream: an exception that comes out of a poll becomes the last thing that the stream gives. The
// public function stands in pollux/future/catch_exception.hpp, for futures and streams.
#pragma once

#include <exception>
#include <optional>
#include <type_traits>
#include <utility>

#include "pollux/core/concepts.hpp"
#include "pollux/future/catch_exception.hpp"

namespace pollux::inline v0::detail {

template <class S>
class [[nodiscard]] catch_exception_stream {
public:
    using value_type = outcome_of<S>;
    using error_type = std::exception_ptr;

    constexpr explicit catch_exception_stream(S source) : source_(std::move(source)) {}

    polled<std::optional<value_type>, error_type> poll_next(context& cx) {
        using answer = polled<std::optional<value_type>, error_type>;
        if (has_thrown_) return answer::ready();
        try {
            auto item = source_.poll_next(cx);
            if (item.is_pending()) return pending;
            if constexpr (std::is_same_v<error_type_of<S>, never>) {
                return answer::ready(std::move(item.value()));
            } else {
                if (item.has_error()) return answer::ready(std::in_place, std::unexpect, std::move(item.error()));
                if (!item.value().has_value()) return answer::ready();
                return answer::ready(std::in_place, std::in_place, *std::move(item.value()));
            }
        } catch (...) {
            has_thrown_ = true;
            return answer::failed(std::current_exception());
        }
    }

private:
    [[no_unique_address]] S source_;
    bool has_thrown_ = false;
};

}  // namespace pollux::inline v0::detail
