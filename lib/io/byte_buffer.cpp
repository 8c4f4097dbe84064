// SPDX-License-Identifier: MIT
#include "pollux/io/byte_buffer.hpp"

#include <cstddef>
#include <cstring>
#include <new>
#include <string>
#include <utility>

namespace pollux::inline v0::io {

byte_buffer::byte_buffer(byte_buffer&& other) noexcept
    : bytes_(std::exchange(other.bytes_, {})),
      begin_(std::exchange(other.begin_, 0)),
      end_(std::exchange(other.end_, 0)) {}

byte_buffer& byte_buffer::operator=(byte_buffer&& other) noexcept {
    byte_buffer mine(std::move(other));
    std::swap(bytes_, mine.bytes_);
    std::swap(begin_, mine.begin_);
    std::swap(end_, mine.end_);
    return *this;
}

span byte_buffer::prepare(std::size_t n) {
    if (bytes_.size() - end_ < n) {
        const std::size_t held = size();
        // Moved to the front only if as much has been consumed as is moved, else into twice the room: so a byte is moved a
        // bounded number of times, on average.
        if (begin_ >= held && bytes_.size() - held >= n) {
            std::memmove(bytes_.data(), bytes_.data() + begin_, held);
        } else {
            if (n > bytes_.max_size() / 2 - held) throw std::bad_alloc();  // a length that a peer made up, perhaps
            std::string larger(2 * (held + n), '\0');
            std::memcpy(larger.data(), data(), held);
            bytes_ = std::move(larger);
        }
        begin_ = 0;
        end_ = held;
    }
    return {bytes_.data() + end_, bytes_.size() - end_};
}

void byte_buffer::commit(std::size_t n) noexcept {
    pollux::detail::debug_check(n <= bytes_.size() - end_,
                                "pollux: io::byte_buffer::commit: there is less room; prepare it first");
    end_ += n;
}

void byte_buffer::append(const_span bytes) {
    if (bytes.empty()) return;
    std::memcpy(prepare(bytes.size()).data(), bytes.data(), bytes.size());
    commit(bytes.size());
}

void byte_buffer::consume(std::size_t n) noexcept {
    pollux::detail::debug_check(n <= size(), "pollux: io::byte_buffer::consume: there are fewer bytes; look at size()");
    begin_ += n;
    if (begin_ == end_) begin_ = end_ = 0;
}

std::string byte_buffer::take(std::size_t n) {
    pollux::detail::debug_check(n <= size(), "pollux: io::byte_buffer::take: there are fewer bytes; look at size()");
    std::string taken(data(), n);
    consume(n);
    return taken;
}

}  // namespace pollux::inline v0::io
