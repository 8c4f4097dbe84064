// SPDX-License-Identifier: MIT
// A function of lib/fs that blocks, as a future: it runs on `blocking` with arguments that it owns, for it may outlive its future.
#pragma once

#include <expected>
#include <string>
#include <system_error>
#include <utility>

#include "pollux/core/owned_text.hpp"
#include "pollux/fs/open_options.hpp"
#include "pollux/offload/fallible_job.hpp"

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
class [[nodiscard]] path_call_future : public pollux::detail::fallible_job_future<path_job<T>> {
public:
    path_call_future(path_function<T> run, path_arguments arguments)
        : pollux::detail::fallible_job_future<path_job<T>>({run, std::move(arguments)}) {}
};

/// What the parameters named `path` take: a string of any type, or a std::filesystem::path.
using pollux::detail::owned_text;

}  // namespace pollux::inline v0::fs::detail
