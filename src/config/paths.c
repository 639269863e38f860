// SPDX-License-Identifier: Apache-2.0
#include "config/paths.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    DIRECTORY_MODE = 0700
};

#define HASH_START UINT64_C(0xCBF29CE484222325)
#define HASH_PRIME UINT64_C(0x100000001B3)

/* Writes a path; false when it is cut. */
static PRINTF_LIKE(3, 4) bool put_path(char *dst, size_t cap, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int len = vsnprintf(dst, cap, format, args);
    va_end(args);
    return len >= 0 && (size_t)len < cap;
}

static bool is_directory(const char *path)
{
    struct stat status;
    return stat(path, &status) == 0 && S_ISDIR(status.st_mode);
}

/* The variable, when it is an absolute path: what else it holds counts as unset. */
static const char *absolute_env(const char *name)
{
    const char *value = getenv(name);
    return value && value[0] == '/' ? value : NULL;
}

/* mkdir -p; 0 or an errno. @path is changed meanwhile. */
static int make_directories(char *path)
{
    for (char *at = path + 1;; at++) {
        char c = *at;
        if (c != '/' && c != '\0') {
            continue;
        }
        *at = '\0';
        int error = mkdir(path, DIRECTORY_MODE) == 0 ? 0 : errno;
        if (error != 0 && is_directory(path)) {
            error = 0;
        } else if (error == EEXIST) {
            error = ENOTDIR;
        }
        *at = c;
        if (error != 0 || c == '\0') {
            return error;
        }
    }
}

static bool find_state(struct paths *ret, const char *given, char *err, size_t err_size)
{
    char path[PATHS_SIZE];
    const char *xdg = absolute_env("XDG_STATE_HOME");
    const char *home = absolute_env("HOME");
    bool fits = false;
    if (given && given[0] == '\0') {
        snprintf(err, err_size, "--state must name a directory, got \"\"");
        return false;
    }
    if (given) {
        fits = put_path(path, sizeof(path), "%s", given);
    } else if (xdg) {
        fits = put_path(path, sizeof(path), "%s/snowmux", xdg);
    } else if (home) {
        fits = put_path(path, sizeof(path), "%s/.local/state/snowmux", home);
    } else {
        snprintf(err, err_size,
            "there is no place for the state: name one with --state DIR, or set HOME");
        return false;
    }
    if (!fits) {
        snprintf(err, err_size,
            "the state directory's path is too long: at most %d bytes", PATHS_SIZE - 1);
        return false;
    }
    int error = make_directories(path);
    char *resolved = error == 0 ? realpath(path, NULL) : NULL;
    if (error != 0 || !resolved) {
        snprintf(err, err_size, "cannot create the state directory %s: %s", path,
            strerror(error != 0 ? error : errno));
        return false;
    }
    fits = put_path(ret->state, sizeof(ret->state), "%s", resolved);
    free(resolved);
    if (!fits) {
        snprintf(err, err_size,
            "the state directory's path is too long: at most %d bytes", PATHS_SIZE - 1);
    }
    return fits;
}

/* A path that was given is made absolute: a daemon leaves the directory it starts in. */
static bool find_config(struct paths *ret, const char *given, char *err, size_t err_size)
{
    const char *xdg = absolute_env("XDG_CONFIG_HOME");
    const char *home = absolute_env("HOME");
    char here[PATHS_SIZE];
    bool fits = true;
    ret->config_given = given != NULL;
    if (given && given[0] == '\0') {
        snprintf(err, err_size, "--config must name a file, got \"\"");
        return false;
    }
    if (given && given[0] == '/') {
        fits = put_path(ret->config, sizeof(ret->config), "%s", given);
    } else if (given && !getcwd(here, sizeof(here))) {
        snprintf(err, err_size, "cannot find the working directory for --config %s: %s",
            given, strerror(errno));
        return false;
    } else if (given) {
        fits = put_path(ret->config, sizeof(ret->config), "%s/%s", here, given);
    } else if (xdg) {
        fits = put_path(ret->config, sizeof(ret->config), "%s/snowmux/snowmux.toml", xdg);
    } else if (home) {
        fits = put_path(
            ret->config, sizeof(ret->config), "%s/.config/snowmux/snowmux.toml", home);
    }
    if (!fits) {
        snprintf(err, err_size, "the configuration's path is too long: at most %d bytes",
            PATHS_SIZE - 1);
    }
    return fits;
}

bool paths_find(struct paths *ret, const char *state_or_null, const char *config_or_null,
    char *err, size_t err_size)
{
    *ret = (struct paths){0};
    return find_state(ret, state_or_null, err, err_size) &&
           find_config(ret, config_or_null, err, err_size);
}

/* FNV-1a: the name must be the same in every process and every version. */
static uint64_t hash_of(const char *text)
{
    uint64_t hash = HASH_START;
    for (; *text; text++) {
        hash = (hash ^ (unsigned char)*text) * HASH_PRIME;
    }
    return hash;
}

bool paths_set_socket(
    struct paths *paths, const char *setting, char *err, size_t err_size)
{
    char path[PATHS_SIZE * 2];
    if (setting[0] == '\0') {
        snprintf(err, err_size, "the socket must be \"auto\" or a path, got \"\"");
        return false;
    }
    bool fits;
    if (strcmp(setting, "auto") == 0) {
        const char *runtime = absolute_env("XDG_RUNTIME_DIR");
        const char *dir = runtime && is_directory(runtime) ? runtime : paths->state;
        fits = put_path(path, sizeof(path), "%s/snowmux-%016llx.sock", dir,
            (unsigned long long)hash_of(paths->state));
    } else {
        fits = put_path(path, sizeof(path), "%s", setting);
    }
    if (fits && str_copy(str_of(path), paths->socket, sizeof(paths->socket))) {
        return true;
    }
    snprintf(err, err_size,
        "the socket's path has %zu bytes and the kernel takes %d: %s; set [listen] socket to "
        "a shorter one",
        strlen(path), PATHS_SOCKET_SIZE - 1, path);
    return false;
}
