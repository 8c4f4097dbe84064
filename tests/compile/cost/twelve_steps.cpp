// SPDX-License-Identifier: MIT
// A chain of twelve steps, futures and streams: what tools/checks/compile_cost compiles beside the bare headers. The closures do little:
// what a std::string in them costs is not the chain's.
#include <expected>
#include <utility>
#include <vector>

#include <pollux/pollux.hpp>

namespace shop {

struct order {
    int id;
    int amount;
};

struct bad_order {
    int id;
};

struct bill {
    int sum;
    int tax;
};

std::expected<order, bad_order> checked(order one) {
    if (one.amount < 0) return std::unexpected(bad_order{one.id});
    return one;
}

auto total(std::vector<order> orders, int discount, int tax) {
    return pollux::iter(std::move(orders)) |                                                      // 1
           pollux::filter([](const order& one) { return one.amount != 0; }) |                     // 2
           pollux::and_then([](order one) { return checked(one); }) |                             // 3
           pollux::map([discount](order one) { return order{one.id, one.amount - discount}; }) |  // 4
           pollux::inspect_err([](const bad_order& error) { static_cast<void>(error); }) |        // 5
           pollux::take(100) |                                                                    // 6
           pollux::map([](order one) { return pollux::lazy([one] { return one.amount; }); }) |    // 7
           pollux::buffered(8) |                                                                  // 8
           pollux::fold(0, [](int sum, int amount) { return sum + amount; }) |                    // 9
           pollux::map_err([](bad_order error) { return error.id; }) |                            // 10
           pollux::and_then([](int sum) { return pollux::ready(sum * 2); }) |                     // 11
           pollux::map([tax](int sum) { return bill{sum, sum * tax / 100}; });                    // 12
}

}  // namespace shop

std::expected<shop::bill, int> wait_for_total(std::vector<shop::order> orders) {
    return pollux::block_on(total(std::move(orders), 1, 19));
}
