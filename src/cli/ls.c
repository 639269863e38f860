// SPDX-License-Identifier: Apache-2.0
/* `snowmux ls`: asks the daemon over its socket. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include <yyjson.h>

#include "base/buf.h"
#include "cli/commands.h"

enum { ANSWER_MAX = 64 * 1024 * 1024 };

static int dial(const char *path)
{
    struct sockaddr_un addr = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || !str_copy(str_of(path), addr.sun_path, sizeof(addr.sun_path)) ||
        connect(fd, (struct sockaddr *)&addr, sizeof(addr)) < 0) {
        fprintf(stderr, "snowmux: no daemon answers at %s (%s); start one with snowmux serve\n", path,
            strerror(errno));
        if (fd >= 0) {
            close(fd);
        }
        return -1;
    }
    return fd;
}

/* Sends one line and reads one. */
static bool ask(int fd, struct str line, struct buf *answer)
{
    char chunk[16 * 1024];
    if (send(fd, line.ptr, line.len, MSG_NOSIGNAL) != (ssize_t)line.len) {
        return false;
    }
    while (answer->len == 0 || answer->ptr[answer->len - 1] != '\n') {
        ssize_t got = recv(fd, chunk, sizeof(chunk), 0);
        if (got <= 0 && errno != EINTR) {
            return false;
        }
        buf_put(answer, chunk, got > 0 ? (size_t)got : 0);
        if (!buf_ok(answer)) {
            return false;
        }
    }
    return true;
}

static const char *text(yyjson_val *row, const char *key)
{
    const char *value = yyjson_get_str(yyjson_obj_get(row, key));
    return value && value[0] != '\0' ? value : "-";
}

static void print_row(yyjson_val *row, time_t now)
{
    char where[160];
    long long seen = (long long)now - yyjson_get_sint(yyjson_obj_get(row, "last_seen_s"));
    snprintf(where, sizeof(where), "%s.%s", text(row, "database"), text(row, "schema"));
    printf("%-28s  %-10s  %-14s  %-20.20s  %-13s  %6llu  %5lld s  %s\n", text(row, "session"),
        text(row, "principal"), text(row, "client_type"), text(row, "client"), text(row, "state"),
        (unsigned long long)yyjson_get_uint(yyjson_obj_get(row, "total_requests")), seen > 0 ? seen : 0,
        where);
}

static bool print_table(struct str answer)
{
    yyjson_doc *doc = yyjson_read(answer.ptr, answer.len, 0);
    yyjson_val *sessions = yyjson_obj_get(yyjson_doc_get_root(doc), "sessions");
    size_t i;
    size_t max;
    yyjson_val *row;
    if (!sessions) {
        fprintf(stderr, "snowmux: the daemon answered: " STR_FMT, STR_ARG(answer));
        yyjson_doc_free(doc);
        return false;
    }
    printf("%-28s  %-10s  %-14s  %-20s  %-13s  %6s  %7s  %s\n", "SESSION", "PRINCIPAL", "TYPE",
        "CLIENT", "STATE", "CALLS", "SEEN", "CONTEXT");
    yyjson_arr_foreach(sessions, i, max, row)
    {
        print_row(row, time(NULL));
    }
    yyjson_doc_free(doc);
    return true;
}

int command_ls(const struct options *options)
{
    static struct config config;
    static struct paths paths;
    struct buf answer = BUF_INIT(ANSWER_MAX);
    if (!options_load(options, &config, &paths)) {
        return 1;
    }
    int fd = dial(paths.socket);
    bool ok = fd >= 0 && ask(fd, STR("{\"snowmux\":\"ls\"}\n"), &answer);
    if (fd >= 0 && !ok) {
        fprintf(stderr, "snowmux: the daemon gave no answer\n");
    } else if (ok && options->json) {
        printf(STR_FMT, STR_ARG(buf_str(&answer)));
    } else if (ok) {
        ok = print_table(buf_str(&answer));
    }
    if (fd >= 0) {
        close(fd);
    }
    buf_free(&answer);
    config_free(&config);
    return ok ? 0 : 1;
}
