// SPDX-License-Identifier: Apache-2.0
#pragma once
/* Who is at the other end of a local connection. Needs no privilege. */
#include <stdint.h>

#include "base/assert.h"

/*
 * The user who owns the other end of @connected_fd, a TCP socket (IPv4, IPv6 or IPv4
 * mapped) whose peer is on this host. 0, or a negative errno: -ENOENT when no living
 * local socket is there (the peer is remote, in another network namespace, or gone).
 */
MUST_USE int peer_uid_tcp(int connected_fd, uint32_t *ret_uid);

/* The user who connected the Unix socket @fd. 0 or a negative errno. */
MUST_USE int peer_uid_unix(int fd, uint32_t *ret_uid);
