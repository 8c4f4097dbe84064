// SPDX-License-Identifier: MIT
// The quota that files of control groups say, from trees made here as the kernel shows them.
#include "scheduler/cpu_count.hpp"

#include <sched.h>

#include <doctest/doctest.h>

#include <filesystem>
#include <string>

#include "support/temporary_directory.hpp"

namespace {

using pollux::detail::cgroup_cpu_quota;
using pollux::detail::usable_cpu_count;
namespace fs = std::filesystem;

// A /proc/self/cgroup and a /sys/fs/cgroup of our own.
class group_tree {
public:
    group_tree() { fs::create_directory(mount()); }

    void is_in(const std::string& lines) { pollux::test::put_contents(root_ / "cgroup", lines); }
    /// `path` is below the mount.
    void write(const std::string& path, const std::string& text) {
        const fs::path file = mount() / path;
        fs::create_directories(file.parent_path());
        pollux::test::put_contents(file, text + '\n');
    }
    double quota() const { return cgroup_cpu_quota(root_ / "cgroup", mount()); }

private:
    fs::path mount() const { return root_ / "mount"; }

    pollux::test::temporary_directory root_;
};

}  // namespace

TEST_SUITE("scheduler/cpu_count") {
    TEST_CASE("no files: no quota") {
        group_tree tree;
        CHECK(tree.quota() == 0);
        tree.is_in("0::/nowhere\n4:cpu,cpuacct:/nowhere\n");
        CHECK(tree.quota() == 0);
        CHECK(cgroup_cpu_quota("", "") == 0);
    }

    TEST_CASE("version 2: the group's quota is a share of its period") {
        group_tree tree;
        tree.is_in("0::/user/app\n");
        tree.write("user/app/cpu.max", "150000 100000");
        CHECK(tree.quota() == 1.5);
        tree.write("user/app/cpu.max", "20000 100000");
        CHECK(tree.quota() == 0.2);
    }

    TEST_CASE("version 2: max is no quota") {
        group_tree tree;
        tree.is_in("0::/app\n");
        tree.write("app/cpu.max", "max 100000");
        CHECK(tree.quota() == 0);
    }

    TEST_CASE("version 2: the least of the group and its parents counts") {
        group_tree tree;
        tree.is_in("0::/slice/pod/app\n");
        tree.write("slice/pod/app/cpu.max", "400000 100000");
        tree.write("slice/pod/cpu.max", "max 100000");
        tree.write("slice/cpu.max", "250000 100000");
        CHECK(tree.quota() == 2.5);
        tree.write("slice/pod/app/cpu.max", "100000 100000");
        CHECK(tree.quota() == 1);
        tree.write("slice/pod/app/cpu.max", "max 100000");
        CHECK(tree.quota() == 2.5);
    }

    TEST_CASE("version 2: in a container the group is the root, and its files stand at the mount") {
        group_tree tree;
        tree.is_in("0::/\n");
        tree.write("cpu.max", "300000 100000");
        CHECK(tree.quota() == 3);
    }

    TEST_CASE("version 1: only the line that names the controller cpu counts") {
        group_tree tree;
        tree.is_in("9:cpuset:/app\n5:memory:/app\n4:cpu,cpuacct:/app\n1:name=systemd:/app\n");
        tree.write("cpu,cpuacct/app/cpu.cfs_quota_us", "50000");
        tree.write("cpu,cpuacct/app/cpu.cfs_period_us", "100000");
        tree.write("cpuset/app/cpu.cfs_quota_us", "10000");
        tree.write("cpuset/app/cpu.cfs_period_us", "100000");
        CHECK(tree.quota() == 0.5);
    }

    TEST_CASE("version 1: a quota of -1, or one without a period, is none") {
        group_tree tree;
        tree.is_in("4:cpu,cpuacct:/app\n");
        tree.write("cpu,cpuacct/app/cpu.cfs_quota_us", "-1");
        tree.write("cpu,cpuacct/app/cpu.cfs_period_us", "100000");
        CHECK(tree.quota() == 0);
        tree.write("cpu,cpuacct/app/cpu.cfs_quota_us", "50000");
        tree.write("cpu,cpuacct/app/cpu.cfs_period_us", "0");
        CHECK(tree.quota() == 0);
    }

    TEST_CASE("version 1: the folder may be called cpu, whatever is mounted with it") {
        group_tree tree;
        tree.is_in("4:cpuacct,cpu:/app\n");
        tree.write("cpu/app/cpu.cfs_quota_us", "700000");
        tree.write("cpu/app/cpu.cfs_period_us", "200000");
        CHECK(tree.quota() == 3.5);
    }

    TEST_CASE("version 1: in a container the group's path lies outside, and its files stand at the mount") {
        group_tree tree;
        tree.is_in("4:cpu,cpuacct:/docker/0123456789abcdef\n");
        tree.write("cpu,cpuacct/cpu.cfs_quota_us", "200000");
        tree.write("cpu,cpuacct/cpu.cfs_period_us", "100000");
        CHECK(tree.quota() == 2);
    }

    TEST_CASE("both versions at once: the lesser quota counts") {
        group_tree tree;
        tree.is_in("4:cpu:/app\n0::/unified\n");
        tree.write("cpu/app/cpu.cfs_quota_us", "300000");
        tree.write("cpu/app/cpu.cfs_period_us", "100000");
        tree.write("unified/cpu.max", "200000 100000");
        CHECK(tree.quota() == 2);
        tree.write("unified/cpu.max", "400000 100000");
        CHECK(tree.quota() == 3);
    }

    TEST_CASE("files that say nonsense say nothing") {
        group_tree tree;
        tree.is_in("nonsense\n\n0\n0:\n::\n0::/app\n");
        for (const char* const text : {"", "100000", "words and words", "100000 0", "-5 100000", "0 100000"}) {
            CAPTURE(text);
            tree.write("app/cpu.max", text);
            CHECK(tree.quota() == 0);
        }
        tree.write("app/cpu.max", "100000 100000");
        CHECK(tree.quota() == 1);
    }

    TEST_CASE("usable_cpu_count: at least one, and not more than the affinity mask has") {
        cpu_set_t mask;
        REQUIRE(::sched_getaffinity(0, sizeof mask, &mask) == 0);
        CHECK(usable_cpu_count() >= 1);
        CHECK(usable_cpu_count() <= static_cast<unsigned>(CPU_COUNT(&mask)));
        cpu_set_t one;
        CPU_ZERO(&one);
        int first = 0;
        while (!CPU_ISSET(first, &mask)) ++first;
        CPU_SET(first, &one);
        REQUIRE(::sched_setaffinity(0, sizeof one, &one) == 0);
        const unsigned count = usable_cpu_count();
        REQUIRE(::sched_setaffinity(0, sizeof mask, &mask) == 0);
        CHECK(count == 1);
    }
}
