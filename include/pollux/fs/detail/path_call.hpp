// SPDX-License-Identifier: MIT
// A function of lib/fs that blocks, as a future: it runs on `blocking` with arguments that it owns, for it may outlive its future.
#pragma once

#include <expected>
#include <string>
#include <system_error>
#include <utility>

#include "pollux/core/context.hpp"
#include "pollux/core/polled.hpp"
#include "pollux/fs/open_options.hpp"
#include "pollux/offload/job.hpp"
#include "pollux/runtime/errors.hpp"

namespace pollux::inline v0::fs::detail {

struct path_arguments {
    std::string path;
    std::string other = {};  // another path, or bytes
    open_options how = {};
};

template <class T>
using path_function = std::expected<T, std::error_code> (*)(const path_arguments& arguments);

template <class T>
struct path_job {
    path_function<T> run;
    path_arguments arguments;

    std::expected<T, std::error_code> operator()() { return run(arguments); }
};

template <class T>
class [[nodiscard]] path_call_future {
public:
    using value_type = T;
    using error_type = std::error_code;

    path_call_future(path_function<T> run, path_arguments arguments) : job_(path_job<T>{run, std::move(arguments)}) {}

    polled<T, std::error_code> poll(context& cx) {
        try {
            return job_.poll(cx);
        } catch (const task_cancelled&) {
            return std::unexpected(std::make_error_code(std::errc::operation_canceled));
        } catch (const std::system_error& refused) {
            return std::unexpected(refused.code());
        }
    }

private:
    pollux::detail::job_future<path_job<T>, pollux::detail::job_pool_kind::blocking> job_;
};

}  // namespace pollux::inline v0::fs::detail
