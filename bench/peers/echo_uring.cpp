// SPDX-License-Identifier: MIT
// The TCP echo server of echo_epoll.cpp with io_uring instead, by liburing: what completions cost at least. One thread. Receiving goes on by
// itself, into buffers that all connections share; answers are handed over with the next wait, so a request is a share of one system call. A
// client that does not read holds buffers, and when there are none whoever sends is dropped.
#include <liburing.h>
#include <poll.h>

#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <deque>
#include <vector>

#include "loopback.hpp"

namespace {

using bench::require;

constexpr unsigned buffers = 1024, buffer_bytes = 4096;
constexpr unsigned short group = 0;

struct chunk {
    unsigned buffer, begin, end;
};

struct connection {
    int socket;
    bool is_receiving = false, is_over = false;
    std::deque<chunk> unsent;  // of the first one the kernel is sending
};

class server {
public:
    explicit server(int listener) : listener_(listener), memory_(std::size_t{buffers} * buffer_bytes) {
        io_uring_params how{};
        // One thread asks, and takes what has ended when it waits.
        how.flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN;
        errno = -io_uring_queue_init_params(1024, &ring_, &how);
        require(errno == 0, "io_uring_queue_init_params");
        constexpr std::size_t page = 4096;
        free_ = static_cast<io_uring_buf_ring*>(std::aligned_alloc(page, buffers * sizeof(io_uring_buf)));
        io_uring_buf_ring_init(free_);
        io_uring_buf_reg shared{};
        shared.ring_addr = reinterpret_cast<std::uintptr_t>(free_);
        shared.ring_entries = buffers;
        shared.bgid = group;
        errno = -io_uring_register_buf_ring(&ring_, &shared, 0);
        require(errno == 0, "io_uring_register_buf_ring");
        for (unsigned i = 0; i != buffers; ++i) give_back(i);

        accept();
        io_uring_sqe& ends = entry();
        io_uring_prep_poll_add(&ends, STDIN_FILENO, POLLRDHUP);
        ends.user_data = ending;
    }

    // Until standard input closes.
    void run() {
        for (;;) {
            const int submitted = io_uring_submit_and_wait(&ring_, 1);
            errno = -submitted;
            require(submitted >= 0 || submitted == -EINTR, "io_uring_submit_and_wait");
            io_uring_cqe* done = nullptr;
            unsigned head = 0, taken = 0;
            io_uring_for_each_cqe(&ring_, head, done) {
                ++taken;
                if (done->user_data != ending)
                    handle(*done);
                else if (done->res >= 0)
                    return;  // files and /dev/null cannot be watched, and do not close either
            }
            io_uring_cq_advance(&ring_, taken);
        }
    }

private:
    // The lowest bits of what an operation is known by; the rest is the address of its connection, if it has one.
    enum kind : std::uint64_t { receiving, sending, accepting, ending };

    io_uring_sqe& entry() {
        io_uring_sqe* made = io_uring_get_sqe(&ring_);
        if (made == nullptr) {
            io_uring_submit(&ring_);
            made = io_uring_get_sqe(&ring_);
        }
        require(made != nullptr, "io_uring_get_sqe");
        return *made;
    }
    static std::uint64_t known_by(connection& c, kind what) { return reinterpret_cast<std::uintptr_t>(&c) | what; }
    char* memory_of(unsigned buffer) { return memory_.data() + std::size_t{buffer} * buffer_bytes; }
    void give_back(unsigned buffer) {
        io_uring_buf_ring_add(free_, memory_of(buffer), buffer_bytes, static_cast<unsigned short>(buffer), buffers - 1,
                              0);
        io_uring_buf_ring_advance(free_, 1);
    }

    void accept() {
        io_uring_sqe& asked = entry();
        io_uring_prep_multishot_accept(&asked, listener_, nullptr, nullptr, SOCK_CLOEXEC);
        asked.user_data = accepting;
    }
    void receive(connection& c) {
        io_uring_sqe& asked = entry();
        io_uring_prep_recv_multishot(&asked, c.socket, nullptr, 0, 0);
        asked.flags |= IOSQE_BUFFER_SELECT;
        asked.buf_group = group;
        asked.user_data = known_by(c, receiving);
        c.is_receiving = true;
    }
    void send_first(connection& c) {
        const chunk& first = c.unsent.front();
        io_uring_sqe& asked = entry();
        io_uring_prep_send(&asked, c.socket, memory_of(first.buffer) + first.begin, first.end - first.begin,
                           MSG_NOSIGNAL);
        asked.user_data = known_by(c, sending);
    }

    void handle(const io_uring_cqe& done) {
        const auto what = static_cast<kind>(done.user_data & 3);
        if (what == accepting) {
            errno = -done.res;
            require(done.res >= 0 || done.res == -ECONNABORTED, "accept");
            if ((done.flags & IORING_CQE_F_MORE) == 0) accept();
            if (done.res < 0) return;  // the client has gone
            bench::set_nodelay(done.res);
            return receive(*new connection{.socket = done.res, .unsent = {}});
        }
        connection& c = *reinterpret_cast<connection*>(static_cast<std::uintptr_t>(done.user_data - what));
        if (what == receiving)
            received(c, done);
        else
            sent(c, done.res);
        if (c.is_receiving || !c.unsent.empty()) return;
        close(c.socket);
        delete &c;
    }
    void received(connection& c, const io_uring_cqe& done) {
        c.is_receiving = (done.flags & IORING_CQE_F_MORE) != 0;
        if (done.res <= 0) return;
        c.unsent.push_back({done.flags >> IORING_CQE_BUFFER_SHIFT, 0, static_cast<unsigned>(done.res)});
        if (c.unsent.size() == 1) send_first(c);
        if (!c.is_receiving && !c.is_over) receive(c);
    }
    void sent(connection& c, int bytes) {
        if (bytes < 0) {
            for (const chunk& each : c.unsent) give_back(each.buffer);
            c.unsent.clear();
            c.is_over = true;
            shutdown(c.socket, SHUT_RDWR);  // ends the receiving
            return;
        }
        chunk& first = c.unsent.front();
        first.begin += static_cast<unsigned>(bytes);
        if (first.begin == first.end) {
            give_back(first.buffer);
            c.unsent.pop_front();
        }
        if (!c.unsent.empty()) send_first(c);
    }

    const int listener_;
    io_uring ring_;
    io_uring_buf_ring* free_ = nullptr;
    std::vector<char> memory_;
};

}  // namespace

int main() {
    server made(bench::listen_on_loopback(0));
    made.run();
}
