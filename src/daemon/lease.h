// SPDX-License-Identifier: Apache-2.0
#pragma once
/* Profiles, who logs in there, workers and backend connections. */
#include "backend/backend.h"
#include "backend/profile.h"
#include "base/list.h"
#include "core/core.h"
#include "tools/tool.h"

struct call;
struct daemon;

enum {
    WHY_SIZE = 512,
    HOLDS_KINDS = 4, /* a transaction, temporary objects, variables, prepared statements */
    READER_WORKER = CORE_WORKERS_MAX, /* reads spools; not the core's */
    READER_CONN = CORE_CONNS_MAX,
};

/* Who logs in at a profile: its own user, or a principal. */
struct login {
    struct list node;   /* in profile->logins */
    uint32_t profile;
    uint32_t principal; /* symbol, held; 0: the profile's own */
    char base[TOOL_PARTS][TOOL_NAME_SIZE]; /* what its newest connection was set to by itself */
    char why[WHY_SIZE]; /* it could not be reached, last time */
    char *url;          /* owned: where somebody has to sign in, the last time; NULL */
};

struct profile {
    const struct config_profile *config;
    struct backend_profile rules; /* driver, dialect, how a context is set */
    struct str defaults[TOOL_PARTS];
    struct login own;
    struct list logins; /* of principals */
    uint64_t leases[2]; /* that were given: on a connection not used before; on a used one */
    uint64_t statements; /* sent for calls, */
    uint64_t context_statements; /* and before them, to set where they run */
};
/* A backend connection as the daemon sees it. */
struct lease {
    uint32_t generation;
    uint32_t profile;
    struct login *login;          /* NULL: it was never open */
    struct call *call;            /* NULL: idle */
    uint32_t context[CORE_PARTS]; /* what it is set to: symbols, held; */
    uint32_t base[CORE_PARTS];    /* when it was opened. 0: none */
    char user[HANDLE_SIZE];       /* the session, or call without one, that it served last; "" none */
    bool is_clean;                /* nothing ran on it since it was opened */
    unsigned holds;               /* of its session: enum guard_effect, less what ended */
    bool is_used;                 /* a call had it */
    bool moved_inside;            /* its context, within a transaction */
    uint64_t base_exec;           /* number of the question for that; 0: answered */
};
/* lease.c */
struct backend_handler lease_handler(struct daemon *d);
void lease_start(struct daemon *d, const struct core_action *a);
void lease_spawn(struct daemon *d, const struct core_action *a);
void lease_connect(struct daemon *d, const struct core_action *a);
void lease_disconnect(struct daemon *d, const struct core_action *a);
void lease_run(struct call *call); /* the tool's SQL on the lease it has */
void lease_forget(struct call *call);
void lease_refuse_unset(struct call *call); /* its answer says so; nothing was run */

/* holds.c */
void holds_note(struct call *call); /* its statement has run */
/* Sessions with a connection of their own, by what it holds: each kind, so maybe several times. */
void holds_count(const struct daemon *d, uint32_t ret[HOLDS_KINDS]);

/* logins.c */
void logins_init(struct daemon *d, uint32_t profile);
void logins_free(struct daemon *d, uint32_t profile);
/* Of a principal, or with 0 the profile's own. NULL: no memory. */
struct login *logins_get(struct daemon *d, uint32_t profile, uint32_t principal);
/* What calls of @principal may know of there: its own login, or the profile's; never NULL. */
const struct login *logins_seen_by(struct daemon *d, uint32_t profile, uint32_t principal);
bool logins_has_credential(struct daemon *d, uint32_t profile, uint32_t principal); /* or needs none */
bool logins_admits(struct call *call); /* false: its answer says why not */
void logins_changed(struct daemon *d, struct str profile, struct str principal);
void logins_spawn(struct daemon *d, const struct core_action *a);
void logins_sign_in(void *ctx, uint32_t conn, uint32_t generation, struct str url);
void logins_open_browser(struct daemon *d, const struct core_action *a);
void logins_fail_pending(struct call *call, uint64_t retry_ms);

/* base_context.c */
void base_context_ask(struct daemon *d, uint32_t conn);
bool base_context_is(const struct daemon *d, uint32_t conn, uint32_t generation, uint64_t exec);
void base_context_page(struct daemon *d, uint32_t conn, struct str rows);
void base_context_error(struct daemon *d, uint32_t conn, const struct backend_error *error);
