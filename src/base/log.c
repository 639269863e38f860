// SPDX-License-Identifier: Apache-2.0
#include "base/log.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

enum { LOG_LINE_MAX = 2048, LOG_QUOTE_MAX = 400 };

static _Atomic(enum log_level) log_threshold = LOG_INFO; /* threads log while it is set */
static const char *const log_names[] = {"debug", "info", "warn", "error"};

void log_set_level(enum log_level level)
{
    log_threshold = level;
}

bool log_level_parse(struct str name, enum log_level *ret_level)
{
    for (size_t i = 0; i < ARRAY_LEN(log_names); i++) {
        if (str_eq(name, str_of(log_names[i]))) {
            *ret_level = (enum log_level)i;
            return true;
        }
    }
    return false;
}

void log_event(enum log_level level, const char *event, const char *format, ...)
{
    char line[LOG_LINE_MAX];
    struct timespec now;
    struct tm utc;
    if (level < log_threshold) {
        return;
    }
    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &utc);
    size_t len = strftime(line, sizeof(line), "ts=%Y-%m-%dT%H:%M:%S", &utc);
    len += (size_t)snprintf(line + len, sizeof(line) - len, ".%03ldZ level=%s event=%s",
        now.tv_nsec / 1000000, log_names[level], event);
    if (format[0] != '\0') {
        va_list args;
        line[len++] = ' ';
        va_start(args, format);
        int more = vsnprintf(line + len, sizeof(line) - len, format, args);
        va_end(args);
        if (more > 0) {
            size_t left = sizeof(line) - len - 1;
            len += (size_t)more < left ? (size_t)more : left;
        }
    }
    line[len < sizeof(line) - 1 ? len : sizeof(line) - 1] = '\n';
    len = len < sizeof(line) - 1 ? len + 1 : sizeof(line);
    /* One write a line keeps lines of several processes apart; a full pipe loses the line. */
    ssize_t written = write(STDERR_FILENO, line, len);
    (void)written;
}

const char *log_quote(struct str value)
{
    static _Thread_local char ring[4][LOG_QUOTE_MAX];
    static _Thread_local unsigned next;
    char *out = ring[next++ % 4];
    size_t len = 0;
    out[len++] = '"';
    for (size_t i = 0; i < value.len && len < LOG_QUOTE_MAX - 4; i++) {
        unsigned char c = (unsigned char)value.ptr[i];
        if (c == '"' || c == '\\') {
            out[len++] = '\\';
            out[len++] = (char)c;
        } else {
            out[len++] = c < 0x20 ? ' ' : (char)c;
        }
    }
    out[len++] = '"';
    out[len] = '\0';
    return out;
}
