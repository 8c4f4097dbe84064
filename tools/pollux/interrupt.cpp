// SPDX-License-Identifier: MIT
// signalfd, eventfd and poll behind interrupt.hpp.

#include "interrupt.hpp"

#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>

#include <array>
#include <cerrno>
#include <system_error>

namespace pollux_tool {

namespace {

descriptor checked(int fd, const char* what) {
    if (fd < 0) throw std::system_error(errno, std::generic_category(), what);
    return descriptor(fd);
}

}  // namespace

interrupt::interrupt() {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    if (const int error = pthread_sigmask(SIG_BLOCK, &set, nullptr); error != 0) {
        throw std::system_error(error, std::generic_category(), "pthread_sigmask");
    }
    signals_ = checked(::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK), "signalfd");
    stopped_ = checked(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), "eventfd");
}

bool interrupt::wait(const std::stop_token& stop) const {
    // A full counter, the only way this write can fail, wakes the poll as well.
    const std::stop_callback call_back(stop, [fd = stopped_.get()] { (void)::eventfd_write(fd, 1); });
    std::array<pollfd, 2> watched{pollfd{signals_.get(), POLLIN, 0}, pollfd{stopped_.get(), POLLIN, 0}};
    while (::poll(watched.data(), watched.size(), -1) < 0) {
        if (errno != EINTR) throw std::system_error(errno, std::generic_category(), "poll");
    }
    return watched[0].revents != 0;
}

}  // namespace pollux_tool
