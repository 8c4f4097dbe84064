// SPDX-License-Identifier: MIT
#include "io/input_wait.hpp"

#include <poll.h>
#include <sys/eventfd.h>

#include <cerrno>
#include <cstdint>

namespace pollux::inline v0::io::detail {

namespace {

using pollux::detail::runtime_core;
using pollux::detail::runtime_service;

// Stopped before the pool whose threads wait: see the order of service_kind.
class input_waits final : public runtime_service {
public:
    const std::shared_ptr<stop_event>& end() const noexcept { return end_; }

    std::size_t stop(std::chrono::steady_clock::time_point) noexcept override {
        end_->set();
        return 0;
    }
    void add_to(runtime_metrics&) const noexcept override {}

private:
    std::shared_ptr<stop_event> end_ = std::make_shared<stop_event>();
};

std::unique_ptr<runtime_service> make_input_waits(runtime_core&) { return std::make_unique<input_waits>(); }

}  // namespace

stop_event::stop_event() : event_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
    if (!event_) throw std::system_error(last_error(), "pollux: io::standard_input: eventfd");
}

void stop_event::set() noexcept {
    // It fails where the counter is full: then it is set.
    static_cast<void>(::eventfd_write(event_.get(), 1));
}

std::error_code wait_for_input(int fd, const stop_event& a, const stop_event& b) noexcept {
    ::pollfd waiting[] = {{a.descriptor(), POLLIN, 0}, {b.descriptor(), POLLIN, 0}, {fd, POLLIN, 0}};
    if (uninterrupted([&] { return ::poll(waiting, 3, -1); }) < 0) return last_error();
    // First: bytes stay where they are for whoever reads next.
    if (waiting[0].revents != 0 || waiting[1].revents != 0) return std::make_error_code(std::errc::operation_canceled);
    return {};
}

std::shared_ptr<stop_event> end_of_waits(runtime_core& core) {
    return static_cast<input_waits&>(core.service(pollux::detail::service_kind::input_waits, &make_input_waits)).end();
}

}  // namespace pollux::inline v0::io::detail
