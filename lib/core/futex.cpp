// SPDX-License-Identifier: MIT
// The two system calls, and how a deadline is put to the kernel.
#include "core/futex.hpp"

#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <ctime>

#include "core/platform.hpp"

namespace pollux::inline v0::detail {
namespace {

long futex(const std::atomic<std::uint32_t>& word, int operation, std::uint32_t value,
           const timespec* deadline) noexcept {
    static_assert(sizeof word == sizeof(std::uint32_t));
    return ::syscall(SYS_futex, &word, operation | FUTEX_PRIVATE_FLAG, value, deadline, nullptr,
                     FUTEX_BITSET_MATCH_ANY);
}

}  // namespace

bool os_futex::wait(const std::atomic<std::uint32_t>& word, std::uint32_t value, clock::time_point deadline) noexcept {
    if (current_platform != nullptr) return current_platform->wait(word, value, deadline);
    return wait_in_system(word, value, deadline);
}

bool os_futex::wait_in_system(const std::atomic<std::uint32_t>& word, std::uint32_t value,
                              clock::time_point deadline) noexcept {
    using namespace std::chrono;
    // FUTEX_WAIT takes a duration, which would grow by whatever runs between its computing and the call;
    // FUTEX_WAIT_BITSET takes a moment, on the clock that steady_clock is.
    if (deadline == clock::time_point::max())
        return futex(word, FUTEX_WAIT_BITSET, value, nullptr) == 0 || errno != ETIMEDOUT;
    const nanoseconds moment = deadline.time_since_epoch();
    if (moment < nanoseconds::zero()) return false;  // the kernel refuses it
    const seconds whole = duration_cast<seconds>(moment);
    timespec t{};
    t.tv_sec = static_cast<decltype(t.tv_sec)>(whole.count());
    t.tv_nsec = static_cast<decltype(t.tv_nsec)>((moment - whole).count());
    return futex(word, FUTEX_WAIT_BITSET, value, &t) == 0 || errno != ETIMEDOUT;
}

void os_futex::wake_one(const std::atomic<std::uint32_t>& word) noexcept { futex(word, FUTEX_WAKE, 1, nullptr); }

}  // namespace pollux::inline v0::detail
