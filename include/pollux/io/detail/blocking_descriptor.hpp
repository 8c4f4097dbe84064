// SPDX-License-Identifier: MIT
// A descriptor whose calls block, as a byte stream: they run on the threads of `blocking` or in io_uring, one at a time. What fs::file and the
// standard streams are made of; the work is in lib/io/descriptor_core.hpp.
#pragma once

#include <cstddef>
#include <cstdint>
#include <system_error>
#include <utility>

#include "pollux/core/context.hpp"
#include "pollux/core/export.hpp"
#include "pollux/core/polled.hpp"
#include "pollux/io/span.hpp"

namespace pollux::inline v0::io::detail {

class descriptor_core;

struct descriptor_traits {
    bool is_owned = true;   // closed when nobody uses it any more
    bool can_seek = false;  // what was read ahead can be given back
    // A read may wait for ever: it takes no more than was asked for, and gives up when the object goes or the runtime ends.
    bool is_input = false;
    // It is read, and written if it can seek, through the io_uring of a runtime that has one, for it needs nothing else in that time.
    bool may_use_ring = false;
};

/// A call other than reading and writing, with its arguments and then its results.
struct descriptor_call {
    using function = std::error_code (*)(int fd, std::int64_t (&numbers)[3]) noexcept;

    function run;
    std::int64_t numbers[3] = {};
    bool gives_back = false;    // the bytes that were read ahead: it moves the position, or changes what stands there
    std::uint64_t started = 0;  // which of the descriptor's calls it is, once it is one
};

/// Threads: used by one at a time; may be moved while no poll is going on.
class POLLUX_API blocking_descriptor {
public:
    /// Takes `fd` over if the traits say so. Throws: std::bad_alloc; then it is still the caller's.
    blocking_descriptor(int fd, descriptor_traits traits);
    blocking_descriptor(blocking_descriptor&& other) noexcept : core_(std::exchange(other.core_, nullptr)) {}
    blocking_descriptor& operator=(blocking_descriptor other) noexcept {
        std::swap(core_, other.core_);
        return *this;
    }
    ~blocking_descriptor();

    polled<std::size_t, std::error_code> poll_read(context& cx, span to);
    polled<std::size_t, std::error_code> poll_write(context& cx, const_span bytes);
    polled<void, std::error_code> poll_flush(context& cx);
    /// Ready: the results are in `what.numbers`.
    polled<void, std::error_code> poll_call(context& cx, descriptor_call& what);

    int native_handle() const noexcept;

private:
    descriptor_core& core() const noexcept {
        pollux::detail::debug_check(
            core_ != nullptr,
            "pollux: a file or standard stream was used after it was moved from; use the one it went to");
        return *core_;
    }

    descriptor_core* core_;
};

}  // namespace pollux::inline v0::io::detail
