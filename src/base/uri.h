// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * What a driver's `uri` says, be it a URI (scheme://user:password@host/path?key=value), the same
 * without a scheme as Snowflake has it, or a connection string of PostgreSQL (host=h password=p).
 * Read generously: what may be a password is one.
 */
#include "base/str.h"

enum { URI_SECRETS_MAX = 16 };

/* The parts that are secret, as they stand there; further ones are passed over. Returns how many. */
uint32_t uri_secrets(struct str uri, struct str ret[URI_SECRETS_MAX]);

/* Without %XX, and without the \ before any character; both at most as long as @s. */
size_t uri_decode(struct str s, char *ret);
size_t uri_unescape(struct str s, char *ret);

/* Would PostgreSQL's client go to a Unix socket? It does where the host is a path, or none. */
bool uri_names_socket(struct str uri);
