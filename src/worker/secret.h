// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * Values of options that are kept elsewhere: in a file, or with a program that prints
 * them. Read once, before the driver is loaded; the caller wipes what it was given.
 */
#include "base/buf.h"
#include "wire/wire.h"

enum {
    SECRET_BYTES_MAX = 64 * 1024,
    SECRET_ARGS_MAX = 16,
    SECRET_HIDDEN_MIN = 4, /* shorter ones would be found everywhere */
    SECRET_COMMAND_MS_MAX = 10 * 1000
};

/*
 * Puts the value into @out, whose memory is all there: SECRET_BYTES_MAX + 1 bytes. One
 * line end at its end is cut. False with a sentence in @err that names @option and the
 * file or program, never what they hold. A program that is not done in time is killed
 * with its group; a confined worker's has the daemon's HOME, PATH and TMPDIR.
 */
bool secret_read(enum wire_source source, struct str option, struct str from,
    struct buf *out, struct buf *err) MUST_USE;

/* A buffer for one secret that never moves; false: no memory. */
bool secret_buf(struct buf *ret) MUST_USE;

/* Puts *** wherever @secret stands in @message, which ends with a NUL. */
void secret_hide(char *message, struct str secret);

enum { SECRETS_MAX = 128 };

/* Those of one setup; nothing is written to it once others read it. */
struct secrets {
    struct buf at[SECRETS_MAX];
    uint32_t count;
};

/* The next one, to be filled; NULL: there are SECRETS_MAX, or there is no memory. */
struct buf *secrets_next(struct secrets *secrets) MUST_USE;

/* The passwords that a driver's `uri` holds, as they stand there and decoded; false as above. */
bool secrets_put_uri(struct secrets *secrets, struct str uri) MUST_USE;

/* The longest first: one may be a part of another. */
void secrets_hide(const struct secrets *secrets, char *message);

/* Wipes and frees. */
void secret_free(struct buf *secret);
