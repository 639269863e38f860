// SPDX-License-Identifier: Apache-2.0
#include "backend/login.h"

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>

/* Makes what is missing of @path behind its first @from bytes. */
static bool make_dirs(char *path, size_t from)
{
    for (char *at = path + from; (at = strchr(at + 1, '/')) != NULL;) {
        *at = '\0';
        (void)mkdir(path, 0700); /* the last one tells */
        *at = '/';
    }
    return mkdir(path, 0700) == 0 || errno == EEXIST;
}

bool backend_login_is_address(struct str url)
{
    bool ok = (str_starts(url, STR("https://")) || str_starts(url, STR("http://"))) &&
              url.len < BACKEND_ADDRESS_SIZE;
    for (size_t i = 0; i < url.len; i++) {
        ok = ok && url.ptr[i] > ' ' && url.ptr[i] < 0x7f && !strchr("\"'`\\<>", url.ptr[i]);
    }
    return ok;
}

bool backend_login_init(struct backend_login *ret, const char *state_dir, const char *profile,
    struct str principal, struct buf *err)
{
    char name[CREDENTIAL_NAME_MAX + 1];
    bool ok = credential_path(ret->credential, sizeof(ret->credential), state_dir, profile, principal) &&
              credential_name(name, sizeof(name), principal);
    int len = ok ? snprintf(ret->home, sizeof(ret->home), "%s/" REACH_LOGINS "/%s/%s", state_dir, profile, name) : 0;
    if (!ok || len >= (int)sizeof(ret->home)) {
        buf_puts(err, "the principal's name is too long for a file's");
        return false;
    }
    if (!make_dirs(ret->home, strlen(state_dir))) {
        buf_printf(err, "the principal's own directory %s cannot be made: %s", ret->home, strerror(errno));
        return false;
    }
    return true;
}
