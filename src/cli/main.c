// SPDX-License-Identifier: Apache-2.0
/* snowmux: the command line. */
#include <stdio.h>
#include <stdlib.h>
#include <linux/close_range.h>
#include <unistd.h>

#include "base/log.h"
#include "bridge/bridge.h"
#include "cli/commands.h"
#include "daemon/daemon.h"

/* The path of this program, and of the worker beside it. */
static bool find_programs(char *self, char *worker, size_t size)
{
    ssize_t len = readlink("/proc/self/exe", self, size - 1);
    if (len <= 0) {
        return false;
    }
    self[len] = '\0';
    const char *slash = strrchr(self, '/');
    int dir = slash ? (int)(slash - self) : 0;
    int written = snprintf(worker, size, "%.*s/snowmux-worker", dir, self);
    return written > 0 && (size_t)written < size;
}

static const char *duckdb_driver(void)
{
    const char *driver = getenv("SNOWMUX_DUCKDB_DRIVER");
    return driver ? driver : SNOWMUX_DUCKDB_DRIVER;
}

static int serve(const struct options *options, const char *worker)
{
    static struct config config;
    static struct paths paths;
    enum log_level level = LOG_INFO;
    if (!options_load(options, &config, &paths)) {
        return 1;
    }
    if (log_level_parse(str_of(config.daemon_log_level), &level)) {
        log_set_level(level);
    }
    struct daemon_options daemon = {.config = &config,
        .paths = &paths,
        .worker_program = worker,
        .duckdb_driver = duckdb_driver(),
        .background = options->background};
    int status = daemon_run(&daemon);
    config_free(&config);
    return status;
}

int main(int argc, char **argv)
{
    static char self[PATHS_SIZE];
    static char worker[PATHS_SIZE + 32];
    struct options options;
    if (!options_parse(&options, argc, argv)) {
        return 2;
    }
    /* Whatever the parent left open must not reach workers, or a daemon that a bridge starts. */
    close_range(3, ~0u, CLOSE_RANGE_CLOEXEC);
    if (!find_programs(self, worker, PATHS_SIZE)) {
        fprintf(stderr, "snowmux: cannot find this program's own path in /proc\n");
        return 1;
    }
    switch (options.command) {
    case COMMAND_SERVE:
        return serve(&options, worker);
    case COMMAND_STDIO:
        return bridge_run(&(struct bridge_options){.program = self,
            .state_or_null = options.state,
            .config_or_null = options.config,
            .socket_or_null = options.socket,
            .name_or_null = options.name});
    case COMMAND_LS:
        return command_ls(&options);
    case COMMAND_KILL_SESSION:
        return command_kill_session(&options);
    case COMMAND_CHECK:
        return command_check(&options, worker, duckdb_driver());
    case COMMAND_GUARD:
        return command_guard(&options);
    case COMMAND_CREDENTIAL:
        return command_credential(&options);
    case COMMAND_VERSION:
        printf("snowmux %s\n", SNOWMUX_VERSION);
        return 0;
    case COMMAND_HELP:
        break;
    }
    options_help(options.topic);
    return 0;
}
