// SPDX-License-Identifier: Apache-2.0
/* What the core was told, recorded and played again. */
#include "shrink.h"

#include <stddef.h>
#include <string.h>

/* ---- recording ---- */

/* The cause of the session or ticket that @e is about. */
static uint32_t cause_of(const struct sim *s, const struct core_event *e)
{
    uint32_t ticket = e->kind == CORE_CANCEL ? e->ticket : CORE_NONE;
    bool of_session = (e->kind >= CORE_SESSION_BODY && e->kind <= CORE_SESSION_CLOSE) ||
                      (e->kind == CORE_SUBMIT && e->session != CORE_NONE);
    if (e->kind == CORE_STARTED || e->kind == CORE_DONE || e->kind == CORE_CONN_LOST) {
        ticket = s->conns[e->conn].ticket;
    }
    if (of_session) {
        return s->sessions[e->session].opened_by;
    }
    return ticket != CORE_NONE && s->tickets[ticket].live
               ? s->tickets[ticket].submitted_by
               : CORE_NONE;
}

static bool is_of_worker(const struct core_event *e)
{
    return e->kind == CORE_WORKER_UP || e->kind == CORE_WORKER_LOST;
}

static bool is_news(const struct core_event *e)
{
    return is_of_worker(e) || (e->kind >= CORE_CONN_UP && e->kind <= CORE_DONE);
}

static void record_news(const struct sim *s, struct tape_entry *entry)
{
    struct core_event *e = &entry->event;
    const struct sim_conn *c = &s->conns[e->conn];
    const struct sim_worker *w = &s->workers[e->worker];
    bool of_worker = is_of_worker(e);
    entry->behind = (of_worker ? w->generation : c->generation) - e->generation;
    entry->was_there = entry->behind == 0 && (of_worker ? w->alive : c->open);
    entry->was_up = of_worker ? w->up : c->up;
    entry->of = entry->was_there ? entry->of : CORE_NONE;
    e->profile = of_worker ? w->profile : c->profile;
}

static void record(struct sim *s, const struct core_event *e)
{
    struct tape *tape = s->watcher;
    if (!e) {
        tape->end_ns = s->now_ns - tape->boot_ns;
        return;
    }
    if (!s->settled) {
        return; /* more of the last event's work: it comes by itself */
    }
    if (tape->len == TAPE_MAX) {
        tape->is_full = true;
        return;
    }
    if (tape->len == 0) {
        tape->limits = s->limits;
        tape->boot_ns = e->boot_ns;
    }
    struct tape_entry *entry = &tape->at[tape->len];
    *entry = (struct tape_entry){.event = *e,
        .at_ns = e->boot_ns - tape->boot_ns,
        .index = tape->len,
        .of = cause_of(s, e),
        .is_late = core_deadline(s->core) < e->boot_ns};
    if (is_news(e)) {
        record_news(s, entry);
    } else if (e->kind == CORE_SESSION_LOAD) {
        entry->event.created_wall_ns = e->wall_ns - e->created_wall_ns;
        entry->event.last_seen_wall_ns = e->wall_ns - e->last_seen_wall_ns;
    }
    s->given = tape->len++;
}

void tape_record(struct tape *tape, uint64_t seed, uint64_t actions)
{
    sim_watch(seed, actions, record, tape);
}

void tape_copy(struct tape *to, const struct tape *from)
{
    memcpy(to, from, offsetof(struct tape, at) + from->len * sizeof(from->at[0]));
}

/* A tick alone at its time comes by itself, but for one that ends the tape. */
void tape_trim(struct tape *tape)
{
    uint32_t len = 0;
    for (uint32_t i = 0; i < tape->len; i++) {
        const struct tape_entry *e = &tape->at[i];
        bool by_itself = e->event.kind == CORE_TICK && !e->is_late && i + 1 < tape->len &&
                         e[1].at_ns > e->at_ns && !e[1].is_late;
        if (!by_itself) {
            tape->at[len++] = *e;
        }
    }
    tape->len = len;
}

/* ---- playing ---- */

static bool find_session(const struct sim *s, uint32_t of, struct core_event *e)
{
    for (uint32_t i = 0; i < SIM_SESSIONS; i++) {
        const struct sim_session *own = &s->sessions[i];
        if (own->live && own->opened_by == of) {
            e->session = i;
            return true;
        }
    }
    return false;
}

static uint32_t find_ticket(const struct sim *s, uint32_t of)
{
    for (uint32_t i = 0; i < SIM_TICKETS; i++) {
        if (s->tickets[i].live && s->tickets[i].submitted_by == of) {
            return i;
        }
    }
    return CORE_NONE;
}

static bool place_session(const struct sim *s, uint32_t of, struct core_event *e)
{
    if (!find_session(s, of, e)) {
        return false;
    }
    const struct sim_session *own = &s->sessions[e->session];
    switch (e->kind) {
    case CORE_SESSION_DURABLE:
        return own->view.state == CORE_CONNECTING;
    case CORE_SESSION_BODY:
        return own->body == SIM_BODY_LOADING;
    case CORE_SESSION_DETACH:
        return own->connections > 0;
    default:
        return true;
    }
}

/* A call takes the first free number, and speaks for its session as clients do. */
static bool place_call(const struct sim *s, uint32_t of, struct core_event *e)
{
    uint32_t limit = s->limits.tickets < SIM_TICKETS ? s->limits.tickets : SIM_TICKETS;
    e->ticket = 0;
    while (e->ticket < limit && s->tickets[e->ticket].live) {
        e->ticket++;
    }
    if (e->ticket == limit || e->profile >= s->limits.profiles) {
        return false;
    }
    if (e->session == CORE_NONE) {
        return true;
    }
    if (!find_session(s, of, e)) {
        return false;
    }
    const struct core_session_view *view = &s->sessions[e->session].view;
    e->principal = view->principal;
    e->client = view->client;
    e->context = view->context;
    return true;
}

static bool fits_worker(const struct sim_worker *w, const struct tape_entry *entry)
{
    return w->alive && w->up == entry->was_up && w->profile == entry->event.profile;
}

static bool fits_conn(const struct sim_conn *c, const struct tape_entry *entry)
{
    return c->open && c->up == entry->was_up && c->profile == entry->event.profile;
}

/* The one of that number if it is what it was, otherwise the first that is. */
static bool find_owner(
    const struct sim *s, const struct tape_entry *entry, struct core_event *e)
{
    bool of_worker = is_of_worker(e);
    uint32_t number = of_worker ? e->worker : e->conn;
    uint32_t count = of_worker ? CORE_WORKERS_MAX : CORE_CONNS_MAX;
    for (uint32_t i = 0; i <= count; i++) {
        uint32_t at = i == 0 ? number : i - 1;
        if (of_worker && fits_worker(&s->workers[at], entry)) {
            e->worker = at;
            return true;
        }
        if (!of_worker && fits_conn(&s->conns[at], entry)) {
            e->conn = at;
            return true;
        }
    }
    return false;
}

/* What was late is told of who is not there, or of an older generation. */
static bool place_late(
    const struct sim *s, const struct tape_entry *entry, struct core_event *e)
{
    const struct sim_conn *c = &s->conns[e->conn];
    const struct sim_worker *w = &s->workers[e->worker];
    uint32_t present = is_of_worker(e) ? w->generation : c->generation;
    e->generation = present - entry->behind;
    return present >= entry->behind &&
           (entry->behind > 0 || (is_of_worker(e) ? !w->alive : !c->open));
}

/* News of connections and workers: only what they could say now. */
static bool place_news(
    const struct sim *s, const struct tape_entry *entry, struct core_event *e)
{
    if (!entry->was_there) {
        return place_late(s, entry, e);
    }
    if (entry->of != CORE_NONE) {
        uint32_t ticket = find_ticket(s, entry->of);
        if (ticket == CORE_NONE || s->tickets[ticket].conn == CORE_NONE) {
            return false;
        }
        e->conn = s->tickets[ticket].conn;
    } else if (!find_owner(s, entry, e)) {
        return false;
    }
    const struct sim_conn *c = &s->conns[e->conn];
    e->generation = is_of_worker(e) ? s->workers[e->worker].generation : c->generation;
    if (e->kind == CORE_STARTED) {
        return c->runs && c->ticket != CORE_NONE && !s->tickets[c->ticket].engine_saw;
    }
    return e->kind != CORE_DONE || c->runs;
}

/* The event as it is now; false: it makes no sense any more. */
static bool place(
    const struct sim *s, const struct tape_entry *entry, struct core_event *e)
{
    *e = entry->event;
    uint64_t wall_ns = s->now_ns + sim_ms(SIM_WALL_MS);
    switch (e->kind) {
    case CORE_SESSION_LOAD:
        e->created_wall_ns = wall_ns - e->created_wall_ns;
        e->last_seen_wall_ns = wall_ns - e->last_seen_wall_ns;
        return true;
    case CORE_SESSION_BODY:
    case CORE_SESSION_DURABLE:
    case CORE_SESSION_ATTACH:
    case CORE_SESSION_DETACH:
    case CORE_SESSION_TOUCH:
    case CORE_SESSION_SEEN:
    case CORE_SESSION_CONTEXT:
    case CORE_SESSION_CLOSE:
        return place_session(s, entry->of, e);
    case CORE_SUBMIT:
        return place_call(s, entry->of, e);
    case CORE_CANCEL:
        e->ticket = entry->of == CORE_NONE ? e->ticket : find_ticket(s, entry->of);
        return e->ticket < s->limits.tickets &&
               s->tickets[e->ticket].live == (entry->of != CORE_NONE);
    case CORE_WORKER_UP:
    case CORE_WORKER_LOST:
    case CORE_CONN_UP:
    case CORE_CONN_LOST:
    case CORE_STARTED:
    case CORE_DONE:
        return place_news(s, entry, e);
    case CORE_FETCHED:
        e->generation = s->grant.generation;
        e->rows_max = s->grant.rows_max;
        e->rows = e->rows < e->rows_max ? e->rows : e->rows_max;
        return s->grant.kind == CORE_GRANT && s->grant.reason == CORE_OK;
    case CORE_DRAIN:
        return !s->draining;
    default:
        return true;
    }
}

/* What the store owes has no limit: without it a run would not end, and rightly. */
static void answer_all(struct sim *s)
{
    for (uint32_t i = 0; i < SIM_SESSIONS; i++) {
        const struct sim_session *own = &s->sessions[i];
        if (own->live && own->view.state == CORE_CONNECTING) {
            sim_step(s, (struct core_event){.kind = CORE_SESSION_DURABLE, .session = i});
        }
        if (own->live && own->body == SIM_BODY_LOADING) {
            sim_step(s, (struct core_event){.kind = CORE_SESSION_BODY, .session = i});
        }
    }
}

void tape_play(const struct tape *tape, bool *given,
    void (*on_event)(struct sim *, const struct core_event *),
    void (*on_answer)(struct sim *, const struct core_actions *), void *watcher)
{
    static struct sim s;
    s = (struct sim){.limits = tape->limits,
        .now_ns = tape->boot_ns,
        .on_event = on_event,
        .on_answer = on_answer,
        .watcher = watcher};
    sim_begin(&s);
    for (uint32_t i = 0; i < tape->len; i++) {
        struct core_event event;
        uint64_t at_ns = tape->boot_ns + tape->at[i].at_ns;
        given[i] = true; /* that it is awaited may be what matters */
        sim_tick(&s, tape->at[i].is_late ? 0 : at_ns);
        s.now_ns = at_ns;
        given[i] = place(&s, &tape->at[i], &event);
        s.given = tape->at[i].index;
        if (given[i]) {
            sim_step(&s, event);
            s.grant.kind = event.kind == CORE_FETCHED ? CORE_TICK : s.grant.kind;
        }
    }
    if (tape->end_ns > 0) {
        uint64_t at_ns = tape->boot_ns + tape->end_ns;
        answer_all(&s);
        sim_tick(&s, at_ns + 1);
        s.now_ns = at_ns;
        sim_finish(&s);
    }
    sim_end(&s);
}
