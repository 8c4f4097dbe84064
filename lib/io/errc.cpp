// SPDX-License-Identifier: MIT
#include "pollux/io/errc.hpp"

#include <string>
#include <system_error>

namespace pollux::inline v0::io {

namespace {

class category final : public std::error_category {
public:
    constexpr category() noexcept = default;

    const char* name() const noexcept override { return "pollux.io"; }
    std::string message(int value) const override {
        switch (static_cast<errc>(value)) {
            case errc::unexpected_end: return "the stream ended before everything that was expected had come";
            case errc::write_zero: return "the stream took none of the bytes that were to be written";
            case errc::line_too_long: return "a line is longer than the limit of its codec";
            case errc::frame_too_long: return "a frame is longer than the limit of its codec";
        }
        return "unknown error of pollux::io";
    }
};

// Constant-initialized and never destroyed: codes are compared before main and after it.
union for_ever {
    constexpr for_ever() noexcept : it() {}
    constexpr ~for_ever() {}
    category it;
};
constinit for_ever the_category;

}  // namespace

const std::error_category& error_category() noexcept { return the_category.it; }

}  // namespace pollux::inline v0::io
