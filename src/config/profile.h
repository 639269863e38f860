// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * [profile.NAME] sections: reading, and the memory a profile owns.
 */
#include "config/reader.h"

/* All defaults, no files, no options. */
void profile_init(struct config_profile *profile);
void profile_free(struct config_profile *profile);

/* False when there is no memory; @ret_copy then needs no profile_free(). */
MUST_USE bool profile_copy(
    struct config_profile *ret_copy, const struct config_profile *profile);

/* Has @name the shape of a profile's name? */
bool profile_is_name(struct str name);

/* NULL when there is none. */
struct config_profile *profile_find(struct config *config, struct str name);

/* Does each principal log in with a credential of its own? */
bool profile_is_per_principal(const struct config_profile *profile);

/* Adds a copy of @path; false when there is no memory. There must be room. */
MUST_USE bool profile_add_file(struct config_profile *profile, struct str path);

/*
 * Reads the table [profile] over the profiles of @config: keys that are given replace
 * those of a profile of the same name, `files`, `options` and `parameters` as a whole.
 */
MUST_USE bool profile_read_all(
    struct reader *reader, struct config *config, const struct toml_node *node);
