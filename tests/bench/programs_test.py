#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The programs of bench/ that the scenarios name: each runs at a small size and reports what its scenario compares. Nothing is timed.

Usage: programs_test.py FOLDER     the build's, with the programs and `scenarios/`
"""
import json
import subprocess
import sys
from pathlib import Path

FOLDER = Path(sys.argv[1])
PATIENCE = 120  # seconds
OF_THE_TOOL = {"instructions", "allocations", "peak_rss_mb", "cpu_ns_per_op", "wakeups_per_op"}  # what no program reports itself


def small_size(scenario):
    return min(scenario.get("count_sizes", [scenario["quick_size"]]))


def reported(command):
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, stdin=subprocess.DEVNULL)
    if done.returncode != 0:
        raise AssertionError(f"status {done.returncode}: {done.stderr}")
    return {line.split()[0] for line in done.stdout.splitlines()}


def check(scenario, workers):
    wanted = {"operations", scenario["metric"]} | {bar["metric"] for bar in scenario.get("bars", [])} - OF_THE_TOOL
    own = next(it for it in scenario["programs"] if it["name"] == "pollux")
    filled = [word.format(workers=workers, size=small_size(scenario)) for word in own["command"]]
    missing = wanted - reported([FOLDER / filled[0], *filled[1:]])
    if missing:
        raise AssertionError(f"does not report {', '.join(sorted(missing))}")


def main():
    passed, failed = 0, 0
    for file in sorted((FOLDER / "scenarios").glob("*.json")):
        for scenario in json.loads(file.read_text()):
            for workers in (1, 2) if scenario["workers"] == "all" else scenario["workers"][:1]:
                try:
                    check(scenario, workers)
                    passed += 1
                except (AssertionError, OSError, subprocess.TimeoutExpired) as error:
                    failed += 1
                    print(f"FAIL  {scenario['name']}, workers {workers}: {error}")
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


sys.exit(main())
