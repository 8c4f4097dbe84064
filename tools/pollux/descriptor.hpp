// SPDX-License-Identifier: MIT
// An owned file descriptor. path_walk hands directories out as shared ones, so that a file found in a directory can
// still be opened by its bare name after the walk has gone on; file_digest owns the files it reads.
// Threads: as an int; closing is the last owner's.

#pragma once

#include <unistd.h>

#include <utility>

namespace pollux_tool {

class descriptor {
public:
    descriptor() = default;
    explicit descriptor(int fd) : fd_(fd) {}
    descriptor(descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
    descriptor& operator=(descriptor&& other) noexcept {
        std::swap(fd_, other.fd_);
        return *this;
    }
    ~descriptor() {
        if (fd_ >= 0) ::close(fd_);
    }

    explicit operator bool() const { return fd_ >= 0; }
    int get() const { return fd_; }

private:
    int fd_ = -1;
};

}  // namespace pollux_tool
