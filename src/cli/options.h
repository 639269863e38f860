// SPDX-License-Identifier: Apache-2.0
#pragma once
/* What the command line says, and what each command prints about itself. */
#include "base/assert.h"
#include "config/config.h"
#include "config/paths.h"

enum command {
    COMMAND_SERVE,
    COMMAND_STDIO,
    COMMAND_LS,
    COMMAND_KILL_SESSION,
    COMMAND_CHECK,
    COMMAND_GUARD,
    COMMAND_CREDENTIAL,
    COMMAND_HELP,
    COMMAND_VERSION,
};

enum { SESSIONS_MAX = 64, CREDENTIAL_WORDS_MAX = 3 };

struct options {
    enum command command;
    const char *topic; /* of help; NULL */
    const char *state;
    const char *config;
    const char *socket;
    const char *http;
    const char *name;
    const char *log_level;
    const char *dialect;
    const char *policy;
    uint32_t duckdb_count;
    const char *duckdb[CONFIG_FILES_MAX];
    uint32_t session_count;
    const char *session[SESSIONS_MAX];
    uint32_t credential_count;
    const char *credential[CREDENTIAL_WORDS_MAX]; /* add|rm PROFILE PRINCIPAL, or ls */
    bool background;
    bool json;
    bool connect;
};

/* False: it was said on standard error what is wrong and what is allowed. */
MUST_USE bool options_parse(struct options *ret, int argc, char **argv);

void options_help(const char *topic_or_null);

/* Paths and settings, the command line over the file over the defaults. */
MUST_USE bool options_load(const struct options *options, struct config *ret_config,
    struct paths *ret_paths);
