// SPDX-License-Identifier: MIT
// The functions of io/ as members of a byte stream: a base of everything that the library itself calls a byte stream. They
// say the same as the free functions, whose docstrings count.
//
// `Self` is the class that derives. The bases are empty; a class whose object may only be read, or only be written, has that
// half.
#pragma once

#include <cstddef>
#include <utility>

#include "pollux/io/framed.hpp"
#include "pollux/io/lines.hpp"
#include "pollux/io/read.hpp"
#include "pollux/io/span.hpp"
#include "pollux/io/write.hpp"

namespace pollux::inline v0::io::detail {

// They derive from what is below, so their headers are included behind it.
template <class S>
class buffered_stream;
template <class S>
struct splitting;

template <class Self>
class reader_members {
public:
    /// `io::read(*this, to)`: at most as many bytes as `to` has room for.
    auto read(span to) { return io::read(self(), to); }
    /// `io::read_some(*this, max)`: at most `max` bytes as a string.
    auto read_some(std::size_t max) { return io::read_some(self(), max); }
    /// `io::read_exact(*this, to)`: fills `to`.
    auto read_exact(span to) { return io::read_exact(self(), to); }
    /// `io::read_to_end(*this)`: all that comes.
    auto read_to_end() { return io::read_to_end(self()); }
    /// `io::lines(std::move(*this))`: a stream of its lines.
    auto lines() && { return io::lines(std::move(self())); }
    /// `io::buffered(std::move(*this))`: the same with a buffer in front, and `read_until` and `read_line`.
    auto buffered() && { return buffered_stream<Self>(std::move(self())); }
    /// `io::framed(std::move(*this), how)`: a stream of frames.
    template <class C>
    auto framed(C how) && {
        return io::framed(std::move(self()), std::move(how));
    }

private:
    Self& self() noexcept { return static_cast<Self&>(*this); }
};

template <class Self>
class writer_members {
public:
    /// `io::write(*this, bytes)`: some of the bytes.
    auto write(const_span bytes) { return io::write(self(), bytes); }
    /// `io::write_all(*this, bytes)`: all of them.
    auto write_all(const_span bytes) { return io::write_all(self(), bytes); }
    /// `io::flush(*this)`: until all is where it belongs.
    auto flush() { return io::flush(self()); }
    /// `io::shutdown(*this)`: the other side finds the end.
    auto shutdown() { return io::shutdown(self()); }
    /// `io::framed(std::move(*this), how)`: a sink of frames.
    template <class C>
    auto framed(C how) && {
        return io::framed(std::move(self()), std::move(how));
    }

private:
    Self& self() noexcept { return static_cast<Self&>(*this); }
};

template <class Self>
class byte_stream_members : public reader_members<Self>, public writer_members<Self> {
public:
    /// `io::split(std::move(*this))`: a half that is read and one that is written.
    auto split() && { return splitting<Self>::split(std::move(static_cast<Self&>(*this))); }
    /// `io::framed(std::move(*this), how)`: a stream and a sink of frames.
    template <class C>
    auto framed(C how) && {
        return io::framed(std::move(static_cast<Self&>(*this)), std::move(how));
    }
};

}  // namespace pollux::inline v0::io::detail

#include "pollux/io/buffered.hpp"
#include "pollux/io/split.hpp"
