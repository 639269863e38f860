// SPDX-License-Identifier: Apache-2.0
#pragma once
/* The parts of a profile's start that are not rules: where its driver is, who logs in. */
#include "backend/profile.h"
#include "config/snowflake_connection.h"

struct setup_limit {
    const char *key;
    const char *value;
};

/* A driver's own time limits, for where the profile has none; returns how many. */
uint32_t setup_limits(const char *driver, const struct setup_limit **ret);

/* The driver's path, or its name as it stands; false: it was looked for in vain. */
MUST_USE bool driver_find(struct buf *ret, const struct config_profile *config,
    const struct backend_drivers *drivers, struct buf *err);

bool setup_needs_browser(
    const struct config_options *options, const struct snowflake_connection *connection);

/* False: the way to log in needs a browser, and there is no display. */
MUST_USE bool setup_is_possible(const char *name, const struct config_options *options,
    const struct snowflake_connection *connection, struct buf *err);
