// SPDX-License-Identifier: Apache-2.0
#include "arrow_random.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>

enum {
    NEST_MAX = 3
};

static struct rng *rng;

static uint64_t below(uint64_t max)
{
    return rng_below(rng, max);
}

static const enum ArrowType leaf_types[] = {NANOARROW_TYPE_NA, NANOARROW_TYPE_BOOL,
    NANOARROW_TYPE_INT8, NANOARROW_TYPE_UINT8, NANOARROW_TYPE_INT16,
    NANOARROW_TYPE_UINT16, NANOARROW_TYPE_INT32, NANOARROW_TYPE_UINT32,
    NANOARROW_TYPE_INT64, NANOARROW_TYPE_UINT64, NANOARROW_TYPE_HALF_FLOAT,
    NANOARROW_TYPE_FLOAT, NANOARROW_TYPE_DOUBLE, NANOARROW_TYPE_DECIMAL32,
    NANOARROW_TYPE_DECIMAL64, NANOARROW_TYPE_DECIMAL128, NANOARROW_TYPE_DECIMAL256,
    NANOARROW_TYPE_STRING, NANOARROW_TYPE_LARGE_STRING, NANOARROW_TYPE_STRING_VIEW,
    NANOARROW_TYPE_BINARY, NANOARROW_TYPE_LARGE_BINARY, NANOARROW_TYPE_BINARY_VIEW,
    NANOARROW_TYPE_FIXED_SIZE_BINARY, NANOARROW_TYPE_DATE32, NANOARROW_TYPE_DATE64,
    NANOARROW_TYPE_TIME32, NANOARROW_TYPE_TIME64, NANOARROW_TYPE_TIMESTAMP,
    NANOARROW_TYPE_DURATION, NANOARROW_TYPE_INTERVAL_MONTHS,
    NANOARROW_TYPE_INTERVAL_DAY_TIME, NANOARROW_TYPE_INTERVAL_MONTH_DAY_NANO};

static const enum ArrowType nest_types[] = {NANOARROW_TYPE_LIST,
    NANOARROW_TYPE_LARGE_LIST, NANOARROW_TYPE_LIST_VIEW, NANOARROW_TYPE_LARGE_LIST_VIEW,
    NANOARROW_TYPE_FIXED_SIZE_LIST, NANOARROW_TYPE_STRUCT, NANOARROW_TYPE_MAP,
    NANOARROW_TYPE_DENSE_UNION, NANOARROW_TYPE_SPARSE_UNION};

static void make_decimal(struct ArrowSchema *schema, enum ArrowType type)
{
    int digits = type == NANOARROW_TYPE_DECIMAL32    ? 9
                 : type == NANOARROW_TYPE_DECIMAL64  ? 18
                 : type == NANOARROW_TYPE_DECIMAL128 ? 38
                                                     : 76;
    int precision = 1 + (int)below((uint64_t)digits);
    int scale = (int)below((uint64_t)precision + 4) - 3;
    OK(ArrowSchemaSetTypeDecimal(schema, type, precision, scale));
}

static void make_time(struct ArrowSchema *schema, enum ArrowType type)
{
    static const char *const zones[] = {
        NULL, "UTC", "Europe/Berlin", "+05:30", "-0330", "+00:00"};
    enum ArrowTimeUnit unit = (enum ArrowTimeUnit)below(4);
    if (type == NANOARROW_TYPE_TIME32) {
        unit = (enum ArrowTimeUnit)below(2);
    } else if (type == NANOARROW_TYPE_TIME64) {
        unit = (enum ArrowTimeUnit)(2 + below(2));
    }
    const char *zone = type == NANOARROW_TYPE_TIMESTAMP ? zones[below(6)] : NULL;
    OK(ArrowSchemaSetTypeDateTime(schema, type, unit, zone));
}

static void make_type(struct ArrowSchema *schema, int depth);

static void make_nest(struct ArrowSchema *schema, int depth)
{
    enum ArrowType type = nest_types[below(ARRAY_LEN(nest_types))];
    if (type == NANOARROW_TYPE_FIXED_SIZE_LIST) {
        OK(ArrowSchemaSetTypeFixedSize(schema, type, 1 + (int32_t)below(3)));
    } else if (type == NANOARROW_TYPE_STRUCT) {
        OK(ArrowSchemaSetTypeStruct(schema, 1 + (int64_t)below(3)));
    } else if (type == NANOARROW_TYPE_DENSE_UNION ||
               type == NANOARROW_TYPE_SPARSE_UNION) {
        OK(ArrowSchemaSetTypeUnion(schema, type, 1 + (int64_t)below(3)));
    } else {
        OK(ArrowSchemaSetType(schema, type));
    }
    struct ArrowSchema *parent =
        type == NANOARROW_TYPE_MAP ? schema->children[0] : schema;
    for (int64_t i = 0; i < parent->n_children; i++) {
        if (type == NANOARROW_TYPE_MAP && i == 0) {
            OK(ArrowSchemaSetType(parent->children[0],
                below(2) == 0 ? NANOARROW_TYPE_STRING : NANOARROW_TYPE_INT16));
            parent->children[0]->flags &= ~ARROW_FLAG_NULLABLE;
            continue;
        }
        make_type(parent->children[i], depth + 1);
        if (parent->format[1] == 's' || parent->format[1] == 'u') {
            char name[16];
            snprintf(name, sizeof(name), "m\"%d", (int)i);
            OK(ArrowSchemaSetName(
                parent->children[i], type == NANOARROW_TYPE_MAP ? "value" : name));
        }
    }
}

static void make_dictionary(struct ArrowSchema *schema)
{
    static const enum ArrowType indices[] = {NANOARROW_TYPE_INT8, NANOARROW_TYPE_UINT8,
        NANOARROW_TYPE_INT16, NANOARROW_TYPE_UINT16, NANOARROW_TYPE_INT32,
        NANOARROW_TYPE_UINT32, NANOARROW_TYPE_INT64};
    OK(ArrowSchemaSetType(schema, indices[below(ARRAY_LEN(indices))]));
    OK(ArrowSchemaAllocateDictionary(schema));
    ArrowSchemaInit(schema->dictionary);
    OK(ArrowSchemaSetType(schema->dictionary,
        below(2) == 0 ? NANOARROW_TYPE_STRING : NANOARROW_TYPE_INT64));
}

static void make_type(struct ArrowSchema *schema, int depth)
{
    if (depth < NEST_MAX && below(3) == 0) {
        make_nest(schema, depth);
        return;
    }
    if (below(8) == 0) {
        make_dictionary(schema);
        return;
    }
    enum ArrowType type = leaf_types[below(ARRAY_LEN(leaf_types))];
    if (type >= NANOARROW_TYPE_DECIMAL128 && type <= NANOARROW_TYPE_DECIMAL256) {
        make_decimal(schema, type);
    } else if (type == NANOARROW_TYPE_DECIMAL32 || type == NANOARROW_TYPE_DECIMAL64) {
        make_decimal(schema, type);
    } else if (type == NANOARROW_TYPE_FIXED_SIZE_BINARY) {
        OK(ArrowSchemaSetTypeFixedSize(schema, type, 1 + (int32_t)below(20)));
    } else if (type == NANOARROW_TYPE_TIME32 || type == NANOARROW_TYPE_TIME64 ||
               type == NANOARROW_TYPE_TIMESTAMP || type == NANOARROW_TYPE_DURATION) {
        make_time(schema, type);
    } else {
        OK(ArrowSchemaSetType(schema, type));
    }
}

void random_type(struct rng *from, struct ArrowSchema *schema)
{
    rng = from;
    make_type(schema, 0);
}
