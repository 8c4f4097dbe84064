// SPDX-License-Identifier: MIT
// What Boost.JSON does not have in its headers, compiled here: so its library need not be installed.

#include <boost/json/src.hpp>
