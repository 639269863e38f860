// SPDX-License-Identifier: Apache-2.0
#include "store/session_row.h"

#include <stdlib.h>

#include "store/column.h"

#define AT(member) offsetof(struct store_session, member)

/* The columns: first these strings, then these numbers. */
static const size_t strings[] = {AT(handle), AT(principal), AT(client_name),
    AT(client_version), AT(instance), AT(label), AT(revision), AT(context[0]),
    AT(context[1]), AT(context[2]), AT(context[3]), AT(context[4]), AT(response_times)};
static const size_t numbers[] = {AT(created_wall_ns), AT(last_seen_wall_ns),
    AT(calls_total), AT(calls_ok), AT(calls_failed), AT(calls_refused), AT(rows_total),
    AT(bytes_in), AT(bytes_out), AT(response_ns), AT(queue_ns), AT(connections_total),
    AT(limit_rows), AT(timeout_s), AT(format), AT(priority)};

_Static_assert(sizeof(struct store_session) == ARRAY_LEN(strings) * sizeof(struct str) +
                                                   ARRAY_LEN(numbers) * sizeof(uint64_t),
    "a member has no column");

static const struct str *string_of(const struct store_session *session, size_t i)
{
    return (const void *)((const char *)session + strings[i]);
}

static uint64_t number_of(const struct store_session *session, size_t i)
{
    return *(const uint64_t *)(const void *)((const char *)session + numbers[i]);
}

size_t session_row_bytes(const struct store_session *session)
{
    size_t bytes = 0;
    for (size_t i = 0; i < ARRAY_LEN(strings); i++) {
        bytes += string_of(session, i)->len;
    }
    return bytes;
}

struct store_session session_row_copy(const struct store_session *session, char *bytes)
{
    struct store_session copy = *session;
    for (size_t i = 0; i < ARRAY_LEN(strings); i++) {
        const struct str *from = string_of(session, i);
        struct str *to = (void *)((char *)&copy + strings[i]);
        if (from->len > 0) {
            memcpy(bytes, from->ptr, from->len);
        }
        to->ptr = bytes;
        bytes += from->len;
    }
    return copy;
}

struct store_session *session_row_clone(const struct store_session *session)
{
    struct store_session *clone = malloc(sizeof(*clone) + session_row_bytes(session));
    if (clone) {
        *clone = session_row_copy(session, (char *)(clone + 1));
    }
    return clone;
}

int session_row_bind(sqlite3_stmt *stmt, const struct store_session *session)
{
    int rc = SQLITE_OK;
    int column = 1;
    for (size_t i = 0; rc == SQLITE_OK && i < ARRAY_LEN(strings); i++) {
        const struct str *s = string_of(session, i);
        rc = sqlite3_bind_text64(
            stmt, column++, s->ptr, s->len, SQLITE_STATIC, SQLITE_UTF8);
    }
    for (size_t i = 0; rc == SQLITE_OK && i < ARRAY_LEN(numbers); i++) {
        rc = column_bind_u64(stmt, column++, number_of(session, i));
    }
    return rc;
}

bool session_row_read(sqlite3_stmt *stmt, struct store_session *ret)
{
    int column = 0;
    for (size_t i = 0; i < ARRAY_LEN(strings); i++) {
        struct str *s = (void *)((char *)ret + strings[i]);
        s->ptr = (const char *)sqlite3_column_text(stmt, column);
        if (!s->ptr) {
            return false;
        }
        s->len = (size_t)sqlite3_column_bytes(stmt, column++);
    }
    for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
        uint64_t *to = (void *)((char *)ret + numbers[i]);
        *to = column_u64(stmt, column++);
    }
    return true;
}
