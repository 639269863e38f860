// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * What a driver gone bad would try, as words of the scripted driver for tests. Each
 * answers "ok", or the name of the error that stopped it: open PATH      to read, a
 * directory too write PATH     make the file or change it connect PORT   of 127.0.0.1
 *   listen         at any port of 127.0.0.1
 *   unix PATH      connect to a socket there
 *   chmod PATH     to 0600
 *   exec PROGRAM   without arguments
 *   signal PID     ask whether a signal may be sent
 *   thread WORD    any of these words in a thread of its own
 * and answers otherwise:
 *   calls          calls that no driver makes: those that were not refused
 *   environ [NAME] the environment, a line a variable; or that one's value
 *   fds            its descriptors, a line each: number and what it is
 *   limits         dumpable, size of core files, no_new_privs
 */
#include <stdbool.h>

enum {
    FAKE_TRY_SIZE = 8192
};

/* False: @script is none of these words. */
bool fake_try(const char *script, char ret[FAKE_TRY_SIZE]);
