// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * `snowmux serve`: the switchboard. One libuv loop thread owns all state and all sockets;
 * callbacks of the other rooms become events of the core, the core's actions become calls
 * of the other rooms.
 */
#include "config/config.h"
#include "config/paths.h"

struct daemon_options {
    const struct config *config;
    const struct paths *paths;
    const char *worker_program; /* path of snowmux-worker */
    const char *duckdb_driver;  /* path of libduckdb.so, for `driver = "duckdb"` */
    bool background; /* started by a bridge: leaves when unused, a taken port is no fault */
};

/* Serves until it is told to stop; returns the exit status. */
int daemon_run(const struct daemon_options *options);
