// SPDX-License-Identifier: Apache-2.0
#include "store/quota_row.h"

#include "store/column.h"

/* Marks are counted from 1, columns from 0. */
enum {
    PRINCIPAL,
    IS_PRINCIPAL,
    CLIENT,
    DAY,
    USED,
};

static struct str copy_str(struct str s, char *bytes)
{
    if (s.len > 0) {
        memcpy(bytes, s.ptr, s.len);
    }
    return (struct str){bytes, s.len};
}

size_t quota_row_bytes(const struct store_quota *quota)
{
    return quota->principal.len + quota->client.len;
}

struct store_quota quota_row_copy(const struct store_quota *quota, char *bytes)
{
    struct store_quota copy = *quota;
    copy.principal = copy_str(quota->principal, bytes);
    copy.client = copy_str(quota->client, bytes + quota->principal.len);
    return copy;
}

int quota_row_bind(sqlite3_stmt *stmt, const struct store_quota *quota)
{
    struct str principal = quota->principal;
    struct str client = quota->client;
    int rc = sqlite3_bind_text64(
        stmt, PRINCIPAL + 1, principal.ptr, principal.len, SQLITE_STATIC, SQLITE_UTF8);
    if (rc == SQLITE_OK) {
        rc = sqlite3_bind_int64(stmt, IS_PRINCIPAL + 1, quota->is_principal);
    }
    if (rc == SQLITE_OK) {
        rc = sqlite3_bind_blob64(stmt, CLIENT + 1, client.ptr, client.len, SQLITE_STATIC);
    }
    if (rc == SQLITE_OK) {
        rc = sqlite3_bind_int64(stmt, DAY + 1, quota->day);
    }
    for (int i = 0; rc == SQLITE_OK && i < STORE_QUOTA_KINDS; i++) {
        rc = column_bind_u64(stmt, USED + i + 1, quota->used[i]);
    }
    return rc;
}

bool quota_row_read(sqlite3_stmt *stmt, struct store_quota *ret)
{
    const char *principal = (const char *)sqlite3_column_text(stmt, PRINCIPAL);
    const char *client = sqlite3_column_blob(stmt, CLIENT);
    size_t client_len = (size_t)sqlite3_column_bytes(stmt, CLIENT);
    /* SQLite has no pointer to an empty blob. */
    if (!principal || (!client && client_len > 0)) {
        return false;
    }
    *ret = (struct store_quota){
        .day = (uint32_t)sqlite3_column_int64(stmt, DAY),
        .is_principal = sqlite3_column_int64(stmt, IS_PRINCIPAL) != 0,
        .principal = {principal, (size_t)sqlite3_column_bytes(stmt, PRINCIPAL)},
        .client = {client ? client : "", client_len},
    };
    for (int i = 0; i < STORE_QUOTA_KINDS; i++) {
        ret->used[i] = column_u64(stmt, USED + i);
    }
    return true;
}
