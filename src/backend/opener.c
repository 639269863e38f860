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

/* The last one tells. */
static int make_dirs(const char *dir)
{
    char path[PATH_MAX];
    if (!str_copy(str_of(dir), path, sizeof(path))) {
        return ENAMETOOLONG;
    }
    for (char *at = path; (at = strchr(at + 1, '/')) != NULL;) {
        *at = '\0';
        (void)mkdir(path, 0700);
        *at = '/';
    }
    return mkdir(path, 0700) == 0 || errno == EEXIST ? 0 : errno;
}

int opener_put(const char *dir, const char *program)
{
    char path[PATH_MAX];
    char fresh[PATH_MAX + 32];
    int len = snprintf(path, sizeof(path), "%s/" WIRE_OPENER, dir);
    if (len < 0 || len >= (int)sizeof(path)) {
        return ENAMETOOLONG;
    }
    int error = make_dirs(dir);
    if (error != 0 || is_put(path, program)) {
        return error;
    }
    snprintf(fresh, sizeof(fresh), "%s.%d", path, (int)getpid());
    if (unlink(fresh) < 0 && errno != ENOENT) {
        return errno;
    }
    return symlink(program, fresh) < 0 || rename(fresh, path) < 0 ? errno : 0;
}
