// SPDX-License-Identifier: Apache-2.0
/* Which files the store takes, what it makes of them, and which it leaves alone. */
#include <dirent.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/buf.h"
#include "store/schema.h"

enum {
    VERSION = 7
};

struct fixture {
    char dir[64];
    char path[96];
    char err[512];
};

static struct fixture *start(void)
{
    struct fixture *f = calloc(1, sizeof(*f));
    assert_non_null(f);
    snprintf(f->dir, sizeof(f->dir), "/tmp/snowmux-store-XXXXXX");
    assert_non_null(mkdtemp(f->dir));
    snprintf(f->path, sizeof(f->path), "%s/state.db", f->dir);
    return f;
}

static void stop(struct fixture *f)
{
    char name[512];
    DIR *dir = opendir(f->dir);
    assert_non_null(dir);
    for (struct dirent *entry; (entry = readdir(dir));) {
        snprintf(name, sizeof(name), "%s/%s", f->dir, entry->d_name);
        (void)unlink(name);
    }
    closedir(dir);
    assert_int_equal(rmdir(f->dir), 0);
    free(f);
}

static sqlite3 *take(struct fixture *f)
{
    sqlite3 *db = NULL;
    bool ok = schema_open(&db, f->path, f->err, sizeof(f->err));
    assert_string_equal(ok ? "" : f->err, "");
    return db;
}

static void run(sqlite3 *db, const char *sql)
{
    assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
}

static void change(struct fixture *f, const char *sql)
{
    sqlite3 *db;
    assert_int_equal(sqlite3_open(f->path, &db), SQLITE_OK);
    run(db, sql);
    sqlite3_close(db);
}

static int64_t ask(sqlite3 *db, const char *sql)
{
    sqlite3_stmt *stmt;
    assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &stmt, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
    int64_t value = sqlite3_column_int64(stmt, 0);
    sqlite3_finalize(stmt);
    return value;
}

static void read_file(struct fixture *f, const char *end, struct buf *ret)
{
    char name[128];
    char piece[4096];
    ssize_t len;
    snprintf(name, sizeof(name), "%s%s", f->path, end);
    int fd = open(name, O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    buf_clear(ret);
    while ((len = read(fd, piece, sizeof(piece))) > 0) {
        buf_put(ret, piece, (size_t)len);
    }
    assert_true(buf_ok(ret));
    close(fd);
}

static void write_file(struct fixture *f, struct str bytes)
{
    int fd = open(f->path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, bytes.ptr, bytes.len), (ssize_t)bytes.len);
    close(fd);
}

static unsigned mode_of(struct fixture *f, const char *end)
{
    char name[128];
    struct stat st;
    snprintf(name, sizeof(name), "%s%s", f->path, end);
    assert_int_equal(stat(name, &st), 0);
    return st.st_mode & 07777;
}

static void expect_refused(struct fixture *f, const char *words)
{
    sqlite3 *db = NULL;
    f->err[0] = '\0';
    assert_false(schema_open(&db, f->path, f->err, sizeof(f->err)));
    assert_null(db);
    if (!strstr(f->err, words) || !strstr(f->err, f->path)) {
        fail_msg("\"%s\" does not say \"%s\" of %s", f->err, words, f->path);
    }
}

/* Refused, and every byte and the mode as before. */
static void expect_untouched(struct fixture *f, const char *words)
{
    struct buf before = BUF_INIT(1 << 24);
    struct buf after = BUF_INIT(1 << 24);
    assert_int_equal(chmod(f->path, 0640), 0);
    read_file(f, "", &before);
    expect_refused(f, words);
    read_file(f, "", &after);
    assert_true(before.len > 0 && str_eq(buf_str(&before), buf_str(&after)));
    assert_int_equal(mode_of(f, ""), 0640);
    buf_free(&before);
    buf_free(&after);
}

static void a_file_is_made_and_found_again(void **state)
{
    (void)state;
    struct fixture *f = start();
    sqlite3 *db = take(f);
    assert_int_equal(ask(db, "PRAGMA user_version"), VERSION);
    assert_int_equal(ask(db, "PRAGMA synchronous"), 1); /* NORMAL */
    assert_int_equal(ask(db, "SELECT count(*) FROM session"), 0);
    run(db, "CREATE TABLE mark (id INTEGER)");
    sqlite3_close(db);
    db = take(f);
    assert_int_equal(ask(db, "SELECT count(*) FROM mark"), 0);
    sqlite3_close(db);
    stop(f);
}

/* A file as version 1 left it. */
static const char version_1[] =
    "CREATE TABLE session (handle TEXT NOT NULL PRIMARY KEY, principal TEXT NOT NULL,"
    " client_name TEXT NOT NULL, client_version TEXT NOT NULL, instance TEXT NOT NULL,"
    " label TEXT NOT NULL, revision TEXT NOT NULL, profile TEXT NOT NULL,"
    " role TEXT NOT NULL, warehouse TEXT NOT NULL, database TEXT NOT NULL,"
    " schema TEXT NOT NULL, created_wall_ns INTEGER NOT NULL,"
    " last_seen_wall_ns INTEGER NOT NULL, calls_total INTEGER NOT NULL,"
    " calls_ok INTEGER NOT NULL, calls_failed INTEGER NOT NULL,"
    " calls_refused INTEGER NOT NULL, rows_total INTEGER NOT NULL) STRICT, WITHOUT ROWID;"
    "INSERT INTO session VALUES"
    " ('s_a','uid:1000','','','','first','','','','','','',1,2,3,4,5,6,7),"
    " ('s_b','uid:1000','','','','second','','','','','','',8,9,0,0,0,0,10);"
    "PRAGMA journal_mode = WAL; PRAGMA application_id = 0x736e6d78;"
    "PRAGMA user_version = 1;";

static void a_file_of_version_1_keeps_its_sessions_and_gets_quotas(void **state)
{
    (void)state;
    struct fixture *f = start();
    change(f, version_1);
    for (int i = 0; i < 2; i++) {
        sqlite3 *db = take(f);
        assert_int_equal(ask(db, "PRAGMA user_version"), VERSION);
        assert_int_equal(ask(db, "SELECT count(*) FROM session"), 2);
        assert_int_equal(ask(db, "SELECT rows_total FROM session WHERE label = 'first' "
                                 "AND handle = 's_a' AND last_seen_wall_ns = 2"),
            7);
        assert_int_equal(ask(db, "SELECT rows_total FROM session WHERE handle = 's_b' "
                                 "AND label = 'second'"),
            10);
        /* Found again the second time. */
        assert_int_equal(ask(db, "SELECT count(*) FROM account"), i);
        run(db, "REPLACE INTO account (principal, is_principal, client, day, calls_used,"
                " rows_used, bytes_used, engine_ms_used, microcredits_used)"
                " VALUES ('uid:1000',0,x'00',20260101,1,2,3,4,5)");
        sqlite3_close(db);
    }
    stop(f);
}

static void a_migration_that_fails_changes_nothing(void **state)
{
    (void)state;
    struct fixture *f = start();
    change(f, version_1);
    change(f, "CREATE TABLE quota (mine INTEGER)");
    expect_refused(f, "table quota already exists");
    sqlite3 *db;
    assert_int_equal(sqlite3_open(f->path, &db), SQLITE_OK);
    assert_int_equal(ask(db, "PRAGMA user_version"), 1);
    assert_int_equal(ask(db, "SELECT count(mine) FROM quota"), 0);
    assert_int_equal(ask(db, "SELECT count(*) FROM session"), 2);
    run(db, "DROP TABLE quota");
    sqlite3_close(db);
    db = take(f);
    assert_int_equal(ask(db, "PRAGMA user_version"), VERSION);
    assert_int_equal(ask(db, "SELECT count(*) FROM session"), 2);
    sqlite3_close(db);
    stop(f);
}

/* What was used before the upgrade counts: it may have ended in a crash. */
static void a_file_of_version_2_keeps_its_quotas(void **state)
{
    (void)state;
    struct fixture *f = start();
    change(f, version_1);
    change(f, "CREATE TABLE quota (principal TEXT NOT NULL, is_principal INTEGER NOT NULL,"
              " client BLOB NOT NULL, day INTEGER NOT NULL, calls_used INTEGER NOT NULL,"
              " rows_used INTEGER NOT NULL, bytes_used INTEGER NOT NULL,"
              " engine_ms_used INTEGER NOT NULL, microcredits_used INTEGER NOT NULL,"
              " PRIMARY KEY (principal, is_principal, client)) STRICT, WITHOUT ROWID;"
              "INSERT INTO quota VALUES ('uid:1000',0,x'00',20260101,1,2,3,4,5);"
              "PRAGMA user_version = 2;");
    sqlite3 *db = take(f);
    assert_int_equal(ask(db, "PRAGMA user_version"), VERSION);
    assert_int_equal(ask(db, "SELECT microcredits_used FROM account"), 5);
    assert_int_equal(ask(db, "SELECT calls_spent_ns FROM account"), 0);
    assert_int_equal(ask(db, "SELECT how FROM stop"), 0);
    sqlite3_close(db);
    stop(f);
}

static void a_file_of_version_4_keeps_all_and_gets_records(void **state)
{
    (void)state;
    struct fixture *f = start();
    sqlite3_close(take(f));
    change(f, "DROP TABLE query; DROP TABLE result; PRAGMA user_version = 4;"
              "ALTER TABLE session DROP COLUMN held;"
              "INSERT INTO session VALUES ('s_a','uid:1','','','','label','','','','','','',"
              " 1,2,3,4,5,6,7,'',8,9,10,11,12,13,14,15,16)");
    for (int i = 0; i < 2; i++) {
        sqlite3 *db = take(f);
        assert_int_equal(ask(db, "PRAGMA user_version"), VERSION);
        assert_int_equal(ask(db, "SELECT priority FROM session WHERE label = 'label'"), 16);
        /* Found again the second time. */
        assert_int_equal(ask(db, "SELECT count(*) FROM query"), i);
        assert_int_equal(ask(db, "SELECT count(*) FROM result"), i);
        run(db, "REPLACE INTO query VALUES ('q_a','uid:1','','','','done','','','',1,2,3,'');"
                "REPLACE INTO result VALUES ('r_a','uid:1','',1,2,0,3,'')");
        sqlite3_close(db);
    }
    stop(f);
}

static void an_empty_file_is_taken(void **state)
{
    (void)state;
    struct fixture *f = start();
    write_file(f, STR(""));
    sqlite3 *db = take(f);
    assert_int_equal(ask(db, "SELECT count(*) FROM session"), 0);
    sqlite3_close(db);
    stop(f);
}

static void nobody_else_may_read_the_files(void **state)
{
    (void)state;
    struct fixture *f = start();
    mode_t old = umask(0);
    for (int i = 0; i < 2; i++) {
        sqlite3 *db = take(f);
        run(db, "REPLACE INTO stop VALUES (0)");
        assert_int_equal(mode_of(f, ""), 0600);
        assert_int_equal(mode_of(f, "-wal"), 0600);
        assert_int_equal(mode_of(f, "-shm"), 0600);
        sqlite3_close(db);
        /* Nor when somebody opened them up. */
        assert_int_equal(chmod(f->path, 0644), 0);
    }
    umask(old);
    stop(f);
}

static void a_file_of_version_5_has_sessions_that_held_nothing(void **state)
{
    (void)state;
    struct fixture *f = start();
    sqlite3_close(take(f));
    change(f, "ALTER TABLE session DROP COLUMN held; PRAGMA user_version = 5;"
              "ALTER TABLE query DROP COLUMN profile; ALTER TABLE result DROP COLUMN profile;"
              "INSERT INTO session VALUES ('s_a','uid:1','','','','label','','','','','','',"
              " 1,2,3,4,5,6,7,'',8,9,10,11,12,13,14,15,16)");
    sqlite3 *db = take(f);
    assert_int_equal(ask(db, "PRAGMA user_version"), VERSION);
    assert_int_equal(ask(db, "SELECT count(*) FROM session WHERE held = '' AND priority = 16"), 1);
    sqlite3_close(db);
    stop(f);
}

static void a_file_of_version_6_keeps_records_and_results(void **state)
{
    (void)state;
    struct fixture *f = start();
    sqlite3_close(take(f));
    change(f, "PRAGMA user_version = 6;"
              "ALTER TABLE query DROP COLUMN profile; ALTER TABLE result DROP COLUMN profile;"
              "INSERT INTO query VALUES ('q_a','uid:1','','','','done','','','',1,2,3);"
              "INSERT INTO result VALUES ('r_a','uid:1','',1,2,0,3)");
    sqlite3 *db = take(f);
    assert_int_equal(ask(db, "PRAGMA user_version"), VERSION);
    assert_int_equal(ask(db, "SELECT elapsed_ms FROM query WHERE profile = ''"), 3);
    assert_int_equal(ask(db, "SELECT expires_wall_ns FROM result WHERE profile = ''"), 3);
    sqlite3_close(db);
    stop(f);
}

static void a_newer_file_is_left_alone(void **state)
{
    (void)state;
    struct fixture *f = start();
    sqlite3_close(take(f));
    change(f, "PRAGMA user_version = 99");
    expect_untouched(
        f, "was written by a newer snowmux (schema 99, this one knows up to 7)");
    change(f, "PRAGMA user_version = 7");
    sqlite3_close(take(f));
    stop(f);
}

/* A newer version that was killed: what makes it newer may lie in its log only. */
static void the_log_of_a_newer_file_is_left_alone(void **state)
{
    (void)state;
    struct fixture *f = start();
    struct buf wal = BUF_INIT(1 << 24);
    struct buf after = BUF_INIT(1 << 24);
    sqlite3 *db;
    sqlite3_close(take(f));
    assert_int_equal(sqlite3_open(f->path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_db_config(db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL), 0);
    run(db, "PRAGMA user_version = 99");
    sqlite3_close(db);
    read_file(f, "-wal", &wal);
    assert_true(wal.len > 0);
    expect_untouched(f, "was written by a newer snowmux (schema 99,");
    read_file(f, "-wal", &after);
    assert_true(str_eq(buf_str(&wal), buf_str(&after)));
    buf_free(&wal);
    buf_free(&after);
    stop(f);
}

static void the_database_of_another_program_is_left_alone(void **state)
{
    (void)state;
    struct fixture *f = start();
    change(f, "CREATE TABLE invoice (id INTEGER)");
    expect_untouched(f, "is the database of another program");
    change(f, "PRAGMA user_version = 1");
    expect_untouched(f, "is the database of another program");
    change(f, "PRAGMA user_version = 99");
    expect_untouched(f, "is the database of another program");
    stop(f);
}

static void what_is_no_database_is_named(void **state)
{
    (void)state;
    struct fixture *f = start();
    struct buf text = BUF_INIT(1 << 20);
    for (int i = 0; i < 1000; i++) {
        buf_puts(&text, "these are the notes of a summer, and no database\n");
    }
    write_file(f, buf_str(&text));
    expect_untouched(f, "file is not a database");
    buf_free(&text);
    assert_int_equal(unlink(f->path), 0);
    assert_int_equal(mkdir(f->path, 0700), 0);
    expect_refused(f, "Is a directory");
    assert_int_equal(rmdir(f->path), 0);
    assert_int_equal(mkfifo(f->path, 0600), 0);
    expect_refused(f, "must be a regular file");
    snprintf(f->path, sizeof(f->path), "%s/none/state.db", f->dir);
    expect_refused(f, "No such file or directory");
    stop(f);
}

static void a_damaged_file_is_named(void **state)
{
    (void)state;
    struct fixture *f = start();
    struct buf bytes = BUF_INIT(1 << 24);
    sqlite3_close(take(f));
    /* The header is whole, the list of tables behind it is not. */
    read_file(f, "", &bytes);
    assert_true(bytes.len > 200);
    memset(bytes.ptr + 100, 0xff, bytes.len - 100);
    write_file(f, buf_str(&bytes));
    expect_untouched(f, "cannot read the store");
    assert_non_null(strstr(f->err, "malformed"));
    buf_free(&bytes);
    stop(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_file_is_made_and_found_again),
        cmocka_unit_test(a_file_of_version_1_keeps_its_sessions_and_gets_quotas),
        cmocka_unit_test(a_file_of_version_2_keeps_its_quotas),
        cmocka_unit_test(a_migration_that_fails_changes_nothing),
        cmocka_unit_test(a_file_of_version_4_keeps_all_and_gets_records),
        cmocka_unit_test(a_file_of_version_5_has_sessions_that_held_nothing),
        cmocka_unit_test(a_file_of_version_6_keeps_records_and_results),
        cmocka_unit_test(an_empty_file_is_taken),
        cmocka_unit_test(nobody_else_may_read_the_files),
        cmocka_unit_test(a_newer_file_is_left_alone),
        cmocka_unit_test(the_log_of_a_newer_file_is_left_alone),
        cmocka_unit_test(the_database_of_another_program_is_left_alone),
        cmocka_unit_test(what_is_no_database_is_named),
        cmocka_unit_test(a_damaged_file_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
