// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * The database options that drivers know. Snowflake's driver makes a session parameter of
 * whatever it does not know, so that a slip of the pen would go unnoticed for ever.
 */
#include "base/assert.h"
#include "base/str.h"

struct driver_options {
    const char *name; /* the driver's word: "snowflake" */
    const char *const *keys;
    uint32_t key_count;
    const char *const *prefixes; /* of keys that go on freely, closed by NULL */
    const char *const *logins;   /* see driver_options_logins() */
    bool has_parameters;         /* what else is set becomes a parameter of the session */
};

enum {
    DRIVER_KEYS_MAX = 64
};

/*
 * By the word or the path of a driver; NULL for one that is not known: everything passes.
 * DuckDB has none here, it refuses by itself what it does not know.
 */
const struct driver_options *driver_options_of(struct str driver);

bool driver_options_know(const struct driver_options *options, struct str key);

/* The only words that may stand for this key, closed by NULL; NULL: it takes anything. */
const char *const *driver_options_words(const struct driver_options *options, struct str key);

/* The known parameter of a session that differs from @name by a slip of the pen; NULL: none, or it is one. */
const char *driver_options_parameter_near(
    const struct driver_options *options, struct str name);

/*
 * The keys that say who logs in, closed by NULL; "abc*" stands for all that begin so.
 * NULL for a driver that is not known.
 */
const char *const *driver_options_logins(const struct driver_options *options_or_null);

bool driver_options_is_login(
    const struct driver_options *options_or_null, struct str key);

/* The word in a driver's name or path: "x/libadbc_driver_sqlite.so" is "sqlite". */
struct str driver_word(struct str driver);

/* Is @driver one of the words that stand for a driver's library? */
bool driver_is_word(struct str driver);
