#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Usage: hello_client_check.py PROGRAM    listens for the client; prints what fails, and `N passed, N failed` last"""

import sys

from outside import accept, address_of, differing, listener, main, program, refused_port, to_end

FIRST, LAST = "about to create a stream and to write to it", "the client has ended"


def says_hello_and_hangs_up(client):
    with listener() as server, program(client, address_of(server)) as running:
        with accept(server) as connection:
            yield differing("heard", to_end(connection), b"hello world\n")
        printed = [running.line() for _ in range(5)]
        yield differing("printed", printed, [FIRST, "created stream", "wrote to stream; success=true", LAST, None])
        yield differing("status", running.status(), 0)


def tells_that_nobody_listens_and_ends_in_order(client):
    with refused_port() as nobody, program(client, address_of(nobody)) as running:
        first, error, last, end = (running.line() for _ in range(4))
        yield differing("printed", [first, last, end], [FIRST, LAST, None])
        yield differing("error", error, "connection error: Connection refused")
        yield differing("status", running.status(), 0)


sys.exit(main(says_hello_and_hangs_up, tells_that_nobody_listens_and_ends_in_order))
