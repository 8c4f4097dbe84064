# SPDX-License-Identifier: MIT
"""What the checks share: which files are our sources, a C++ text without comments and strings, which compilers are at hand."""

import os
import pathlib
import re
import shutil
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[2]

_COMMENT_OR_LITERAL = re.compile(
    r"""//[^\n]*|/\*.*?\*/
      | R"(?P<mark>[^()\\\s]{0,16})\(.*?\)(?P=mark)"
      | "(?:\\.|[^"\\\n])*"
      | (?<![0-9a-fA-F])'(?:\\.|[^'\\\n])*'
    """,
    re.DOTALL | re.VERBOSE,
)


def cpp_files(root, *folders):
    """The C++ files under the folders of `root`, in order."""
    return sorted(p for folder in folders for p in (root / folder).rglob("*") if p.suffix in (".hpp", ".cpp"))


def without_comments(text):
    """The text with comments and literals blanked out; every other character keeps its place."""

    def blank(match):
        found = match.group()
        kept = re.sub(r"[^\n]", " ", found)
        return f'"{kept[1:-1]}"' if found[0] in "\"R" and "\n" not in found else kept

    return _COMMENT_OR_LITERAL.sub(blank, text)


def line_of(text, place):
    """The number of the line that holds the character at `place`."""
    return text.count("\n", 0, place) + 1


def compilers(configured):
    """Each compiler command to check with: the configured one, if any, g++ and clang++-19 where installed; that one last."""
    chosen = [[name] for name in ("g++", "clang++-19") if shutil.which(name)]
    if configured and [os.path.basename(configured[-1])] not in chosen:
        chosen.insert(0, configured)
    return chosen


def precompiled(compiler, flags, folder):
    """Flags with which the compiler reads all of the public headers precompiled, in `folder`, which then has to stay.

    Only with the same flags, but for definitions. Most of the time of a small program goes into those headers.
    """
    place = folder / os.path.basename(compiler[-1])
    place.mkdir()
    header = place / "all.hpp"
    header.write_text("#include <vector>\n#include <pollux/pollux.hpp>\n")
    # Each of the compilers looks for this name where it is told to include the header.
    subprocess.run([*compiler, *flags, "-x", "c++-header", header, "-o", place / "all.hpp.gch"], cwd=ROOT, check=True)
    return ["-include", str(header)]


def jobs():
    """How many compilers may run at once."""
    return len(os.sched_getaffinity(0))
