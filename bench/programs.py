# SPDX-License-Identifier: MIT
"""The programs that the scripts of this folder run: ours and the peers, built by tools/bench in build/bench."""

import functools
import os
import pathlib
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[1]
FOLDER = ROOT / "build/bench/bench"


def _build(*targets):
    subprocess.run([ROOT / "tools/bench", "--build", *targets], check=True, env={**os.environ, "CXX": "clang++-19"})


@functools.cache
def built(*names):
    """The paths of programs of bench/meson.build."""
    _build(*(f"bench/{name}" for name in names))
    return [str(FOLDER / name) for name in names]


def built_if_known(name):
    """The same of a peer, or None where its packages were missing when the build was configured. After built()."""
    known = f"build bench/{name}:" in (FOLDER.parent / "build.ninja").read_text()
    return built(name)[0] if known else None


def tokio(name):
    """The path of a program of peers/tokio, or None and a line on stderr where Debian's crates or cargo are missing."""
    _build("tokio")
    program = FOLDER / "tokio/target/release" / name
    return str(program) if program.exists() else None


def metrics(text):
    """What a program has reported: `metric value` lines."""
    return {name: float(value) for name, value in (line.split() for line in text.splitlines())}
