// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * Durations by powers of two: bucket 0 holds those below 125 us, each next one twice as long
 * ones, the last one all that are longer. Counts stop at their largest value.
 */
#include "base/assert.h"
#include "base/buf.h"

enum { HISTOGRAM_BUCKETS = 24 };

struct histogram {
    uint32_t count[HISTOGRAM_BUCKETS];
};

void histogram_add(struct histogram *h, uint64_t ns);
void histogram_merge(struct histogram *h, const struct histogram *other);
uint64_t histogram_count(const struct histogram *h);

/* Durations of @bucket are below this; UINT64_MAX for the last one. */
uint64_t histogram_bound_ns(int bucket);

/* At least @permille of all are below this; 0: there are none; UINT64_MAX: in the last one. */
uint64_t histogram_below_ns(const struct histogram *h, uint32_t permille);

/* As text: the counts, without the zeros at the end. Another text leaves nothing in @ret. */
void histogram_put(const struct histogram *h, struct buf *out);
MUST_USE bool histogram_parse(struct histogram *ret, struct str text);
