// SPDX-License-Identifier: Apache-2.0
#pragma once
/* `snowmux check --connect`: a login to one profile, and what is to be said about it. */
#include "backend/probe.h"

enum {
    FINDING_WARNINGS_MAX = 16,
    FINDING_TEXT_SIZE = 512
};

struct finding {
    bool is_ok;
    const char *wrong; /* account, network, login, role ...; NULL: nothing is */
    char message[PROBE_MESSAGE_SIZE + FINDING_TEXT_SIZE];
    char driver[128];
    char version[128];
    char context[PART_COUNT]
                [CONFIG_STRING_SIZE]; /* where the engine says we are; "": nowhere */
    uint32_t warning_count;
    char warning[FINDING_WARNINGS_MAX][FINDING_TEXT_SIZE];
};

/* As @login_or_null where each principal has one. Blocks: at most a minute a step. */
void connect_profile(const char *worker, const struct backend_profile *profile,
    const struct backend_login *login_or_null, struct finding *ret);

/* What kind of trouble an engine's words name at login. */
const char *connect_what_is_wrong(enum sql_dialect_id dialect, const char *message);
