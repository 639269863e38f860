// SPDX-License-Identifier: Apache-2.0
#pragma once
/* The only readers of time. Boot time drives every deadline, wall time only records. */
#include <stdint.h>

#define NS_PER_MS 1000000ull
#define NS_PER_S 1000000000ull

uint64_t clock_boot_ns(void); /* CLOCK_BOOTTIME: goes on while the machine sleeps */
uint64_t clock_wall_ns(void); /* since 1970 */
uint64_t clock_boot_id(void); /* which boot this is; 0: not known */
