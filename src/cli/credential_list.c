// SPDX-License-Identifier: Apache-2.0
#include "cli/credential_list.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "config/credential.h"
#include "config/profile.h"

#define SUFFIX ".toml"

struct list {
    const char *state_dir;
    credential_seen *each;
    void *ctx;
    struct buf *err;
};

static int hex_of(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* The principal whose file is called @file; false: nobody's is. */
static bool decode(const char *file, char ret[CREDENTIAL_PRINCIPAL_MAX], size_t *ret_len)
{
    char again[CREDENTIAL_NAME_MAX + 1];
    struct str name = str_of(file);
    size_t len = 0;
    if (name.len <= sizeof(SUFFIX) - 1 ||
        !str_eq(str_from(name, name.len - (sizeof(SUFFIX) - 1)), STR(SUFFIX))) {
        return false;
    }
    name.len -= sizeof(SUFFIX) - 1;
    for (size_t i = 0; i < name.len; i++) {
        char c = name.ptr[i];
        if (len == CREDENTIAL_PRINCIPAL_MAX) {
            return false;
        }
        if (c == '%') {
            int high = i + 2 < name.len ? hex_of(name.ptr[i + 1]) : -1;
            int low = high >= 0 ? hex_of(name.ptr[i + 2]) : -1;
            if (low < 0) {
                return false;
            }
            c = (char)(high * 16 + low);
            i += 2;
        }
        ret[len++] = c;
    }
    *ret_len = len;
    return credential_name(again, sizeof(again), (struct str){ret, len}) &&
           str_eq(str_of(again), name);
}

static int is_credential(const struct dirent *entry)
{
    char principal[CREDENTIAL_PRINCIPAL_MAX];
    size_t len = 0;
    return decode(entry->d_name, principal, &len);
}

static int is_profile(const struct dirent *entry)
{
    return profile_is_name(str_of(entry->d_name));
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

/* The entries of @dir, none where it is not there; -1: it was said why not. */
static int scan(struct list *list, const char *dir,
    int (*filter)(const struct dirent *entry), struct dirent ***ret_entries)
{
    int count = scandir(dir, ret_entries, filter, by_name);
    if (count < 0 && errno == ENOENT) {
        *ret_entries = NULL;
        return 0;
    }
    if (count < 0) {
        buf_printf(list->err, "cannot read the directory %s: %s", dir, strerror(errno));
    }
    return count;
}

static void free_all(struct dirent **entries, int count)
{
    for (int i = 0; i < count; i++) {
        free(entries[i]);
    }
    if (count >= 0) {
        free(entries);
    }
}

static bool list_profile(struct list *list, const char *profile)
{
    char dir[CONFIG_PATH_SIZE + CONFIG_NAME_SIZE + 16];
    char path[sizeof(dir) + 256];
    struct dirent **entries = NULL;
    snprintf(dir, sizeof(dir), "%s/credentials/%s", list->state_dir, profile);
    int count = scan(list, dir, is_credential, &entries);
    for (int i = 0; i < count; i++) {
        char principal[CREDENTIAL_PRINCIPAL_MAX];
        size_t len = 0;
        if (decode(entries[i]->d_name, principal, &len)) {
            snprintf(path, sizeof(path), "%s/%s", dir, entries[i]->d_name);
            list->each(list->ctx, profile, (struct str){principal, len}, path);
        }
    }
    free_all(entries, count);
    return count >= 0;
}

bool credential_list(const char *state_dir, const char *profile_or_null,
    credential_seen *each, void *ctx, struct buf *err)
{
    struct list list = {state_dir, each, ctx, err};
    char dir[CONFIG_PATH_SIZE + 16];
    struct dirent **profiles = NULL;
    if (profile_or_null) {
        return list_profile(&list, profile_or_null);
    }
    snprintf(dir, sizeof(dir), "%s/credentials", state_dir);
    int count = scan(&list, dir, is_profile, &profiles);
    bool ok = count >= 0;
    for (int i = 0; i < count && ok; i++) {
        ok = list_profile(&list, profiles[i]->d_name);
    }
    free_all(profiles, count);
    return ok;
}
