// SPDX-License-Identifier: Apache-2.0
#pragma once
/* Seeded pseudo-random numbers (splitmix64) for simulations: same seed, same run. */
#include <stdint.h>

struct rng {
    uint64_t state;
};

static inline uint64_t rng_next(struct rng *rng)
{
    uint64_t z = rng->state += 0x9E3779B97F4A7C15u;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
}

/* Uniform in [0, bound). */
static inline uint64_t rng_below(struct rng *rng, uint64_t bound)
{
    return bound > 0 ? rng_next(rng) % bound : 0;
}
