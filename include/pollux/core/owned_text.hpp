// SPDX-License-Identifier: MIT
// What a parameter takes whose text outlives the call: a string of any type, or what converts to one, as std::filesystem::path does.
// A std::string that is a temporary is moved.
#pragma once

#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

namespace pollux::inline v0::detail {

struct owned_text {
    template <class Text>
        requires(std::is_convertible_v<Text, std::string> || std::is_convertible_v<Text, std::string_view>)
    owned_text(Text&& from) : text(std::forward<Text>(from)) {}

    std::string text;
};

}  // namespace pollux::inline v0::detail
