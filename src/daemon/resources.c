// SPDX-License-Identifier: Apache-2.0
/*
 * Kept results as resources of MCP: snowmux://result/r_...?format=csv. The reader writes
 * one into a file, which a thread of libuv's pool turns into the answer and removes. It
 * is a call like that of a tool, but its answer is not.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "daemon/inside.h"

#define SCHEME "snowmux://result/"
#define QUERY "?format="

enum {
    BYTES_MAX = 8 * 1024 * 1024,
    SPOOL_FACTOR = 8, /* a file is not smaller than its spool by more than that */
    LISTED_MAX = 100,
};

static const struct format {
    const char *name;
    const char *mime;
    enum wire_format wire;
} formats[] = {
    {"csv", "text/csv", WIRE_FORMAT_CSV},
    {"jsonl", "application/x-ndjson", WIRE_FORMAT_JSON_LINES},
    {"arrow", "application/vnd.apache.arrow.stream", WIRE_FORMAT_ARROW},
};

#define TEMPLATE(format, mime, title)                                                    \
    "{\"uriTemplate\":\"" SCHEME "{result}" QUERY format "\",\"name\":\"result_" format  \
    "\",\"title\":\"" title                                                              \
    "\",\"description\":\"All rows of a kept result (r_...), if they "                   \
    "take at most 8 MiB; else read pages with fetch_result.\",\"mimeType\":\"" mime      \
    "\"}"

const char resource_templates[] =
    "[" TEMPLATE("csv", "text/csv", "Result as CSV") "," TEMPLATE(
        "jsonl", "application/x-ndjson", "Result as JSON Lines") "," TEMPLATE("arrow",
        "application/vnd.apache.arrow.stream", "Result as Arrow IPC stream") "]";

static struct call *call_of(struct tool_call *tool)
{
    return CONTAINER_OF(tool, struct call, tool);
}

/* ---- the list ---- */

static void put_listed(struct buf *out, const struct result *r)
{
    struct tm tm = {0};
    time_t seconds = (time_t)(r->expires_wall_ns / NS_PER_S);
    gmtime_r(&seconds, &tm);
    buf_printf(out,
        "{\"uri\":\"" SCHEME
        "%s\",\"name\":\"%s\",\"description\":\"%llu rows%s, kept until "
        "%04d-%02d-%02dT%02d:%02d:%02dZ\",\"mimeType\":\"%s\"}",
        r->handle.text, r->handle.text, (unsigned long long)r->rows,
        r->capped ? " (the engine had more)" : "", tm.tm_year + 1900, tm.tm_mon + 1,
        tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec, formats[0].mime);
}

/* A cursor is the last handle of the page before. */
bool resources_put(void *ctx, struct str principal, struct str cursor, struct buf *out)
{
    struct daemon *d = ctx;
    uint64_t now_ns = clock_boot_ns();
    uint32_t whose = symbol_find(d->symbols, principal);
    const struct result *at = NULL;
    uint32_t count = 0;
    if (cursor.ptr) {
        at = results_find(d->results, cursor, now_ns);
        if (!at || at->principal != whose) {
            return false;
        }
    }
    buf_puts(out, "\"resources\":[");
    const struct result *next = NULL;
    while ((next = results_older(
                d->results, whose, at ? handle_str(&at->handle) : STR(""))) &&
           next->expires_ns > now_ns && count < LISTED_MAX) {
        buf_puts(out, count++ > 0 ? "," : "");
        put_listed(out, next);
        at = next;
    }
    buf_putc(out, ']');
    if (next && next->expires_ns > now_ns) {
        buf_printf(out, ",\"nextCursor\":\"%s\"", at->handle.text);
    }
    return true;
}

/* ---- a read ---- */

/* False: the URI is none of ours. @ret_format NULL: that is not one of a result. */
static bool parse(
    struct str uri, struct str *ret_handle, const struct format **ret_format)
{
    struct str scheme = STR(SCHEME);
    if (!str_starts(uri, scheme) || uri.len < scheme.len + HANDLE_LEN) {
        return false;
    }
    *ret_handle = (struct str){uri.ptr + scheme.len, HANDLE_LEN};
    struct str query = str_from(uri, scheme.len + HANDLE_LEN);
    *ret_format = query.len == 0 ? &formats[0] : NULL;
    for (size_t i = 0; str_starts(query, STR(QUERY)) && i < ARRAY_LEN(formats); i++) {
        if (str_eq(str_from(query, sizeof(QUERY) - 1), str_of(formats[i].name))) {
            *ret_format = &formats[i];
        }
    }
    return handle_kind_of(*ret_handle) == HANDLE_RESULT;
}

uint64_t resource_bytes_max(const struct call *call)
{
    return call->answer_max < BYTES_MAX ? call->answer_max : BYTES_MAX;
}

void resource_too_large(struct call *call, uint64_t bytes)
{
    tool_fail(&call->tool, TOOL_E_INVALID_ARGUMENT, 0,
        "The result is too large to be read at once (%llu bytes; at most %llu here): read pages of "
        "it with fetch_result.",
        (unsigned long long)bytes, (unsigned long long)resource_bytes_max(call));
}

static enum tool_move start(struct tool_call *tool)
{
    struct call *call = call_of(tool);
    struct str handle;
    const struct format *format;
    bool is_ours = parse(call->resource, &handle, &format);
    const struct result *r = is_ours ? result_of(call, handle) : NULL;
    if (call_is_too_late(call)) {
        return tool_fail(tool, TOOL_E_DRAINING, 2000, "The daemon is stopping.");
    }
    if (!r) {
        return tool_fail(tool, TOOL_E_RESULT_NOT_FOUND, 0,
            "There is no such result: it expired, or is not yours. URIs are " SCHEME
            "r_..., see resources/list.");
    }
    if (!format) {
        return tool_fail(tool, TOOL_E_INVALID_ARGUMENT, 0,
            "The query of the URI must be " QUERY "csv, " QUERY "jsonl or " QUERY
            "arrow.");
    }
    if (r->bytes / SPOOL_FACTOR > resource_bytes_max(call) || r->rows > UINT32_MAX) {
        resource_too_large(call, r->bytes);
        return TOOL_ANSWER;
    }
    reader_ask(
        call, &(struct reader_ask){
                  .result = r->handle, .format = format->wire, .max = (uint32_t)r->rows});
    return TOOL_WAIT;
}

/* Not reached: neither rows nor a word of the host's come. */
static enum tool_move page(struct tool_call *tool, const struct tool_page *page)
{
    (void)page;
    return tool_fail(tool, TOOL_E_INTERNAL, 0, "A page came for a file.");
}

static enum tool_move refused(struct tool_call *tool, const struct tool_failure *failure)
{
    return tool_fail(tool, TOOL_E_INTERNAL, 0, STR_FMT, STR_ARG(failure->message));
}

static enum tool_move done(struct tool_call *tool, const struct tool_done *done)
{
    return tool_fail(tool, done->ok ? TOOL_E_INTERNAL : done->code, 0, STR_FMT,
        STR_ARG(done->message));
}

const struct tool resource_tool = {.name = "resources/read",
    .read_only = true,
    .start = start,
    .page = page,
    .refused = refused,
    .done = done};

/* ---- from the file to the answer ---- */

struct resource_load {
    uv_work_t work;
    struct call *call; /* NULL: it went */
    char file[RESULT_PATH_SIZE];
    size_t bytes;
    bool is_text;
    bool is_read;
    struct buf out; /* the contents object */
};

static bool read_all(const char *path, char *bytes, size_t len)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    size_t done = 0;
    while (fd >= 0 && done < len) {
        ssize_t got = read(fd, bytes + done, len - done);
        if (got <= 0 && !(got < 0 && errno == EINTR)) {
            break;
        }
        done += got > 0 ? (size_t)got : 0;
    }
    if (fd >= 0) {
        close(fd);
    }
    return fd >= 0 && done == len;
}

static void put_base64(struct buf *out, const unsigned char *bytes, size_t len)
{
    static const char digits[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t i = 0; i < len; i += 3) {
        size_t count = len - i < 3 ? len - i : 3;
        uint32_t three = 0;
        char four[4];
        for (size_t k = 0; k < 3; k++) {
            three = three << 8 | (k < count ? bytes[i + k] : 0);
        }
        for (size_t k = 0; k < 4; k++) {
            four[k] = k <= count ? digits[three >> (18 - 6 * k) & 63] : '=';
        }
        buf_put(out, four, sizeof(four));
    }
}

/* On a thread of the pool. */
static void load_file(uv_work_t *work)
{
    struct resource_load *load = CONTAINER_OF(work, struct resource_load, work);
    char *bytes = malloc(load->bytes > 0 ? load->bytes : 1);
    load->is_read = bytes && read_all(load->file, bytes, load->bytes);
    unlink(load->file);
    if (load->is_read && load->is_text) {
        buf_puts(&load->out, ",\"text\":");
        buf_put_json(&load->out, (struct str){bytes, load->bytes});
    } else if (load->is_read) {
        buf_puts(&load->out, ",\"blob\":\"");
        put_base64(&load->out, (const unsigned char *)bytes, load->bytes);
        buf_putc(&load->out, '"');
    }
    buf_putc(&load->out, '}');
    free(bytes);
}

static void on_loaded(uv_work_t *work_done, int status)
{
    struct resource_load *load = CONTAINER_OF(work_done, struct resource_load, work);
    struct call *call = load->call;
    if (call) {
        call->load = NULL;
        if (status < 0 || !load->is_read) {
            tool_fail(&call->tool, TOOL_E_INTERNAL, 0,
                "The file of the result cannot be read.");
        } else if (!buf_ok(&load->out)) {
            resource_too_large(call, load->bytes);
        } else {
            buf_free(&call->tool.out);
            call->tool.out = load->out;
            load->out = BUF_INIT(0);
        }
        struct daemon *d = call->daemon;
        call_move(call, TOOL_ANSWER);
        work(d);
    }
    buf_free(&load->out);
    free(load);
}

static const struct format *format_of(enum wire_format wire)
{
    const struct format *format = formats;
    while (format->wire != wire) {
        format++;
    }
    return format;
}

void resource_exported(struct call *call, const char *file, uint64_t bytes)
{
    const struct format *format = format_of(call->ask.format);
    struct resource_load *load = calloc(1, sizeof(*load));
    if (load) {
        load->call = call;
        load->bytes = (size_t)bytes;
        load->is_text = format->wire != WIRE_FORMAT_ARROW;
        load->out = BUF_INIT(call->answer_max);
        buf_puts(&load->out, "{\"uri\":");
        buf_put_json(&load->out, call->resource);
        buf_printf(&load->out, ",\"mimeType\":\"%s\"", format->mime);
        str_copy(str_of(file), load->file, sizeof(load->file));
    }
    if (!load ||
        uv_queue_work(&call->daemon->loop, &load->work, load_file, on_loaded) < 0) {
        unlink(file);
        if (load) {
            buf_free(&load->out);
        }
        free(load);
        tool_fail(&call->tool, TOOL_E_INTERNAL, 0, "There is no memory.");
        call_move(call, TOOL_ANSWER);
        return;
    }
    call->load = load;
}

void resource_forget(struct call *call)
{
    if (call->load) {
        call->load->call = NULL;
        call->load = NULL;
    }
}

void resource_answer(struct call *call, struct mcp_request *asker)
{
    struct str answer = buf_str(&call->tool.out);
    if (!call->tool.is_error) {
        mcp_answer_resource(asker, answer);
        return;
    }
    enum mcp_refusal why = call->tool.code == TOOL_E_RESULT_NOT_FOUND   ? MCP_NO_RESOURCE
                           : call->tool.code == TOOL_E_INVALID_ARGUMENT ? MCP_BAD_PARAMS
                                                                        : MCP_FAILED;
    yyjson_doc *doc = yyjson_read(answer.ptr, answer.len, 0);
    yyjson_val *error = yyjson_obj_get(yyjson_doc_get_root(doc), "error");
    yyjson_val *message = yyjson_obj_get(error, "message");
    size_t len = 0;
    char *json = error ? yyjson_val_write(error, 0, &len) : NULL;
    mcp_refuse_resource(asker, why,
        (struct str){yyjson_get_str(message) ? yyjson_get_str(message) : "",
            yyjson_get_len(message)},
        json ? (struct str){json, len} : STR("null"));
    free(json);
    yyjson_doc_free(doc);
}
