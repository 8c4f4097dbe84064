# SPDX-License-Identifier: MIT
"""An echo server as a process: started, told to end, put under load, and looked at from outside."""

import contextlib
import pathlib
import re
import shlex
import subprocess
import time

import programs


@contextlib.contextmanager
def running(command):
    """Starts a server; gives (process, port). It has to end with its standard input, in order; what it then said is in process.errors."""
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        first = process.stdout.readline()
        port = re.fullmatch(r"listening on 127\.0\.0\.1:(\d+)\n", first)
        if not port:
            raise RuntimeError(f"{command}: its first line is {first!r}, not where it listens")
        yield process, port[1]
        _, process.errors = process.communicate(timeout=30)
        if process.returncode != 0:
            raise RuntimeError(f"{command}: exit status {process.returncode}: {process.errors}")
    finally:
        process.kill()
        process.communicate()


def named(text):
    """`NAME=COMMAND` -> (name, [word...])"""
    name, command = text.split("=", 1)
    return name, shlex.split(command)


def load(port, *options):
    """What echo_load reports."""
    program, = programs.built("bench_echo_load")
    done = subprocess.run([program, port, *map(str, options)], check=True, stdout=subprocess.PIPE, text=True, timeout=120)
    return programs.metrics(done.stdout)


def cpu_seconds(process):
    """The CPU time of all its threads, with those that have ended: its CPU clock, which counts ns (see clock_getcpuclockid(3))."""
    return time.clock_gettime((~process.pid << 3) | 2)


def status(process, key):
    """A number of /proc/PID/status: Threads, VmRSS (KiB)."""
    return int(re.search(rf"^{key}:\s+(\d+)", pathlib.Path(f"/proc/{process.pid}/status").read_text(), re.MULTILINE)[1])
