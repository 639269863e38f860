// SPDX-License-Identifier: Apache-2.0
#include "store/schema.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    APPLICATION_ID = 0x736e6d78, /* "snmx" tells our file from another program's */
    BUSY_MS_MAX = 5000,          /* how long an operator's own query may hold us up */
    MODE = 0600,
};

/* Step i leads from version i to i + 1. A step that was released never changes. */
static const char *const steps[] = {
    "CREATE TABLE session ("
    " handle TEXT NOT NULL PRIMARY KEY,"
    " principal TEXT NOT NULL,"
    " client_name TEXT NOT NULL,"
    " client_version TEXT NOT NULL,"
    " instance TEXT NOT NULL,"
    " label TEXT NOT NULL,"
    " revision TEXT NOT NULL,"
    " profile TEXT NOT NULL,"
    " role TEXT NOT NULL,"
    " warehouse TEXT NOT NULL,"
    " database TEXT NOT NULL,"
    " schema TEXT NOT NULL,"
    " created_wall_ns INTEGER NOT NULL,"
    " last_seen_wall_ns INTEGER NOT NULL,"
    " calls_total INTEGER NOT NULL,"
    " calls_ok INTEGER NOT NULL,"
    " calls_failed INTEGER NOT NULL,"
    " calls_refused INTEGER NOT NULL,"
    " rows_total INTEGER NOT NULL"
    ") STRICT, WITHOUT ROWID;",

    "CREATE TABLE quota ("
    " principal TEXT NOT NULL,"
    " is_principal INTEGER NOT NULL,"
    " client BLOB NOT NULL,"
    " day INTEGER NOT NULL,"
    " calls_used INTEGER NOT NULL,"
    " rows_used INTEGER NOT NULL,"
    " bytes_used INTEGER NOT NULL,"
    " engine_ms_used INTEGER NOT NULL,"
    " microcredits_used INTEGER NOT NULL,"
    " PRIMARY KEY (principal, is_principal, client)"
    ") STRICT, WITHOUT ROWID;",

    /* Rates of an account, and how the daemon ended: 0 crashed, 1 clean, 2 never ran. */
    "ALTER TABLE quota RENAME TO account;"
    "ALTER TABLE account ADD COLUMN calls_spent_ns INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE account ADD COLUMN catalog_spent_ns INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE account ADD COLUMN written_wall_ns INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE account ADD COLUMN written_boot_ns INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE account ADD COLUMN boot INTEGER NOT NULL DEFAULT 0;"
    "CREATE TABLE stop (how INTEGER NOT NULL) STRICT;"
    "INSERT INTO stop SELECT iif(count(*) = 0, 2, 0) FROM account;",

    /* More of what sessions did, and their preferences. */
    "ALTER TABLE session ADD COLUMN response_times TEXT NOT NULL DEFAULT '';"
    "ALTER TABLE session ADD COLUMN bytes_in INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE session ADD COLUMN bytes_out INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE session ADD COLUMN response_ns INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE session ADD COLUMN queue_ns INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE session ADD COLUMN connections_total INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE session ADD COLUMN limit_rows INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE session ADD COLUMN timeout_s INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE session ADD COLUMN format INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE session ADD COLUMN priority INTEGER NOT NULL DEFAULT 0;",

    /* Records of queries, and which results are kept. */
    "CREATE TABLE query ("
    " handle TEXT NOT NULL PRIMARY KEY,"
    " principal TEXT NOT NULL,"
    " session TEXT NOT NULL,"
    " tool TEXT NOT NULL,"
    " sql TEXT NOT NULL,"
    " status TEXT NOT NULL,"
    " code TEXT NOT NULL,"
    " result TEXT NOT NULL,"
    " answer TEXT NOT NULL,"
    " started_wall_ns INTEGER NOT NULL,"
    " ended_wall_ns INTEGER NOT NULL,"
    " elapsed_ms INTEGER NOT NULL"
    ") STRICT;"
    "CREATE TABLE result ("
    " handle TEXT NOT NULL PRIMARY KEY,"
    " principal TEXT NOT NULL,"
    " session TEXT NOT NULL,"
    " rows INTEGER NOT NULL,"
    " bytes INTEGER NOT NULL,"
    " capped INTEGER NOT NULL,"
    " expires_wall_ns INTEGER NOT NULL"
    ") STRICT, WITHOUT ROWID;",

    /* What ends with the daemon, so that the next one can tell. */
    "ALTER TABLE session ADD COLUMN held TEXT NOT NULL DEFAULT '';",

    /* Where results and answers are from: they go with the credential. */
    "ALTER TABLE query ADD COLUMN profile TEXT NOT NULL DEFAULT '';"
    "ALTER TABLE result ADD COLUMN profile TEXT NOT NULL DEFAULT '';",
};

enum {
    VERSION = ARRAY_LEN(steps)
};

/* Before SQLite opens it: its own files beside it take the mode of this one. */
static bool make_file(const char *path, char *err, size_t err_size)
{
    struct stat st;
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NONBLOCK, MODE);
    if (fd < 0) {
        snprintf(err, err_size, "cannot open the store %s: %s", path, strerror(errno));
        return false;
    }
    bool is_file = fstat(fd, &st) == 0 && S_ISREG(st.st_mode);
    close(fd);
    if (!is_file) {
        snprintf(err, err_size, "the store %s must be a regular file", path);
    }
    return is_file;
}

/* A file that was once made readable for others, and what lies beside it. */
static bool make_private(const char *path, char *err, size_t err_size)
{
    static const char *const ends[] = {"", "-wal", "-shm"};
    for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
        char name[4096];
        int len = snprintf(name, sizeof(name), "%s%s", path, ends[i]);
        if (len < 0 || (size_t)len >= sizeof(name)) {
            snprintf(err, err_size, "the path of the store is too long: %s", path);
            return false;
        }
        if (chmod(name, MODE) < 0 && errno != ENOENT) {
            snprintf(err, err_size, "cannot set the mode of %s to %04o: %s", name, MODE,
                strerror(errno));
            return false;
        }
    }
    return true;
}

/* The first column of the first row of @sql, which must have one. */
static bool read_int(sqlite3 *db, const char *sql, int64_t *ret)
{
    sqlite3_stmt *stmt = NULL;
    bool ok = sqlite3_prepare_v2(db, sql, -1, &stmt, NULL) == SQLITE_OK &&
              sqlite3_step(stmt) == SQLITE_ROW;
    if (ok) {
        *ret = sqlite3_column_int64(stmt, 0);
    }
    sqlite3_finalize(stmt);
    return ok;
}

/* May we use this file? Only reads. */
static bool check(
    sqlite3 *db, const char *path, int64_t *ret_version, char *err, size_t err_size)
{
    int64_t version = 0;
    int64_t owner = 0;
    int64_t tables = 0;
    bool ok = read_int(db, "PRAGMA user_version", &version) &&
              read_int(db, "PRAGMA application_id", &owner);
    /* A newer file may hold tables that this SQLite cannot parse, so look only now. */
    if (ok && owner == APPLICATION_ID && version > VERSION) {
        snprintf(err, err_size,
            "the store %s was written by a newer snowmux (schema %lld, this one knows "
            "up to %d); use that version, or name another state directory",
            path, (long long)version, VERSION);
        return false;
    }
    if (!ok || !read_int(db, "SELECT count(*) FROM sqlite_master", &tables)) {
        snprintf(err, err_size, "cannot read the store %s: %s", path, sqlite3_errmsg(db));
        return false;
    }
    bool is_blank = version == 0 && owner == 0 && tables == 0;
    if (!is_blank && (owner != APPLICATION_ID || version < 1)) {
        snprintf(err, err_size,
            "%s is the database of another program; name another state directory", path);
        return false;
    }
    *ret_version = version;
    return true;
}

/* All steps or none. Closing the database rolls back what is left open. */
static int migrate(sqlite3 *db, int64_t version)
{
    char end[128];
    if (version == VERSION) {
        return SQLITE_OK;
    }
    int rc = sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL);
    for (int64_t i = version; rc == SQLITE_OK && i < VERSION; i++) {
        rc = sqlite3_exec(db, steps[i], NULL, NULL, NULL);
    }
    if (rc == SQLITE_OK) {
        snprintf(end, sizeof(end),
            "PRAGMA application_id = %d; PRAGMA user_version = %d; COMMIT",
            APPLICATION_ID, VERSION);
        rc = sqlite3_exec(db, end, NULL, NULL, NULL);
    }
    return rc;
}

static bool use_wal(sqlite3 *db, const char *path, char *err, size_t err_size)
{
    sqlite3_stmt *stmt = NULL;
    if (sqlite3_prepare_v2(db, "PRAGMA journal_mode = WAL", -1, &stmt, NULL) !=
            SQLITE_OK ||
        sqlite3_step(stmt) != SQLITE_ROW) {
        snprintf(err, err_size, "cannot open the store %s: %s", path, sqlite3_errmsg(db));
        sqlite3_finalize(stmt);
        return false;
    }
    struct str mode = str_of((const char *)sqlite3_column_text(stmt, 0));
    bool is_wal = str_eq(mode, STR("wal"));
    if (!is_wal) {
        snprintf(err, err_size,
            "the store %s must lie in a local file system, since its write-ahead log "
            "needs shared memory",
            path);
    }
    sqlite3_finalize(stmt);
    return is_wal;
}

static bool set_up(sqlite3 *db, const char *path, char *err, size_t err_size)
{
    int64_t version = 0;
    sqlite3_extended_result_codes(db, 1);
    sqlite3_busy_timeout(db, BUSY_MS_MAX);
    /* Closing would move a newer version's log into its file. */
    sqlite3_db_config(db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
    if (!check(db, path, &version, err, err_size) || !make_private(path, err, err_size)) {
        return false;
    }
    sqlite3_db_config(db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 0, NULL);
    if (!use_wal(db, path, err, err_size)) {
        return false;
    }
    if (sqlite3_exec(db,
            "PRAGMA synchronous = NORMAL; PRAGMA trusted_schema = OFF;"
            "PRAGMA journal_size_limit = 16777216",
            NULL, NULL, NULL) != SQLITE_OK ||
        migrate(db, version) != SQLITE_OK) {
        snprintf(
            err, err_size, "cannot prepare the store %s: %s", path, sqlite3_errmsg(db));
        return false;
    }
    return true;
}

bool schema_open(sqlite3 **ret, const char *path, char *err, size_t err_size)
{
    sqlite3 *db = NULL;
    if (!make_file(path, err, err_size)) {
        return false;
    }
    /* One thread at a time has it, so SQLite need not lock. */
    int rc =
        sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);
    if (rc != SQLITE_OK) {
        snprintf(err, err_size, "cannot open the store %s: %s", path, sqlite3_errstr(rc));
    }
    if (rc != SQLITE_OK || !set_up(db, path, err, err_size)) {
        sqlite3_close(db);
        return false;
    }
    *ret = db;
    return true;
}
