#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Black-box test of `pollux serve`: slow, lost and many clients, and what they cost it.

Usage: serve_clients_test.py PROGRAM [WORD...]     with words: only the cases whose names hold one of them

Each case is a function that starts a server of its own, which ends with the case.
"""
import random
import resource
import subprocess
import sys
import time

from black_box import PROGRAM, case, expect, expect_equal, main
from serve_server import MEASURES_MEMORY, PATIENCE, digest, serving, until


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
        for text, wanted in [(b"", ""), (b"sleep 50\nsum 1\na", f"ok\n{digest(b'a')}\n"),
                             (b"prime 7\nprime 8", "prime\nerror: the last line has no end\n"),
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


if __name__ == "__main__":
    sys.exit(main())
