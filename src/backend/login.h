// SPDX-License-Identifier: Apache-2.0
#pragma once
/* A principal that logs in by itself: where its credential is, and the home of its workers. */
#include "backend/reach.h"
#include "config/credential.h"

struct backend_login {
    char credential[CONFIG_PATH_SIZE]; /* its file, which may be missing */
    char home[CONFIG_PATH_SIZE];       /* a directory that only its workers have */
};

enum { BACKEND_ADDRESS_SIZE = 8192 };

/*
 * May @url be shown and opened, where somebody has to sign in? The driver had it from a server: it is
 * one of the web, in plain characters, shorter than BACKEND_ADDRESS_SIZE.
 */
bool backend_login_is_address(struct str url);

/* Makes the home. False with a sentence in @err. */
MUST_USE bool backend_login_init(struct backend_login *ret, const char *state_dir,
    const char *profile, struct str principal, struct buf *err);
