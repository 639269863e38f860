// SPDX-License-Identifier: Apache-2.0
#include "base/histogram.h"

#define FIRST_NS 125000u

void histogram_add(struct histogram *h, uint64_t ns)
{
    int bucket = 0;
    while (bucket < HISTOGRAM_BUCKETS - 1 && ns >= histogram_bound_ns(bucket)) {
        bucket++;
    }
    h->count[bucket] += h->count[bucket] < UINT32_MAX;
}

void histogram_merge(struct histogram *h, const struct histogram *other)
{
    for (int i = 0; i < HISTOGRAM_BUCKETS; i++) {
        uint32_t room = UINT32_MAX - h->count[i];
        h->count[i] += other->count[i] < room ? other->count[i] : room;
    }
}

uint64_t histogram_count(const struct histogram *h)
{
    uint64_t total = 0;
    for (int i = 0; i < HISTOGRAM_BUCKETS; i++) {
        total += h->count[i];
    }
    return total;
}

uint64_t histogram_bound_ns(int bucket)
{
    return bucket < HISTOGRAM_BUCKETS - 1 ? (uint64_t)FIRST_NS << bucket : UINT64_MAX;
}

uint64_t histogram_below_ns(const struct histogram *h, uint32_t permille)
{
    uint64_t total = histogram_count(h);
    uint64_t below = 0;
    for (int i = 0; total > 0 && i < HISTOGRAM_BUCKETS; i++) {
        below += h->count[i];
        if (below * 1000 >= total * permille) {
            return histogram_bound_ns(i);
        }
    }
    return 0;
}

void histogram_put(const struct histogram *h, struct buf *out)
{
    int last = HISTOGRAM_BUCKETS;
    while (last > 0 && h->count[last - 1] == 0) {
        last--;
    }
    for (int i = 0; i < last; i++) {
        buf_puts(out, i > 0 ? " " : "");
        buf_put_u64(out, h->count[i]);
    }
}

bool histogram_parse(struct histogram *ret, struct str text)
{
    *ret = (struct histogram){{0}};
    for (int i = 0; text.len > 0; i++) {
        ptrdiff_t blank = str_find(text, ' ');
        struct str number = {text.ptr, blank < 0 ? text.len : (size_t)blank};
        uint64_t count;
        if (i == HISTOGRAM_BUCKETS || !str_to_u64(number, UINT32_MAX, &count)) {
            *ret = (struct histogram){{0}};
            return false;
        }
        ret->count[i] = (uint32_t)count;
        text = str_from(text, blank < 0 ? text.len : (size_t)blank + 1);
    }
    return true;
}
