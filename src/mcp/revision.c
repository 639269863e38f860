// SPDX-License-Identifier: Apache-2.0
#include "mcp/revision.h"

#include "base/assert.h"

static const char *const NAMES[] = {
    [REVISION_UNKNOWN] = "",
    [REVISION_2024_11_05] = "2024-11-05",
    [REVISION_2025_03_26] = "2025-03-26",
    [REVISION_2025_06_18] = "2025-06-18",
    [REVISION_2025_11_25] = "2025-11-25",
    [REVISION_2026_07_28] = "2026-07-28",
};
_Static_assert(ARRAY_LEN(NAMES) == REVISIONS, "one name a revision");

enum mcp_revision revision_of(struct str name)
{
    for (int i = REVISION_2024_11_05; i < REVISIONS; i++) {
        if (str_eq(name, str_of(NAMES[i]))) {
            return (enum mcp_revision)i;
        }
    }
    return REVISION_UNKNOWN;
}

const char *revision_name(enum mcp_revision revision)
{
    return NAMES[revision];
}

bool revision_is_modern(enum mcp_revision revision)
{
    return revision >= REVISION_2026_07_28;
}

bool revision_has_structured(enum mcp_revision revision)
{
    return revision >= REVISION_2025_06_18;
}

void revision_put_all(struct buf *out)
{
    for (int i = REVISIONS - 1; i >= REVISION_2024_11_05; i--) {
        buf_printf(out, "%s\"%s\"", i == REVISIONS - 1 ? "[" : ",", NAMES[i]);
    }
    buf_putc(out, ']');
}
