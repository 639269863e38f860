// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * Snowflake's driver opens an encrypted key with a passphrase that it then sends to the
 * server, as a parameter of the session (seen with 1.11.0), and dies of keys that are not
 * RSA. So keys are opened here, and the driver never sees a passphrase.
 */
#include "base/buf.h"

#define PRIVATE_KEY_OPTION "adbc.snowflake.sql.client_option.jwt_private_key_pkcs8_value"
#define PRIVATE_KEY_PHRASE_OPTION                                                        \
    "adbc.snowflake.sql.client_option.jwt_private_key_pkcs8_password"

/*
 * Replaces the PEM in @key, a buffer that does not move (see worker/secret.h), by PKCS #8
 * without encryption. @phrase may be empty. False: @ret_why says why, without the key.
 */
bool private_key_open(struct buf *key, struct str phrase, const char **ret_why) MUST_USE;
