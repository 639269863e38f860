// SPDX-License-Identifier: Apache-2.0
/*
 * Kept results as resources of MCP: snowmux://result/r_...?format=csv. The reader writes
 * one into a file, which a thread of libuv's pool turns into another, the answer. It is a
 * call like that of a tool, but its answer is not.
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

enum {
    STEP = 48 * 1024, /* three bytes become four in a blob, */
    LOAD_MAX = 6 * STEP + 64 * 1024, /* one becomes six in a text; and the URI */
};

/*
 * The export as the JSON that is sent, in a file again, whose name is gone: what is not
 * read by its asker takes no memory.
 */
struct resource_load {
    uv_work_t work;
    struct call *call; /* NULL: it went */
    char file[RESULT_PATH_SIZE];
    bool is_text;
    size_t max;
    struct http_file contents; /* fd -1: it failed */
    bool is_too_large;
    struct buf out;  /* of the contents object, not yet written */
    char *bytes;     /* STEP of them, from the export */
    uint64_t bytes_total;
};

static bool flush(struct resource_load *load)
{
    struct str rest = buf_str(&load->out);
    load->contents.len += rest.len;
    load->is_too_large = load->contents.len > load->max;
    bool ok = buf_ok(&load->out) && !load->is_too_large;
    while (ok && rest.len > 0) {
        ssize_t done = write(load->contents.fd, rest.ptr, rest.len);
        ok = done > 0 || (done < 0 && errno == EINTR);
        rest = str_from(rest, done > 0 ? (size_t)done : 0);
    }
    buf_clear(&load->out);
    return ok;
}

static void put_base64(struct buf *out, const char *bytes, size_t len)
{
    static const char digits[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t i = 0; i < len; i += 3) {
        size_t count = len - i < 3 ? len - i : 3;
        uint32_t three = 0;
        char four[4];
        for (size_t k = 0; k < 3; k++) {
            three = three << 8 | (k < count ? (unsigned char)bytes[i + k] : 0);
        }
        for (size_t k = 0; k < 4; k++) {
            four[k] = k <= count ? digits[three >> (18 - 6 * k) & 63] : '=';
        }
        buf_put(out, four, sizeof(four));
    }
}

/* Inside of a JSON string. */
static void put_text(struct buf *out, struct str text)
{
    size_t at = out->len;
    buf_put_json(out, text);
    if (buf_ok(out)) { /* without its quotes */
        memmove(out->ptr + at, out->ptr + at + 1, out->len - at - 1);
        out->len -= 2;
    }
}

/* How many of @len bytes to put now: a character that ends in the next ones waits for them. */
static size_t whole(const char *bytes, size_t len)
{
    for (size_t back = 1; back <= 3 && back <= len; back++) {
        unsigned char c = (unsigned char)bytes[len - back];
        size_t size = c >= 0xf0 ? 4 : c >= 0xe0 ? 3 : c >= 0xc0 ? 2 : 1;
        if (c < 0x80 || size > 1) {
            return size > back ? len - back : len;
        }
    }
    return len;
}

/* -1: it cannot be read. */
static ssize_t read_step(int fd, char *bytes, size_t size)
{
    size_t done = 0;
    while (done < size) {
        ssize_t got = read(fd, bytes + done, size - done);
        if (got == 0) {
            break;
        }
        if (got < 0 && errno != EINTR) {
            return -1;
        }
        done += got > 0 ? (size_t)got : 0;
    }
    return (ssize_t)done;
}

static bool convert(struct resource_load *load, int in)
{
    size_t held = 0; /* bytes of a character */
    buf_puts(&load->out, load->is_text ? ",\"text\":\"" : ",\"blob\":\"");
    for (;;) {
        ssize_t got = read_step(in, load->bytes + held, STEP - held);
        if (got < 0) {
            return false;
        }
        size_t len = held + (size_t)got;
        bool is_last = len < STEP;
        size_t now = load->is_text && !is_last ? whole(load->bytes, len) : len;
        if (load->is_text) {
            put_text(&load->out, (struct str){load->bytes, now});
        } else {
            put_base64(&load->out, load->bytes, now);
        }
        if (is_last) {
            buf_puts(&load->out, "\"}");
            return flush(load);
        }
        held = len - now;
        memmove(load->bytes, load->bytes + now, held);
        if (!flush(load)) {
            return false;
        }
    }
}

/* On a thread of the pool. */
static void load_file(uv_work_t *work)
{
    struct resource_load *load = CONTAINER_OF(work, struct resource_load, work);
    int in = open(load->file, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    unlink(load->file);
    load->contents.fd =
        open(load->file, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    unlink(load->file);
    load->bytes = malloc(STEP);
    bool ok = in >= 0 && load->contents.fd >= 0 && load->bytes && convert(load, in);
    if (in >= 0) {
        close(in);
    }
    if (!ok && load->contents.fd >= 0) {
        close(load->contents.fd);
        load->contents.fd = -1;
    }
    free(load->bytes);
}

static void on_loaded(uv_work_t *work_done, int status)
{
    struct resource_load *load = CONTAINER_OF(work_done, struct resource_load, work);
    struct call *call = load->call;
    bool ok = status == 0 && load->contents.fd >= 0;
    if (call) {
        call->load = NULL;
        if (ok) {
            call->contents = load->contents;
            buf_clear(&call->tool.out);
            buf_puts(&call->tool.out, "{}");
        } else if (load->is_too_large) {
            resource_too_large(call, load->bytes_total);
        } else {
            tool_fail(&call->tool, TOOL_E_INTERNAL, 0,
                "The file of the result cannot be read, or not be written again.");
        }
        struct daemon *d = call->daemon;
        call_move(call, TOOL_ANSWER);
        work(d);
    } else if (ok) {
        close(load->contents.fd);
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
        load->bytes_total = bytes;
        load->contents.fd = -1;
        load->max = call->answer_max;
        load->is_text = format->wire != WIRE_FORMAT_ARROW;
        load->out = BUF_INIT(LOAD_MAX);
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

size_t call_answer_len(const struct call *call)
{
    return call->contents.len > 0 && !call->tool.is_error ? call->contents.len : call->tool.out.len;
}

void resource_forget(struct call *call)
{
    if (call->contents.len > 0) {
        close(call->contents.fd);
        call->contents.len = 0;
    }
    if (call->load) {
        call->load->call = NULL;
        call->load = NULL;
    }
}

void resource_answer(struct call *call, struct mcp_request *asker)
{
    struct str answer = buf_str(&call->tool.out);
    if (!call->tool.is_error) {
        ASSERT(call->contents.len > 0);
        mcp_answer_resource(asker, &call->contents);
        call->contents.len = 0;
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
