#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Builds program.cpp as a user would, in each way that Pollux offers, and runs it.

Usage: check.py BUILD_ROOT SOURCE_ROOT COMPILER...

Installs the built tree into a folder and moves that, so a path that was fixed at build time shows. Ways: pkg-config, shared
and static; CMake, shared and static; Meson, installed and as a subproject. The last line is `N passed, N failed`.
"""

import os
import pathlib
import shlex
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
PROGRAM = HERE / "program.cpp"


class Refused(Exception):
    """A step of a consumer has failed; holds what it printed."""


def run(*command, **more):
    done = subprocess.run(list(map(str, command)), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, timeout=300, **more)
    if done.returncode != 0:
        raise Refused(f"{shlex.join(map(str, command))}: status {done.returncode}\n{done.stdout}")
    return done.stdout


class Consumers:
    def __init__(self, build_root, source_root, compiler, folder):
        self.source_root = source_root
        self.compiler = compiler
        self.folder = folder
        staged = folder / "staged"
        run("meson", "install", "-C", build_root, "--no-rebuild", "--destdir", staged)
        config = next(staged.rglob("pollux.pc"))
        # The installed tree begins with the configured prefix; what users get need not.
        prefix = next(parent for parent in config.parents if (parent / "include").is_dir())
        self.prefix = folder / "moved"
        prefix.rename(self.prefix)
        config = next(self.prefix.rglob("pollux.pc"))
        self.libraries = config.parent.parent
        self.environment = os.environ | {
            "CXX": shlex.join(compiler),
            "PKG_CONFIG_PATH": str(config.parent),
        }
        self.version = run("pkg-config", "--modversion", "pollux", env=self.environment).strip()

    def starts(self, program, is_shared):
        """Runs the built program; it must use the library that it was linked with."""
        needed = run("readelf", "-d", program)
        if ("libpollux.so.0.1]" in needed) != is_shared:
            raise Refused(f"{program}: {'not ' if is_shared else ''}linked with libpollux.so.0.1\n{needed}")
        printed = run(program, env=self.environment | {"LD_LIBRARY_PATH": str(self.libraries)})
        if printed.splitlines()[:1] != [self.version]:
            raise Refused(f"{program}: the library says it is {printed!r}, the package {self.version}")

    def with_pkg_config(self, name, flags):
        program = self.folder / name
        run(*self.compiler, "-std=c++23", "-Wall", "-Wextra", "-Werror", PROGRAM, "-o", program, *flags)
        return program

    def pkg_config_shared(self):
        flags = shlex.split(run("pkg-config", "--cflags", "--libs", "pollux", env=self.environment))
        if "-ltbb" in flags:
            raise Refused(f"users of the shared library are told to link oneTBB: {flags}")
        self.starts(self.with_pkg_config("pkg_config_shared", flags), True)

    def pkg_config_static(self):
        flags = shlex.split(run("pkg-config", "--static", "--cflags", "--libs", "pollux", env=self.environment))
        archive = ("-Wl,--push-state,-Bstatic", "-lpollux", "-Wl,--pop-state")
        flags = [part for flag in flags for part in (archive if flag == "-lpollux" else (flag,))]
        self.starts(self.with_pkg_config("pkg_config_static", flags), False)

    def cmake(self):
        build = self.folder / "cmake"
        run("cmake", "-G", "Ninja", "-S", HERE / "cmake", "-B", build, f"-DCMAKE_PREFIX_PATH={self.prefix}", f"-DPROGRAM={PROGRAM}",
            env=self.environment)
        run("cmake", "--build", build, "-j", "2")
        self.starts(build / "consumer_shared", True)
        self.starts(build / "consumer_static", False)

    def meson(self, name, *options):
        source = self.folder / name
        (source / "subprojects").mkdir(parents=True)
        for file in (HERE / "meson").iterdir():
            (source / file.name).symlink_to(file)
        (source / "subprojects/pollux").symlink_to(self.source_root)
        build = source / "build"
        run("meson", "setup", f"-Dprogram={PROGRAM}", *options, build, source, env=self.environment)
        run("ninja", "-C", build, "-j", "2")
        return build

    def meson_installed(self):
        self.starts(self.meson("meson_installed", "--wrap-mode=nofallback") / "consumer", True)

    def meson_subproject(self):
        build = self.meson("meson_subproject", "--wrap-mode=forcefallback")
        self.starts(build / "consumer", True)
        built = [path.name for path in (build / "subprojects/pollux").iterdir() if path.is_dir()]
        if {"tests", "bench", "tools"} & set(built):
            raise Refused(f"a subproject is to be the library alone, but holds {built}")


def main():
    build_root, source_root, compiler = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]), sys.argv[3:]
    passed = failed = 0
    with tempfile.TemporaryDirectory() as folder:
        consumers = Consumers(build_root, source_root, compiler, pathlib.Path(folder))
        for way in ("pkg_config_shared", "pkg_config_static", "cmake", "meson_installed", "meson_subproject"):
            try:
                getattr(consumers, way)()
                passed += 1
            except (Refused, subprocess.TimeoutExpired) as problem:
                print(f"{way}: {problem}")
                failed += 1
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


sys.exit(main())
