// SPDX-License-Identifier: MIT
#pragma once

namespace pollux::inline v0::fs {

/// How a file is opened. Where none of `read`, `write` and `append` is asked for, it is read.
struct open_options {
    bool read = false;
    bool write = false;
    /// Every write goes to the end that the file has then.
    bool append = false;
    /// Only with `write`: what was in it is gone.
    bool truncate = false;
    /// Only with `write` or `append`: it is made if it is not there, for everybody to read and write whom the umask lets.
    bool create = false;
    /// The same, and fails with `std::errc::file_exists` if it is there.
    bool create_new = false;
};

}  // namespace pollux::inline v0::fs
