// SPDX-License-Identifier: MIT
// The signal handler, and putting it in its place and away again.
//
// A signal with streams has an eventfd, of which each stream has a duplicate in the reactor of its runtime. The handler counts the
// signal and then writes to the eventfd. Nobody reads from that: the reactors are edge-triggered, and each write is an edge in all.
//
// No signal is lost: a stream asks its source for readiness, then looks at the count, then gives that readiness up. A signal that it has
// not seen in the count was counted after the look; so was its write, and the event of that is later than the readiness given up.
//
// What the handler needs to know, the eventfd and the handler before it, stands in two_places: it never waits for a lock, and what is
// taken from it is not used any more when replace() returns, so the eventfd can be closed. All else is under the signal's lock.
//
// After fork() the child has the handler and the eventfd, until it calls exec. A signal to the child is counted in the child: the
// streams of the parent look for nothing once.
//
// The chain. Ours is installed at most once in it: a handler that finds itself before itself would call itself for ever. So if the
// program installs a function over ours, ours stays below it, with or without streams, and is used again: that function calls it, or
// has taken the signal away. If it installs SIG_DFL or SIG_IGN, there is no chain, and the next stream installs ours anew; the end of the
// last stream sees that, too.
#include "signal/arrivals.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <cstddef>
#include <mutex>
#include <stdexcept>
#include <string>
#include <system_error>
#include <thread>
#include <utility>

#include "pollux/core/sync_policy.hpp"
#include "signal/two_places.hpp"

namespace pollux::inline v0::signal::detail {

namespace {

// For the handler. At most one of the functions is there.
struct to_tell {
    int event = -1;
    void (*plain)(int) = nullptr;
    void (*informed)(int, siginfo_t*, void*) = nullptr;
};

struct arrivals_of_one {
    std::atomic<std::uint64_t> count{0};
    pollux::detail::two_places<to_tell, pollux::detail::std_sync> told;
    std::mutex lock;
    // Guarded by the lock.
    std::size_t streams = 0;
    int event = -1;
    bool is_in_chain = false;        // installed, and not taken away by us
    struct sigaction previous = {};  // what was there before it was installed
};

constinit std::array<arrivals_of_one, NSIG> arrivals{};

static_assert(std::atomic<std::uint64_t>::is_always_lock_free);

void handle(int number, siginfo_t* info, void* state) {
    const int error_of_interrupted = errno;
    auto& self = arrivals[static_cast<std::size_t>(number)];
    // Release: pairs with the acquire in count_arrivals(): what was done before the signal was raised.
    self.count.fetch_add(1, std::memory_order::release);
    to_tell next;
    self.told.read([&](const to_tell& told) {
        const std::uint64_t one = 1;
        // It can fail only when 2^64 signals have come.
        if (told.event >= 0) static_cast<void>(!::write(told.event, &one, sizeof one));
        next = told;
    });
    errno = error_of_interrupted;
    // Not inside of read(): it may take its time, or leave with a jump.
    if (next.informed != nullptr)
        next.informed(number, info, state);
    else if (next.plain != nullptr)
        next.plain(number);
}

bool is_ours(const struct sigaction& one) noexcept {
    return (one.sa_flags & SA_SIGINFO) != 0 && one.sa_sigaction == &handle;
}
bool is_function(const struct sigaction& one) noexcept {
    return (one.sa_flags & SA_SIGINFO) != 0 || (one.sa_handler != SIG_DFL && one.sa_handler != SIG_IGN);
}

// With the mask and flags of a function before it, so that this finds everything as it was promised. Else without interrupting
// system calls, and with no signal in between. A stack of its own where the thread has one, as every library that is called from languages
// with small stacks.
struct sigaction ours_before(const struct sigaction& previous) noexcept {
    struct sigaction ours = {};
    ours.sa_sigaction = &handle;
    ours.sa_flags = SA_SIGINFO | SA_ONSTACK;
    if (is_function(previous)) {
        constexpr auto once = static_cast<int>(SA_RESETHAND);
        ours.sa_flags |= previous.sa_flags & ~once;
        ours.sa_mask = previous.sa_mask;
    } else {
        ours.sa_flags |= SA_RESTART | (previous.sa_flags & (SA_NOCLDSTOP | SA_NOCLDWAIT));
        // Children of a program that ignores SIGCHLD leave no zombies, and are not to do so now.
        if (previous.sa_handler == SIG_IGN) ours.sa_flags |= SA_NOCLDWAIT;
        ::sigfillset(&ours.sa_mask);
    }
    return ours;
}

// The rest under the lock of `self`.

void tell(arrivals_of_one& self) noexcept {
    to_tell news{.event = self.event};
    if (is_function(self.previous)) {
        if ((self.previous.sa_flags & SA_SIGINFO) != 0)
            news.informed = self.previous.sa_sigaction;
        else
            news.plain = self.previous.sa_handler;
    }
    self.told.replace([&](to_tell& place) { place = news; }, [] { std::this_thread::yield(); });
}

void install(arrivals_of_one& self, int number) {
    struct sigaction now;
    if (::sigaction(number, nullptr, &now) != 0)
        throw std::system_error(errno, std::system_category(), "pollux: signal::on: sigaction");
    if (is_ours(now)) self.is_in_chain = true;  // perhaps again: put back by who has saved it
    if (self.is_in_chain && is_function(now)) return tell(self);
    self.previous = now;
    tell(self);  // before it is installed: from then on the one before it is to be called
    const struct sigaction ours = ours_before(now);
    if (::sigaction(number, &ours, nullptr) != 0)
        throw std::system_error(errno, std::system_category(), "pollux: signal::on: sigaction");
    self.is_in_chain = true;
}

void uninstall(arrivals_of_one& self, int number) noexcept {
    struct sigaction now;
    if (::sigaction(number, nullptr, &now) == 0) {
        if (is_ours(now)) ::sigaction(number, &self.previous, nullptr);
        // Also where there is no chain any more: a function that is installed next knows of nobody.
        if (is_ours(now) || !is_function(now)) self.is_in_chain = false;
    }
    const int event = std::exchange(self.event, -1);
    tell(self);
    ::close(event);
}

void check(int number) {
    const char* why = nullptr;
    if (number <= 0 || number >= NSIG || (number >= __SIGRTMIN && number < SIGRTMIN))
        why = "there is no such signal; name one of <csignal>";
    else if (number == SIGKILL || number == SIGSTOP)
        why = "the system lets nobody handle it; name another";
    else if (number == SIGSEGV || number == SIGBUS || number == SIGFPE || number == SIGILL)
        why = "it tells of an error in the code that runs, which goes on with it for ever; handle it with sigaction";
    if (why != nullptr) throw std::invalid_argument("pollux: signal::on(" + std::to_string(number) + "): " + why);
}

}  // namespace

arrivals_seen join_arrivals(int number) {
    check(number);
    auto& self = arrivals[static_cast<std::size_t>(number)];
    const std::lock_guard guard(self.lock);
    // Before ours is installed: a signal that comes at this moment does not end the process any more, so it has to be an item. Acquire:
    // as in count_arrivals().
    const auto count = self.count.load(std::memory_order::acquire);
    const bool is_first = self.streams == 0;
    if (is_first) {
        self.event = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        if (self.event < 0) throw std::system_error(errno, std::system_category(), "pollux: signal::on: eventfd");
    }
    const int own = ::fcntl(self.event, F_DUPFD_CLOEXEC, 0);
    try {
        if (own < 0) throw std::system_error(errno, std::system_category(), "pollux: signal::on: a descriptor");
        install(self, number);
    } catch (...) {
        if (own >= 0) ::close(own);
        if (is_first) uninstall(self, number);
        throw;
    }
    ++self.streams;
    return {own, count};
}

void leave_arrivals(int number) noexcept {
    auto& self = arrivals[static_cast<std::size_t>(number)];
    const std::lock_guard guard(self.lock);
    if (--self.streams == 0) uninstall(self, number);
}

std::uint64_t count_arrivals(int number) noexcept {
    return arrivals[static_cast<std::size_t>(number)].count.load(
        std::memory_order::acquire);  // pairs with the release in handle()
}

}  // namespace pollux::inline v0::signal::detail
