// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * A login to one profile, tried step by step through a worker of its own, as the daemon
 * would have it. For the command line: each step blocks, on a loop that only it knows.
 */
#include "backend/profile.h"

enum {
    PROBE_MESSAGE_SIZE = 2048,
    PROBE_STEP_MS_MAX = 60 * 1000,
    PROBE_ROWS_MAX = 10000
};

struct probe;

/* Why a step failed, in the engine's or the worker's words. */
struct probe_failure {
    char message[PROBE_MESSAGE_SIZE];
    int64_t vendor_code; /* 0: none */
};

/* What a statement gave, as wire/wire.h says of PAGE. */
struct probe_page {
    struct buf columns;
    struct buf rows;
    bool is_cut; /* there are more rows */
};

/* @profile, and the login where each principal has one, live as long. NULL: no memory. */
struct probe *probe_new(const char *worker_program, const struct backend_profile *profile,
    const struct backend_login *login_or_null);

/* Kills the worker. NULL: nothing. */
void probe_free(struct probe *p);

/* Starts the worker and opens a connection: the first step. */
MUST_USE bool probe_login(struct probe *p, struct probe_failure *ret_failure);

/* Of a worker that is up. */
struct str probe_driver_name(const struct probe *p);
struct str probe_driver_version(const struct probe *p);

/*
 * Asks the engine where it is: one row of role, warehouse, database, schema. Before that
 * @part is set to @value, where that is not empty.
 */
MUST_USE bool probe_context(struct probe *p, enum backend_part part, struct str value,
    struct probe_page *ret, struct probe_failure *ret_failure);

/* Snowflake: what was granted to @role. */
MUST_USE bool probe_grants(struct probe *p, struct str role, struct probe_page *ret,
    struct probe_failure *ret_failure);

/* PostgreSQL: what the role may do beyond reading, a row each of how to say that ("may ..."). */
MUST_USE bool probe_rights(
    struct probe *p, struct probe_page *ret, struct probe_failure *ret_failure);

void probe_page_free(struct probe_page *page);
