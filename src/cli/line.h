// SPDX-License-Identifier: Apache-2.0
#pragma once
/* One line of output: a JSON object where --json asks for it, else text. */
#include "base/buf.h"

/* A member of the object that @line begins with; the first one opens it. */
void line_put_pair(struct buf *line, const char *key, struct str value);

/* Text of others in one line: control characters become spaces. */
void line_put_text(struct buf *line, struct str text);

/* Ends the line, prints and empties it. */
void line_flush(struct buf *line);
