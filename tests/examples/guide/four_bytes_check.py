#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Usage: four_bytes_check.py PROGRAM    talks to the server; prints what fails, and `N passed, N failed` last"""

import sys
import time

from outside import connect, differing, hung_up, main, program

LATE = "error: Connection timed out"


def hangs_up_on_those_who_are_late(server):
    with program(server, "500") as running:
        port = running.port()
        before = time.monotonic()
        with connect(port) as silent:
            yield differing("the silent one is hung up on", hung_up(silent), True)
            waited = time.monotonic() - before
            yield f"after {waited:.3f} s, which is early" if waited < 0.5 else None
            yield differing("printed", running.line(), LATE)
        with connect(port) as slow:
            slow.sendall(b"abc")
            yield differing("printed", running.line(), LATE)
        yield differing("status", running.end(), 0)


def serves_one_who_is_in_time_beside_one_who_is_silent(server):
    with program(server, "60000") as running:
        port = running.port()
        with connect(port) as silent, connect(port) as quick:
            for byte in b"abcd":
                quick.sendall(bytes([byte]))
            yield differing("printed", running.line(), "read abcd")
            yield differing("hung up", hung_up(quick), True)
            silent.close()
            yield differing("who leaves has not said four bytes", running.line()[:6], "error:")
        yield differing("status", running.end(), 0)


sys.exit(main(hangs_up_on_those_who_are_late, serves_one_who_is_in_time_beside_one_who_is_silent))
