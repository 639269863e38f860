// SPDX-License-Identifier: Apache-2.0
/* `snowmux ls`: asks the daemon over its socket. */
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include <yyjson.h>

#include "cli/ask.h"
#include "cli/commands.h"

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
    struct buf answer = BUF_INIT(ASK_ANSWER_MAX);
    if (!options_load(options, &config, &paths)) {
        return 1;
    }
    int fd = ask_dial(paths.socket);
    bool ok = fd >= 0 && ask(fd, STR("{\"snowmux\":\"ls\"}\n"), &answer);
    if (ok && options->json) {
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
