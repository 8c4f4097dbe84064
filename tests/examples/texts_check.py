#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Checks what is written about the examples: the README's program is the tested one, and the guide names each of them.

Usage: texts_check.py ROOT NAME...    the names of the examples, in the order of learning. The last line is `N passed, N failed`.

The README's first `cpp` block has to be tools/examples/first_program.cpp from the first include on, and the `text` block
after it what that file says it prints. tools/examples/README.md has to link every example, in the order given; every example
stays below 150 lines and is one of the names.
"""

import pathlib
import re
import sys

LONGEST = 150  # lines of an example: what is read in one sitting


def parts_of(source):
    """(what an example says it prints, its code from the first include on)"""
    text = source.read_text()
    printed = re.search(r"^// Prints:\n((?://.*\n)+)", text, re.MULTILINE)
    expected = "".join(line.removeprefix("//").removeprefix("   ") for line in printed[1].splitlines(True)) if printed else ""
    return expected, text[text.index("#include"):]


def checks(root, names):
    """(name, whether it holds, what is wrong)"""
    folder = root / "tools/examples"
    expected, code = parts_of(folder / "first_program.cpp")
    readme = root / "README.md"
    blocks = re.findall(r"^```(cpp|text)\n(.*?)^```$", readme.read_text() if readme.exists() else "", re.MULTILINE | re.DOTALL)
    shown = [text for kind, text in blocks if kind == "cpp"][:1]
    yield "program", shown == [code], "README.md: its first program is not tools/examples/first_program.cpp"
    output = [text for kind, text in blocks if kind == "text"][:1]
    yield "output", output == [expected], "README.md: its first output is not what first_program.cpp says it prints"

    linked = re.findall(r"\]\((\w+)\.cpp\)", (folder / "README.md").read_text())
    yield "guide", list(dict.fromkeys(linked)) == names, f"tools/examples/README.md: links {linked}, the tests build {names}"
    for source in sorted(folder.glob("*.cpp")):
        lines = source.read_text().count("\n")
        is_good = source.stem in names and lines < LONGEST
        yield source.stem, is_good, f"{source.name}: not in tests/examples/meson.build, or {lines} lines long ({LONGEST} are too many)"


def main():
    passed = failed = 0
    for _, holds, problem in checks(pathlib.Path(sys.argv[1]), sys.argv[2:]):
        passed += holds
        failed += not holds
        if not holds:
            print(problem)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


sys.exit(main())
