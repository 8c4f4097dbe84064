// SPDX-License-Identifier: MIT
// With namespaces std and pollux both open, the system's and the standard library's functions of the same names are
// what a call means that is not about sinks and streams.
#include <doctest/doctest.h>

#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <optional>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "pollux/pollux.hpp"
#include "support/greedy_names.hpp"
#include "support/scripted_sink.hpp"

namespace {

struct echo {
    using value_type = greedy::message;
    using item_type = greedy::message;
    using error_type = pollux::never;
    pollux::polled<> poll_ready(pollux::context&) { return pollux::polled<>::ready(); }
    void start_send(greedy::message it) { last = it; }
    pollux::polled<> poll_flush(pollux::context&) { return pollux::polled<>::ready(); }
    pollux::polled<> poll_close(pollux::context&) { return pollux::polled<>::ready(); }
    pollux::polled<std::optional<greedy::message>> poll_next(pollux::context&) { return last; }
    std::optional<greedy::message> last;
};

class connection {
public:
    bool is_open = true;
};

// A program's own function, for which a template would be the better match if it took everything.
void close(const connection&) {}
int send(const connection&, const std::string& text) { return static_cast<int>(text.size()); }
bool flush(const connection& it) { return it.is_open; }

// What a call of std::forward without its namespace means as well.
template <class T>
concept taken_by_forward = requires(T&& value) { pollux::forward<T>(static_cast<T&&>(value)); };
static_assert(!taken_by_forward<std::string> && !taken_by_forward<int&> && !taken_by_forward<connection&>);

}  // namespace

TEST_SUITE("sink/names") {
    TEST_CASE("send, close: descriptors go to the system") {
        using namespace std;
        using namespace pollux;
        int ends[2];
        REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
        CHECK(send(ends[0], "ab", 2, 0) == 2);
        char bytes[2] = {};
        CHECK(read(ends[1], bytes, 2) == 2);
        CHECK(close(ends[0]) == 0);
        const short narrow = static_cast<short>(ends[1]);
        CHECK(close(narrow) == 0);
    }

    TEST_CASE("flush: std::ostream goes to the standard library") {
        using namespace std;
        using namespace pollux;
        ostringstream out;
        out << "a" << flush << "b";
        flush(out);
        CHECK(out.str() == "ab");
    }

    TEST_CASE("close, send, flush: a program's own functions are found") {
        using namespace std;
        using namespace pollux;
        connection mine;
        close(mine);
        CHECK(send(mine, "abc") == 3);
        CHECK(flush(mine));
    }

    TEST_CASE("any, all, count: beside the standard library's algorithms") {
        using namespace std;
        using namespace pollux;
        const vector<int> numbers{1, 2, 2};
        CHECK(count(numbers.begin(), numbers.end(), 2) == 2);
        CHECK(block_on(count(iter(numbers))) == 3);
        CHECK(block_on(all(iter(numbers), [](int n) { return n > 0; })));
        test::scripted_sink<int> target;
        auto sink = target.sink();
        block_on(send(sink, 4));
        block_on(flush(sink));
        block_on(close(sink));
        CHECK(target.written() == vector<int>{4});
    }

    // hand_to was called without its namespace.
    TEST_CASE(
        "send, send_all, buffer, fanout, with, sink_map_err, split: of items whose namespace has functions of the "
        "library's names") {
        using greedy::message;
        pollux::test::scripted_sink<message> target;
        pollux::test::scripted_sink<message> other;
        auto sink = target.sink() | pollux::fanout(other.sink()) | pollux::buffer(2) |
                    pollux::sink_map_err([](pollux::never) { return message{0}; }) |
                    pollux::with<message>([](message it) { return pollux::ready(it); });
        CHECK(pollux::block_on(pollux::send(sink, message{1})).has_value());
        CHECK(pollux::block_on(pollux::send_all(sink, pollux::iter({message{2}, message{3}}))).has_value());
        CHECK(target.written() == std::vector<message>{{1}, {2}, {3}});
        CHECK(other.written() == target.written());

        auto [sink_half, stream_half] = pollux::split(echo());
        pollux::block_on(pollux::send(sink_half, message{4}));
        CHECK(pollux::block_on(pollux::next(stream_half)) == message{4});
    }
}
