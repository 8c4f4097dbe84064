#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Checks what is written about the examples: the README's program is the tested one, and the guides name each of them.

Usage: texts_check.py ROOT NAME... --guide NAME...    the names of the examples, and of those in guide/, in the order of learning.
The last line is `N passed, N failed`.

The README's first `cpp` block has to be tools/examples/first_program.cpp from the first include on, and the `text` block
after it what that file says it prints. The README.md of either folder has to link each of its examples, in the order given, and nothing
that is not there. Every example is one of the names, stays below 150 lines, and names the next one after `// Next: `.
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

    yield from checks_of(folder, names)


def checks_of(folder, names):
    """As `checks`, for one folder of examples."""
    guide = (folder / "README.md").read_text()
    linked = re.findall(r"\]\((\w+)\.cpp\)", guide)
    yield "guide", list(dict.fromkeys(linked)) == names, f"{folder}/README.md: links {linked}, the tests build {names}"
    missing = [link for link in re.findall(r"\]\(([^)#:]+)\)", guide) if not (folder / link).exists()]
    yield "links", not missing, f"{folder}/README.md: there is no {missing}"
    following = dict(zip(names, names[1:]))
    for source in sorted(folder.glob("*.cpp")):
        text = source.read_text()
        lines = text.count("\n")
        is_good = source.stem in names and lines < LONGEST
        yield source.stem, is_good, f"{source.name}: not in a meson.build of tests/examples, or {lines} lines long ({LONGEST} are too many)"
        follows = following.get(source.stem)
        is_good = follows is None or f"\n// Next: {follows}.cpp" in text
        yield source.stem, is_good, f"{source.name}: no line `// Next: {follows}.cpp`, which comes after it"


def main():
    passed = failed = 0
    root, names = pathlib.Path(sys.argv[1]), sys.argv[2:]
    of_guide = names.index("--guide")
    found = [*checks(root, names[:of_guide]), *checks_of(root / "tools/examples/guide", names[of_guide + 1:])]
    for _, holds, problem in found:
        passed += holds
        failed += not holds
        if not holds:
            print(problem)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


sys.exit(main())
