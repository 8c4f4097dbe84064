// SPDX-License-Identifier: MIT
// Empty jobs by std::async(std::launch::async): a thread for each. WORKERS means nothing to it. 50,000 in bulk unless said, for they
// take as long as millions do elsewhere.
#include <future>

#include "offload_peer.hpp"

int main(int argc, char** argv) {
    bench::run_offload_peer(bench::offload_arguments(argc, argv, 50'000),
                            [](std::size_t) { return std::async(std::launch::async, [] {}); });
}
