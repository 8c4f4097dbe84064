// SPDX-License-Identifier: MIT
// Byte streams: reading and writing them, their lines and frames, and a pair of them in memory.
#pragma once

#include "pollux/io/buffered.hpp"
#include "pollux/io/byte_buffer.hpp"
#include "pollux/io/byte_stream.hpp"
#include "pollux/io/bytes_codec.hpp"
#include "pollux/io/codec.hpp"
#include "pollux/io/copy.hpp"
#include "pollux/io/duplex.hpp"
#include "pollux/io/errc.hpp"
#include "pollux/io/framed.hpp"
#include "pollux/io/length_codec.hpp"
#include "pollux/io/lines.hpp"
#include "pollux/io/lines_codec.hpp"
#include "pollux/io/read.hpp"
#include "pollux/io/span.hpp"
#include "pollux/io/split.hpp"
#include "pollux/io/standard.hpp"
#include "pollux/io/write.hpp"
