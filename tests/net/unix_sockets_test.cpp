// SPDX-License-Identifier: MIT
// unix_stream, unix_listener and unix_datagram: what they do not share with the sockets of the internet.
#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstddef>
#include <cstring>
#include <expected>
#include <filesystem>
#include <string>
#include <system_error>
#include <type_traits>
#include <utility>
#include <vector>

#include "net/loopback.hpp"
#include "pollux/coro/task.hpp"
#include "pollux/future/join.hpp"
#include "pollux/io/byte_stream.hpp"
#include "pollux/net/errc.hpp"
#include "pollux/net/unix_datagram.hpp"
#include "pollux/net/unix_listener.hpp"
#include "pollux/net/unix_stream.hpp"
#include "pollux/runtime/current_thread_runtime.hpp"
#include "support/driver_options.hpp"
#include "support/everywhere.hpp"
#include "support/posix_socket.hpp"
#include "support/temporary_directory.hpp"
#include "support/wake_counter.hpp"

namespace {

using namespace pollux::net;
using namespace pollux::test;
using pollux::current_thread_runtime;
using pollux::task;

static_assert(pollux::io::byte_stream<unix_stream>);
static_assert(sizeof(unix_stream) == sizeof(detail::source));

socket_address abstract_name() {
    static int count = 0;
    return socket_address::unix_abstract("pollux-test-" + std::to_string(::getpid()) + "-" + std::to_string(++count))
        .value();
}

task<std::string, std::error_code> ask(socket_address at) {
    unix_stream stream = co_await pollux::try_(unix_stream::connect(at));
    co_await pollux::try_(stream.write_all("question"));
    co_await pollux::try_(stream.shutdown());
    co_return co_await pollux::try_(stream.read_to_end());
}
task<std::string, std::error_code> answer_one(unix_listener& listener) {
    unix_stream stream = co_await pollux::try_(listener.accept());
    std::string question = co_await pollux::try_(stream.read_to_end());
    co_await pollux::try_(stream.write_all("answer to " + question));
    co_return question;
}
task<std::string, std::error_code> ask_and_answer(socket_address at) {
    unix_listener listener = co_await pollux::try_(unix_listener::bind(at));
    auto asking = ask(at);
    auto answering = answer_one(listener);
    auto both = co_await pollux::join(std::move(asking), std::move(answering));
    co_return std::get<0>(both).value();
}
task<void, std::error_code> write_and_end(unix_stream& to, std::size_t bytes) {
    const std::string text(bytes, 'x');
    co_await pollux::try_(to.write_all(text));
    co_return co_await to.shutdown();
}
// How many bytes come out up to the end.
task<std::size_t, std::error_code> sent_through_a_pair(std::size_t bytes) {
    auto ends = co_await pollux::try_(unix_stream::pair());
    auto writing = write_and_end(ends.first, bytes);
    auto reading = ends.second.read_to_end();
    auto both = co_await pollux::join(std::move(writing), std::move(reading));
    co_await pollux::try_(std::get<0>(both));
    const std::string read = co_await pollux::try_(std::get<1>(both));
    co_return read.size();
}

}  // namespace

TEST_SUITE("net/unix_sockets") {
    TEST_CASE("unix_stream: what comes behind a descriptor that was passed is read without another event") {
        current_thread_runtime rt(driver_options());
        auto [ours, theirs] = unix_stream::pair().value();
        const wake_counter woken;
        std::string first(8, '-');
        auto waiting = ours.read(first);
        CHECK(poll_in(rt, waiting, woken).is_pending());
        alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
        char bytes[] = "abc";
        iovec part{bytes, 3};
        msghdr message{};
        message.msg_iov = &part;
        message.msg_iovlen = 1;
        message.msg_control = control;
        message.msg_controllen = sizeof control;
        cmsghdr* const passed = CMSG_FIRSTHDR(&message);
        passed->cmsg_level = SOL_SOCKET;
        passed->cmsg_type = SCM_RIGHTS;
        passed->cmsg_len = CMSG_LEN(sizeof(int));
        const int descriptor = theirs.native_handle();
        std::memcpy(CMSG_DATA(passed), &descriptor, sizeof descriptor);
        REQUIRE(::sendmsg(theirs.native_handle(), &message, 0) == 3);
        REQUIRE(theirs.try_write("def").value() == 3);
        std::string all(first, 0, rt.block_on(std::move(waiting)).value());
        while (all.size() < 6) all += rt.block_on(ours.read_some(8)).value();
        CHECK(all == "abcdef");
    }
    TEST_CASE("unix_stream: asks and is answered over a path and over an abstract name, in every runtime") {
        using result = std::expected<std::string, std::error_code>;
        gives_everywhere([] { return ask_and_answer(abstract_name()); }, result("answer to question"));
        const temporary_directory directory;
        const std::string path = directory / "socket";
        int count = 0;
        const auto at_path = [&] {
            return ask_and_answer(socket_address::unix_path(directory / std::to_string(++count)).value());
        };
        gives_everywhere(at_path, result("answer to question"));
    }
    TEST_CASE("unix_listener: leaves its file, which the owner of the path removes") {
        current_thread_runtime rt(pollux::test::driver_options());
        const temporary_directory directory;
        const std::string path = directory / "socket";
        {
            const auto listener = rt.block_on(unix_listener::bind(path)).value();
            CHECK(listener.local_address()->to_string() == path);
            CHECK(std::filesystem::is_socket(path));
        }
        CHECK(std::filesystem::is_socket(path));
        CHECK(rt.block_on(unix_listener::bind(path)).error() == std::errc::address_in_use);
        CHECK(rt.block_on(unix_stream::connect(path)).error() == std::errc::connection_refused);
        std::filesystem::remove(path);
        CHECK(rt.block_on(unix_stream::connect(path)).error() == std::errc::no_such_file_or_directory);
        CHECK(rt.block_on(unix_listener::bind(std::filesystem::path(path))).has_value());
    }
    TEST_CASE("unix sockets: paths that are none, and addresses of the internet, are refused with a message") {
        current_thread_runtime rt(pollux::test::driver_options());
        const std::string long_path(108, 'x');
        CHECK(rt.block_on(unix_listener::bind(long_path)).error() == errc::bad_path);
        CHECK(rt.block_on(unix_stream::connect(long_path)).error() == errc::bad_path);
        CHECK(rt.block_on(unix_datagram::bind("")).error() == errc::bad_path);
        const auto internet = address_of("127.0.0.1:1");
        CHECK(rt.block_on(unix_listener::bind(internet)).error() == errc::bad_path);
        CHECK(rt.block_on(unix_stream::connect(internet)).error() == errc::bad_path);
        CHECK(rt.block_on(unix_datagram::bind(internet)).error() == errc::bad_path);
    }
    TEST_CASE("unix_stream: a full listener refuses at once: the system does not say when there is room") {
        current_thread_runtime rt(pollux::test::driver_options());
        const auto listener = posix_socket::bound(abstract_name(), SOCK_STREAM, 0);
        const auto first = rt.block_on(unix_stream::connect(listener.local_address()));
        CHECK(first.has_value());
        CHECK(rt.block_on(unix_stream::connect(listener.local_address())).error() == std::errc::operation_would_block);
    }
    TEST_CASE("unix_stream: a write after its own shutdown fails") {
        current_thread_runtime rt(pollux::test::driver_options());
        auto ends = unix_stream::pair().value();
        CHECK(rt.block_on(ends.first.shutdown()).has_value());
        CHECK(rt.block_on(ends.first.write("lost")).error() == std::errc::broken_pipe);
        CHECK(rt.block_on(ends.second.read_to_end()).value().empty());
    }
    TEST_CASE("unix_stream: a pair has no address, and is closed on exec") {
        current_thread_runtime rt(pollux::test::driver_options());
        auto ends = unix_stream::pair().value();
        CHECK(ends.first.local_address()->is_unix());
        CHECK(ends.first.peer_address()->to_string().empty());
        CHECK((::fcntl(ends.second.native_handle(), F_GETFD) & FD_CLOEXEC) != 0);
        CHECK(rt.block_on(ends.first.write_all("x")).has_value());
        CHECK(rt.block_on(ends.second.read_some(1)).value() == "x");
        { const auto dropped = std::move(ends.second); }
        CHECK(rt.block_on(ends.first.read_some(1)).value().empty());
        CHECK(rt.block_on(ends.first.write("x")).error() == std::errc::broken_pipe);
    }
    // With io_uring the kernel did not tell of it behind the last byte, where both were there at once.
    TEST_CASE("unix_stream: the end is found behind many bytes that nobody has read yet, in every runtime") {
        constexpr std::size_t bytes = 300'000;
        for (int i = 0; i != 10; ++i) gives_everywhere([] { return sent_through_a_pair(bytes); }, bytes);
    }

    TEST_CASE("unix_datagram: each datagram comes as a whole, with the address of who sent it") {
        current_thread_runtime rt(pollux::test::driver_options());
        const temporary_directory directory;
        auto one = rt.block_on(unix_datagram::bind(directory / "one")).value();
        auto other = rt.block_on(unix_datagram::bind(directory / "other")).value();
        CHECK(rt.block_on(one.send_to("abc", directory / "other")).value() == 3);
        CHECK(rt.block_on(one.send_to("", directory / "other")).value() == 0);
        std::string to(8, '-');
        const auto first = rt.block_on(other.recv_from(to)).value();
        CHECK(first.first == 3);
        CHECK(first.second.to_string() == directory / "one");
        CHECK(to == "abc-----");
        CHECK(rt.block_on(other.recv(to)).value() == 0);
        CHECK(other.try_recv(to).error() == std::errc::operation_would_block);

        auto unbound = unix_datagram::unbound().value();
        CHECK(rt.block_on(unbound.connect(directory / "one")).has_value());
        CHECK(unbound.peer_address()->to_string() == directory / "one");
        CHECK(rt.block_on(unbound.send("hello")).value() == 5);
        const auto second = rt.block_on(one.recv_from(to)).value();
        CHECK(second.second.to_string().empty());
        CHECK(second.second.is_unix());
    }
    TEST_CASE("unix_datagram: while the receiver is full, a connected send waits and send_to fails") {
        current_thread_runtime rt(pollux::test::driver_options());
        auto receiver = rt.block_on(unix_datagram::bind(abstract_name())).value();
        const auto at = receiver.local_address().value();
        auto connected_one = unix_datagram::unbound().value();
        auto other = unix_datagram::unbound().value();
        CHECK(rt.block_on(connected_one.connect(at)).has_value());
        while (connected_one.try_send("x").has_value()) {}
        CHECK(rt.block_on(other.send_to("y", at)).error() == std::errc::no_buffer_space);
        auto sending = connected_one.send("z");
        const wake_counter woken;
        CHECK(poll_in(rt, sending, woken).is_pending());
        std::string to(1, '-');
        while (receiver.try_recv(to).has_value()) {}
        drive_until(rt, [&] { return woken.count() == 1; });
        CHECK(poll_in(rt, sending, woken).value() == 1);
        CHECK(rt.block_on(receiver.recv(to)).value() == 1);
        CHECK(to == "z");
    }
    TEST_CASE("unix_datagram: a pair sends to and fro") {
        current_thread_runtime rt(pollux::test::driver_options());
        auto ends = unix_datagram::pair().value();
        CHECK(rt.block_on(ends.first.send("there")).value() == 5);
        CHECK(rt.block_on(ends.second.send("back")).value() == 4);
        std::string to(8, '-');
        CHECK(rt.block_on(ends.second.recv(to)).value() == 5);
        CHECK(rt.block_on(ends.first.recv(to)).value() == 4);
        CHECK(to == "backe---");  // behind it what was there before
    }
}
