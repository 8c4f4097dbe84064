#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Writes worker_search.cpp with a bug: a worker parks without its second look. Usage: planted_race.py SOURCE OUTPUT"""

import pathlib
import sys

LOOK = "if (has_work_anywhere()) {"

source, output = map(pathlib.Path, sys.argv[1:])
text = source.read_text()
if text.count(LOOK) != 1:
    sys.exit(f"{source}: expected once: {LOOK}")
output.write_text(text.replace(LOOK, "if (static_cast<void>(has_work_anywhere()), false) {"))
