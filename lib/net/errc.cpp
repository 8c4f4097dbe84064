// SPDX-License-Identifier: MIT
#include "pollux/net/errc.hpp"

#include <netdb.h>

#include <string>
#include <system_error>

namespace pollux::inline v0::net {

namespace {

class net_category final : public std::error_category {
public:
    constexpr net_category() noexcept = default;

    const char* name() const noexcept override { return "pollux.net"; }
    std::string message(int value) const override {
        switch (static_cast<errc>(value)) {
            case errc::bad_address:
                return "not an address; it has to look like 127.0.0.1:80, [::1]:80 or, where names are looked up, "
                       "host:80";
            case errc::bad_path:
                return "not a path of a socket; it has to be of 1 to 107 bytes, and without zero bytes";
        }
        return "unknown error of pollux::net";
    }
    std::error_condition default_error_condition(int) const noexcept override {
        return std::make_error_condition(std::errc::invalid_argument);
    }
};

class gai_category final : public std::error_category {
public:
    constexpr gai_category() noexcept = default;

    const char* name() const noexcept override { return "pollux.resolve"; }
    std::string message(int value) const override { return ::gai_strerror(value); }
    std::error_condition default_error_condition(int value) const noexcept override {
        if (value == EAI_AGAIN) return std::make_error_condition(std::errc::resource_unavailable_try_again);
        if (value == EAI_MEMORY) return std::make_error_condition(std::errc::not_enough_memory);
        return {value, *this};
    }
};

// Constant-initialized and never destroyed: codes are compared before main and after it.
template <class Category>
union for_ever {
    constexpr for_ever() noexcept : it() {}
    constexpr ~for_ever() {}
    Category it;
};
constinit for_ever<net_category> the_net_category;
constinit for_ever<gai_category> the_gai_category;

}  // namespace

const std::error_category& error_category() noexcept { return the_net_category.it; }
const std::error_category& resolve_category() noexcept { return the_gai_category.it; }

}  // namespace pollux::inline v0::net
