// SPDX-License-Identifier: MIT
// A room in which everybody hears everybody else. A client's first line is his name; each line after that goes to all others.
//
// A client is a task with two things to do: hear what he says and hand it to the others, and tell him what the others say. select() runs
// both, and the first to end ends the client, be it that he left, was reset, or does not read. Between the tasks are channels, one a
// client, with room for a few lines. That is how nobody can do harm:
//   - one who floods the room waits in send() until there is room, and meanwhile nothing more is read from him. Places go to those
//     who wait in turn, so a quiet client's line is behind at most one line of each other client;
//   - one who does not read fills his channel; after `patience` with one line he is out, his channel closes, and all sends go on;
//   - a line has at most `longest_line` bytes. So a client costs what his channel holds, and never more.
// The mutex guards a map and no wait: it is never held across a co_await.
//
// Ends at SIGTERM, at Ctrl-C, or with its standard input.
//
// Next: ../../pollux/README.md, a whole program. Then write your own.
#include <chrono>
#include <csignal>
#include <cstddef>
#include <iostream>
#include <map>
#include <memory>
#include <mutex>
#include <pollux/future.hpp>
#include <pollux/io.hpp>
#include <pollux/net.hpp>
#include <pollux/runtime.hpp>
#include <pollux/signal.hpp>
#include <pollux/stream.hpp>
#include <pollux/sync.hpp>
#include <pollux/time.hpp>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

namespace {

namespace mpsc = pollux::sync::mpsc;
using namespace std::chrono_literals;
using pollux::net::tcp_listener;
using pollux::net::tcp_stream;

constexpr std::size_t longest_line = 1024;  // bytes
constexpr std::size_t lines_kept = 16;      // for one client
constexpr auto patience = 5s;               // with one who does not read

class room {
public:
    using sending = decltype(std::declval<mpsc::sender<std::string>&>().send(std::string()));

    int enter(mpsc::sender<std::string> client) {
        const std::lock_guard lock(mutex_);
        clients_.emplace(++last_, std::move(client));
        return last_;
    }
    void leave(int who) {
        const std::lock_guard lock(mutex_);
        clients_.erase(who);
    }
    // Futures, which only say what is to be done: they are awaited without the lock.
    std::vector<sending> to_all_but(int who, const std::string& line) {
        const std::lock_guard lock(mutex_);
        std::vector<sending> sends;
        for (auto& [number, client] : clients_)
            if (number != who) sends.push_back(client.send(line));
        return sends;
    }

private:
    std::mutex mutex_;
    std::map<int, mpsc::sender<std::string>> clients_;
    int last_ = 0;
};

// In the room from the making to the destruction, however the client ends.
class seat {
public:
    seat(std::shared_ptr<room> in, std::string name, mpsc::sender<std::string> client)
        : in_(std::move(in)), name_(std::move(name)), number_(in_->enter(std::move(client))) {
        std::cout << name_ + " has come\n" << std::flush;
    }
    seat(const seat&) = delete;
    seat& operator=(const seat&) = delete;
    ~seat() {
        in_->leave(number_);
        std::cout << name_ + " has left\n" << std::flush;
    }

    auto say(const std::string& words) {
        return pollux::join_all(in_->to_all_but(number_, name_ + ": " + words + "\r\n"));
    }

private:
    std::shared_ptr<room> in_;
    std::string name_;
    int number_;
};

template <pollux::stream S>
pollux::task<void, std::error_code> hear(S& lines, seat& client) {
    // A send fails if its client has left: no matter.
    while (const auto line = co_await pollux::try_(pollux::next(lines))) (void)co_await client.say(*line);
    co_return {};
}

template <class Writer>
pollux::task<void, std::error_code> tell(mpsc::receiver<std::string>& lines, Writer& client) {
    while (const auto line = co_await lines.recv())
        co_await pollux::try_(pollux::timeout(client.write_all(*line), patience));
    co_return {};
}

pollux::task<> talk(std::shared_ptr<room> in, tcp_stream client) {
    auto [from, to] = std::move(client).split();
    auto lines = std::move(from).framed(pollux::io::lines_codec(longest_line));
    auto name = co_await pollux::next(lines);
    if (!name || !*name || (*name)->empty()) co_return;
    auto [sender, received] = mpsc::channel<std::string>(lines_kept);
    seat own(std::move(in), **std::move(name), std::move(sender));
    (void)co_await pollux::select(hear(lines, own), tell(received, to));
}

pollux::task<void, std::error_code> serve() {
    auto listener = co_await pollux::try_(tcp_listener::bind("127.0.0.1:0"));
    const auto address = co_await pollux::try_(listener.local_address());
    std::cout << "listening on " << address.to_string() << std::endl;
    const auto all = std::make_shared<room>();
    while (true) {
        auto client = co_await pollux::try_(listener.accept());
        pollux::spawn(talk(all, std::move(client))).detach();
    }
}

}  // namespace

int main() {
    auto terminated = pollux::signal::on(SIGTERM), interrupted = pollux::signal::on(SIGINT);
    const auto ended = pollux::run(pollux::select(serve(), pollux::next(terminated), pollux::next(interrupted),
                                                  pollux::io::read_to_end(pollux::io::standard_input())));
    if (ended.index() != 0) return 0;
    std::cerr << "chat: " << std::get<0>(ended).error().message() << '\n';
    return 1;
}
