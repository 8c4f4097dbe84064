# SPDX-License-Identifier: MIT
"""Builds what the scripts of this folder run: our programs and the peers, in build/bench as it has been set up, else with clang++-19."""

import functools
import os
import pathlib
import shutil
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[1]
FOLDER = ROOT / "build/bench"
CRATES = pathlib.Path("/usr/share/cargo/registry")


@functools.cache
def built(*names):
    """The paths of programs of bench/meson.build."""
    if not (FOLDER / "build.ninja").exists():
        subprocess.run(["meson", "setup", "-Dtests=disabled", "-Dtools=disabled", "-Dbench=enabled", FOLDER], cwd=ROOT, check=True,
                       env={**os.environ, "CXX": "clang++-19"}, stdout=subprocess.DEVNULL)
    subprocess.run(["ninja", "-C", FOLDER, *(f"bench/{name}" for name in names)], check=True, stdout=subprocess.DEVNULL)
    return [str(FOLDER / "bench" / name) for name in names]


def tokio(name):
    """The path of a program of peers/tokio, or None and a line on stderr where Debian's crates or cargo are missing."""
    if not shutil.which("cargo") or not list(CRATES.glob("tokio-1*")):
        print("bench: no Tokio beside it: cargo or librust-tokio-dev is not installed", file=sys.stderr)
        return None
    # A copy: cargo writes its lock file beside the manifest.
    project = FOLDER / "bench/tokio"
    shutil.copytree(ROOT / "bench/peers/tokio", project, dirs_exist_ok=True)
    source = ['source.crates-io.replace-with="debian"', f'source.debian.directory="{CRATES}"']
    subprocess.run(["cargo", "build", "--release", "--offline", "--quiet", *(word for line in source for word in ("--config", line))],
                   cwd=project, check=True)
    return str(project / "target/release" / name)


def metrics(text):
    """What a program has reported: `metric value` lines."""
    return {name: float(value) for name, value in (line.split() for line in text.splitlines())}
