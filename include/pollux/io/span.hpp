// SPDX-License-Identifier: MIT
// Where bytes go and where they come from: a place and a size, without ownership, whatever type of byte stands there. Every
// read takes a `span`, every write a `const_span`.
#pragma once

#include <concepts>
#include <cstddef>
#include <string_view>
#include <type_traits>
#include <utility>

#include "pollux/core/polled.hpp"

namespace pollux::inline v0::io {

namespace detail {

template <class B>
inline constexpr bool is_byte =
    std::is_same_v<B, char> || std::is_same_v<B, unsigned char> || std::is_same_v<B, std::byte>;

template <class R>
concept byte_range = requires(std::remove_reference_t<R>& range) {
    requires std::is_pointer_v<decltype(std::data(range))>;
    requires is_byte<std::remove_cv_t<std::remove_pointer_t<decltype(std::data(range))>>>;
    { std::size(range) } -> std::convertible_to<std::size_t>;
};
template <class R>
concept mutable_byte_range =
    byte_range<R> &&
    !std::is_const_v<std::remove_pointer_t<decltype(std::data(std::declval<std::remove_reference_t<R>&>()))>>;

// Such as the type of "text".
template <class R>
inline constexpr bool is_literal = false;
template <std::size_t n>
inline constexpr bool is_literal<const char (&)[n]> = true;

}  // namespace detail

/// Bytes to be written to: any contiguous range of `char`, `unsigned char` or `std::byte`, which outlives the future that the
/// span was given to.
class span {
public:
    span() noexcept = default;
    span(char* data, std::size_t size) noexcept : data_(data), size_(size) {}
    template <class R>
        requires(!std::is_same_v<std::remove_cvref_t<R>, span> && detail::mutable_byte_range<R>)
    span(R&& range) noexcept : data_(reinterpret_cast<char*>(std::data(range))), size_(std::size(range)) {}

    char* data() const noexcept { return data_; }
    std::size_t size() const noexcept { return size_; }
    bool empty() const noexcept { return size_ == 0; }
    char* begin() const noexcept { return data_; }
    char* end() const noexcept { return data_ + size_; }

    /// Without its first `n` bytes. Only if it has them: debug builds stop with a message.
    span subspan(std::size_t n) const noexcept {
        pollux::detail::debug_check(n <= size_, "pollux: io::span::subspan: the span is shorter; look at size() first");
        return {data_ + n, size_ - n};
    }

private:
    char* data_ = nullptr;
    std::size_t size_ = 0;
};

/// Bytes to be read from, as for `span`. A string literal is its text: the zero behind it is left out, as for every array of
/// `const char` that ends with one.
class const_span {
public:
    const_span() noexcept = default;
    const_span(const char* data, std::size_t size) noexcept : data_(data), size_(size) {}
    template <std::size_t n>
    const_span(const char (&text)[n]) noexcept : data_(text), size_(text[n - 1] == '\0' ? n - 1 : n) {}
    template <class R>
        requires(!std::is_same_v<std::remove_cvref_t<R>, const_span> && !detail::is_literal<R> && detail::byte_range<R>)
    const_span(R&& range) noexcept : data_(reinterpret_cast<const char*>(std::data(range))), size_(std::size(range)) {}

    const char* data() const noexcept { return data_; }
    std::size_t size() const noexcept { return size_; }
    bool empty() const noexcept { return size_ == 0; }
    const char* begin() const noexcept { return data_; }
    const char* end() const noexcept { return data_ + size_; }

    /// Without its first `n` bytes. Only if it has them: debug builds stop with a message.
    const_span subspan(std::size_t n) const noexcept {
        pollux::detail::debug_check(n <= size_,
                                    "pollux: io::const_span::subspan: the span is shorter; look at size() first");
        return {data_ + n, size_ - n};
    }

private:
    const char* data_ = nullptr;
    std::size_t size_ = 0;
};

}  // namespace pollux::inline v0::io
