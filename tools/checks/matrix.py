#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Builds and runs the tests in every build of the matrix; called by tools/test, which says how.

A build is configured once in build/<name> and again if its options here have changed. Only the programs of the tests that are
to run are built. A test counts its doctest cases, or what it says in a last line `N passed, N failed`, or else as one.
"""

import argparse
import json
import os
import pathlib
import re
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
JOBS = str(len(os.sched_getaffinity(0)))

SANITIZER_ENVIRONMENT = {
    # A dangling reference parameter of a coroutine is seen with use-after-return only.
    "ASAN_OPTIONS": "detect_stack_use_after_return=1:strict_string_checks=1:check_initialization_order=1",
    "UBSAN_OPTIONS": "halt_on_error=1:print_stacktrace=1",
    "TSAN_OPTIONS": f"halt_on_error=1:second_deadlock_stack=1:suppressions={ROOT}/tests/support/tsan.supp",
}
# Of binutils, so it is there with the compilers; clang-19's packages that are installed have none.
SYMBOLIZER = "/usr/bin/addr2line"

GCC, CLANG = "g++", "clang++-19"
ASAN = ["-Db_sanitize=address,undefined", "-Db_lundef=false", "-Dcpp_args=-gline-tables-only -fno-omit-frame-pointer"]
# With a sanitizer g++ takes members of optional and expected for uninitialized that nothing reads; GCC's manual says that it may.
# The warning stays on in its other builds.
GCC_ASAN = ["-Db_sanitize=address", "-Db_lundef=false",
            "-Dcpp_args=-g1 -fno-omit-frame-pointer -Wno-maybe-uninitialized"]
TSAN = ["-Db_sanitize=thread", "-Db_lundef=false", "-Dcpp_args=-gline-tables-only -fno-omit-frame-pointer"]
# g++ warns that its thread sanitizer does not know fences; the library uses read-modify-writes for them there.
GCC_TSAN = ["-Db_sanitize=thread", "-Db_lundef=false",
            "-Dcpp_args=-g1 -fno-omit-frame-pointer -Wno-maybe-uninitialized -Wno-tsan"]

# Suites that run programs of the build; the others (models, consumers, programs that must not compile, tests of the checks) do
# not depend on its flags and run in the first build alone.
PROGRAM_SUITES = ("unit", "stress", "example")


class Build:
    """One row of the matrix: a compiler, an optimization, further Meson options, and the tests it runs without --full."""

    def __init__(self, name, compiler, optimization, options=(), folders=None, every_suite=False, slowdown=1, asserts=True,
                 bench=False):
        self.name = name
        self.compiler = compiler
        self.folders = folders  # None: all
        self.every_suite = every_suite
        self.slowdown = slowdown
        self.setup = ["--buildtype=plain", "--werror", f"-Doptimization={optimization}",
                      f"-Dbench={'enabled' if bench else 'disabled'}", f"-Db_ndebug={str(not asserts).lower()}", *options]

    def wants(self, test, full):
        """Whether it runs `test`, a row of Meson's list."""
        suites = {suite.partition(":")[2] for suite in test["suite"]}
        if "mutants" in suites:
            return False  # a row of its own: run_mutants
        if self.every_suite or "bench" in suites:
            return True
        if suites.isdisjoint(PROGRAM_SUITES):
            return False
        return full or self.folders is None or test["name"].removesuffix("_uring").removesuffix("_stress") in self.folders


BETWEEN_THREADS = ("scheduler", "sync", "offload", "time", "random_yields", "future", "stream", "sink", "io", "net", "fs",
                   "signal", "process")
MATRIX = (
    Build("gcc-o2", GCC, "2", every_suite=True),
    # Without optimization it is built in half of the time, and runs for half as long again, which is less.
    Build("clang-asan", CLANG, "0", ASAN, slowdown=4),
    Build("clang-tsan", CLANG, "1", TSAN, folders=(*BETWEEN_THREADS, "coro"), slowdown=8),
    Build("gcc-tsan", GCC, "1", GCC_TSAN, folders=("coro",), slowdown=8),
    # Without optimization a plugin has every inline function and vtable that the library has, too.
    Build("gcc-o0", GCC, "0", folders=("coro", "embedding"), slowdown=2),
    Build("gcc-asan", GCC, "1", GCC_ASAN, folders=("coro",), slowdown=4),
    Build("clang-o0", CLANG, "0", folders=("coro",), slowdown=2, bench=True),
    Build("clang-o2", CLANG, "2", folders=("coro",)),
    # Without precompiled headers a source that relies on them does not compile.
    Build("clang-o3", CLANG, "3", ["-Db_pch=false"], folders=("coro",), asserts=False),
)


# Of a failed test or step: a template's errors would bury the others.
LINES_SHOWN = 60  # at the beginning, and as many at the end
CHARACTERS_SHOWN = 300  # of a line


class StepFailed(Exception):
    """A command of the build, not a test, has failed; holds its output."""


def shortened(text):
    lines = [line if len(line) <= CHARACTERS_SHOWN else line[:CHARACTERS_SHOWN] + "..." for line in text.splitlines()]
    left_out = len(lines) - 2 * LINES_SHOWN
    if left_out > 0:
        lines[LINES_SHOWN:-LINES_SHOWN] = [f"... {left_out} lines ..."]
    return "\n".join(lines)


def run(command, **more):
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          errors="replace", cwd=ROOT, **more)
    if done.returncode != 0:
        raise StepFailed(f"{' '.join(map(str, command))}\n{shortened(done.stdout)}")
    return done.stdout


def configure(build, folder):
    options = [build.compiler, *build.setup]
    stamp = folder / "matrix-options.json"
    if (folder / "build.ninja").exists() and stamp.exists() and json.loads(stamp.read_text()) == options:
        return
    wipe = ["--wipe"] if (folder / "meson-private").exists() else []
    run(["meson", "setup", *wipe, *build.setup, folder, ROOT], env=os.environ | {"CXX": build.compiler})
    stamp.write_text(json.dumps(options))


def compile_tests(folder, tests):
    outputs = set()
    targets = {target["id"]: target for target in json.loads((folder / "meson-info/intro-targets.json").read_text())}
    for test in tests:
        for target in test["depends"]:
            outputs.update(str(pathlib.Path(name).relative_to(folder)) for name in targets[target]["filename"])
        if "consumer" in {suite.partition(":")[2] for suite in test["suite"]}:
            outputs.add("all")  # it installs the whole tree
    run(["ninja", "-C", folder, "-j", JOBS, *sorted(outputs)])


def count(result):
    """(passed, failed) of one test in Meson's log, and why it failed beyond what it counted."""
    output = result.get("stdout", "")
    passed, failed = 0, 0
    doctest = re.search(r"test cases: *(\d+) *\| *(\d+) passed *\| *(\d+) failed", output)
    own = re.search(r"^(\d+) passed, (\d+) failed\s*\Z", output, re.MULTILINE)
    if doctest:
        passed, failed = int(doctest[2]), int(doctest[3])
    elif own:
        passed, failed = int(own[1]), int(own[2])
    elif result["result"] == "OK":
        passed = 1
    if result["result"] not in ("OK", "SKIP") and failed == 0:
        failed = 1
    return passed, failed


def run_tests(build, folder, tests):
    """Runs the tests; gives Meson's rows about them."""
    log = folder / "meson-logs/testlog.json"
    log.unlink(missing_ok=True)
    environment = (os.environ | SANITIZER_ENVIRONMENT |
                   {f"{tool}_SYMBOLIZER_PATH": SYMBOLIZER for tool in ("ASAN", "TSAN", "UBSAN")})
    done = subprocess.run(
        ["meson", "test", "-C", folder, "--no-rebuild", "--num-processes", JOBS, "-t", str(build.slowdown),
         *sorted({test["name"] for test in tests})],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=ROOT, env=environment)
    if not log.exists():
        raise StepFailed(done.stdout)
    return [json.loads(line) for line in log.read_text().splitlines()]


def suite_seconds(tests, results):
    suite_of = {test["name"]: test["suite"][0].partition(":")[2] for test in tests}
    seconds = {}
    for result in results:
        suite = suite_of.get(result["name"].rpartition(" / ")[2], "?")
        seconds[suite] = seconds.get(suite, 0.0) + result["duration"]
    return ", ".join(f"{suite} {spent:.1f} s" for suite, spent in seconds.items())


def run_build(build, full):
    folder = ROOT / "build" / build.name
    started = time.monotonic()
    passed, failed, about, logs = 0, 0, "", []
    try:
        configure(build, folder)
        # An edited meson.build must show before the list of tests is read.
        run(["ninja", "-C", folder, "build.ninja"])
        tests = json.loads((folder / "meson-info/intro-tests.json").read_text())
        tests = [test for test in tests if build.wants(test, full)]
        if tests:
            compile_tests(folder, tests)
            built = time.monotonic() - started
            results = run_tests(build, folder, tests)
            for result in results:
                more_passed, more_failed = count(result)
                passed, failed = passed + more_passed, failed + more_failed
                if more_failed:
                    logs.append(f"--- {build.name}: {result['name']}: {result['result']} ({result['returncode']})\n"
                                f"{shortened(result.get('stdout', '') + result.get('stderr', ''))}")
                elif result["result"] == "SKIP":
                    about += f"; skipped {result['name']}"
            missing = len(tests) - len(results)
            if missing:
                failed += missing
                logs.append(f"--- {build.name}: {missing} tests did not run")
            about = f" (build {built:.0f} s; {suite_seconds(tests, results)}{about})"
        else:
            about = " (no tests yet)"
    except StepFailed as problem:
        failed += 1
        logs.append(f"--- {build.name}: {problem}")
    print(f"{build.name:<12} {passed:5} passed, {failed} failed in {time.monotonic() - started:.0f} s{about}", flush=True)
    for log in logs:
        print(log, flush=True)
    return passed, failed


def run_mutants(full):
    """Weakens memory orders of the modelled files, all or a sample; each must be noticed by a model."""
    script = ROOT / "tests/model/mutate.py"
    if not script.exists():
        return 0, 0
    started = time.monotonic()
    done = subprocess.run([sys.executable, script, *(["--all"] if full else [])], stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=ROOT)
    passed, failed = count({"stdout": done.stdout, "result": "OK" if done.returncode == 0 else "FAIL"})
    print(f"{'mutants':<12} {passed:5} passed, {failed} failed in {time.monotonic() - started:.0f} s", flush=True)
    if failed:
        print(shortened(done.stdout), flush=True)
    return passed, failed


def main():
    arguments = argparse.ArgumentParser(prog="tools/test")
    arguments.add_argument("--full", action="store_true")
    arguments.add_argument("--only", action="append", choices=[build.name for build in MATRIX] + ["mutants"])
    options = arguments.parse_args()

    def chosen(name):
        return not options.only or name in options.only

    counts = [run_build(build, options.full) for build in MATRIX if chosen(build.name)]
    if chosen("mutants"):
        counts.append(run_mutants(options.full))
    passed, failed = map(sum, zip(*counts))
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


sys.exit(main())
