// SPDX-License-Identifier: Apache-2.0
#include "worker/money.h"

#include <nanoarrow/nanoarrow.h>

#include "worker/arrow_cell.h"
#include "worker/arrow_check.h"
#include "worker/run.h"

/* Also in arrays and under a domain; 790 is money everywhere. */
#define ASK                                                                              \
    "SELECT 1 FROM pg_catalog.pg_attribute AS a WHERE a.attnum > 0 AND NOT "             \
    "a.attisdropped AND a.atttypid IN (SELECT oid FROM pg_catalog.pg_type WHERE 790 "    \
    "IN (oid, typelem, typbasetype)) LIMIT 1"

bool money_is_stored(struct AdbcConnection *adbc)
{
    struct failure failure;
    int64_t rows = 0;
    return run_aside(adbc, &(struct run_options){0}, ASK, &rows, &failure) && rows > 0;
}

bool money_is_named(struct str sql)
{
    struct str word = STR("money");
    for (size_t at = 0; at + word.len <= sql.len; at++) {
        if (str_eq_nocase((struct str){sql.ptr + at, word.len}, word)) {
            return true;
        }
    }
    return false;
}

static bool mark_field(struct ArrowSchema *field, int depth)
{
    bool ok = depth < ARROW_DEPTH_MAX;
    if (ok && strcmp(field->format, "l") == 0 &&
        arrow_metadata(field, STR("ADBC:postgresql:typname")).len == 0) {
        struct ArrowBuffer metadata;
        ArrowBufferInit(&metadata);
        ok = ArrowMetadataBuilderInit(&metadata, field->metadata) == 0 &&
             ArrowMetadataBuilderAppend(&metadata,
                 ArrowCharView("ADBC:postgresql:typname"),
                 ArrowCharView("BIGINT or money in its smallest unit")) == 0 &&
             ArrowSchemaSetMetadata(field, (const char *)metadata.data) == 0;
        ArrowBufferReset(&metadata);
    }
    for (int64_t i = 0; i < field->n_children && ok; i++) {
        ok = mark_field(field->children[i], depth + 1);
    }
    return ok;
}

bool money_mark(struct ArrowSchema *schema)
{
    struct ArrowSchema marked;
    char why[ARROW_WHY_SIZE];
    if (!arrow_check_schema(schema, why)) {
        return true; /* result_begin() refuses it */
    }
    if (ArrowSchemaDeepCopy(schema, &marked) != 0) {
        return false;
    }
    if (!mark_field(&marked, 0)) {
        ArrowSchemaRelease(&marked);
        return false;
    }
    schema->release(schema);
    *schema = marked;
    return true;
}
