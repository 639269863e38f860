// SPDX-License-Identifier: Apache-2.0
/*
 * What outlives the core in the long world. It is thrown away as kill -9 does, or drained
 * and stopped; the next one gets what the store has, on clocks that were set meanwhile.
 */
#include "day.h"

#include <stdlib.h>

enum {
    DRAIN_S = 10,
    RECONNECT_S = 30
};

static int by_last_seen(const void *a, const void *b)
{
    const struct day_session *x = a;
    const struct day_session *y = b;
    if (x->seen_wall_ns != y->seen_wall_ns) {
        return x->seen_wall_ns < y->seen_wall_ns ? -1 : 1;
    }
    return x->life < y->life ? -1 : 1;
}

static int by_age(const void *a, const void *b)
{
    const struct day_session *x = a;
    const struct day_session *y = b;
    return x->old_ns < y->old_ns ? -1 : x->old_ns > y->old_ns;
}

/* What the store has when the core goes: all that was written, or also what was on its
 * way. */
static uint32_t take_rows(struct day *d, bool is_clean)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < d->sessions_len; i++) {
        struct day_session *own = &d->sessions[i];
        if (own->life > 0 && (own->durable || is_clean)) {
            d->rows[count++] = *own;
        }
        day_session_clear(own);
    }
    qsort(d->rows, count, sizeof(*d->rows), by_last_seen);
    return count;
}

/* Leaves in @row where it is now. */
static void load_session(struct day *d, struct day_session *row, uint64_t user)
{
    struct day_client *owner = row->owner == CORE_NONE ? NULL : &d->clients[row->owner];
    uint64_t ended = d->result.session_ended[CORE_IDLE_LIMIT] +
                     d->result.session_ended[CORE_AGE_LIMIT];
    day_step(d, (struct core_event){.kind = CORE_SESSION_LOAD,
                    .user = user,
                    .principal = d->keys[row->key].principal,
                    .client = d->principals_len + 1 + row->key,
                    .context = row->context,
                    .created_wall_ns = row->created_wall_ns,
                    .last_seen_wall_ns = row->seen_wall_ns});
    DAY_CHECK(d, d->opened != CORE_NONE);
    struct day_session *own = &d->sessions[d->opened];
    if (own->life == 0) { /* its time was over; others' may have been, too */
        DAY_CHECK(d, d->result.session_ended[CORE_IDLE_LIMIT] +
                             d->result.session_ended[CORE_AGE_LIMIT] >
                         ended);
    } else if (owner && owner->life == row->life) {
        own->owner = row->owner;
        owner->session = d->opened;
        owner->life = own->life;
    }
    row->touched_by = d->opened;
    row->life = own->life;
    row->old_ns = own->old_ns;
}

/* They come in the order in which they were last seen; their ages are in another. */
static void list_ages(struct day *d, uint32_t count)
{
    qsort(d->rows, count, sizeof(*d->rows), by_age);
    for (uint32_t i = 0; i < count; i++) {
        struct day_session *own = &d->sessions[d->rows[i].touched_by];
        if (own->life > 0 && own->life == d->rows[i].life) {
            due_set(&d->ages, &own->age, own->old_ns);
        }
    }
}

/* Both clocks may have been set; the boot clock may have begun anew. */
static void set_clocks(struct day *d)
{
    d->now_ns += day_below(d, day_below(d, 2) == 0 ? 10 * DAY_S : 1200 * DAY_S);
    uint64_t dice = day_below(d, 4);
    if (dice == 0) {
        d->wall_ns -= day_below(d, 600 * DAY_S);
    } else if (dice == 1) {
        d->wall_ns += day_below(d, 600 * DAY_S);
        d->was_set_on = true;
    }
    if (day_below(d, 2) == 0) {
        d->boot_ns = DAY_S + day_below(d, 600 * DAY_S) - d->now_ns; /* it wraps */
        d->boots++;
        /* Only the wall clock tells now how long it was: rates may be whole too early. */
        if (d->was_set_on) {
            day_rate_whole(d);
        }
        d->was_set_on = false;
    }
}

static void restart(struct day *d, bool is_clean)
{
    core_check(d->core);
    day_quota_check(d);
    day_core_end(d);
    uint32_t count = take_rows(d, is_clean);
    set_clocks(d);
    day_oracle_restarted(d);
    day_core_start(d);
    d->loading = true;
    day_quota_load(d, is_clean);
    for (uint32_t i = 0; i < count; i++) {
        load_session(d, &d->rows[i], i + 1);
    }
    list_ages(d, count);
    d->loading = false;
    core_check(d->core);
    DAY_CHECK(d, core_counts(d->core).sessions == d->live);
    for (uint32_t i = 0; i < d->clients_len; i++) {
        if (d->clients[i].is_bridge && d->clients[i].life > 0) {
            day_client_wake_at(d, i, d->now_ns + day_below(d, RECONNECT_S * DAY_S));
        }
    }
}

void day_crash(struct day *d)
{
    d->result.crashes++;
    restart(d, false);
}

/* As SIGTERM: what runs may end for a while, what is new is refused. */
void day_stop(struct day *d)
{
    d->result.stops++;
    day_step(d, (struct core_event){.kind = CORE_DRAIN});
    for (int i = 0; i < DRAIN_S && d->tickets_len > 0; i++) {
        day_advance(d, d->now_ns + DAY_S);
    }
    day_quota_stop(d);
    restart(d, true);
}

/* The machine sleeps: both clocks go on, and nothing else. */
void day_sleep(struct day *d)
{
    uint64_t slept_ns = 600 * DAY_S + day_below(d, 5 * DAY_HOUR * d->part / 1024);
    d->now_ns += slept_ns;
    d->slept_ns += slept_ns;
    d->result.sleeps++;
}
