// SPDX-License-Identifier: Apache-2.0
#include "store/row.h"

#include "store/column.h"

static const struct str *string_of(
    const struct row_shape *shape, const void *row, size_t i)
{
    return (const void *)((const char *)row + shape->strings[i]);
}

static uint64_t number_of(const struct row_shape *shape, const void *row, size_t i)
{
    return *(const uint64_t *)(const void *)((const char *)row + shape->numbers[i]);
}

size_t row_bytes(const struct row_shape *shape, const void *row)
{
    size_t bytes = 0;
    for (size_t i = 0; i < shape->string_count; i++) {
        bytes += string_of(shape, row, i)->len;
    }
    return bytes;
}

void row_move_strings(const struct row_shape *shape, void *row, char *bytes)
{
    for (size_t i = 0; i < shape->string_count; i++) {
        struct str *s = (void *)((char *)row + shape->strings[i]);
        if (s->len > 0) {
            memcpy(bytes, s->ptr, s->len);
        }
        s->ptr = bytes;
        bytes += s->len;
    }
}

int row_bind(const struct row_shape *shape, sqlite3_stmt *stmt, const void *row)
{
    int rc = SQLITE_OK;
    int column = 1;
    for (size_t i = 0; rc == SQLITE_OK && i < shape->string_count; i++) {
        const struct str *s = string_of(shape, row, i);
        rc = sqlite3_bind_text64(
            stmt, column++, s->ptr, s->len, SQLITE_STATIC, SQLITE_UTF8);
    }
    for (size_t i = 0; rc == SQLITE_OK && i < shape->number_count; i++) {
        rc = column_bind_u64(stmt, column++, number_of(shape, row, i));
    }
    return rc;
}

bool row_read(const struct row_shape *shape, sqlite3_stmt *stmt, void *ret)
{
    int column = 0;
    for (size_t i = 0; i < shape->string_count; i++) {
        struct str *s = (void *)((char *)ret + shape->strings[i]);
        s->ptr = (const char *)sqlite3_column_text(stmt, column);
        if (!s->ptr) {
            return false;
        }
        s->len = (size_t)sqlite3_column_bytes(stmt, column++);
    }
    for (size_t i = 0; i < shape->number_count; i++) {
        uint64_t *to = (void *)((char *)ret + shape->numbers[i]);
        *to = column_u64(stmt, column++);
    }
    return true;
}
