// SPDX-License-Identifier: MIT
// Files as futures: whole ones, open ones as byte streams, and what is done to their names.
#pragma once

#include "pollux/fs/file.hpp"
#include "pollux/fs/file_metadata.hpp"
#include "pollux/fs/open_options.hpp"
#include "pollux/fs/paths.hpp"
#include "pollux/fs/whole_file.hpp"
