#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Runs an example and compares its output with the comment in its source.

Usage: check.py PROGRAM SOURCE

The expected output stands at the end of the source's opening comment, one `//   ` line each, after a line `// Prints:`.
"""

import difflib
import pathlib
import subprocess
import sys


def expected_output(source):
    lines = iter(source.read_text().splitlines())
    for line in lines:
        if line == "// Prints:":
            break
    else:
        sys.exit(f"{source}: no line `// Prints:`")
    expected = []
    for line in lines:
        if not line.startswith("//"):
            break
        expected.append(line.removeprefix("//").removeprefix("   "))
    return expected


def main():
    program, source = sys.argv[1], pathlib.Path(sys.argv[2])
    run = subprocess.run([program], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60)
    expected, printed = expected_output(source), run.stdout.splitlines()
    for line in difflib.unified_diff(expected, printed, "expected", "printed", lineterm=""):
        print(line)
    sys.stderr.write(run.stderr)
    if run.returncode != 0:
        print(f"exit status {run.returncode}")
    return 0 if run.returncode == 0 and expected == printed else 1


sys.exit(main())
