// SPDX-License-Identifier: Apache-2.0
#pragma once
/* Commands that ask a running daemon, or none. All return the exit status. */
#include "cli/options.h"

int command_ls(const struct options *options);
int command_kill_session(const struct options *options);
int command_guard(const struct options *options);
int command_credential(const struct options *options);

/* @worker: path of snowmux-worker; @duckdb: of the driver that "duckdb" stands for. */
int command_check(const struct options *options, const char *worker, const char *duckdb);
