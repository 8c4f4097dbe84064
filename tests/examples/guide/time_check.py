#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Usage: time_check.py HELLO_LATER TICKS    neither may be early; prints what fails, and `N passed, N failed` last"""

import sys
import time

from outside import main, program


def too_early(command, shortest):
    before = time.monotonic()
    with program(command) as running:
        while running.line() is not None:
            continue
        took = time.monotonic() - before
    return f"it ended after {took:.3f} s" if took < shortest else None


def says_hello_after_100_ms(hello_later, _):
    yield too_early(hello_later, 0.1)


def ticks_for_900_ms(_, ticks):
    yield too_early(ticks, 0.9)


sys.exit(main(says_hello_after_100_ms, ticks_for_900_ms))
