#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Black-box test of `pollux serve`: what its clients see, and what they cost it.

Usage: serve_test.py PROGRAM [WORD...]     with words: only the cases whose names hold one of them

Each case is a function that starts a server of its own, which ends with the case. Nothing here waits for a time to pass: what has to
come first is asked for until it is there, and a case that waits for too long fails.
"""
import contextlib
import hashlib
import json
import os
import random
import re
import resource
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from black_box import PROGRAM, case, expect, expect_equal, main

METRICS = Path(__file__).resolve().parents[2] / "include/pollux/runtime/metrics.hpp"
PIECE = 64 * 1024  # client_stream::max_piece: sizes around it take different ways
PATIENCE = 60      # seconds after which a case that waits has failed
CONTENT = Path(PROGRAM).read_bytes()
# Sanitizers keep freed blocks and shadows of their own: what a server holds cannot be seen from outside then.
MEASURES_MEMORY = b"__asan_init" not in CONTENT and b"__tsan_init" not in CONTENT
del CONTENT


def until(condition, what):
    """Asks again and again; each question is to be one that the server has to work for."""
    begin = time.monotonic()
    while not condition():
        expect(time.monotonic() - begin < PATIENCE, "did not come:", what)


def is_prime(n):
    return n >= 2 and all(n % d for d in range(2, int(n**0.5) + 1))


def digest(body):
    return hashlib.sha256(body).hexdigest()


class Client:
    def __init__(self, port, buffer=None):
        self.socket = socket.socket()
        self.socket.settimeout(PATIENCE)
        if buffer is not None:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, buffer)
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
        self.socket.connect(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.received = bytearray()

    def send(self, text):
        self.socket.sendall(text if isinstance(text, bytes) else text.encode())

    def line(self):
        while b"\n" not in self.received:
            got = self.socket.recv(65536)
            expect(got, "the end instead of a line, behind", self.received)
            self.received += got
        line, _, self.received = self.received.partition(b"\n")
        return line.decode()

    def ask(self, text):
        self.send(text)
        return self.line()

    def rest(self):
        """All up to the end. A reset is an error."""
        while got := self.socket.recv(1 << 20):
            self.received += got
        return self.received.decode()

    def stats(self):
        return json.loads(self.ask("stats\n"))

    def finish(self):
        self.socket.shutdown(socket.SHUT_WR)

    def close(self):
        self.socket.close()

    def reset(self):
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()


class Server:
    def __init__(self, process, stderr):
        self.process = process
        self.stderr = stderr
        line = process.stdout.readline().decode()
        match = re.fullmatch(r"listening on 127\.0\.0\.1:(\d+)\n", line)
        expect(match, "the first line:", line, self.said())
        self.port = int(match[1])
        self.clients = []

    def client(self, **options):
        made = Client(self.port, **options)
        self.clients.append(made)
        return made

    def said(self):
        self.stderr.seek(0)
        return self.stderr.read().decode(errors="replace")

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))

    def resident(self, which="VmRSS"):
        """Bytes of memory now, or with "VmHWM" the most so far."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(rf"{which}:\s+(\d+) kB", status)[1]) * 1024

    def signal(self, number=signal.SIGTERM):
        self.process.send_signal(number)

    def wait(self):
        """The status. The case says what the server had to wait for, so that it is up to us alone is seen by the time."""
        return self.process.wait(PATIENCE)


@contextlib.contextmanager
def serving(*options, limit=None):
    """A server that is told to end afterwards, and has to do so with status 0 and without a word."""
    command = [PROGRAM, "serve", *map(str, options)]
    if limit is not None:
        command = ["bash", "-c", f'ulimit -n {limit}; exec "$@"', "limited", *command]
    with tempfile.TemporaryFile() as stderr:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=stderr)
        try:
            server = Server(process, stderr)
            yield server
            for client in server.clients:
                client.close()
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
            expect_equal(process.wait(PATIENCE), 0, f"status; {server.said()}")
            expect_equal(process.stdout.read(), b"", "more on stdout")
            expect_equal(server.said(), "", "stderr")
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()
            process.stdout.close()


def run(*arguments):
    return subprocess.run([PROGRAM, *arguments], capture_output=True, timeout=PATIENCE, stdin=subprocess.DEVNULL)


# ------------------------------------------------------------------------------------------------------------------
# Requests


@case
def primes_are_told_from_composites():
    with serving() as server:
        client = server.client()
        known = {0: False, 1: False, 2: True, 3: True, 4: False, 37: True, 41: True, 37 * 41: False,
                 2047: False, 3215031751: False, 3825123056546413051: False, 318665857834031151: False,  # pseudoprimes
                 2**61 - 1: True, 2**64 - 59: True, 2**64 - 1: False, 4294967291**2: False, 2**63: False}
        for number, wanted in known.items():
            expect_equal(client.ask(f"prime {number}\n"), "prime" if wanted else "composite", number)
        client.send("".join(f"prime {n}\n" for n in range(2000)))
        for n in range(2000):
            expect_equal(client.line(), "prime" if is_prime(n) else "composite", n)


@case
def bodies_of_every_size_have_the_right_sum():
    rng = random.Random(1)
    with serving() as server:
        client = server.client()
        for size in [0, 1, 55, 56, 64, 4095, 4096, PIECE - 1, PIECE, PIECE + 1, 2 * PIECE, 2 * PIECE + 1, 3 * PIECE, 1_000_000]:
            body = rng.randbytes(size)
            expect_equal(client.ask(f"sum {size}\n".encode() + body), digest(body), size)


@case
def a_body_of_64_mebibytes_is_taken_and_one_more_byte_is_not():
    body = bytes(64 << 20)
    with serving() as server:
        client = server.client()
        before = server.resident()
        expect_equal(client.ask(f"sum {len(body)}\n".encode() + body), digest(body), "sum")
        if MEASURES_MEMORY:
            grown = server.resident("VmHWM") - before
            expect(grown < 8 << 20, "grew by", grown)
        client.send(f"sum {len(body) + 1}\n")
        expect_equal(client.rest(), "error: sum takes a number of bytes from 0 to 67108864, in digits after one space\n", "one more")


@case
def lines_end_with_lf_or_cr_and_lf_wherever_packets_are_cut():
    with serving() as server:
        client = server.client()
        for byte in b"prime 7\r\nsum 4\r\n\r\n\r\nprime 8\nsum 2\na\nsleep 0\r\n":
            client.send(bytes([byte]))
        for wanted in ["prime", digest(b"\r\n\r\n"), "composite", digest(b"a\n"), "ok"]:
            expect_equal(client.line(), wanted, "reply")


@case
def replies_come_in_the_order_of_the_requests():
    rng = random.Random(2)
    text, wanted = b"", []
    for _ in range(400):
        kind = rng.choice(["sum", "prime", "sleep"])
        if kind == "sum":
            body = rng.randbytes(rng.choice([0, 3, 5000, 70_000]))
            text += f"sum {len(body)}\n".encode() + body
            wanted.append(digest(body))
        elif kind == "prime":
            number = rng.randrange(10_000)
            text += f"prime {number}\n".encode()
            wanted.append("prime" if is_prime(number) else "composite")
        else:
            text += f"sleep {rng.randrange(3)}\n".encode()
            wanted.append("ok")
    with serving() as server:
        client = server.client()
        client.send(text)
        expect_equal([client.line() for _ in wanted], wanted, "replies")


@case
def a_sleep_takes_its_time_and_holds_up_nobody_else():
    with serving("--workers", 1) as server:
        sleeper, other = server.client(), server.client()
        begin = time.monotonic()
        sleeper.send("sleep 300\n")
        expect_equal(other.ask("prime 7\n"), "prime", "another client meanwhile")
        expect_equal(sleeper.line(), "ok", "sleep")
        expect(time.monotonic() - begin >= 0.3, "took", time.monotonic() - begin)


@case
def stats_has_the_keys_of_runtime_metrics():
    keys = re.findall(r"std::uint64_t (\w+) = 0;", METRICS.read_text())
    expect(len(keys) > 20, "keys in the header:", keys)
    with serving("--workers", 3) as server:
        client, sleeper = server.client(), server.client()
        sleeper.send("sleep 60000\n")
        stats = client.stats()
        expect_equal(list(stats), keys, "keys")
        expect_equal(stats["workers"], 3, "workers")
        until(lambda: client.stats()["alive_tasks"] == 3, "a task for accepting and one for each client")
        expect(client.stats()["polls"] > stats["polls"], "polls go on from", stats["polls"])
        sleeper.reset()


# ------------------------------------------------------------------------------------------------------------------
# Bad requests


@case
def a_bad_request_is_one_line_of_error_behind_the_replies_before_it_and_the_end():
    bad = [b"", b" ", b"bogus", b"PRIME 7", b"prime", b"prime ", b"prime  7", b" prime 7", b"prime 7 ", b"prime -1", b"prime +1",
           b"prime 7x", b"prime 0x7", b"prime 1 2", b"prime 18446744073709551616", b"prime 99999999999999999999999999", b"prime\t7",
           b"sum", b"sum -1", b"sum 67108865", b"sum 18446744073709551616", b"sum 1e3", b"sleep", b"sleep 60001", b"sleep -1",
           b"sleep 1.5", b"stats ", b"stats now", b"\0", b"\xff\xfe", b"prime 7\0", b"GET / HTTP/1.1", b"prime 7\r"]
    with serving() as server:
        for request in bad:
            client = server.client()
            client.send(b"prime 7\nsum 3\nabc" + request + b"\r\nprime 7\n")
            got = client.rest().splitlines()
            expect_equal(got[:2], ["prime", digest(b"abc")], f"before {request}")
            expect(len(got) == 3 and got[2].startswith("error: ") and got[2].isprintable(), request, got)


@case
def a_line_may_have_4096_bytes_and_no_more():
    with serving() as server:
        for line, wanted in [(b"x" * 4096 + b"\n", "unknown request"), (b"x" * 4096 + b"\r\n", "unknown request"),
                             (b"x" * 4097 + b"\n", "a line is longer than 4096 bytes"), (b"x" * 4097, "a line is longer than 4096"),
                             (b"prime " + b"0" * 4089 + b"7\n", None), (b"prime " + b"0" * 4090 + b"7\n", "a line is longer")]:
            client = server.client()
            client.send(line)
            if wanted is None:
                expect_equal(client.line(), "prime", "a long line that is right")
            else:
                expect(client.rest().startswith("error: " + wanted), "for a line of", len(line))


@case
def limits_are_options():
    with serving("--max-line", 20, "--max-body", 10) as server:
        client = server.client()
        expect_equal(client.ask(b"sum 10\n0123456789"), digest(b"0123456789"), "a body within")
        client.send("sum 11\n")
        expect(client.rest().startswith("error: sum takes a number of bytes from 0 to 10"), "a body beyond")
        client = server.client()
        client.send("x" * 21)
        expect_equal(client.rest(), "error: a line is longer than 20 bytes\n", "a line beyond")


@case
def a_client_that_is_still_sending_gets_the_error():
    with serving() as server:
        for behind in [1, 4096, 60_000]:
            client = server.client()
            client.send(b"bogus\n" + b"x" * behind)
            expect(client.rest().startswith("error: unknown request"), "with", behind, "bytes behind it")


@case
def a_client_that_is_cut_off_in_a_body_too_large_finds_the_error():
    with serving("--max-body", 1000) as server:
        client = server.client()
        try:
            client.send(b"sum 50000000\n" + bytes(50_000_000))
            expect(False, "all of it was read")
        except (BrokenPipeError, ConnectionResetError):
            pass
        expect(client.line().startswith("error: sum takes a number of bytes from 0 to 1000"), "the error")


@case
def a_client_that_never_ends_after_an_error_is_cut_off():
    with serving() as server:
        watcher = server.client()
        tasks = watcher.stats()["alive_tasks"]
        sending, silent = server.client(), server.client()
        expect(sending.ask("bogus\n").startswith("error: "), "error")
        expect(silent.ask("bogus\n").startswith("error: "), "error")
        try:
            begin = time.monotonic()
            while time.monotonic() - begin < PATIENCE:
                sending.send(b"x" * PIECE)
            expect(False, "it is read for ever")
        except (BrokenPipeError, ConnectionResetError):
            pass
        until(lambda: watcher.stats()["alive_tasks"] == tasks, "the end of both")


# ------------------------------------------------------------------------------------------------------------------
# Half-closed, idle and slow clients


@case
def a_half_closed_client_gets_its_replies_and_the_end():
    body = random.Random(3).randbytes(200_000)
    with serving() as server:
        client = server.client()
        client.send(b"prime 7\nsleep 50\nsum 200000\n" + body + b"sleep 50\nprime 8\n")
        client.finish()
        expect_equal(client.rest(), f"prime\nok\n{digest(body)}\nok\ncomposite\n", "replies")
        for text, wanted in [(b"", ""), (b"prime 7\nprime 8", "prime\nerror: the last line has no end\n"),
                             (b"sum 10\n012345678", "error: the body ends too early\n"), (b"sum 1\n", "error: the body ends too early\n"),
                             (b"sum 100000\n" + b"x" * 99_999, "error: the body ends too early\n")]:
            client = server.client()
            client.send(text)
            client.finish()
            expect_equal(client.rest(), wanted, text[:20])


@case
def idle_clients_are_closed_and_told_why_if_a_request_has_begun():
    with serving("--idle", 0.2) as server:
        texts = {b"": "", b"prime 7\n": "prime\n", b"prime": "error: nothing came for 0.2 s\n",
                 b"sum 10\n": "error: nothing came for 0.2 s\n", b"sum 10\n012": "error: nothing came for 0.2 s\n",
                 b"sum 100000\n" + b"x" * 70_000: "error: nothing came for 0.2 s\n",
                 b"sleep 500\nprime 8\n": "ok\ncomposite\n"}  # who waits for a reply is not idle
        clients = {text: server.client() for text in texts}
        for text, client in clients.items():
            client.send(text)
        for text, client in clients.items():
            expect_equal(client.rest(), texts[text], text[:20])


def send_without_reading(client, text):
    """Until nothing more is taken, for a moment; returns the number of bytes."""
    sent = 0
    client.socket.settimeout(0.5)
    try:
        while sent < 256 << 20:
            sent += client.socket.send(text[sent % len(text):])
    except TimeoutError:
        pass
    client.socket.settimeout(PATIENCE)
    return sent


@case
def a_client_that_does_not_read_is_held_back_and_loses_nothing():
    with serving() as server:
        other, client = server.client(), server.client(buffer=16384)  # else the system keeps megabytes of requests
        expect_equal(other.ask("prime 7\n"), "prime", "another client")
        before = server.resident()
        request = b"stats\n"
        sent = send_without_reading(client, request * 50_000)
        expect(sent < 64 << 20, "it was never held back")
        expect_equal(other.ask("prime 7\n"), "prime", "another client meanwhile")
        client.finish()
        lines = client.rest().splitlines()
        if MEASURES_MEMORY:
            grown = server.resident("VmHWM") - before
            expect(grown < 4 << 20, "grew by", grown)
        if sent % len(request):
            expect_equal(lines.pop(), "error: the last line has no end", "the end")
        expect_equal(len(lines), sent // len(request), "replies")
        print(f"      {sent} bytes of requests were taken")
        expect(all(line.startswith("{") and line.endswith("}") for line in lines), "a reply is torn")


@case
def a_client_that_does_not_read_for_too_long_is_cut_off():
    with serving("--idle", 0.3) as server:
        client = server.client(buffer=16384)
        try:
            send_without_reading(client, b"stats\n" * 50_000)
            client.socket.settimeout(PATIENCE)
            while True:
                client.send("stats\n")
        except (BrokenPipeError, ConnectionResetError):
            pass
        watcher = server.client()
        until(lambda: watcher.stats()["alive_tasks"] == 2, "its end")


@case
def a_flooding_client_starves_nobody():
    with serving("--workers", 1) as server:
        flooding, other = server.client(), server.client()
        flooding.send("prime 18446744073709551557\n" * 20_000)
        begin = time.monotonic()
        for _ in range(20):
            expect_equal(other.ask("prime 7\n"), "prime", "another client")
        took = time.monotonic() - begin
        expect_equal([flooding.line() for _ in range(20_000)], ["prime"] * 20_000, "replies")
        expect(took < (time.monotonic() - begin) / 2, "the other waited", took, "of", time.monotonic() - begin)


@case
def bodies_that_are_on_their_way_hold_less_than_256_kibibytes_each():
    if not MEASURES_MEMORY:
        return
    count = 200
    with serving() as server:
        clients = [server.client() for _ in range(count)]
        for client in clients:
            expect_equal(client.ask("prime 7\n"), "prime", "reply")
        before = server.resident()
        for client in clients:
            client.send(b"sum 1000000\n" + b"x" * 999_999)
        for client in clients:
            expect_equal(client.ask(b"x"), digest(b"x" * 1_000_000), "sum")
        held = (server.resident("VmHWM") - before) / count
        expect(held < 256 * 1024, "held", held)
        print(f"      {held:.0f} bytes a connection")


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
# Many connections, lost ones


@case
def one_connection_too_many_is_told_so_and_costs_the_others_nothing():
    with serving("--connections", 3) as server:
        clients = [server.client() for _ in range(3)]
        for client in clients:
            expect_equal(client.ask("prime 7\n"), "prime", "reply")
        descriptors = server.descriptors()
        for _ in range(100):
            refused = server.client()
            expect_equal(refused.rest(), "error: too many connections\n", "the fourth")
            refused.close()
        for client in clients:
            expect_equal(client.ask("prime 8\n"), "composite", "reply")
        until(lambda: clients[1].stats()["alive_tasks"] == 4, "the end of the refused")
        expect_equal(server.descriptors(), descriptors, "descriptors")
        clients[0].close()

        def is_served():
            client = server.client()
            try:
                return client.ask("prime 7\n") == "prime"
            except (BrokenPipeError, ConnectionResetError):
                return False

        until(is_served, "the place that is free again")


@case
def refused_clients_that_stay_are_dropped_after_a_second():
    with serving("--connections", 1) as server:
        client = server.client()
        expect_equal(client.ask("prime 7\n"), "prime", "reply")
        refused = [server.client() for _ in range(100)]  # more than are told at once
        for it in refused:
            expect_equal(it.rest(), "error: too many connections\n", "the second")
        until(lambda: client.stats()["alive_tasks"] == 2, "the end of the refused")


@case
def the_limit_of_descriptors_less_64_is_the_number_of_connections():
    with serving(limit=100) as server:
        clients = [server.client() for _ in range(36)]
        for client in clients:
            expect_equal(client.ask("prime 7\n"), "prime", "reply")
        expect_equal(server.client().rest(), "error: too many connections\n", "the next")
    for limit, options in [(64, []), (100, ["--connections", "37"])]:
        limited = ["bash", "-c", f'ulimit -n {limit}; exec "$@"', "limited", PROGRAM, "serve", *options]
        got = subprocess.run(limited, capture_output=True, timeout=PATIENCE)
        expect_equal((got.returncode, got.stdout), (1, b""), "status and stdout")
        expect(got.stderr.startswith(b"pollux: serve: ") and b"ulimit -n" in got.stderr, got.stderr)


STATES = [b"", b"pri", b"prime 7\n", b"sum 1000\nabc", b"sum 200000\n" + b"x" * 100_000, b"stats\n" * 2000, b"bogus\n",
          b"prime 18446744073709551557\n" * 500]


@case
def clients_that_reset_leave_nothing_behind():
    with serving() as server:
        watcher = server.client()
        before, descriptors = watcher.stats(), server.descriptors()
        for _ in range(20):
            clients = []
            for state in [*STATES, b"sleep 60000\n", b"sleep 60000\nprime 7\n"]:
                client = server.client()
                client.send(state)
                clients.append(client)
            for client in clients:
                client.reset()
        until(lambda: watcher.stats()["alive_tasks"] == before["alive_tasks"], "the end of their tasks")
        until(lambda: server.descriptors() == descriptors and watcher.stats(), "the end of their descriptors")
        until(lambda: watcher.stats()["timers_armed"] <= before["timers_armed"], "the end of their sleeps")


# In a process of its own, which is killed: connects, sends, says so, and waits for ever.
VICTIM = """
import socket, sys
states = eval(sys.argv[2])
kept = []
for _ in range(10):
    for state in states:
        kept.append(socket.create_connection(("127.0.0.1", int(sys.argv[1]))))
        kept[-1].sendall(state)
print("sent", flush=True)
sys.stdin.read()
"""


@case
def clients_that_are_killed_leave_nothing_behind():
    with serving() as server:
        watcher = server.client()
        tasks, descriptors = watcher.stats()["alive_tasks"], server.descriptors()
        # A sleep whose client is gone without a reset looks as one whose client only reads: it is slept.
        command = [sys.executable, "-c", VICTIM, str(server.port), repr([*STATES, b"sleep 200\n"])]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as victim:
            expect_equal(victim.stdout.readline(), b"sent\n", "the victim")
            victim.kill()
        until(lambda: watcher.stats()["alive_tasks"] == tasks, "the end of their tasks")
        until(lambda: server.descriptors() == descriptors and watcher.stats(), "the end of their descriptors")


@case
def ten_thousand_connections_are_held_while_jobs_run():
    count = 10_000
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = count + 200
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, wanted), max(hard, wanted)))
    body = random.Random(5).randbytes(500_000)
    with serving() as server:
        watcher = server.client()
        tasks, descriptors = watcher.stats()["alive_tasks"], server.descriptors()
        before = server.resident()
        clients = [server.client() for _ in range(count)]
        until(lambda: watcher.stats()["alive_tasks"] == tasks + count, "all tasks")
        held = (server.resident() - before) / count
        for _ in range(20):
            busy = [server.client() for _ in range(8)]
            for client in busy:
                client.send(b"sum 500000\n" + body + b"prime 18446744073709551557\n" * 50)
            expect_equal(clients[random.randrange(count)].ask("prime 7\n"), "prime", "an idle one meanwhile")
            for client in busy:
                expect_equal(client.line(), digest(body), "sum")
                expect_equal({client.line() for _ in range(50)}, {"prime"}, "prime")
                client.close()
        for client in clients:
            client.send("prime 8\n")
        expect_equal({client.line() for client in clients}, {"composite"}, "all of them")
        for number, client in enumerate(clients):
            client.close() if number % 2 else client.reset()
        until(lambda: watcher.stats()["alive_tasks"] == tasks, "the end of all tasks")
        until(lambda: server.descriptors() == descriptors and watcher.stats(), "the end of all descriptors")
        print(f"      {held:.0f} bytes a connection")
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, max(hard, wanted)))


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
                      ["--connections", "0"], ["--idle", "0"], ["--idle", "x"], ["--grace", "-1"], ["--max-line", "1"],
                      ["--max-body", "x"], ["extra"], ["--unknown"]]:
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
