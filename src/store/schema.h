// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * The file: who may read it, whose it is, how its tables came to be. `user_version`
 * counts the migrations it has seen; they only go forward.
 */
#include <sqlite3.h>

#include "base/assert.h"
#include "base/str.h"

/*
 * Opens the database at @path, made with mode 0600 where there is none, in WAL mode and
 * with the newest tables. False with a sentence in @err. The file of a newer version, of
 * another program, or that is no database stays as it is, to the byte.
 */
MUST_USE bool schema_open(sqlite3 **ret, const char *path, char *err, size_t err_size);
