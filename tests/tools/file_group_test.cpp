// SPDX-License-Identifier: MIT
// The steps of a group without a runtime: what is read where, and where a buffer ends.

#include "file_group.hpp"

#include "temporary_tree.hpp"

#include <doctest/doctest.h>

#include <sys/stat.h>

#include <filesystem>
#include <span>
#include <stop_token>
#include <string>
#include <utility>

namespace {

using namespace pollux_tool;

found_path found(std::string path) {
    found_path out;
    out.path = std::move(path);
    return out;
}

TEST_SUITE("tools/file_group") {
    TEST_CASE("sha256_hasher: known sums, and it begins anew after finish") {
        sha256_hasher hasher;
        group_result result;
        result.add_file(found("empty"), hasher.finish(), 0);
        const std::string text = "abc";
        hasher.update(std::as_bytes(std::span(text)).first(1));
        hasher.update(std::as_bytes(std::span(text)).subspan(1));
        result.add_file(found("abc"), hasher.finish(), 3);
        CHECK(result.lines ==
              "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855  empty\n"
              "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad  abc\n");
        CHECK(result.files == 2);
        CHECK(result.bytes == 3);
    }

    TEST_CASE("take_group: at most 64 files, at most 16 directories, empty at the end") {
        const temporary_tree tree;
        for (int i = 0; i < 70; ++i) tree.write("a/" + std::to_string(i), "");
        for (int i = 0; i < 20; ++i) tree.write("b/" + std::to_string(i) + "/x", "");
        path_walk walk({tree.root()});
        CHECK(take_group(walk, {}).size() == 64);
        CHECK(take_group(walk, {}).size() == 6 + 15);
        CHECK(take_group(walk, {}).size() == 5);
        CHECK(take_group(walk, {}).empty());
    }

    TEST_CASE("load_files: as many whole files as fit, and a file at the buffer's size is handed out unfinished") {
        const temporary_tree tree;
        tree.write("a", "12345");
        tree.write("b", "");
        tree.write("c", std::string(buffer_bytes - 65, 'c'));
        tree.write("d", "67890");
        tree.write("e", std::string(buffer_bytes, 'e'));
        path_walk walk({tree.root()});
        const auto group = take_group(walk, {});
        REQUIRE(group.size() == 5);

        auto loaded = load_files(group, 0, make_buffer(), {});
        REQUIRE(loaded.pieces.size() == 3);
        CHECK(loaded.pieces[0].bytes == 5);
        CHECK(loaded.pieces[1].bytes == 0);
        CHECK(loaded.pieces[2].begin == 64);
        CHECK(loaded.pieces[2].bytes == buffer_bytes - 65);
        CHECK_FALSE(loaded.unfinished);
        group_result result;
        hash_files(group, 0, loaded, result);
        CHECK(result.files == 3);
        CHECK(result.bytes == buffer_bytes - 60);
        CHECK(result.failures.empty());

        auto* const buffer = loaded.buffer.get();
        loaded = load_files(group, 3, std::move(loaded.buffer), {});
        CHECK(loaded.buffer.get() == buffer);
        CHECK(loaded.pieces.size() == 1);
        CHECK_FALSE(loaded.unfinished);

        loaded = load_files(group, 4, std::move(loaded.buffer), {});
        REQUIRE(loaded.pieces.size() == 1);
        CHECK(loaded.pieces[0].bytes == buffer_bytes);
        CHECK(loaded.unfinished);
    }

    TEST_CASE("load_files: what cannot be opened any more becomes a failure and the rest is read") {
        const temporary_tree tree;
        for (const auto* name : {"a", "fifo", "gone", "link", "z"}) tree.write(name, "x");
        path_walk walk({tree.root()});
        auto group = take_group(walk, {});
        REQUIRE(group.size() == 5);
        for (const auto* name : {"fifo", "gone", "link"}) std::filesystem::remove(tree.path(name));
        REQUIRE(::mkfifo(tree.path("fifo").c_str(), 0600) == 0);
        std::filesystem::create_symlink("a", tree.path("link"));

        const auto loaded = load_files(group, 0, make_buffer(), {});
        group_result result;
        hash_files(group, 0, loaded, result);
        CHECK(result.files == 2);
        REQUIRE(result.failures.size() == 3);
        CHECK(result.failures[1] == "pollux: sum \"" + tree.path("gone") + "\": no such file or directory; left out");
    }

    TEST_CASE("load_files: nothing is read once stop was requested") {
        const temporary_tree tree;
        tree.write("a", "x");
        path_walk walk({tree.root()});
        const auto group = take_group(walk, {});
        std::stop_source source;
        source.request_stop();
        CHECK(load_files(group, 0, make_buffer(), source.get_token()).pieces.empty());
    }
}

}  // namespace
