// SPDX-License-Identifier: MIT
// Tasks talk through channels. A oneshot carries one value; an mpsc channel carries many, from many senders to one receiver.
//
// The receiver of a oneshot is a future, that of an mpsc channel a stream, so combinators and co_await work on both. This channel
// has room for two items: a third send() waits until one is taken, and the sender cannot run ahead of the receiver. The stream ends
// when the last sender has gone: nobody has to send an "end". A sender whose receiver has gone is told so.
//
// Next: fibonacci.cpp writes a stream by hand.
//
// Prints:
//   oneshot: hello from a task
//   oneshot: the sender has gone without a word
//   message 1
//   message 2
//   message 3
//   message 4
//   message 5
//   message 6
//   message 7
//   message 8
//   message 9
//   message 10
//   the channel has ended
//   a send without a receiver fails
#include <iostream>
#include <pollux/runtime.hpp>
#include <pollux/sync.hpp>
#include <string>
#include <utility>

namespace {

namespace mpsc = pollux::sync::mpsc;
namespace oneshot = pollux::sync::oneshot;

pollux::task<> say(oneshot::sender<std::string> to, std::string words) {
    if (!words.empty()) (void)to.send(words);  // fails only if nobody waits any more
    co_return;
}

pollux::task<> number_messages(mpsc::sender<std::string> to, int count) {
    for (int i = 1; i <= count; ++i) {
        const auto sent = co_await to.send("message " + std::to_string(i));
        if (!sent) co_return;  // the receiver has gone: nobody is interested
    }
}

pollux::task<> listen() {
    auto [first, first_word] = oneshot::channel<std::string>();
    pollux::spawn(say(std::move(first), "hello from a task")).detach();
    auto heard = co_await first_word;
    std::cout << "oneshot: " << heard.value() << '\n';

    auto [second, second_word] = oneshot::channel<std::string>();
    pollux::spawn(say(std::move(second), "")).detach();
    heard = co_await second_word;
    if (!heard) std::cout << "oneshot: the sender has gone without a word\n";

    auto [tx, messages] = mpsc::channel<std::string>(2);
    pollux::spawn(number_messages(std::move(tx), 10)).detach();
    while (auto message = co_await messages.recv()) std::cout << *message << '\n';
    std::cout << "the channel has ended\n";

    auto [lost, nobody] = mpsc::channel<std::string>(2);
    { const auto gone = std::move(nobody); }
    const auto sent = co_await lost.send("is anybody there?");
    if (!sent) std::cout << "a send without a receiver fails\n";
}

}  // namespace

int main() { pollux::run(listen()); }
