// SPDX-License-Identifier: Apache-2.0
#pragma once
/* Finds the end of an HTTP/1.1 answer in what has come so far, and what it says. */
#include "base/str.h"

struct answer {
    int status;
    struct str body;    /* with its chunk lines where it came chunked */
    struct str session; /* of the header Mcp-Session-Id; ptr is NULL without one */
    bool is_stream;     /* came as an event stream */
};

/* The length of the first answer in @bytes, which @ret points into; 0: more must come;
 * -1: no HTTP. */
ptrdiff_t answer_parse(struct str bytes, struct answer *ret);
