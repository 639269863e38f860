// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * Whole results from spool files into files of the user. Values are written as pages have
 * them, and none is cut.
 *
 *   CSV         RFC 4180 with a header; null is an empty field, an empty text is "".
 * Numbers, times and texts stand as they are, nested values as their JSON
 *   JSON Lines  one object a row; the second column of a name is name_2
 *   Arrow       an IPC stream of the engine's types, in the plain form of arrow_copy.h
 */
#include "wire/wire.h"

/*
 * Answers EXPORT by EXPORTED or ERROR in @out. @is_cancelled is asked between batches.
 * False: @frame is malformed, or no memory.
 */
bool export_answer(const struct wire_frame *frame, bool (*is_cancelled)(void *ctx),
    void *ctx, struct buf *out) MUST_USE;
