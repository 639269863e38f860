// SPDX-License-Identifier: Apache-2.0
/* Workers, connections and engines of the long world, and the store's answers. */
#include "day.h"

static void run_statement(struct day *d, const struct core_action *a)
{
    struct day_conn *c = &d->conns[a->conn];
    struct day_news news = {.index = a->conn, .generation = a->generation, .clean = true};
    uint64_t start_ns = day_below(d, day_fault(d, 20) ? 2 * DAY_S : 5 * DAY_MS);
    uint64_t dice = day_below(d, 1000);
    uint64_t run_ns = dice < 880   ? 20 * DAY_MS + day_below(d, 2 * DAY_S)
                      : dice < 990 ? 5 * DAY_S + day_below(d, 40 * DAY_S)
                                   : 60 * DAY_S + day_below(d, 300 * DAY_S);
    /* A slow reader: the answer occupies the lease. */
    run_ns += day_below(d, 50) == 0 ? day_below(d, 30 * DAY_S) : 0;
    c->rows = day_below(d, (uint64_t)a->rows_max + 1);
    c->stuck = day_fault(d, 2000);
    /* Before or after it has started; what was hit once is hit again. */
    if (day_fault(d, d->tickets[a->ticket].starts > 1 ? 4 : 1000)) {
        news.kind = CORE_CONN_LOST;
        news.repeats = day_below(d, 2) == 0;
        day_news(d, day_below(d, 2) == 0 ? 0 : start_ns + day_below(d, run_ns), news);
    }
    news.kind = CORE_STARTED;
    day_news(d, start_ns, news);
    news.kind = CORE_DONE;
    news.clean = day_below(d, 50) != 0;
    news.moved = day_below(d, 4) == 0;
    news.schema = (uint32_t)day_below(d, 4);
    day_news(d, start_ns + (c->stuck ? DAY_HOUR : run_ns), news);
}

/* The store has a new session, or has read the body of one that slept. */
static void ask_store(
    struct day *d, const struct core_action *a, enum core_event_kind kind)
{
    struct day_news news = {.kind = (uint8_t)kind,
        .index = a->session,
        .life = d->sessions[a->session].life,
        .clean = kind != CORE_SESSION_BODY || !day_fault(d, 5000)};
    day_news(d, day_below(d, day_fault(d, 100) ? 3 * DAY_S : 20 * DAY_MS), news);
}

void day_carry_out(struct day *d, const struct core_action *a)
{
    struct day_news news = {.generation = a->generation};
    bool is_out = a->profile < CORE_PROFILES_MAX && d->outage_ns[a->profile] > d->now_ns;
    switch (a->kind) {
    case CORE_OPENED:
        if (!d->loading) {
            ask_store(d, a, CORE_SESSION_DURABLE);
        }
        break;
    case CORE_LOAD:
        ask_store(d, a, CORE_SESSION_BODY);
        break;
    case CORE_SPAWN:
        news.index = a->worker;
        news.kind = is_out || day_fault(d, 20) ? CORE_WORKER_LOST : CORE_WORKER_UP;
        day_news(
            d, day_fault(d, 50) ? 70 * DAY_S : 5 * DAY_MS + day_below(d, DAY_S), news);
        break;
    case CORE_CONNECT:
        news.index = a->conn;
        news.kind = is_out || day_fault(d, 50) ? CORE_CONN_LOST : CORE_CONN_UP;
        day_news(d, day_fault(d, 100) ? 70 * DAY_S : DAY_MS + day_below(d, DAY_S), news);
        break;
    case CORE_START:
        run_statement(d, a);
        break;
    case CORE_INTERRUPT:
        if (!d->conns[a->conn].stuck) {
            news.index = a->conn;
            news.kind = CORE_DONE;
            day_news(d, day_below(d, day_fault(d, 20) ? 2 * DAY_S : 200 * DAY_MS), news);
        }
        break;
    default:
        break;
    }
}

/* kill -9 of a worker, the end of a socket (some name an older generation), an outage. */
void day_break(struct day *d)
{
    struct core_event e = {.kind = CORE_WORKER_LOST};
    uint64_t dice = d->faults ? day_below(d, 10) : 10;
    if (dice < 4) {
        e.worker = (uint32_t)day_below(d, CORE_WORKERS_MAX / 2);
        e.generation = d->workers[e.worker].generation - (day_below(d, 4) == 0);
        day_step(d, e);
    } else if (dice < 8) {
        e.kind = CORE_CONN_LOST;
        e.repeats = day_below(d, 2) == 0;
        e.conn = (uint32_t)day_below(d, CORE_CONNS_MAX / 2);
        e.generation = d->conns[e.conn].generation - (day_below(d, 4) == 0);
        day_step(d, e);
    } else if (dice < 9) {
        uint32_t profile = (uint32_t)day_below(d, d->limits.profiles);
        d->outage_ns[profile] = d->now_ns + day_below(d, 600 * DAY_S);
        for (uint32_t i = 0; i < CORE_WORKERS_MAX; i++) {
            if (d->workers[i].alive && d->workers[i].profile == profile) {
                e.worker = i;
                e.generation = d->workers[i].generation;
                day_step(d, e);
            }
        }
    }
}
