// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * The catalogue of kept results: which spool file belongs to which handle and whom, until
 * when it is kept, and how much of the disk budget is used. Files are removed off the
 * loop.
 *
 * Each principal has a budget, and all together have one. Who goes beyond the first loses
 * its own oldest results. Where the second is used up, a principal that has more than its
 * share (an equal part for each that keeps any) loses its own oldest ones too; for one
 * that has less, the oldest of whoever has most goes.
 *
 * The files outlive the daemon; the user keeps the rows, restores them at the next start
 * and has files that belong to no row swept away.
 */
#include <uv.h>

#include "base/assert.h"
#include "base/handle.h"
#include "base/str.h"

enum {
    RESULT_PATH_SIZE = 4096 + 64
};

struct results;

struct result {
    struct handle handle;
    uint32_t principal;        /* symbols; held by the catalogue's user */
    uint32_t profile;          /* 0: not known */
    char session[HANDLE_SIZE]; /* of the call that made it; "" none */
    uint64_t rows;
    uint64_t bytes;
    bool capped;
    uint64_t expires_ns;      /* boot clock */
    uint64_t expires_wall_ns; /* the same moment, for people and the next daemon */
};

struct results_settings {
    const char *dir; /* made if missing, mode 0700 */
    uint64_t keep_ns;
    uint64_t bytes_max;           /* of all files */
    uint64_t principal_bytes_max; /* of one principal's */
    uint32_t count_max;
};

/* @dropped is told before a result is forgotten (its principal's symbol to be released).
 */
MUST_USE bool results_open(struct results **ret, uv_loop_t *loop,
    const struct results_settings *settings,
    void (*dropped)(void *ctx, const struct result *r), void *ctx, char *err,
    size_t err_size);

/* Where the spool of @handle lies. */
void results_path(
    const struct results *results, struct str handle, char ret_path[RESULT_PATH_SIZE]);

/* The largest file that one more result of @principal may have now. */
uint64_t results_bytes_max(const struct results *results, uint32_t principal);

/*
 * Takes the finished spool into the catalogue, for as long as results are kept; sets both
 * moments of its end. Others go where the budgets ask for it. False: no memory, or no
 * room that its principal may take; the file is removed.
 */
MUST_USE bool results_add(struct results *results, struct result *result, uint64_t now_ns,
    uint64_t now_wall_ns);

/*
 * At start, in the order of their ends: takes back what a daemon before kept, if it has
 * not expired and its file is there and whole in size. It stays until expires_wall_ns,
 * but not longer than results are kept. False: it is not there any more, nor is its file.
 */
MUST_USE bool results_restore(struct results *results, const struct result *result,
    uint64_t now_ns, uint64_t now_wall_ns);

/*
 * After the last of them: drops what budgets that became smaller ask for, and removes all
 * files that belong to no result; returns how many.
 */
uint32_t results_sweep(struct results *results);

/* NULL: unknown or expired. */
const struct result *results_find(
    struct results *results, struct str handle, uint64_t now_ns);

/*
 * Of one principal, the newest first: the next one after @handle, or the first for an empty
 * one. NULL: there are no more, or @handle is not one of them.
 */
const struct result *results_older(
    const struct results *results, uint32_t principal, struct str handle);

void results_each(struct results *results,
    void (*each)(void *ctx, const struct result *r),
    void *ctx); /* which must not change the catalogue */

/* Drops what calls of @session made; returns how many. */
uint32_t results_drop_session(struct results *results, struct str session);

/* The same for what @principal has from @profile. */
uint32_t results_drop_login(
    struct results *results, uint32_t principal, uint32_t profile);

/* Removes the file of a handle that never came into the catalogue. */
void results_discard(struct results *results, struct str handle);

/* Drops what has expired. */
void results_expire(struct results *results, uint64_t now_ns);

/* Forgets all; the files stay. */
void results_close(struct results *results);
