// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * The program that a confined driver may run to show a page where somebody has to sign in: the worker
 * itself under another name (see worker/sign_in.h), in a directory that no worker may write.
 */
#include "base/buf.h"

/* Makes the directory @dir, and those above, with a link to @program, unless it is there; 0 or an errno. */
int opener_put(const char *dir, const char *program) MUST_USE;
