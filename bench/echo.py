#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Compares echo servers under the load of 50 connections and 64 bytes, and prints a table for README.md.

Usage: bench/echo.py [--server NAME=COMMAND]... [--quick] [--json FILE]
       bench/echo.py --server 'pollux 1=build/bench/bench/bench_echo_server --workers 1'

The raw epoll loop, Asio and, where liburing and the crates are installed, a raw loop with io_uring and Tokio take turns with the servers that
are given. For each, in each round: requests a second and latencies at full load, and what the server's threads took of the CPU for a request;
then, in a load of its own, the system calls for a request, which `perf` counts (by a tracepoint, as root; left out where that does not work).
Afterwards, once, and not for those with `uring` in their name: the instructions of a request in user space, as the slope between two loads
under callgrind, with 50 connections (all of which have asked when the slowed server looks, so it waits once for many) and with one (it waits
for each).
"""

import argparse
import contextlib
import os
import re
import shutil
import signal
import subprocess

import programs
import rounds
import servers

BASES = ("epoll", "tokio 1", "tokio 2")  # what all are compared with
COUNTED = 100_000  # requests: those of a load whose system calls are counted, so 50 connections made and ended do not show
TRACED = (1_000, 3_000)  # requests: instructions are the slope between them


def timed(process, port, seconds):
    """Latencies and rates at full load, and what the server took of the CPU."""
    before = servers.cpu_seconds(process)
    taken = servers.load(port, "--seconds", seconds)
    cpu_us = (servers.cpu_seconds(process) - before) * 1e6
    kept = {metric: taken[metric] for metric in ("requests_per_s", "p50_us", "p99_us", "p999_us")}
    return {**kept, "server_cpu_us": cpu_us / taken["requests"]}


def system_calls(process, port):
    """How many all threads of the server make for a request, or None where perf cannot count them."""
    if not shutil.which("perf"):
        return None
    (told, tell), (hear, answered) = os.pipe(), os.pipe()
    counter = subprocess.Popen(["perf", "stat", "-x,", "--delay=-1", f"--control=fd:{told},{answered}", "-e", "raw_syscalls:sys_enter", "-p",
                                str(process.pid)], stderr=subprocess.PIPE, text=True, pass_fds=(told, answered))
    os.close(told)
    os.close(answered)
    with open(tell, "w") as orders, open(hear) as answers:
        with contextlib.suppress(BrokenPipeError):
            print("enable", file=orders, flush=True)
        # No line: it has ended, because it may not count.
        if answers.readline():
            servers.load(port, "--requests", COUNTED)
            counter.send_signal(signal.SIGINT)
        found = re.search(r"^(\d+),", counter.communicate()[1], re.MULTILINE)
    return int(found[1]) / COUNTED if found else None


def one_round(command, seconds):
    with servers.running(command) as (process, port):
        servers.load(port, "--requests", 1_000)  # warm
        taken = timed(process, port, seconds)
        calls = system_calls(process, port)
        return taken if calls is None else {**taken, "system_calls": calls}


def instructions(command, connections):
    """Of a request, in user space."""
    counts = []
    for requests in TRACED:
        valgrind = ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", "--fair-sched=yes"]
        with servers.running([*valgrind, *command]) as (process, port):
            servers.load(port, "--requests", requests, "--connections", connections)
        counts.append(int(re.search(r"Collected : (\d+)", process.errors)[1]))
    return (counts[1] - counts[0]) / (TRACED[1] - TRACED[0])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--server", action="append", default=[], type=servers.named, metavar="NAME=COMMAND")
    rounds.add_options(parser)
    options = parser.parse_args()

    programs.built("bench_echo_load")
    epoll, asio = programs.built("peer_echo_epoll", "peer_echo_asio")
    commands = {"epoll": [epoll], "asio 1": [asio, "1"], "asio 2": [asio, "2"]}
    uring = programs.built_if_known("peer_echo_uring")
    if uring:
        commands["io_uring"] = [uring]
    tokio = programs.tokio("echo")
    if tokio:
        commands |= {"tokio 1": [tokio, "1"], "tokio 2": [tokio, "2"]}
    commands |= dict(options.server)

    seconds = 1 if options.quick else 5
    runs = {name: lambda command=command: one_round(command, seconds) for name, command in commands.items()}
    results = rounds.take(runs, options)
    print(rounds.table(results, BASES), flush=True)

    traced = {}
    print("| program | instructions, 50 connections | 1 connection |\n|---|---|---|")
    for name, command in commands.items():
        if "uring" in name:
            continue  # valgrind does not serve its completions
        traced[name] = [instructions(command, connections) for connections in (50, 1)]
        print(f"| {name} | {traced[name][0]:,.0f} | {traced[name][1]:,.0f} |", flush=True)
    rounds.keep({"rounds": results, "instructions": traced}, options)


main()
