// SPDX-License-Identifier: Apache-2.0
#pragma once
/* Questions to the running daemon, over its socket: a line out, a line back. */
#include "base/assert.h"
#include "base/buf.h"

enum { ASK_ANSWER_MAX = 256 * 1024 * 1024 };

/* -1 with errno: nothing answers at @path. */
MUST_USE int ask_try(const char *path);

/* -1: it was said that no daemon answers at @path. */
MUST_USE int ask_dial(const char *path);

/* @line ends with '\n'; @answer is cleared first. False: it was said what went wrong. */
MUST_USE bool ask(int fd, struct str line, struct buf *answer);
