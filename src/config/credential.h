// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * A principal's own login at a profile: a file of TOML in <state>/credentials/<profile>/.
 * Keys: `connection` (Snowflake: a section of connections.toml) and the table [options],
 * as in [profile.NAME.options]. The connection or at least one of the options says who
 * logs in; a password alone, or how to log in, does not.
 */
#include "config/config.h"

enum {
    CREDENTIAL_PRINCIPAL_MAX = 255,
    CREDENTIAL_BYTES_MAX = 64 * 1024,
    CREDENTIAL_NAME_MAX = 245, /* of credential_name(); a file's has ".toml" after it */
};

struct credential {
    struct config_options options;     /* owned; may be secrets */
    char connection[CONFIG_PATH_SIZE]; /* "": none */
};

/*
 * <state>/credentials/<profile>/<principal>.toml with %XX for what is no letter, digit,
 * '_', '-' or '.', and for a leading '.'. False and "": @principal has no byte or more
 * than CREDENTIAL_PRINCIPAL_MAX, its name more than CREDENTIAL_NAME_MAX, or the path
 * @cap.
 */
MUST_USE bool credential_path(char *ret, size_t cap, const char *state_dir,
    const char *profile, struct str principal);

/*
 * The same name without directory and ".toml", for a directory of the principal's own;
 * the same rules. No two principals share one.
 */
MUST_USE bool credential_name(char *ret, size_t cap, struct str principal);

/*
 * Reads a regular file of at most CREDENTIAL_BYTES_MAX bytes. Relative paths in it begin
 * at its directory. False: @err names file, line and key, says what is allowed and
 * repeats no value, and @ret is empty.
 */
MUST_USE bool credential_read(struct credential *ret,
    const struct config_profile *profile, const char *path, struct buf *err);

/* The same from a text; @name is for messages, relative paths begin at @dir. */
MUST_USE bool credential_parse(struct credential *ret,
    const struct config_profile *profile, struct str toml, const char *name,
    const char *dir, struct buf *err);

/* Wipes; @credential is empty then. */
void credential_free(struct credential *credential);
