// SPDX-License-Identifier: Apache-2.0
#pragma once
/* Answers FETCH and CELL from spool files: pages as those of a running statement. */
#include "wire/wire.h"

/*
 * Appends PAGE, TEXT or ERROR. A null has an empty text. False: @frame is neither FETCH
 * nor CELL, or malformed, or no memory.
 */
bool fetch_answer(const struct wire_frame *frame, struct buf *out) MUST_USE;
