# SPDX-License-Identifier: MIT
"""Runs of `pollux bench` with programs that only print what they are told, for the black-box tests of it."""
import contextlib
import json
import os
import re
import subprocess
import tempfile
from pathlib import Path

from black_box import PROGRAM, expect

PATIENCE = 60  # seconds after which a case that waits has failed
CONTENT = Path(PROGRAM).read_bytes()
IS_SANITIZED = b"__asan_init" in CONTENT or b"__tsan_init" in CONTENT  # holds memory of its own
del CONTENT


def run(*arguments, environment=None, **options):
    folder = () if "--programs" in arguments else ("--programs", "programs")
    return subprocess.run([PROGRAM, "bench", *folder, *map(str, arguments)], capture_output=True, text=True, timeout=PATIENCE,
                          stdin=subprocess.DEVNULL, env=os.environ | (environment or {}), **options)


def expect_status(got, status):
    expect(got.returncode == status, f"status {got.returncode}, wanted {status}:", got.stdout, got.stderr)


def measured(*arguments, status=0, **options):
    """The results, as --json gives them."""
    expect_status(run("--json", "out.json", *arguments, **options), status)
    return json.loads(Path("out.json").read_text())


def script(name, text):
    path = Path("programs") / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("#!/bin/sh\n" + text)
    path.chmod(0o755)


def prints(name, *values, operations=100, more=""):
    """A program that reports the values one after the other, from run to run, and writes each run into the journal."""
    Path(f"{name}.values").write_text("".join(f"{value}\n" for value in values))
    script(name, f"""
        echo "{name} $*" >> journal
        at=$(cat {name}.at 2>/dev/null || echo 1)
        echo $((at % {len(values)} + 1)) > {name}.at
        echo "operations {operations}"
        echo "ns_per_op $(sed -n "$at"p {name}.values)"
        {more}
    """)


def program(name, **more):
    return {"name": name, "command": [name.replace(" ", "_"), "{workers}", "{size}"], **more}


def scenario(name="work", programs=("pollux", "peer"), **more):
    return {"name": name, "title": f"the title of {name}", "shows": "What it shows.", "size": 1000, "quick_size": 10, "workers": [1],
            "metric": "ns_per_op", "programs": [it if isinstance(it, dict) else program(it) for it in programs], **more}


def define(*scenarios, file="all.json"):
    folder = Path("programs/scenarios")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / file).write_text(json.dumps(scenarios))


def journal():
    return Path("journal").read_text().splitlines() if Path("journal").exists() else []


def series(results, program, workers=1, scenario=0):
    return next(it for it in results["scenarios"][scenario]["series"] if (it["program"], it["workers"]) == (program, workers))


def row(stdout, program):
    """The cells of the table's row."""
    line = next(it for it in stdout.splitlines() if it.strip().removeprefix("* ").startswith(program + "  "))
    return re.split(r"  +", line.strip().removeprefix("* "))


@contextlib.contextmanager
def scratch():
    with tempfile.TemporaryDirectory() as folder:
        before = os.getcwd()
        os.chdir(folder)
        try:
            yield
        finally:
            os.chdir(before)
