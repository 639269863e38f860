// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * Signing in by a browser. A driver that wants somebody to sign in runs a program that shows a
 * page. For a worker that program is the worker's own, under another name: it shows nothing, and
 * tells the worker the page's address, who tells the daemon. So it is the daemon that decides
 * whether a window opens, and the driver can run nothing else.
 */
#include "base/buf.h"
#include "worker/failure.h"

enum {
    SIGN_IN_URL_MAX = 8192,
    SIGN_IN_LINES_MAX = 64 * 1024
};

/* Is this process such a program? Then what it has to do is done with sign_in_tell(). */
bool sign_in_is_asked(char *const *argv);
int sign_in_tell(char *const *argv); /* the exit status */

/*
 * Puts a pipe in the place of standard output; the daemon has put the program into $PATH. Before the
 * process is confined. @ret_fd is to be polled.
 */
bool sign_in_prepare(int *ret_fd, struct failure *ret) MUST_USE;

/*
 * Reads what came. True: somebody has to sign in at @ret_url, which ends with a NUL; read again.
 * What else the driver printed goes to standard error. @lines is empty at first, with the maximum
 * SIGN_IN_LINES_MAX.
 */
bool sign_in_read(int fd, struct buf *lines, char ret_url[SIGN_IN_URL_MAX]);
