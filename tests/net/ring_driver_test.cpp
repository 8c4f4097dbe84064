// SPDX-License-Identifier: MIT
// The driver behind io_driver::uring by itself, with rings that are too small and a peer that takes nothing. This thread has its seat.
#include <doctest/doctest.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <string>
#include <thread>

#include "pollux/future/poll_fn.hpp"
#include "pollux/runtime/current_thread_runtime.hpp"

// Behind the runtime: g++ takes a local name there for one that hides a private type.
#include "driver/ring_driver.hpp"
#include "driver/ring_socket.hpp"
#include "driver/source_set.hpp"
#include "net/loopback.hpp"
#include "support/forbidden_call.hpp"
#include "support/heap_counter.hpp"
#include "support/posix_socket.hpp"

namespace {

using pollux::detail::ring_driver;
using pollux::detail::ring_operation;
using pollux::detail::ring_socket;
using pollux::detail::source_set;
using pollux::test::address_of;
using pollux::test::posix_socket;
using pollux::test::refused_allocation;

struct no_driver final : pollux::detail::event_driver {
    void wait(time_point) noexcept override {}
    bool hand_out() noexcept override { return false; }
    void interrupt() noexcept override {}
};

struct driven {
    explicit driven(const ring_driver::setup& how)
        : core(*rt.block_on(pollux::poll_fn(
              [](pollux::context& cx) { return pollux::polled<pollux::detail::runtime_core*>(cx.runtime()); }))),
          sources(source_set::make(true)),
          driver(ring_driver::make(core, seat, sources, how)) {}
    driven(const driven&) = delete;
    driven& operator=(const driven&) = delete;
    ~driven() {
        driver.close(std::chrono::steady_clock::time_point::max());
        driver.drop_owner();
        sources.drop_owner();
    }

    template <class IsDone>
    void until(IsDone is_done) {
        while (!is_done()) {
            driver.wait(ring_driver::time_point::max());
            driver.hand_out();
        }
    }

    pollux::current_thread_runtime rt;
    pollux::detail::runtime_core& core;
    no_driver seat;
    source_set& sources;
    ring_driver& driver;
};

struct counted : ring_operation {
    counted() noexcept
        : ring_operation{[](ring_operation& self, int how, unsigned) noexcept {
              auto& mine = static_cast<counted&>(self);
              ++mine.ends;
              mine.result = how;
          }} {}

    int ends = 0;
    int result = 0;
};

io_uring_sqe nothing() {
    io_uring_sqe entry{};
    entry.opcode = IORING_OP_NOP;
    return entry;
}
io_uring_sqe an_hour() {
    static constexpr __kernel_timespec time{.tv_sec = 3600, .tv_nsec = 0};
    io_uring_sqe entry{};
    entry.opcode = IORING_OP_TIMEOUT;
    entry.addr = reinterpret_cast<std::uintptr_t>(&time);
    entry.len = 1;
    return entry;
}

// A socket of ours that has found nothing to read. Of TCP: with AF_UNIX an operation does not go on reading. The system's buffers are small.
struct listening {
    explicit listening(driven& with) : driver(with.driver) {
        const auto listener = posix_socket::bound(address_of("127.0.0.1:0"));
        const auto theirs = posix_socket::connected(listener.local_address());
        const auto ours = listener.accept();
        const int bytes = 100'000;
        REQUIRE(::setsockopt(theirs.descriptor(), SOL_SOCKET, SO_SNDBUF, &bytes, sizeof bytes) == 0);
        REQUIRE(::setsockopt(ours.descriptor(), SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes) == 0);
        ends[0] = ::fcntl(ours.descriptor(), F_DUPFD_CLOEXEC, 0);
        ends[1] = ::fcntl(theirs.descriptor(), F_DUPFD_CLOEXEC, 0);
        for (const int end : ends) REQUIRE(::fcntl(end, F_SETFL, O_NONBLOCK) == 0);
        int error = 0;
        place = ring_socket::add(driver, with.sources, ends[0], ring_socket::kind::stream, error);
        REQUIRE(place != nullptr);
        CHECK(take(1).empty());
    }
    listening(const listening&) = delete;
    listening& operator=(const listening&) = delete;
    ~listening() {
        ::close(ends[1]);
        if (!ring_socket::remove(*place)) ::close(ends[0]);
    }
    std::string take(std::size_t most) const {
        std::string to(most, '-');
        const iovec one{to.data(), to.size()};
        const auto n = place->socket->receive(&one, 1, false);
        if (n < 0) CHECK(errno == EAGAIN);
        to.resize(n < 0 ? 0 : static_cast<std::size_t>(n));
        return to;
    }
    std::string take_all(std::size_t bytes) const {
        std::string all;
        while (all.size() < bytes) {
            const auto part = take(1000);
            all += part;
            if (!part.empty()) continue;
            driver.wait(ring_driver::time_point::max());
            driver.hand_out();
        }
        return all;
    }

    ring_driver& driver;
    int ends[2] = {-1, -1};
    pollux::detail::event_slot* place = nullptr;
};

std::string pattern(std::size_t bytes) {
    std::string all(bytes, '-');
    for (std::size_t i = 0; i != bytes; ++i) all[i] = static_cast<char>('a' + i % 23);
    return all;
}

// A socket of ours that has sent until its peer had no room.
struct clogged {
    explicit clogged(driven& with) {
        REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) == 0);
        int error = 0;
        place = ring_socket::add(with.driver, with.sources, ends[0], ring_socket::kind::stream, error);
        REQUIRE(place != nullptr);
        std::string part(60'000, 'x');
        const iovec one{part.data(), part.size()};
        for (std::ptrdiff_t n = 0; (n = place->socket->send(&one, 1)) > 0;) {
            written += static_cast<std::size_t>(n);
            with.driver.submit();
            with.driver.wait(ring_driver::time_point::min());
            with.driver.hand_out();
        }
        CHECK(errno == EAGAIN);
    }
    clogged(const clogged&) = delete;
    clogged& operator=(const clogged&) = delete;
    ~clogged() { ::close(ends[1]); }
    bool is_closed() const { return ::fcntl(ends[0], F_GETFD) < 0; }
    void set_linger(linger time) const {
        REQUIRE(::setsockopt(ends[0], SOL_SOCKET, SO_LINGER, &time, sizeof time) == 0);
    }
    linger lingering() const {
        linger time{};
        socklen_t size = sizeof time;
        REQUIRE(::getsockopt(ends[0], SOL_SOCKET, SO_LINGER, &time, &size) == 0);
        return time;
    }

    int ends[2] = {-1, -1};
    pollux::detail::event_slot* place = nullptr;
    std::size_t written = 0;
};

}  // namespace

TEST_SUITE("net/ring_driver") {
    TEST_CASE("ring_driver: operations that do not fit into its rings all end, each once") {
        driven one({.rings = {.submissions = 2, .completions = 4}});
        std::array<counted, 100> operations;
        for (auto& each : operations) REQUIRE(one.driver.start(each, nothing()));
        one.until([&] {
            for (const auto& each : operations)
                if (each.ends == 0) return false;
            return true;
        });
        for (const auto& each : operations) {
            CHECK(each.ends == 1);
            CHECK(each.result == 0);
        }
    }
    // It stood still until the sleeper woke for something else.
    TEST_CASE(
        "ring_driver: what the kernel does not take from another thread wakes who sleeps in it, and goes with that") {
        driven one({});
        one.driver.submit();  // so that the set is watched
        counted late;
        bool is_forbidden = false, is_started = false;
        std::thread([&] {
            is_forbidden = pollux::test::forbid_call(SYS_io_uring_enter, EAGAIN);
            is_started = one.driver.start(late, nothing());
            one.driver.settle();
        }).join();
        REQUIRE(is_forbidden);
        REQUIRE(is_started);
        pollfd woken{one.sources.descriptor(), POLLIN, 0};
        CHECK(::poll(&woken, 1, 0) == 1);
        one.until([&] { return late.ends == 1; });
        CHECK(late.result == 0);
    }
    TEST_CASE("ring_driver: who submits what others have submitted already wakes nobody") {
        driven one({});
        counted taken;
        REQUIRE(one.driver.start(taken, nothing()));
        for (int i = 0; i != 3; ++i) one.driver.submit();
        pollfd woken{one.sources.descriptor(), POLLIN, 0};
        CHECK(::poll(&woken, 1, 0) == 0);
        one.until([&] { return taken.ends == 1; });
    }
    TEST_CASE("ring_driver: what waits when it is closed is given up, and nothing can be started any more") {
        driven one({});
        counted waits, late;
        REQUIRE(one.driver.start(waits, an_hour()));
        one.driver.close(std::chrono::steady_clock::time_point::max());
        CHECK(waits.ends == 1);
        CHECK(waits.result == -ECANCELED);
        CHECK(!one.driver.start(late, nothing()));
    }
    TEST_CASE("ring_driver: closing it returns at its deadline what has not ended, and goes on from there") {
        driven one({});
        counted waits;
        REQUIRE(one.driver.start(waits, an_hour()));
        CHECK(one.driver.close(std::chrono::steady_clock::time_point::min()) == 1);
        CHECK(waits.ends == 0);
        CHECK(one.driver.close(std::chrono::steady_clock::time_point::max()) == 0);
        CHECK(waits.ends == 1);
    }
    TEST_CASE("ring_driver: few and small buffers bring everything, in order, to each of several sockets") {
        driven one({.rings = {}, .buffers = 2, .buffer_bytes = 16});
        const listening first(one), second(one);
        const std::string sent = pattern(5'000);
        for (const auto* each : {&first, &second})
            REQUIRE(::write(each->ends[1], sent.data(), sent.size()) == static_cast<std::ptrdiff_t>(sent.size()));
        CHECK(first.take_all(sent.size()) == sent);
        CHECK(second.take_all(sent.size()) == sent);
    }
    TEST_CASE("ring_driver: a stream that nobody reads is not read ahead without end, and loses nothing") {
        driven one({});
        const listening socket(one);
        const std::string sent = pattern(16'000'000);
        std::size_t taken = 0;
        for (int round = 0; round != 2'000; ++round) {
            const auto n =
                ::write(socket.ends[1], sent.data() + taken, std::min<std::size_t>(sent.size() - taken, 20'000));
            if (n > 0) taken += static_cast<std::size_t>(n);
            one.driver.wait(ring_driver::time_point::min());
            one.driver.hand_out();
        }
        CHECK(taken < 2'000'000);
        CHECK(socket.take_all(taken) == sent.substr(0, taken));
    }
    TEST_CASE(
        "ring_driver: a stream for whose bytes there is no memory ends where they would be, and can be written to") {
        if (!refused_allocation::is_possible()) return;
        driven one({});
        const listening socket(one);
        const std::string sent = pattern(5'000);
        const auto arrives = [&](std::size_t begin, std::size_t end) {
            REQUIRE(::write(socket.ends[1], sent.data() + begin, end - begin) ==
                    static_cast<std::ptrdiff_t>(end - begin));
            while (!one.driver.hand_out()) one.driver.wait(ring_driver::time_point::max());
        };
        arrives(0, 10);
        bool has_come = false;
        {
            const refused_allocation none(0);
            arrives(10, sent.size());
            has_come = none.has_come();
        }
        REQUIRE(has_come);
        CHECK(socket.take(100) == sent.substr(0, 10));
        char to = '-';
        const iovec part{&to, 1};
        CHECK(socket.place->socket->receive(&part, 1, false) == -1);
        CHECK(errno == ENOMEM);
        for (int i = 0; i != 2; ++i) CHECK(socket.place->socket->receive(&part, 1, false) == 0);
        CHECK(socket.place->socket->send(&part, 1) == 1);
        CHECK(::read(socket.ends[1], &to, 1) == 1);
    }
    TEST_CASE("ring_driver: a child of fork that wakes it submits nothing of its parent's") {
        driven one({});
        int ends[2];
        REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
        REQUIRE(::write(ends[1], "x", 1) == 1);
        char to = '-';  // in the child another one
        io_uring_sqe entry{};
        entry.opcode = IORING_OP_READ;
        entry.fd = ends[0];
        entry.addr = reinterpret_cast<std::uintptr_t>(&to);
        entry.len = 1;
        counted reads;
        REQUIRE(one.driver.start(reads, entry));
        const ::pid_t child = ::fork();
        if (child == 0) {
            one.driver.interrupt();
            ::_exit(0);
        }
        int status = -1;
        REQUIRE(::waitpid(child, &status, 0) == child);
        CHECK(status == 0);
        one.until([&] { return reads.ends != 0; });
        CHECK(reads.result == 1);
        CHECK(to == 'x');
        for (const int end : ends) ::close(end);
    }
    TEST_CASE("ring_driver: a socket that is left is closed although its peer takes nothing, once its time is over") {
        driven one({.time_to_close = std::chrono::seconds(0)});
        const clogged socket(one);
        CHECK(ring_socket::remove(*socket.place));
        one.until([&] { return socket.is_closed(); });
    }
    TEST_CASE("ring_driver: a socket that is left gives up what it sends if it is not to linger") {
        driven one({.time_to_close = std::chrono::hours(1)});
        const clogged socket(one);
        socket.set_linger({1, 0});
        CHECK(ring_socket::remove(*socket.place));
        one.until([&] { return socket.is_closed(); });
    }
    TEST_CASE("ring_driver: who serves the ring does not wait for what a socket that is left is to linger for") {
        driven one({.time_to_close = std::chrono::seconds(0)});
        const clogged socket(one);
        socket.set_linger({1, 3600});
        CHECK(ring_socket::remove(*socket.place));
        CHECK(socket.lingering().l_onoff == 0);
        one.until([&] { return socket.is_closed(); });
    }
    TEST_CASE("ring_driver: a socket that is left sends all first, if its peer takes it") {
        driven one({});
        const clogged socket(one);
        CHECK(ring_socket::remove(*socket.place));
        CHECK(!socket.is_closed());
        std::string to(100'000, '-');
        std::size_t taken = 0;
        while (taken != socket.written) {
            const auto n = ::read(socket.ends[1], to.data(), to.size());
            if (n < 0) {
                REQUIRE(errno == EAGAIN);
                one.driver.wait(ring_driver::time_point::min());
                one.driver.hand_out();
                continue;
            }
            REQUIRE(n > 0);
            taken += static_cast<std::size_t>(n);
        }
        one.until([&] { return socket.is_closed(); });
        CHECK(::read(socket.ends[1], to.data(), to.size()) == 0);
    }
}
