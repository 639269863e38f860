// SPDX-License-Identifier: Apache-2.0
#include "worker/late.h"

#include <inttypes.h>
#include <stdio.h>

#include "worker/arrow_cell.h"
#include "worker/arrow_scalar.h"

/* What an infinity became; all wrapped moments are below it. */
#define INFINITY_US (INT64_MIN + INT64_C(946684800000000) - 1)

enum {
    NAME_MAX_SHOWN = 128
};

static bool has_late(
    const struct ArrowSchema *schema, const struct ArrowArray *array, int depth)
{
    struct arrow_type type = arrow_type_parse(schema->format);
    if (type.kind == ARROW_TIMESTAMP && type.per_unit == 1000000) {
        const char *values = arrow_bytes(array, 1);
        for (int64_t i = array->offset; values && i < array->offset + array->length;
             i++) {
            if (arrow_load_int(values + i * 8, 8) < INFINITY_US &&
                arrow_is_valid(array, i)) {
                return true;
            }
        }
    }
    for (int64_t i = 0; i < schema->n_children && depth < ARROW_DEPTH_MAX; i++) {
        if (has_late(schema->children[i], array->children[i], depth + 1)) {
            return true;
        }
    }
    return false;
}

bool late_check(const struct ArrowSchema *schema, const struct ArrowArray *batch,
    char ret_why[ARROW_WHY_SIZE])
{
    for (int64_t i = 0; i < schema->n_children; i++) {
        const char *name = schema->children[i]->name;
        if (has_late(schema->children[i], batch->children[i], 1)) {
            snprintf(ret_why, ARROW_WHY_SIZE,
                "column %" PRId64
                " (%.*s) has a timestamp after 294247-01-09, which PostgreSQL's "
                "driver cannot read; cast it to text in the statement",
                i + 1, NAME_MAX_SHOWN, name ? name : "");
            return false;
        }
    }
    return true;
}
