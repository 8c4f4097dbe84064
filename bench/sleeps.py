#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Compares what sleeping costs and how late it is with Tokio, and prints a table for README.md.

Usage: bench/sleeps.py [--program NAME=PATH]... [--quick] [--json FILE]

The programs take turns in each scenario of sleeps.cpp, with one worker and with two. `late_beyond_tick_us` is the median lateness less the
tick of 1 ms that both round up to: negative where half of the sleeps end before their tick would be over.
"""

import argparse
import subprocess

import programs
import rounds

SCENARIOS = ("fire", "fire_slowly", "arm_and_drop", "arm_and_drop_behind")
TICK_US = 1_000


def one_round(command):
    taken = programs.metrics(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, timeout=120).stdout)
    if "late_p50_us" in taken:
        taken["late_beyond_tick_us"] = taken["late_p50_us"] - TICK_US
    return taken


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", action="append", default=[], metavar="NAME=PATH", help="another one that knows the scenarios")
    rounds.add_options(parser)
    options = parser.parse_args()

    compared = {"tokio": programs.tokio("sleeps"), "pollux": programs.built("bench_sleeps")[0]}
    compared |= dict(text.split("=", 1) for text in options.program)
    kept = {}
    for scenario in SCENARIOS:
        for workers in ("1", "2"):
            runs = {name: lambda path=path: one_round([path, scenario, workers]) for name, path in compared.items() if path}
            heading = f"{scenario}, {workers} worker{'s' if workers != '1' else ''}"
            kept[heading] = rounds.take(runs, options)
            print(f"{heading}\n\n{rounds.table(kept[heading], ['tokio'])}", flush=True)
    rounds.keep(kept, options)


main()
