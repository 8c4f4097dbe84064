// SPDX-License-Identifier: MIT
// A host that loads plugin.cpp, lets it work, unloads it, and calls a waker that the plugin gave out. The plugin has to be gone from
// memory, and the waker does nothing. Usage: host PLUGIN
#include <dlfcn.h>

#include <cstdio>
#include <fstream>
#include <string>
#include <thread>

#include "pollux/core.hpp"

namespace {

bool is_mapped(const std::string& file) {
    std::ifstream maps("/proc/self/maps");
    for (std::string line; std::getline(maps, line);)
        if (line.find(file) != std::string::npos) return true;
    return false;
}

// Wakes while the process ends, when the runtime and the plugin are long gone.
struct wakes_at_the_end {
    pollux::waker kept;
    ~wakes_at_the_end() { kept.wake(); }
};
wakes_at_the_end of_process;
thread_local wakes_at_the_end of_thread;

int failed(const char* what) {
    std::printf("embedding: %s\n", what);
    return 1;
}

}  // namespace

int main(int, char** argv) {
    for (int round = 0; round != 20; ++round) {
        pollux::waker kept;
        void* const plugin = dlopen(argv[1], RTLD_NOW | RTLD_LOCAL);
        if (plugin == nullptr) return failed(dlerror());
        const auto use = reinterpret_cast<int (*)(pollux::waker&)>(dlsym(plugin, "use_pollux"));
        if (use == nullptr || use(kept) != 6) return failed("the plugin did not do its work");
        if (!is_mapped(argv[1])) return failed("the plugin is not mapped while it is loaded");
        if (dlclose(plugin) != 0) return failed(dlerror());
        if (is_mapped(argv[1])) return failed("the plugin is still mapped after dlclose");
        if (!kept) return failed("no waker");
        kept.wake();
        const pollux::waker copy = kept;
        copy.wake();
        of_process.kept = copy;
        std::thread([&copy] { of_thread.kept = copy; }).join();
    }
}
