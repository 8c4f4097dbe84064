// SPDX-License-Identifier: MIT
// The order of the walk against a plain model: list everything, then sort.

#include "path_walk.hpp"

#include "temporary_tree.hpp"

#include <doctest/doctest.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <random>
#include <string>
#include <utility>
#include <vector>

namespace {

using namespace pollux_tool;
namespace files = std::filesystem;

std::vector<std::string> paths_of(path_walk walk) {
    std::vector<std::string> out;
    while (auto found = walk.next({})) {
        out.push_back(found->error ? "! " + found->path : found->path);
        if (!found->error && found->directory) {
            // What the item says about its place must lead to the file, whatever the walk does meanwhile.
            const bool is_there = ::faccessat(found->directory->get(), found->name(), F_OK, AT_SYMLINK_NOFOLLOW) == 0;
            if (!is_there) out.back() += " is not where it should be";
        }
    }
    return out;
}

std::vector<std::string> model(const std::vector<std::string>& roots) {
    std::vector<std::string> out;
    for (const auto& root : roots) {
        if (files::is_regular_file(root)) out.push_back(root);
        if (!files::is_directory(root)) continue;
        for (const auto& entry : files::recursive_directory_iterator(root)) {
            if (files::is_regular_file(entry.symlink_status())) out.push_back(entry.path().string());
        }
    }
    std::ranges::sort(out);
    return out;
}

TEST_SUITE("tools/path_walk") {
    TEST_CASE("next: a directory sorts among files as its name with a slash") {
        const temporary_tree tree;
        for (const auto* name : {"a/b", "a-b", "a.txt", "a0", "a/b.c", "a/b0/x", "a-/x", "aa"}) tree.write(name, "");
        std::vector<std::string> wanted;
        for (const auto* name : {"a-/x", "a-b", "a.txt", "a/b", "a/b.c", "a/b0/x", "a0", "aa"})
            wanted.push_back(tree.path(name));
        CHECK(paths_of(path_walk({tree.root()})) == wanted);
    }

    TEST_CASE("next: random trees and overlapping roots come in the order of a sorted list") {
        for (unsigned seed = 0; seed < 30; ++seed) {
            CAPTURE(seed);
            std::mt19937 random(seed);
            const auto pick = [&random](std::size_t n) {
                return std::uniform_int_distribution<std::size_t>(0, n - 1)(random);
            };
            const temporary_tree tree;
            std::vector<std::string> directories{tree.root()};
            for (int i = 0; i < 80; ++i) {
                std::string name;
                for (auto length = 1 + pick(3); length > 0; --length) name += "ab-.0 \xff"[pick(7)];
                const auto path = directories[pick(directories.size())] + "/" + name;
                if (files::exists(path)) continue;
                if (pick(3) == 0) {
                    files::create_directory(path);
                    directories.push_back(path);
                } else {
                    std::ofstream(path).put('x');
                }
            }
            std::vector<std::string> roots;
            for (auto count = 1 + pick(4); count > 0; --count) roots.push_back(directories[pick(directories.size())]);
            CHECK(paths_of(path_walk(roots)) == model(roots));
        }
    }

    TEST_CASE("next: links, FIFOs and empty directories are passed over, also as roots") {
        const temporary_tree tree;
        tree.write("d/file", "");
        files::create_symlink("file", tree.path("d/link"));
        files::create_directory_symlink("d", tree.path("to-d"));
        files::create_directory(tree.path("d/empty"));
        REQUIRE(::mkfifo(tree.path("d/fifo").c_str(), 0600) == 0);
        const std::vector<std::string> wanted{tree.path("d/file")};
        CHECK(paths_of(path_walk({tree.root()})) == wanted);
        CHECK(paths_of(path_walk({tree.path("to-d"), tree.path("d/fifo"), tree.path("d/link"), tree.path("d/empty")}))
                  .empty());
        CHECK(paths_of(path_walk({tree.path("to-d/")})) == std::vector<std::string>{tree.path("to-d/file")});
    }

    TEST_CASE("next: a missing root is a failure in its place") {
        const temporary_tree tree;
        tree.write("a", "");
        tree.write("c", "");
        const std::vector<std::string> wanted{tree.path("a"), "! " + tree.path("b"), tree.path("c")};
        CHECK(paths_of(path_walk({tree.path("c"), tree.path("b"), tree.path("a")})) == wanted);
    }

    TEST_CASE("next: a directory that was moved while the walk was far below it is a failure, not another tree") {
        const temporary_tree tree;
        std::string deep = "top";
        for (int i = 0; i < 70; ++i) deep += "/d";
        tree.write(deep + "/1", "");
        tree.write(deep + "/2", "");  // the walk is always one file ahead of what it hands out
        tree.write("top/d/d/z", "");  // of a level whose descriptor is let go
        path_walk walk({tree.root()});
        const auto first = walk.next({});
        REQUIRE(first.has_value());
        CHECK(first->path == tree.path(deep + "/1"));
        files::rename(tree.path("top/d"), tree.path("top/moved"));
        tree.write("top/d/d/z", "of another tree");
        const auto rest = paths_of(std::move(walk));
        REQUIRE(rest.size() == 2);
        CHECK(rest[1] == "! " + tree.path("top/d/d/z"));
    }

    TEST_CASE("next: nothing comes once stop was requested") {
        const temporary_tree tree;
        tree.write("a", "");
        tree.write("b", "");
        path_walk walk({tree.root()});
        std::stop_source source;
        CHECK(walk.next(source.get_token()).has_value());
        source.request_stop();
        CHECK_FALSE(walk.next(source.get_token()).has_value());
    }
}

}  // namespace
