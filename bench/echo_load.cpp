// SPDX-License-Identifier: MIT
// The load on an echo server: a closed loop, so each connection asks again once it has its answer.
//
// Usage: echo_load PORT [--connections 50] [--bytes 64] [--seconds 5 | --requests N]
//
// Prints requests, requests_per_s, the latencies p50_us, p99_us and p999_us, and what this program itself took a request, client_cpu_us.
// One thread and one epoll loop. A latency is from before the send to after the receive, so it holds the time that the answer waited for this
// program; in a closed loop a slow answer puts off the next question, which flatters the slowest servers. Buckets are 1.6% wide.
#include <sys/epoll.h>

#include <array>
#include <bit>
#include <chrono>
#include <cstddef>
#include <cstring>
#include <ctime>
#include <string_view>
#include <vector>

#include "loopback.hpp"
#include "measure.hpp"

namespace {

using bench::require;
using steady = std::chrono::steady_clock;

struct load {
    std::uint16_t port = 0;
    std::size_t connections = 50;
    std::size_t bytes = 64;
    double seconds = 5;
    std::uint64_t requests = 0;  // 0: as many as there are in `seconds`
};

load parse(int argc, char** argv) {
    load made;
    const auto usage = [argv] {
        std::fprintf(stderr, "usage: %s PORT [--connections N] [--bytes N] [--seconds S | --requests N]\n", argv[0]);
        std::exit(2);
    };
    if (argc < 2 || argc % 2 != 0) usage();
    made.port = static_cast<std::uint16_t>(std::atoi(argv[1]));
    for (int i = 2; i < argc; i += 2) {
        const std::string_view option = argv[i];
        const char* const value = argv[i + 1];
        if (option == "--connections")
            made.connections = std::strtoull(value, nullptr, 10);
        else if (option == "--bytes")
            made.bytes = std::strtoull(value, nullptr, 10);
        else if (option == "--seconds")
            made.seconds = std::strtod(value, nullptr);
        else if (option == "--requests")
            made.requests = std::strtoull(value, nullptr, 10);
        else
            usage();
    }
    // A message begins with its number.
    if (made.port == 0 || made.connections == 0 || made.bytes < sizeof(std::uint64_t)) usage();
    return made;
}

// Counts of latencies in ns: 64 buckets for each power of two.
class histogram {
public:
    void add(std::uint64_t ns) {
        ++buckets_[bucket_of(ns)];
        ++count_;
    }
    std::uint64_t count() const { return count_; }

    // The upper end of the bucket in which the given part of all lies.
    double quantile_us(double part) const {
        const auto rank = static_cast<std::uint64_t>(part * static_cast<double>(count_));
        std::uint64_t seen = 0;
        for (std::size_t i = 0; i != buckets_.size(); ++i)
            if ((seen += buckets_[i]) > rank) return static_cast<double>(end_of(i)) * 1e-3;
        return 0;
    }

private:
    static constexpr unsigned bits = 6;

    static std::size_t bucket_of(std::uint64_t ns) {
        const unsigned width = static_cast<unsigned>(std::bit_width(ns >> bits));
        return (std::size_t{width} << bits) + (width == 0 ? ns : (ns >> (width - 1)) - (1u << bits));
    }
    static std::uint64_t end_of(std::size_t bucket) {
        const std::size_t width = bucket >> bits, step = bucket & ((1u << bits) - 1);
        return width == 0 ? step + 1 : (step + 1 + (1u << bits)) << (width - 1);
    }

    std::array<std::uint64_t, (64u - bits + 1) << bits> buckets_{};
    std::uint64_t count_ = 0;
};

struct connection {
    int socket;
    std::uint64_t number = 0;  // of the message that is under way
    std::size_t received = 0;
    steady::time_point asked;
};

class client {
public:
    explicit client(const load& l)
        : load_(l),
          all_(l.connections),
          message_(l.bytes, 'x'),
          answer_(l.bytes),
          poller_(epoll_create1(EPOLL_CLOEXEC)) {
        require(poller_ >= 0, "epoll_create1");
        for (connection& c : all_) {
            c.socket = bench::connect_to_loopback(l.port);
            epoll_event event{};
            event.events = EPOLLIN;
            event.data.ptr = &c;
            require(epoll_ctl(poller_, EPOLL_CTL_ADD, c.socket, &event) == 0, "epoll_ctl");
        }
    }

    void run() {
        start_ = steady::now();
        for (connection& c : all_) ask(c);
        while (in_flight_ != 0) {
            epoll_event events[128];
            const int ready = epoll_wait(poller_, events, 128, 30'000);
            if (ready == 0) errno = ETIMEDOUT;
            require(ready > 0, "echo_load: no answer for 30 s");
            for (int i = 0; i < ready; ++i) receive(*static_cast<connection*>(events[i].data.ptr));
        }
    }

    void report() const {
        timespec cpu{};
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &cpu);
        const auto requests = static_cast<double>(latencies_.count());
        bench::report("requests", requests);
        bench::report("requests_per_s", requests / std::chrono::duration<double>(last_ - start_).count());
        bench::report("p50_us", latencies_.quantile_us(0.5));
        bench::report("p99_us", latencies_.quantile_us(0.99));
        bench::report("p999_us", latencies_.quantile_us(0.999));
        bench::report("client_cpu_us",
                      (static_cast<double>(cpu.tv_sec) * 1e6 + static_cast<double>(cpu.tv_nsec) * 1e-3) / requests);
    }

private:
    void ask(connection& c) {
        c.asked = steady::now();
        const bool is_over = load_.requests != 0
                                 ? asked_ == load_.requests
                                 : std::chrono::duration<double>(c.asked - start_).count() >= load_.seconds;
        if (is_over) return;
        c.number = asked_++;
        c.received = 0;
        std::memcpy(message_.data(), &c.number, sizeof c.number);
        const ssize_t sent = send(c.socket, message_.data(), message_.size(), MSG_NOSIGNAL);
        require(sent == static_cast<ssize_t>(message_.size()), "echo_load: send");
        ++in_flight_;
    }

    void receive(connection& c) {
        const ssize_t n = recv(c.socket, answer_.data(), answer_.size() - c.received, 0);
        if (n == 0) errno = ECONNRESET;
        require(n > 0, "echo_load: recv");
        std::memcpy(message_.data(), &c.number, sizeof c.number);
        errno = EBADMSG;
        require(std::memcmp(answer_.data(), message_.data() + c.received, static_cast<std::size_t>(n)) == 0,
                "echo_load: the answer is not the question");
        c.received += static_cast<std::size_t>(n);
        if (c.received < message_.size()) return;
        last_ = steady::now();
        latencies_.add(static_cast<std::uint64_t>((last_ - c.asked).count()));
        --in_flight_;
        ask(c);
    }

    const load load_;
    std::vector<connection> all_;
    std::vector<char> message_, answer_;
    const int poller_;
    histogram latencies_;
    std::uint64_t asked_ = 0, in_flight_ = 0;
    steady::time_point start_, last_;
};

}  // namespace

int main(int argc, char** argv) {
    client made(parse(argc, argv));
    made.run();
    made.report();
}
