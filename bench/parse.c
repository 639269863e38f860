// SPDX-License-Identifier: Apache-2.0
/*
 * parse: what `snowmux guard` does without the guard. Reads lines of JSON, finds "sql",
 * and answers each with the same line.
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <yyjson.h>

#include "bridge/lines.h"

enum {
    READ_BYTES = 256 * 1024,
    OUT_BYTES = 64 * 1024,
};

struct parse {
    yyjson_alc alc;
    char out[OUT_BYTES];
    size_t out_len;
};

static bool flush(struct parse *parse)
{
    size_t done = 0;
    while (done < parse->out_len) {
        ssize_t n = write(STDOUT_FILENO, parse->out + done, parse->out_len - done);
        if (n < 0) {
            return false;
        }
        done += (size_t)n;
    }
    parse->out_len = 0;
    return true;
}

static bool on_line(void *ctx, struct str line)
{
    static const char ANSWER[] = "{\"verdict\":\"allow\",\"class\":\"select\"}\n";
    struct parse *parse = ctx;
    char *text = (char *)(uintptr_t)line.ptr;
    yyjson_doc *doc = yyjson_read_opts(text, line.len, 0, &parse->alc, NULL);
    bool ok = yyjson_is_str(yyjson_obj_get(yyjson_doc_get_root(doc), "sql"));
    yyjson_doc_free(doc);
    if (parse->out_len + sizeof(ANSWER) > OUT_BYTES && !flush(parse)) {
        return false;
    }
    memcpy(parse->out + parse->out_len, ANSWER, sizeof(ANSWER) - 1);
    parse->out_len += sizeof(ANSWER) - 1;
    return ok;
}

static bool on_too_long(void *ctx)
{
    (void)ctx;
    return false;
}

int main(void)
{
    static struct parse parse;
    static char bytes[READ_BYTES];
    struct line_reader reader = LINE_READER_INIT;
    const struct line_handler handler = {&parse, on_line, on_too_long};
    size_t memory_bytes = yyjson_read_max_memory_usage(LINES_LINE_MAX, 0);
    char *memory = malloc(memory_bytes);
    ssize_t n = 0;
    bool ok = memory && yyjson_alc_pool_init(&parse.alc, memory, memory_bytes);
    while (ok && (n = read(STDIN_FILENO, bytes, sizeof(bytes))) > 0) {
        ok = lines_read(&reader, (struct str){bytes, (size_t)n}, &handler);
    }
    ok = ok && n == 0 && flush(&parse);
    lines_reset(&reader);
    free(memory);
    return ok ? 0 : 1;
}
