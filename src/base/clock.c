// SPDX-License-Identifier: Apache-2.0
#include "base/clock.h"

#include <stdio.h>
#include <time.h>

#include "base/assert.h"

static uint64_t read_clock(clockid_t id)
{
    struct timespec now;
    ASSERT(clock_gettime(id, &now) == 0);
    return (uint64_t)now.tv_sec * NS_PER_S + (uint64_t)now.tv_nsec;
}

uint64_t clock_boot_ns(void)
{
    return read_clock(CLOCK_BOOTTIME);
}

uint64_t clock_wall_ns(void)
{
    return read_clock(CLOCK_REALTIME);
}

uint64_t clock_boot_id(void)
{
    unsigned part[2] = {0, 0};
    FILE *f = fopen("/proc/sys/kernel/random/boot_id", "re");
    if (!f) {
        return 0;
    }
    int parts = fscanf(f, "%8x-%4x", &part[0], &part[1]);
    (void)fclose(f);
    return parts == 2 ? (uint64_t)part[0] << 16 | part[1] : 0;
}
