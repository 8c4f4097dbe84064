# SPDX-License-Identifier: MIT
"""What the black-box tests of the program pollux have in common: PROGRAM, cases, and what they expect."""
import contextlib
import os
import sys
import time

PROGRAM = os.path.abspath(sys.argv[1])

_cases = []


def case(fn):
    _cases.append(fn)
    return fn


def expect(condition, *said):
    if not condition:
        raise AssertionError(" ".join(str(it) for it in said))


def expect_equal(got, wanted, what):
    expect(got == wanted, f"{what}: got {got!r:.600}\n      wanted {wanted!r:.600}")


def main(around=contextlib.nullcontext):
    """Runs each case inside of an `around()` of its own; with words on the command line only those whose names hold one of them."""
    words = sys.argv[2:]
    failed = 0
    for fn in _cases:
        name = fn.__name__.replace("_", " ")
        if words and not any(word in fn.__name__ for word in words):
            continue
        with around():
            begin = time.monotonic()
            try:
                fn()
                print(f"ok    {name} ({time.monotonic() - begin:.2f} s)", flush=True)
            except Exception as error:  # a failure of one case is no reason to leave out the others
                failed += 1
                print(f"FAIL  {name}: {type(error).__name__}: {error}", flush=True)
    print(f"{len(_cases)} cases, {failed} failed")
    return 1 if failed else 0
