// SPDX-License-Identifier: MIT
// The keys of stream_map can be hashed and compared.
// expect: pollux: stream_map: the key cannot be hashed with std::hash and compared with ==
#include "pollux/stream.hpp"

namespace {

struct nothing {};

}  // namespace

void program() {
    pollux::stream_map<int, pollux::boxed_stream<int>> map;
    static_cast<void>(map.insert(1, pollux::iter({1})));
#if defined(MUST_NOT_COMPILE)
    pollux::stream_map<nothing, pollux::boxed_stream<int>> bad;
#endif
}
