// SPDX-License-Identifier: Apache-2.0
#pragma once
/* The fewest digits of a floating point number that read back as the same number. */
#include <stddef.h>

enum {
    SHORTEST_MAX = 32
};

#ifdef __cplusplus
extern "C" {
#endif

/* As d.ddde+dd, without a final NUL; returns the length. Finite numbers only. */
size_t shortest_double(double value, char digits[SHORTEST_MAX]);
size_t shortest_float(float value, char digits[SHORTEST_MAX]);

#ifdef __cplusplus
}
#endif
