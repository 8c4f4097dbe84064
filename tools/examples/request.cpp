// SPDX-License-Identifier: MIT
// A future is a value: it can be made, extended and handed to others before anything has happened.
//
// get() returns a future of a response and sends nothing. map() turns that into a future of whether the status is fine; track() is
// given this future without knowing where it comes from. The first byte is sent when somebody polls: compare the order of the
// lines. A future that nobody polls sends nothing at all. The client keeps its pages in memory and says what it sends.
//
// Next: chains.cpp puts several steps in a row, each of which may fail.
//
// Prints:
//   made: a request
//   made: whether its status is ok
//   handed over; requests sent so far: 0
//   client: sends GET /index
//   tracker: /index is up: yes
//   client: sends GET /broken
//   tracker: /broken is up: no
//   requests sent in the end: 2
#include <iostream>
#include <map>
#include <pollux/future.hpp>
#include <string>
#include <utility>

namespace {

struct response {
    int status;
    std::string body;
};

bool is_ok(const response& r) { return r.status == 200; }

class client {
public:
    // lazy() calls the closure when it is polled first.
    auto get(std::string uri) {
        return pollux::lazy([this, uri = std::move(uri)] {
            std::cout << "client: sends GET " << uri << '\n';
            ++requests_sent_;
            return pages_.at(uri);
        });
    }
    int requests_sent() const { return requests_sent_; }

private:
    std::map<std::string, response> pages_{{"/index", {200, "welcome"}}, {"/broken", {500, "sorry"}}};
    int requests_sent_ = 0;
};

// Takes any future of a bool, and returns one of nothing: it polls nothing itself.
template <pollux::future F>
auto track(std::string name, F is_up) {
    return std::move(is_up) | pollux::map([name = std::move(name)](bool up) {
               std::cout << "tracker: " << name << " is up: " << (up ? "yes" : "no") << '\n';
           });
}

}  // namespace

int main() {
    client web;
    auto request = web.get("/index");
    std::cout << "made: a request\n";
    auto is_up = std::move(request) | pollux::map(is_ok);
    std::cout << "made: whether its status is ok\n";
    auto tracked = track("/index", std::move(is_up));
    auto other = track("/broken", web.get("/broken") | pollux::map(is_ok));
    { auto dropped = track("/never", web.get("/never") | pollux::map(is_ok)); }
    std::cout << "handed over; requests sent so far: " << web.requests_sent() << '\n';

    pollux::block_on(std::move(tracked));
    pollux::block_on(std::move(other));
    std::cout << "requests sent in the end: " << web.requests_sent() << '\n';
}
