// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * Where a daemon's files lie; used by daemon, bridge and command line alike, so that they
 * find each other.
 *   state   --state DIR, else $XDG_STATE_HOME/snowmux, else ~/.local/state/snowmux
 *   config  --config FILE, else $XDG_CONFIG_HOME/snowmux/snowmux.toml, else ~/.config/...
 *   socket  the setting, else snowmux-<hash of the state directory>.sock in $XDG_RUNTIME_DIR
 *           where that is set and a directory, else in the state directory
 */
#include "base/assert.h"
#include "base/str.h"

enum { PATHS_SIZE = 4096, PATHS_SOCKET_SIZE = 108 /* of sun_path */ };

struct paths {
    char state[PATHS_SIZE]; /* absolute, symbolic links resolved */
    char config[PATHS_SIZE]; /* absolute; "" when there is no home to look in */
    bool config_given;       /* named by the user: it must then exist */
    char socket[PATHS_SOCKET_SIZE];
};

/*
 * Creates the state directory (and its parents) with mode 0700. NULL for what the user did
 * not name. False with a sentence in @err.
 */
MUST_USE bool paths_find(struct paths *ret, const char *state_or_null,
    const char *config_or_null, char *err, size_t err_size);

/* The socket's path, once the `[listen] socket` setting is known ("auto" or a path). */
MUST_USE bool paths_set_socket(
    struct paths *paths, const char *setting, char *err, size_t err_size);
