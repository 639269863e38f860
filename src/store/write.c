// SPDX-License-Identifier: Apache-2.0
#include "store/write.h"

#include <stdlib.h>

#include "store/session_row.h"

static int bind_session(const struct write *write, sqlite3_stmt *stmt)
{
    return session_row_bind(stmt, &write->session);
}

static int bind_handle(const struct write *write, sqlite3_stmt *stmt)
{
    return sqlite3_bind_text64(
        stmt, 1, write->handle.ptr, write->handle.len, SQLITE_STATIC, SQLITE_UTF8);
}

static const struct kind {
    const char *sql;
    int (*bind)(const struct write *write, sqlite3_stmt *stmt);
} kinds[] = {
    [WRITE_PUT_SESSION] = {"REPLACE INTO session (" SESSION_ROW_COLUMNS
                           ") VALUES (" SESSION_ROW_MARKS ")",
        bind_session},
    [WRITE_DROP_SESSION] = {"DELETE FROM session WHERE handle = ?", bind_handle},
};

_Static_assert(ARRAY_LEN(kinds) == WRITE_KINDS, "a kind has no statement");

const char *write_sql(enum write_kind kind)
{
    return kinds[kind].sql;
}

int write_bind(const struct write *write, sqlite3_stmt *stmt)
{
    return kinds[write->kind].bind(write, stmt);
}

static struct write *new_write(enum write_kind kind, size_t bytes)
{
    struct write *write = calloc(1, sizeof(*write) + bytes);
    if (write) {
        write->kind = kind;
    }
    return write;
}

struct write *write_put_session(const struct store_session *session)
{
    struct write *write = new_write(WRITE_PUT_SESSION, session_row_bytes(session));
    if (write) {
        write->session = session_row_copy(session, write->bytes);
    }
    return write;
}

struct write *write_drop_session(struct str handle)
{
    struct write *write = new_write(WRITE_DROP_SESSION, handle.len);
    if (write) {
        if (handle.len > 0) {
            memcpy(write->bytes, handle.ptr, handle.len);
        }
        write->handle = (struct str){write->bytes, handle.len};
    }
    return write;
}
