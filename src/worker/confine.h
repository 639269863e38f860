// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * Takes from this process what a driver does not need: files, the network, other
 * processes and calls of the kernel. Files by Landlock, calls by seccomp, both without
 * privilege and for good. What is refused answers EACCES or EPERM. To be called once,
 * before the driver is loaded: Landlock binds the calling thread and those it makes later
 * (from ABI 8 on all).
 */
#include "base/assert.h"
#include "worker/failure.h"

struct confine_rules {
    const struct str *read_paths; /* a directory: with all that is in it */
    uint32_t read_path_count;
    const struct str *write_paths; /* to write, make and remove in, not to read */
    uint32_t write_path_count;
    bool has_network;
    bool
        has_unix; /* may connect to other programs here, by paths, which nothing limits */
    bool runs_itself; /* this program, confined alike; else none */
};

/*
 * What any process needs (its loader, /proc/self, /dev/null and the like) may be read
 * besides. A path that does not exist is passed over. @ret_how says in words what holds:
 * a kernel without Landlock or seccomp is no failure. False: the process may be half
 * confined, and must not go on.
 */
bool confine(const struct confine_rules *rules, char *ret_how, size_t size,
    struct failure *ret) MUST_USE;
