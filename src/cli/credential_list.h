// SPDX-License-Identifier: Apache-2.0
#pragma once
/* The credentials that there are, as their files are named. */
#include "base/buf.h"

/* @path is the file's. */
typedef void credential_seen(
    void *ctx, const char *profile, struct str principal, const char *path);

/*
 * Calls @each for every credential at @profile, in the order of their names; for NULL for
 * those at all profiles, also at such that are no longer configured. Files that are named
 * otherwise are passed over. False with a sentence in @err: a directory cannot be read.
 */
MUST_USE bool credential_list(const char *state_dir, const char *profile_or_null,
    credential_seen *each, void *ctx, struct buf *err);
