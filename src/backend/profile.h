// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * What a profile means to a worker: the driver to load, how it is set up and locked down,
 * and how a connection is set to a context. One table of rules per engine.
 */
#include "backend/backend.h"
#include "config/config.h"
#include "sql/guard.h"

/* Parts of a context, in the core's order. */
enum backend_part { PART_ROLE, PART_WAREHOUSE, PART_DATABASE, PART_SCHEMA, PART_COUNT };

enum {
    PROFILE_OPTIONS_MAX = CONFIG_OPTIONS_MAX + 8,
    PROFILE_INIT_MAX = CONFIG_FILES_MAX + 8,
};

struct backend_profile {
    enum sql_dialect_id dialect;
    bool cancels; /* a cancel reaches the driver: several connections may share a worker */
    struct str database; /* of calls that name none; owned by the strings below */
    struct str schema;
    struct backend_setup setup;
    struct backend_option option[PROFILE_OPTIONS_MAX];
    struct str init[PROFILE_INIT_MAX];
    struct buf text; /* all the strings above */
};

/*
 * @duckdb_driver stands in for the driver's name "duckdb"; @spill_dir is where DuckDB may
 * write what does not fit into memory. False with a sentence in @err: a file is missing, or
 * the driver's dialect is not known.
 */
MUST_USE bool backend_profile_init(struct backend_profile *ret,
    const struct config_profile *config, const char *duckdb_driver, const char *spill_dir,
    struct buf *err);
void backend_profile_free(struct backend_profile *profile);

/*
 * The connection options that set the parts in @replay (bit per part) of @context. Setting
 * a database resets the schema in every engine, so the schema follows it. At most
 * PART_COUNT options; returns how many.
 */
uint32_t backend_profile_replay(const struct backend_profile *profile, uint32_t replay,
    const struct str context[PART_COUNT], struct backend_option ret[PART_COUNT]);
