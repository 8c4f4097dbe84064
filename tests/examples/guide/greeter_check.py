#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Usage: greeter_check.py PROGRAM    talks to the server; prints what fails, and `N passed, N failed` last"""

import sys

from outside import connect, differing, main, program, reset, to_end


def greets_a_hundred_at_once(server):
    with program(server) as running:
        port = running.port()
        clients = [connect(port) for _ in range(100)]
        for number, client in enumerate(reversed(clients)):
            with client:
                yield differing(f"client {number}", to_end(client), b"hello world\n")
        yield differing("status", running.end(), 0)


def goes_on_after_resets(server):
    with program(server) as running:
        port = running.port()
        for _ in range(100):
            reset(connect(port))
        with connect(port) as client:
            yield differing("greeting", to_end(client), b"hello world\n")
        yield differing("status", running.end(), 0)


def ends_with_clients_that_do_not_hang_up(server):
    with program(server) as running:
        with connect(running.port()) as client:
            yield differing("greeting", to_end(client), b"hello world\n")
            yield differing("status", running.end(), 0)


sys.exit(main(greets_a_hundred_at_once, goes_on_after_resets, ends_with_clients_that_do_not_hang_up))
