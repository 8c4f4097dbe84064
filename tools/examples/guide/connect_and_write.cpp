// SPDX-License-Identifier: MIT
// Connects to ADDRESS and writes "hello world", or the bytes of FILE, as a state machine by hand.
//
// Two states: a connection that is being made, then a stream with the bytes that it has not taken yet. A socket takes what fits into
// the system's buffer, so one poll_write() may take a part. What is left is the state; where it is kept right, no byte is lost or
// sent twice, however slow the reader. The rules of every poll by hand are here:
//   - after a change of state go on at once: pending without a waker in anybody's hands would be for ever;
//   - pending only because something inside was pending: that has kept the waker;
//   - whoever loops asks consume_budget() before each further turn, so that a reader that is fast starves no other task.
// write_all() is this machine without its first state, and a coroutine is all of it in two lines.
//
// Next: fibonacci_each_second.cpp, streams that wait.
#include <cstddef>
#include <fstream>
#include <iostream>
#include <iterator>
#include <pollux/net.hpp>
#include <pollux/runtime.hpp>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <variant>

namespace {

using pollux::net::tcp_stream;

class connect_and_write {
    using connecting = decltype(tcp_stream::connect(""));
    struct connected {
        tcp_stream stream;
        std::string_view left;
    };

public:
    using value_type = void;
    using error_type = std::error_code;

    connect_and_write(std::string_view address, std::string bytes)
        : bytes_(std::move(bytes)), state_(tcp_stream::connect(address)) {}

    pollux::polled<void, std::error_code> poll(pollux::context& cx) {
        if (auto* const opening = std::get_if<connecting>(&state_)) {
            auto opened = opening->poll(cx);
            if (opened.is_pending()) return pollux::pending;
            if (opened.has_error()) return std::unexpected(opened.error());
            std::cout << "connected" << std::endl;
            state_.emplace<connected>(std::move(opened.value()), bytes_);
        }
        auto& now = std::get<connected>(state_);
        while (!now.left.empty()) {
            auto written = now.stream.poll_write(cx, now.left);
            if (written.is_pending()) return pollux::pending;
            if (written.has_error()) return std::unexpected(written.error());
            now.left.remove_prefix(written.value());
            if (!now.left.empty() && !cx.consume_budget()) return pollux::pending;
        }
        return pollux::polled<void, std::error_code>::ready();
    }

private:
    std::string bytes_;
    std::variant<connecting, connected> state_;
};

static_assert(pollux::future<connect_and_write>);

}  // namespace

int main(int argc, char** argv) {
    if (argc != 2 && argc != 3) {
        std::cerr << "usage: connect_and_write ADDRESS [FILE]\n";
        return 2;
    }
    std::string bytes = "hello world";
    if (argc == 3) {
        std::ifstream file(argv[2], std::ios::binary);
        bytes.assign(std::istreambuf_iterator<char>(file), {});
    }
    const std::size_t size = bytes.size();
    const auto done = pollux::run(connect_and_write(argv[1], std::move(bytes)));
    if (!done) {
        std::cout << "error: " << done.error().message() << '\n';
        return 1;
    }
    std::cout << "wrote " << size << " bytes\n";
}
