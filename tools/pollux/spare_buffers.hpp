// SPDX-License-Identifier: MIT
// The buffers that no group uses at the moment. Groups hand them on instead of freeing them: each thread that allocates has an
// arena of the C library, which keeps what was freed there, and 100,000 files once took 136 MB in buffers that nobody used.
//
// Threads: any.
#pragma once

#include "file_group.hpp"

#include <mutex>
#include <utility>
#include <vector>

namespace pollux_tool {

class spare_buffers {
public:
    /// Throws: std::bad_alloc.
    byte_buffer take() {
        {
            const std::lock_guard guard(lock_);
            if (!spare_.empty()) {
                byte_buffer last = std::move(spare_.back());
                spare_.pop_back();
                return last;
            }
        }
        return make_buffer();
    }
    /// Null is none. Throws: std::bad_alloc; then the buffer is freed.
    void give(byte_buffer buffer) {
        if (!buffer) return;
        const std::lock_guard guard(lock_);
        spare_.push_back(std::move(buffer));
    }

private:
    std::mutex lock_;
    std::vector<byte_buffer> spare_;  // as many as have been in use at once
};

}  // namespace pollux_tool
