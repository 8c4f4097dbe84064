// SPDX-License-Identifier: MIT
// What is written to stderr while it lives, by any thread of the process.
#pragma once

#include <sys/mman.h>
#include <unistd.h>

#include <cstdio>
#include <string>

namespace pollux::test {

class captured_stderr {
public:
    captured_stderr() : before_(::dup(STDERR_FILENO)), file_(::memfd_create("stderr", MFD_CLOEXEC)) {
        std::fflush(stderr);
        ::dup2(file_, STDERR_FILENO);
    }
    captured_stderr(const captured_stderr&) = delete;
    captured_stderr& operator=(const captured_stderr&) = delete;
    ~captured_stderr() {
        std::fflush(stderr);
        ::dup2(before_, STDERR_FILENO);
        ::close(before_);
        ::close(file_);
    }

    /// So far.
    std::string text() const {
        std::string all;
        char buffer[512];
        for (::ssize_t n = 0; (n = ::pread(file_, buffer, sizeof buffer, static_cast<::off_t>(all.size()))) > 0;)
            all.append(buffer, static_cast<std::size_t>(n));
        return all;
    }

private:
    int before_;
    int file_;
};

}  // namespace pollux::test
