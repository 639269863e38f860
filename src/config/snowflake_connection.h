// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * A connection as Snowflake's own tools keep it, as options of the ADBC driver.
 *
 * The section is [NAME] of connections.toml, or [connections.NAME] of config.toml where
 * the first file is not there. Both are in $SNOWFLAKE_HOME or ~/.snowflake where that
 * exists, else in snowflake/ of $XDG_CONFIG_HOME or ~/.config. SNOWFLAKE_CONNECTIONS may
 * hold the first file's text. SNOWFLAKE_CONNECTIONS_<NAME>_<KEY> goes over a key,
 * SNOWFLAKE_<KEY> stands in where neither is there.
 */
#include "config/config.h"

struct snowflake_connection {
    struct config_options options; /* owned; may be secrets: wiped when freed */
    char role[CONFIG_STRING_SIZE]; /* "" where none is named, like the next three */
    char warehouse[CONFIG_STRING_SIZE];
    char database[CONFIG_STRING_SIZE];
    char schema[CONFIG_STRING_SIZE];
    struct buf ignored; /* keys that mean nothing here: "a, b"; "" none */
    char file[CONFIG_PATH_SIZE]; /* where it stands */
    bool is_readable;            /* by others than the file's owner */
};

/*
 * Reads the connection @name anew into @ret. "default": the section of that name, else
 * the one that SNOWFLAKE_DEFAULT_CONNECTION_NAME or default_connection_name says. False
 * with a sentence in @err, which names files, sections and keys and no value of a secret;
 * @ret is to be freed in any case.
 */
MUST_USE bool snowflake_connection_read(
    struct snowflake_connection *ret, const char *name, struct buf *err);
void snowflake_connection_free(struct snowflake_connection *connection);
