// SPDX-License-Identifier: Apache-2.0
#include "backend/opener.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "wire/wire.h"

static bool is_put(const char *path, const char *program)
{
    char target[PATH_MAX];
    ssize_t len = readlink(path, target, sizeof(target));
    return len > 0 && str_eq((struct str){target, (size_t)len}, str_of(program));
}

int opener_put(const char *dir, const char *program)
{
    char path[PATH_MAX];
    char fresh[PATH_MAX + 32];
    int len = snprintf(path, sizeof(path), "%s/" WIRE_OPENER, dir);
    if (len < 0 || len >= (int)sizeof(path)) {
        return ENAMETOOLONG;
    }
    if (mkdir(dir, 0700) < 0 && errno != EEXIST) {
        return errno;
    }
    if (is_put(path, program)) {
        return 0;
    }
    snprintf(fresh, sizeof(fresh), "%s.%d", path, (int)getpid());
    if (unlink(fresh) < 0 && errno != ENOENT) {
        return errno;
    }
    return symlink(program, fresh) < 0 || rename(fresh, path) < 0 ? errno : 0;
}
