// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * The catalogue of kept results: which spool file belongs to which handle and whom, until
 * when it is kept, and how much of the disk budget is used. Files are removed off the loop.
 * The spools of a daemon that is no more are removed at start.
 */
#include <uv.h>

#include "base/assert.h"
#include "base/handle.h"
#include "base/str.h"

enum { RESULT_PATH_SIZE = 4096 + 64 };

struct results;

struct result {
    struct handle handle;
    uint32_t principal; /* symbol; held by the catalogue's user */
    uint64_t rows;
    uint64_t bytes;
    bool capped;
    uint64_t expires_ns;      /* boot clock */
    uint64_t expires_wall_ns; /* the same moment, for people */
};

struct results_settings {
    const char *dir; /* made if missing, mode 0700; emptied */
    uint64_t keep_ns;
    uint64_t bytes_max; /* of all files */
    uint32_t count_max;
};

/* @dropped is told before a result is forgotten (its principal's symbol to be released). */
MUST_USE bool results_open(struct results **ret, uv_loop_t *loop,
    const struct results_settings *settings, void (*dropped)(void *ctx, const struct result *r),
    void *ctx, char *err, size_t err_size);

/* Where the spool of @handle lies. */
void results_path(
    const struct results *results, struct str handle, char ret_path[RESULT_PATH_SIZE]);

/*
 * Takes the finished spool into the catalogue; the oldest ones go where the budget asks for
 * it. False: no memory; the file is removed.
 */
MUST_USE bool results_add(struct results *results, const struct result *result, uint64_t now_ns);

/* NULL: unknown or expired. */
const struct result *results_find(struct results *results, struct str handle, uint64_t now_ns);

/* Removes the file of a handle that never came into the catalogue. */
void results_discard(struct results *results, struct str handle);

/* Drops what has expired. */
void results_expire(struct results *results, uint64_t now_ns);

/* Forgets all and removes the files, at once. */
void results_close(struct results *results);
