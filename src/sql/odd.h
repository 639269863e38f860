// SPDX-License-Identifier: Apache-2.0
#pragma once
/* Characters beyond ASCII that engines do not take for what they look like. */
#include "base/str.h"

/*
 * Bytes of the blank-like or invisible character that @text begins with, 0 when it is
 * none.
 * @ret_blank: one of those that DuckDB turns into a space before it parses. U+200B is
 * none of them though it does the same to it: nobody sees it.
 */
size_t sql_odd_space(struct str text, bool *ret_blank);

/* Engines take it for a part of a name; who reads it, for the end of a statement. */
bool sql_is_like_semicolon(struct str text);
