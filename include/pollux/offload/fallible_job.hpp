// SPDX-License-Identifier: MIT
// A job of `blocking` for who promises that all of its errors are a std::error_code: `fs` and `net::resolve`.
#pragma once

#include <system_error>
#include <type_traits>
#include <utility>

#include "pollux/core/context.hpp"
#include "pollux/core/polled.hpp"
#include "pollux/offload/job.hpp"
#include "pollux/runtime/errors.hpp"

namespace pollux::inline v0::detail {

/// `Fn` returns a std::expected<..., std::error_code>, and throws at most std::bad_alloc.
///
/// Errors: those; std::errc::operation_canceled if the runtime ended before the call; what starting a thread fails with.
/// Throws: when polled, no_runtime outside a runtime; std::bad_alloc.
template <class Fn>
class [[nodiscard]] fallible_job_future {
    using job = job_future<Fn, job_pool_kind::blocking>;
    static_assert(std::is_same_v<typename job::error_type, std::error_code>);

public:
    using value_type = typename job::value_type;
    using error_type = std::error_code;

    explicit fallible_job_future(Fn fn) : job_(std::move(fn)) {}

    polled<value_type, std::error_code> poll(context& cx) {
        try {
            return job_.poll(cx);
        } catch (const task_cancelled&) {
            return std::unexpected(std::make_error_code(std::errc::operation_canceled));
        } catch (const std::system_error& refused) {
            return std::unexpected(refused.code());
        }
    }

private:
    job job_;
};

}  // namespace pollux::inline v0::detail
