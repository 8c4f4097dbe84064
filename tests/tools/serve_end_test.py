#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Black-box test of `pollux serve`: how it ends, and its command line.

Usage: serve_end_test.py PROGRAM [WORD...]     with words: only the cases whose names hold one of them

Each case is a function that starts a server of its own, which ends with the case.
"""
import random
import signal
import sys
import time

from black_box import case, expect, expect_equal, main
from serve_server import digest, run, serving, until


# ------------------------------------------------------------------------------------------------------------------
# The end


@case
def sigterm_closes_idle_clients_at_once_and_exits_with_0():
    for number in [signal.SIGTERM, signal.SIGINT]:
        with serving("--grace", 1000) as server:
            used, unused, half = server.client(), server.client(), server.client()
            expect_equal(used.ask("prime 7\n"), "prime", "reply")
            expect_equal(half.ask("prime 7\npri"), "prime", "reply")
            until(lambda: used.stats()["alive_tasks"] == 4, "all clients")
            server.signal(number)
            for client in [used, unused, half]:
                expect_equal(client.rest(), "", "what an idle client gets")
            expect_equal(server.wait(), 0, "status")


@case
def sigterm_lets_open_requests_finish_and_accepts_nobody():
    body = random.Random(4).randbytes(300_000)
    with serving() as server:
        idle, sleeping, sending, ahead = (server.client() for _ in range(4))
        sleeping.send("sleep 1000\n")
        ahead.send("sleep 500\nprime 7\nprime 8\n")
        sending.send(b"sum 300000\n" + body[:200_000])
        until(lambda: idle.stats()["alive_tasks"] == 5, "all clients")
        server.signal()
        expect_equal(idle.rest(), "", "what an idle client gets")

        def is_refused():
            try:
                server.client()
            except (ConnectionRefusedError, ConnectionResetError):
                # A reset is for one that was in the backlog as the listener ended.
                return True
            return False

        until(is_refused, "no more accepting")
        sending.send(body[200_000:])
        expect_equal(sending.rest(), digest(body) + "\n", "a body that was on its way")
        expect_equal(ahead.rest(), "ok\nprime\ncomposite\n", "requests that had arrived")
        expect_equal(sleeping.rest(), "ok\n", "a sleep")
        expect_equal(server.wait(), 0, "status")


@case
def requests_that_have_arrived_are_answered_also_beyond_what_was_read_ahead():
    with serving() as server:
        idle, client = server.client(), server.client()
        client.send("sleep 500\n" + "prime 7\n" * 1400)
        until(lambda: idle.stats()["alive_tasks"] == 3, "both clients")
        server.signal()
        expect_equal(client.rest(), "ok\n" + "prime\n" * 1400, "replies")
        expect_equal(server.wait(), 0, "status")


@case
def what_is_open_after_the_grace_is_cut_off():
    with serving("--grace", 0.3) as server:
        idle, sleeping, sending = server.client(), server.client(), server.client()
        sleeping.send("sleep 60000\n")
        sending.send("sum 100\nabc")
        until(lambda: idle.stats()["alive_tasks"] == 4, "all clients")
        begin = time.monotonic()
        server.signal()
        expect_equal(server.wait(), 0, "status")
        expect(0.3 <= time.monotonic() - begin < 10, "took", time.monotonic() - begin)
        expect_equal(sleeping.rest() + sending.rest(), "", "what they get")


@case
def a_second_signal_ends_the_waiting():
    with serving("--grace", 1000) as server:
        idle, sleeping = server.client(), server.client()
        sleeping.send("sleep 60000\n")
        until(lambda: idle.stats()["alive_tasks"] == 3, "both clients")
        server.signal()
        expect_equal(idle.rest(), "", "what an idle client gets")
        begin = time.monotonic()
        server.signal(signal.SIGINT)
        expect_equal(server.wait(), 0, "status")
        expect(time.monotonic() - begin < 10, "took", time.monotonic() - begin)


@case
def a_client_that_floods_does_not_keep_the_server():
    with serving("--grace", 1000) as server:
        client = server.client()
        client.send("prime 7\n" * 40_000)
        expect_equal(client.line(), "prime", "reply")
        begin = time.monotonic()
        server.signal()
        try:
            client.rest()
        except ConnectionResetError:
            pass  # there was more than it is read of
        *lines, last = client.received.decode().splitlines()
        expect(set(lines) == {"prime"} and last in ["prime", "error: the server is ending"], last)
        expect_equal(server.wait(), 0, "status")
        expect(time.monotonic() - begin < 30, "took", time.monotonic() - begin)


# ------------------------------------------------------------------------------------------------------------------
# The command line


@case
def a_port_is_one_server_s_and_free_again_after_it():
    with serving() as server:
        expect_equal(server.client().ask("prime 7\n"), "prime", "reply")
        port = server.port
        got = run("serve", "--port", str(port))
        expect_equal((got.returncode, got.stdout), (1, b""), "status and stdout")
        expect_equal(got.stderr.decode(), f"pollux: serve: 127.0.0.1:{port}: Address already in use\n", "stderr")
    with serving("--port", port) as server:
        expect_equal(server.port, port, "port")
        expect_equal(server.client().ask("prime 7\n"), "prime", "reply")


@case
def wrong_usage_is_status_2_with_the_usage_on_stderr():
    for arguments in [["--port"], ["--port", "65536"], ["--port", "-1"], ["--port", "x"], ["--workers", "-1"], ["--workers", "5000"],
                      ["--connections", "0"], ["--idle", "0"], ["--idle", "x"], ["--idle", "nan"], ["--grace", "-1"], ["--grace", "nan"],
                      ["--max-line", "1"], ["--max-body", "x"], ["--max-body", "-1"], ["--max-body", "99999999999999999999"],
                      ["extra"], ["--unknown"]]:
        got = run("serve", *arguments)
        expect_equal((got.returncode, got.stdout), (2, b""), f"status and stdout of {arguments}")
        expect(b"pollux serve" in got.stderr, arguments, got.stderr)


@case
def help_tells_of_requests_options_and_examples():
    got = run("serve", "--help")
    expect_equal((got.returncode, got.stderr), (0, b""), "status and stderr")
    for word in ["sum <n>", "prime <n>", "sleep <ms>", "stats", "Examples:", "--port", "--workers", "--connections", "--max-body",
                 "--max-line", "--idle", "--grace", "SIGTERM"]:
        expect(word in got.stdout.decode(), word, "in", got.stdout.decode())


if __name__ == "__main__":
    sys.exit(main())
