// SPDX-License-Identifier: Apache-2.0
/* C has no shortest digits; the library of C++ has. */
#include "worker/shortest.h"

#include <charconv>

extern "C" size_t shortest_double(double value, char digits[SHORTEST_MAX])
{
    auto end = std::to_chars(
        digits, digits + SHORTEST_MAX, value, std::chars_format::scientific);
    return static_cast<size_t>(end.ptr - digits);
}

extern "C" size_t shortest_float(float value, char digits[SHORTEST_MAX])
{
    auto end = std::to_chars(
        digits, digits + SHORTEST_MAX, value, std::chars_format::scientific);
    return static_cast<size_t>(end.ptr - digits);
}
