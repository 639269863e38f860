// SPDX-License-Identifier: Apache-2.0
#include "store/account_row.h"

#include "store/column.h"

/* Marks are counted from 1, columns from 0. */
enum {
    PRINCIPAL,
    IS_PRINCIPAL,
    CLIENT,
    DAY,
    USED,
    SPENT = USED + STORE_QUOTA_KINDS,
    WRITTEN_WALL = SPENT + STORE_CELLS,
    WRITTEN_BOOT,
    BOOT,
};

static struct str copy_str(struct str s, char *bytes)
{
    if (s.len > 0) {
        memcpy(bytes, s.ptr, s.len);
    }
    return (struct str){bytes, s.len};
}

size_t account_row_bytes(const struct store_account *account)
{
    return account->principal.len + account->client.len;
}

struct store_account account_row_copy(const struct store_account *account, char *bytes)
{
    struct store_account copy = *account;
    copy.principal = copy_str(account->principal, bytes);
    copy.client = copy_str(account->client, bytes + account->principal.len);
    return copy;
}

int account_row_bind(sqlite3_stmt *stmt, const struct store_account *account)
{
    struct str principal = account->principal;
    struct str client = account->client;
    int rc = sqlite3_bind_text64(
        stmt, PRINCIPAL + 1, principal.ptr, principal.len, SQLITE_STATIC, SQLITE_UTF8);
    if (rc == SQLITE_OK) {
        rc = sqlite3_bind_int64(stmt, IS_PRINCIPAL + 1, account->is_principal);
    }
    if (rc == SQLITE_OK) {
        rc = sqlite3_bind_blob64(stmt, CLIENT + 1, client.ptr, client.len, SQLITE_STATIC);
    }
    if (rc == SQLITE_OK) {
        rc = sqlite3_bind_int64(stmt, DAY + 1, account->day);
    }
    for (int i = 0; rc == SQLITE_OK && i < STORE_QUOTA_KINDS; i++) {
        rc = column_bind_u64(stmt, USED + i + 1, account->used[i]);
    }
    for (int i = 0; rc == SQLITE_OK && i < STORE_CELLS; i++) {
        rc = column_bind_u64(stmt, SPENT + i + 1, account->spent_ns[i]);
    }
    if (rc == SQLITE_OK) {
        rc = column_bind_u64(stmt, WRITTEN_WALL + 1, account->written_wall_ns);
    }
    if (rc == SQLITE_OK) {
        rc = column_bind_u64(stmt, WRITTEN_BOOT + 1, account->written_boot_ns);
    }
    return rc == SQLITE_OK ? column_bind_u64(stmt, BOOT + 1, account->boot) : rc;
}

bool account_row_read(sqlite3_stmt *stmt, struct store_account *ret)
{
    const char *principal = (const char *)sqlite3_column_text(stmt, PRINCIPAL);
    const char *client = sqlite3_column_blob(stmt, CLIENT);
    size_t client_len = (size_t)sqlite3_column_bytes(stmt, CLIENT);
    /* SQLite has no pointer to an empty blob. */
    if (!principal || (!client && client_len > 0)) {
        return false;
    }
    *ret = (struct store_account){
        .day = (uint32_t)sqlite3_column_int64(stmt, DAY),
        .is_principal = sqlite3_column_int64(stmt, IS_PRINCIPAL) != 0,
        .principal = {principal, (size_t)sqlite3_column_bytes(stmt, PRINCIPAL)},
        .client = {client ? client : "", client_len},
    };
    for (int i = 0; i < STORE_QUOTA_KINDS; i++) {
        ret->used[i] = column_u64(stmt, USED + i);
    }
    for (int i = 0; i < STORE_CELLS; i++) {
        ret->spent_ns[i] = column_u64(stmt, SPENT + i);
    }
    ret->written_wall_ns = column_u64(stmt, WRITTEN_WALL);
    ret->written_boot_ns = column_u64(stmt, WRITTEN_BOOT);
    ret->boot = column_u64(stmt, BOOT);
    return true;
}
