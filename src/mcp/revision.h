// SPDX-License-Identifier: Apache-2.0
#pragma once
/* The revisions of MCP that are served, and what sets them apart here. */
#include "base/buf.h"

enum mcp_revision {
    REVISION_UNKNOWN,
    REVISION_2024_11_05,
    REVISION_2025_03_26,
    REVISION_2025_06_18,
    REVISION_2025_11_25,
    REVISION_2026_07_28, /* the modern era */
    REVISIONS,
};

#define REVISION_LEGACY_LATEST REVISION_2025_11_25

enum mcp_revision revision_of(struct str name);
const char *revision_name(enum mcp_revision revision);
bool revision_is_modern(enum mcp_revision revision);
bool revision_has_structured(enum mcp_revision revision); /* structuredContent */
void revision_put_all(struct buf *out); /* a JSON array, newest first */
