#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Prints what each chain of bench_chains and bench_stream_chains costs beside its machine written by hand, as a table for README.md.

Usage: bench/chains.py [CHAIN...]    builds with clang++-19 and g++ where they are installed, at -O2 -DNDEBUG, into build/chains-*

Instructions of one round, from callgrind: the slope between two sizes, so that the start cancels. What a round is stands in the sources.
"""

import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[1]
PROGRAMS = {"bench_chains": ("map", "join", "select", "await"), "bench_stream_chains": ("fold", "buffered")}
COMPILERS = ("clang++-19", "g++")
SETUP = ["--buildtype=plain", "-Doptimization=2", "-Db_ndebug=true", "-Dtests=disabled", "-Dtools=disabled", "-Dbench=enabled"]
SIZES = (1000, 3000)


def build(compiler):
    """The folder with the programs."""
    folder = ROOT / "build" / f"chains-{compiler.replace('+', 'x')}"
    if not (folder / "build.ninja").exists():
        subprocess.run(["meson", "setup", *SETUP, folder], cwd=ROOT, env={**os.environ, "CXX": compiler}, check=True,
                       stdout=subprocess.DEVNULL)
    subprocess.run(["ninja", "-C", folder, *(f"bench/{program}" for program in PROGRAMS)], check=True, stdout=subprocess.DEVNULL)
    return folder / "bench"


def counted(command):
    """Instructions, allocations, and the sum that both sides have to agree on."""
    with tempfile.NamedTemporaryFile() as out:
        done = subprocess.run(["valgrind", "--tool=callgrind", f"--callgrind-out-file={out.name}", *command], check=True, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    return (int(re.search(r"Collected : (\d+)", done.stderr)[1]), int(re.search(r"^allocations (\d+)$", done.stdout, re.MULTILINE)[1]),
            re.search(r"^sum (-?\d+)$", done.stdout, re.MULTILINE)[1])


def cost(program, chain, side):
    """Instructions and allocations of a round, and the sum of all rounds."""
    few, many = (counted([program, chain, side, str(size)]) for size in SIZES)
    rounds = SIZES[1] - SIZES[0]
    return round((many[0] - few[0]) / rounds), (many[1] - few[1]) / rounds, many[2]


def main():
    chosen = sys.argv[1:]
    print("| compiler | chain | library | by hand | ratio | allocations |\n|---|---|---|---|---|---|")
    for compiler in filter(shutil.which, COMPILERS):
        folder = build(compiler)
        for program, chains in PROGRAMS.items():
            for chain in chains:
                if chosen and chain not in chosen:
                    continue
                library, hand = (cost(folder / program, chain, side) for side in ("library", "hand"))
                if library[2] != hand[2]:
                    sys.exit(f"{chain}: the library's answer is {library[2]}, by hand it is {hand[2]}")
                ratio = library[0] / hand[0]
                print(f"| {compiler} | `{chain}` | {library[0]:,} | {hand[0]:,} | {ratio:.2f} | {library[1]:g} |", flush=True)


main()
