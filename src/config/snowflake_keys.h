// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * The keys of a connection of Snowflake's tools: what each means to the ADBC driver, and
 * what a whole section means.
 */
#include "config/snowflake_connection.h"

enum snowflake_key {
    KEY_ACCOUNT,
    KEY_USER,
    KEY_PASSWORD,
    KEY_AUTHENTICATOR,
    KEY_HOST,
    KEY_PORT,
    KEY_PROTOCOL,
    KEY_REGION,
    KEY_ROLE,
    KEY_WAREHOUSE,
    KEY_DATABASE,
    KEY_SCHEMA,
    KEY_PRIVATE_KEY_FILE,
    KEY_PRIVATE_KEY_PATH, /* the same */
    KEY_PRIVATE_KEY,
    KEY_PRIVATE_KEY_RAW, /* the same */
    KEY_PRIVATE_KEY_FILE_PWD,
    KEY_PRIVATE_KEY_PASSPHRASE, /* the same */
    KEY_TOKEN,
    KEY_TOKEN_FILE_PATH,
    KEY_WORKLOAD_IDENTITY_PROVIDER,
    KEY_APPLICATION,
    KEY_LOGIN_TIMEOUT,
    KEY_NETWORK_TIMEOUT,
    KEY_CLIENT_STORE_TEMPORARY_CREDENTIAL,
    KEY_CLIENT_REQUEST_MFA_TOKEN,
    KEY_SERVER_SESSION_KEEP_ALIVE,
    KEY_OCSP_FAIL_OPEN,
    KEY_TIMEZONE,
    KEY_COUNT
};

/* Values by key, NULL where there is none; owned. */
struct snowflake_section {
    char *value[KEY_COUNT];
};

extern const char *const snowflake_key_names[KEY_COUNT];

/* May SNOWFLAKE_<KEY> stand in for it? */
bool snowflake_key_is_generic(enum snowflake_key key);

/* Is it a key of other tools that changes nothing here? */
bool snowflake_key_is_idle(struct str key);

/* Wipes. */
void snowflake_section_free(struct snowflake_section *section);

/* Options and context from a section; the message goes on after "NAME: ". */
MUST_USE bool snowflake_section_map(const struct snowflake_section *section,
    struct snowflake_connection *ret, struct buf *err);
