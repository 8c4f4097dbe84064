// SPDX-License-Identifier: MIT
#include "pollux/fs/paths.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <filesystem>
#include <string>
#include <string_view>
#include <system_error>

#include "pollux/core/block_on.hpp"
#include "pollux/fs/file.hpp"
#include "pollux/fs/whole_file.hpp"
#include "pollux/runtime/errors.hpp"
#include "pollux/runtime/runtime.hpp"
#include "support/temporary_directory.hpp"

namespace fs = pollux::fs;
using namespace pollux::test;

TEST_SUITE("fs/paths") {
    TEST_CASE("remove_file: the file is gone; a directory is not one") {
        const temporary_directory directory;
        pollux::runtime rt;
        put_contents(directory / "file", "x");
        REQUIRE(rt.block_on(fs::remove_file(directory / "file")).has_value());
        CHECK(!std::filesystem::exists(directory / "file"));
        CHECK(rt.block_on(fs::remove_file(directory / "file")).error() == std::errc::no_such_file_or_directory);
        CHECK(!rt.block_on(fs::remove_file(directory.path())).has_value());
        CHECK(std::filesystem::exists(directory.path()));
    }
    TEST_CASE("rename: another name, in place of what had it") {
        const temporary_directory directory;
        pollux::runtime rt;
        put_contents(directory / "a", "of a");
        put_contents(directory / "b", "of b");
        REQUIRE(rt.block_on(fs::rename(directory / "a", directory / "b")).has_value());
        CHECK(!std::filesystem::exists(directory / "a"));
        CHECK(contents_of(directory / "b") == "of a");
        const auto again = rt.block_on(fs::rename(directory / "a", directory / "b"));
        CHECK(again.error() == std::errc::no_such_file_or_directory);
    }
    TEST_CASE("create_directories: all that are not there; no error if they are") {
        const temporary_directory directory;
        pollux::runtime rt;
        REQUIRE(rt.block_on(fs::create_directories(directory / "a/b/c")).has_value());
        CHECK(std::filesystem::is_directory(directory / "a/b/c"));
        CHECK(rt.block_on(fs::create_directories(directory / "a/b/c")).has_value());
        put_contents(directory / "file", "x");
        CHECK(!rt.block_on(fs::create_directories(directory / "file/d")).has_value());
    }
    TEST_CASE("metadata: size, kind and time, behind links") {
        const temporary_directory directory;
        pollux::runtime rt;
        put_contents(directory / "file", "four");
        std::filesystem::create_symlink("file", directory / "link");
        const auto written = std::filesystem::last_write_time(directory / "file");
        for (const char* name : {"file", "link"}) {
            const auto about = rt.block_on(fs::metadata(directory / name)).value();
            CHECK(about.size == 4);
            CHECK(about.is_file);
            CHECK(!about.is_directory);
            CHECK(about.modified == std::chrono::file_clock::to_sys(written));
        }
        const auto above = rt.block_on(fs::metadata(directory.path())).value();
        CHECK(above.is_directory);
        CHECK(!above.is_file);
        const auto device = rt.block_on(fs::metadata("/dev/null")).value();
        CHECK(!device.is_directory);
        CHECK(!device.is_file);
        CHECK(rt.block_on(fs::metadata(directory / "none")).error() == std::errc::no_such_file_or_directory);
    }
    TEST_CASE("exists: yes, no, or an error where it cannot be told") {
        const temporary_directory directory;
        pollux::runtime rt;
        put_contents(directory / "file", "");
        std::filesystem::create_symlink("nowhere", directory / "dangling");
        std::filesystem::create_symlink("loop", directory / "loop");
        CHECK(rt.block_on(fs::exists(directory / "file")).value());
        CHECK(rt.block_on(fs::exists(directory.path())).value());
        CHECK(!rt.block_on(fs::exists(directory / "none")).value());
        CHECK(!rt.block_on(fs::exists(directory / "file/below")).value());
        CHECK(!rt.block_on(fs::exists(directory / "dangling")).value());
        CHECK(rt.block_on(fs::exists(directory / "loop")).error() == std::errc::too_many_symbolic_link_levels);
    }
    TEST_CASE("a zero byte in a path is refused, in either") {
        const temporary_directory directory;
        const std::string zero("a\0b", 3);
        pollux::runtime rt;
        put_contents(directory / "a", "kept");
        CHECK(rt.block_on(fs::remove_file(directory / zero)).error() == std::errc::invalid_argument);
        CHECK(rt.block_on(fs::rename(directory / "a", directory / zero)).error() == std::errc::invalid_argument);
        CHECK(rt.block_on(fs::rename(directory / zero, directory / "c")).error() == std::errc::invalid_argument);
        CHECK(rt.block_on(fs::create_directories(directory / zero)).error() == std::errc::invalid_argument);
        CHECK(rt.block_on(fs::metadata(directory / zero)).error() == std::errc::invalid_argument);
        CHECK(rt.block_on(fs::exists(directory / zero)).error() == std::errc::invalid_argument);
        CHECK(contents_of(directory / "a") == "kept");
    }
    TEST_CASE("a path may be a std::string_view, for each function of the folder") {
        const temporary_directory directory;
        pollux::runtime rt;
        const std::string texts[] = {directory / "a/b", directory / "a/b/c", directory / "a/b/d"};
        const std::string_view into = texts[0], first = texts[1], second = texts[2];
        CHECK(rt.block_on(fs::create_directories(into)).has_value());
        CHECK(rt.block_on(fs::write_file(first, "four")).has_value());
        CHECK(rt.block_on(fs::rename(first, second)).has_value());
        CHECK(rt.block_on(fs::read_file(second)).value() == "four");
        CHECK(rt.block_on(fs::metadata(second)).value().size == 4);
        CHECK(rt.block_on(fs::exists(second)).value());
        CHECK(rt.block_on(fs::file::open(second)).has_value());
        CHECK(rt.block_on(fs::file::create(second)).has_value());
        CHECK(rt.block_on(fs::remove_file(second)).has_value());
        CHECK(!rt.block_on(fs::exists(second)).value());
    }
    TEST_CASE("a path may be one of std::filesystem; outside a runtime the poll throws no_runtime") {
        auto looking = fs::exists(std::filesystem::path("/dev/null"));
        CHECK_THROWS_AS(static_cast<void>(pollux::block_on(looking)), pollux::no_runtime);
    }
}
