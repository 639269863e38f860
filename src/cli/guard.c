// SPDX-License-Identifier: Apache-2.0
/* `snowmux guard`: what the guard says of each line of JSON on standard input. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <yyjson.h>

#include "bridge/lines.h"
#include "cli/commands.h"
#include "sql/dialect.h"

enum {
    READ_BYTES = 256 * 1024,
    OUT_FLUSH = 64 * 1024,
    OUT_MAX = 16 * 1024 * 1024,
};

struct guard_run {
    enum sql_dialect_id dialect;
    uint32_t classes;
    uint64_t line;
    bool had_bad;
    bool failed;    /* standard output takes nothing more */
    yyjson_alc alc; /* each line is parsed into the same memory */
    struct buf out;
};

static bool flush(struct guard_run *run)
{
    struct str left = buf_str(&run->out);
    while (left.len > 0 && !run->failed) {
        ssize_t n = write(STDOUT_FILENO, left.ptr, left.len);
        if (n >= 0) {
            left = str_from(left, (size_t)n);
        } else if (errno != EINTR) {
            fprintf(stderr, "snowmux: standard output: %s\n", strerror(errno));
            run->failed = true;
        }
    }
    run->failed = run->failed || !buf_ok(&run->out);
    buf_clear(&run->out);
    return !run->failed;
}

static void put_error(struct guard_run *run, const char *reason)
{
    run->had_bad = true;
    buf_puts(&run->out, "{\"verdict\":\"error\",\"reason\":");
    buf_put_json(&run->out, str_of(reason));
    buf_puts(&run->out, ",\"input_line\":");
    buf_put_u64(&run->out, run->line);
    buf_puts(&run->out, "}\n");
}

static void put_verdict(struct guard_run *run, const struct guard_verdict *verdict)
{
    struct buf *out = &run->out;
    buf_put_str(out, verdict->allowed ? STR("{\"verdict\":\"allow\",\"class\":\"")
                                      : STR("{\"verdict\":\"refuse\",\"class\":\""));
    buf_puts(out, guard_class_name(verdict->cls));
    if (!verdict->allowed) {
        buf_put_str(out, STR("\",\"reason\":"));
        buf_put_json(out, str_of(verdict->reason));
        buf_put_str(out, STR(",\"line\":"));
        buf_put_u64(out, verdict->line);
        buf_put_str(out, STR(",\"column\":"));
        buf_put_u64(out, verdict->column);
        buf_put_str(out, STR("}\n"));
        return;
    }
    buf_put_str(out, STR("\"}\n"));
}

static void answer(struct guard_run *run, struct str line)
{
    yyjson_read_err error;
    /* The reader does not write into it without YYJSON_READ_INSITU. */
    char *text = (char *)(uintptr_t)line.ptr;
    yyjson_doc *doc = yyjson_read_opts(text, line.len, 0, &run->alc, &error);
    yyjson_val *root = yyjson_doc_get_root(doc);
    yyjson_val *sql = yyjson_obj_get(root, "sql");
    if (!doc) {
        char reason[160];
        snprintf(
            reason, sizeof(reason), "not JSON: %s at byte %zu", error.msg, error.pos);
        put_error(run, reason);
    } else if (!yyjson_is_obj(root)) {
        put_error(run, "not an object; a line is {\"sql\":\"...\"}");
    } else if (!yyjson_is_str(sql)) {
        put_error(run, "no string \"sql\"; a line is {\"sql\":\"...\"}");
    } else {
        struct str text_sql = {yyjson_get_str(sql), yyjson_get_len(sql)};
        struct guard_verdict verdict = guard_check(run->dialect, run->classes, text_sql);
        put_verdict(run, &verdict);
    }
    yyjson_doc_free(doc);
}

static bool on_line(void *ctx, struct str line)
{
    struct guard_run *run = ctx;
    run->line++;
    answer(run, line);
    return run->out.len < OUT_FLUSH || flush(run);
}

static bool on_too_long(void *ctx)
{
    struct guard_run *run = ctx;
    char reason[80];
    run->line++;
    snprintf(reason, sizeof(reason), "longer than %d bytes", LINES_LINE_MAX);
    put_error(run, reason);
    return run->out.len < OUT_FLUSH || flush(run);
}

/* Answers come no later than the next read, so that it can be talked to through pipes. */
static bool read_all(struct guard_run *run, char *bytes)
{
    struct line_reader reader = LINE_READER_INIT;
    const struct line_handler handler = {run, on_line, on_too_long};
    bool ok = true;
    for (;;) {
        ssize_t n = read(STDIN_FILENO, bytes, READ_BYTES);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            fprintf(stderr, "snowmux: standard input: %s\n", strerror(errno));
            ok = false;
        }
        if (n <= 0) {
            break;
        }
        if (!lines_read(&reader, (struct str){bytes, (size_t)n}, &handler) ||
            !flush(run)) {
            ok = false;
            break;
        }
    }
    if (ok && reader.part.len > 0) {
        ok = on_line(run, buf_str(&reader.part));
    }
    lines_reset(&reader);
    return flush(run) && ok;
}

static bool find_dialect(const char *name, enum sql_dialect_id *ret)
{
    for (int id = SQL_DUCKDB; id <= SQL_SQLITE; id++) {
        if (name && strcmp(sql_dialect((enum sql_dialect_id)id)->name, name) == 0) {
            *ret = (enum sql_dialect_id)id;
            return true;
        }
    }
    fprintf(stderr,
        "snowmux: guard: --dialect is %s; it is one of duckdb, snowflake, "
        "postgresql, sqlite\n",
        name ? name : "missing");
    return false;
}

int command_guard(const struct options *options)
{
    struct guard_run run = {.out = BUF_INIT(OUT_MAX)};
    struct str policy = options->policy ? str_of(options->policy) : STR("read_only");
    if (!find_dialect(options->dialect, &run.dialect)) {
        return 2;
    }
    if (!guard_policy_find(policy, &run.classes)) {
        fprintf(stderr,
            "snowmux: guard: --policy is %s; it is one of read_only, "
            "session_state, read_write, each also with +ai\n",
            options->policy);
        return 2;
    }
    size_t memory_bytes = yyjson_read_max_memory_usage(LINES_LINE_MAX, 0);
    char *bytes = malloc(READ_BYTES);
    char *memory = malloc(memory_bytes);
    bool ok = bytes && memory && yyjson_alc_pool_init(&run.alc, memory, memory_bytes);
    if (ok) {
        ok = read_all(&run, bytes);
    } else {
        fprintf(stderr, "snowmux: guard: no memory\n");
    }
    free(memory);
    free(bytes);
    buf_free(&run.out);
    return ok && !run.had_bad ? 0 : 1;
}
