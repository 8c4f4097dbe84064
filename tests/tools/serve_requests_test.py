#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Black-box test of `pollux serve`: what is asked and answered.

Usage: serve_requests_test.py PROGRAM [WORD...]     with words: only the cases whose names hold one of them

Each case is a function that starts a server of its own, which ends with the case.
"""
import random
import re
import sys
import time
from pathlib import Path

from black_box import case, expect, expect_equal, main
from serve_server import MEASURES_MEMORY, PATIENCE, digest, is_prime, serving, until

METRICS = Path(__file__).resolve().parents[2] / "include/pollux/runtime/metrics.hpp"
PIECE = 64 * 1024  # client_stream::max_piece: sizes around it take different ways


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


if __name__ == "__main__":
    sys.exit(main())
