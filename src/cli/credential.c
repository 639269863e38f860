// SPDX-License-Identifier: Apache-2.0
/* `snowmux credential`: the logins that principals have at a profile. */
#include "config/credential.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <yyjson.h>

#include "backend/reach.h"
#include "cli/ask.h"
#include "cli/commands.h"
#include "cli/credential_list.h"
#include "cli/line.h"
#include "config/profile.h"
#include "config/reader.h"

enum {
    ERR_MAX = 64 * 1024,
    ANSWER_MAX = 64 * 1024,
    FILE_MODE = 0600,
    DIRECTORY_MODE = 0700
};

#define INPUT "standard input"
#define TEMPORARY_START ".new-"
#define TEMPORARY TEMPORARY_START "XXXXXX"

/* One credential of the command line. */
struct job {
    const struct options *options;
    struct config config;
    struct paths paths;
    const char *profile;
    const char *principal;
    char path[PATHS_SIZE];
    char dir[PATHS_SIZE]; /* that it is in */
    struct buf err;       /* why not */
};

static bool fail(struct job *job, const char *what, const char *path, int error)
{
    buf_printf(&job->err, "cannot %s %s: %s", what, path, strerror(error));
    return false;
}

/* ---- whose it is ---- */

static bool unknown_profile(struct job *job)
{
    const char *names[CONFIG_PROFILES_MAX];
    struct reader reader = {.err = &job->err};
    buf_puts(&job->err, "there is no profile ");
    buf_put_json(&job->err, str_of(job->profile));
    if (job->config.profile_count == 0) {
        buf_puts(&job->err, "; the configuration has none");
        return false;
    }
    for (uint32_t i = 0; i < job->config.profile_count; i++) {
        names[i] = job->config.profile[i].name;
    }
    return reader_nearest(
        &reader, str_of(job->profile), names, job->config.profile_count);
}

/* The profile may be gone from the configuration, its name must be one. */
static bool find_path(struct job *job)
{
    struct str principal = str_of(job->principal);
    if (!profile_is_name(str_of(job->profile))) {
        return unknown_profile(job);
    }
    if (!str_is_utf8(principal) || !credential_path(job->path, sizeof(job->path),
                                       job->paths.state, job->profile, principal)) {
        buf_puts(&job->err, "the principal ");
        buf_put_json(&job->err, str_utf8_prefix(principal, CREDENTIAL_PRINCIPAL_MAX));
        buf_printf(&job->err,
            " must be UTF-8 of 1 to %d bytes, and a file's name of at most %d where all but "
            "letters, digits, \"_\", \"-\" and \".\" take three",
            CREDENTIAL_PRINCIPAL_MAX, CREDENTIAL_NAME_MAX);
        return false;
    }
    const char *slash = strrchr(job->path, '/');
    return str_copy(
        (struct str){job->path, (size_t)(slash - job->path)}, job->dir, sizeof(job->dir));
}

/* NULL: it was said why not. */
static const struct config_profile *find_profile(struct job *job)
{
    const struct config_profile *profile =
        profile_find(&job->config, str_of(job->profile));
    if (!profile) {
        (void)unknown_profile(job);
        return NULL;
    }
    if (!profile_is_per_principal(profile)) {
        buf_printf(&job->err,
            "the profile %s logs in by itself; credentials count where [profile.%s] has "
            "identity = \"per_principal\"",
            profile->name, profile->name);
        return NULL;
    }
    return profile;
}

/* ---- what it says ---- */

static void explain(const struct job *job)
{
    if (isatty(STDIN_FILENO)) {
        fprintf(stderr,
            "snowmux: type the credential of %s at the profile %s as TOML, then Ctrl-D at the "
            "start of a line; for example\n"
            "[options]\nusername = \"NAME\"\npassword = {file = \"/PATH\"}\n",
            job->principal, job->profile);
    }
}

/* @text has one byte more than a credential may have, which shows that it is too long. */
static bool read_input(
    struct job *job, char text[CREDENTIAL_BYTES_MAX + 1], struct str *ret)
{
    size_t len = 0;
    ssize_t got = -1;
    explain(job);
    while (got != 0 && len <= CREDENTIAL_BYTES_MAX) {
        got = read(STDIN_FILENO, text + len, CREDENTIAL_BYTES_MAX + 1 - len);
        if (got < 0 && errno != EINTR) {
            return fail(job, "read", INPUT, errno);
        }
        len += got > 0 ? (size_t)got : 0;
    }
    *ret = (struct str){text, len};
    if (len <= CREDENTIAL_BYTES_MAX && str_trim(*ret).len == 0) {
        buf_puts(&job->err, INPUT " is empty: a credential in TOML is expected there");
        return false;
    }
    return true;
}

/* The worker will read it, as whom this command runs. */
static bool check_file(struct job *job, const struct config_option *option)
{
    struct stat status;
    const char *path = option->value;
    size_t dir_len = strlen(job->dir);
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    int error = fd < 0 || fstat(fd, &status) < 0 ? errno : 0;
    const char *why = error != 0 ? strerror(error) : NULL;
    if (!why && !S_ISREG(status.st_mode)) {
        why = "it is not a regular file";
    }
    if (fd >= 0) {
        close(fd);
    }
    if (!why) {
        return true;
    }
    buf_puts(&job->err, INPUT ": options.");
    buf_put_json(&job->err, str_of(option->key));
    buf_printf(&job->err, ": cannot read %s: %s", path, why);
    if (strncmp(path, job->dir, dir_len) == 0 && path[dir_len] == '/') {
        buf_puts(&job->err, "; relative paths begin there, so name it by its whole path");
    }
    return false;
}

static bool check_input(
    struct job *job, const struct config_profile *profile, struct str text)
{
    struct credential credential;
    bool ok = credential_parse(&credential, profile, text, INPUT, job->dir, &job->err);
    for (uint32_t i = 0; ok && i < credential.options.len; i++) {
        const struct config_option *option = &credential.options.at[i];
        ok = option->source != CONFIG_FROM_FILE || check_file(job, option);
    }
    credential_free(&credential);
    return ok;
}

/* ---- its file ---- */

/* Makes the directory, and takes it away from others. */
static bool make_directory(struct job *job, const char *dir)
{
    struct stat status;
    if (mkdir(dir, DIRECTORY_MODE) < 0 && errno != EEXIST) {
        return fail(job, "make the directory", dir, errno);
    }
    int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool ok =
        fd >= 0 && fstat(fd, &status) == 0 &&
        ((status.st_mode & 07777) == DIRECTORY_MODE || fchmod(fd, DIRECTORY_MODE) == 0);
    int error = errno;
    if (fd >= 0) {
        close(fd);
    }
    return ok || fail(job, "use the directory", dir, error);
}

static bool make_directories(struct job *job)
{
    char above[PATHS_SIZE];
    const char *slash = strrchr(job->dir, '/');
    return str_copy((struct str){job->dir, (size_t)(slash - job->dir)}, above,
               sizeof(above)) &&
           make_directory(job, above) && make_directory(job, job->dir);
}

/* What was renamed or removed there outlives a crash. */
static bool sync_directory(struct job *job)
{
    int fd = open(job->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool ok = fd >= 0 && fsync(fd) == 0;
    int error = errno;
    if (fd >= 0) {
        close(fd);
    }
    return ok || fail(job, "write the directory", job->dir, error);
}

/* A command that writes it right now has locked it. */
static bool is_left(const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW);
    bool is_one = fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0;
    if (fd >= 0) {
        close(fd);
    }
    return is_one;
}

/* What a command that was killed left here holds a secret. */
static bool remove_left(struct job *job)
{
    char path[PATHS_SIZE + 256 + 2];
    struct dirent *entry;
    DIR *dir = opendir(job->dir);
    bool ok = dir || errno == ENOENT || fail(job, "read the directory", job->dir, errno);
    while (ok && dir && (entry = readdir(dir)) != NULL) {
        bool is_one = strncmp(entry->d_name, TEMPORARY_START, strlen(TEMPORARY_START)) == 0;
        snprintf(path, sizeof(path), "%s/%s", job->dir, entry->d_name);
        if (is_one && is_left(path) && unlink(path) < 0 && errno != ENOENT) {
            ok = fail(job, "remove", path, errno);
        }
    }
    if (dir) {
        closedir(dir);
    }
    return ok;
}

static int remove_one(
    const char *path, const struct stat *status, int kind, struct FTW *place)
{
    (void)status;
    (void)kind;
    (void)place;
    return remove(path) == 0 || errno == ENOENT ? 0 : -1;
}

/* The home of its workers: a driver keeps tokens there. */
static bool remove_home(struct job *job)
{
    enum { FDS = 16 };
    char home[PATHS_SIZE + CREDENTIAL_NAME_MAX + 16];
    char name[CREDENTIAL_NAME_MAX + 1];
    bool ok = credential_name(name, sizeof(name), str_of(job->principal));
    ASSERT(ok); /* its path was made of it */
    snprintf(home, sizeof(home), "%s/" REACH_LOGINS "/%s/%s", job->paths.state, job->profile, name);
    ok = nftw(home, remove_one, FDS, FTW_DEPTH | FTW_PHYS) == 0 || errno == ENOENT;
    return ok || fail(job, "remove all of", home, errno);
}

static bool write_all(int fd, struct str text)
{
    while (text.len > 0) {
        ssize_t put = write(fd, text.ptr, text.len);
        if (put < 0 && errno != EINTR) {
            return false;
        }
        text = str_from(text, put > 0 ? (size_t)put : 0);
    }
    return fchmod(fd, FILE_MODE) == 0 && fsync(fd) == 0;
}

/* The old file or the new one is there at any time, and never a part of one. */
static bool write_file(struct job *job, struct str text)
{
    char temporary[PATHS_SIZE + sizeof(TEMPORARY)];
    snprintf(temporary, sizeof(temporary), "%s/" TEMPORARY, job->dir);
    int fd = mkostemp(temporary, O_CLOEXEC);
    if (fd < 0) {
        return fail(job, "write", temporary, errno);
    }
    bool ok = flock(fd, LOCK_EX | LOCK_NB) == 0 && write_all(fd, text);
    int error = errno;
    close(fd);
    if (ok && rename(temporary, job->path) < 0) {
        error = errno;
        ok = false;
    }
    if (!ok) {
        unlink(temporary);
        return fail(job, "write", job->path, error);
    }
    return sync_directory(job);
}

/* ---- the daemon ---- */

/* Unless the daemon took note. */
static void warn(const struct job *job, struct str answer)
{
    yyjson_doc *doc = yyjson_read(answer.ptr, answer.len, 0);
    yyjson_val *root = yyjson_doc_get_root(doc);
    const char *kind = yyjson_get_str(yyjson_obj_get(root, "snowmux"));
    const char *message = yyjson_get_str(yyjson_obj_get(root, "message"));
    const char *none = answer.len > 0 ? "its answer is no answer" : "no answer";
    if (!kind || strcmp(kind, "credential") != 0) {
        fprintf(stderr,
            "snowmux: warning: the running daemon took no note of it (%s); restart it, or %s "
            "may go on as before\n",
            message ? message : none, job->principal);
    }
    yyjson_doc_free(doc);
}

/* Where no daemon runs, none has to know. */
static void tell_daemon(const struct job *job)
{
    struct buf line = BUF_INIT(ANSWER_MAX);
    struct buf answer = BUF_INIT(ANSWER_MAX);
    int fd = ask_try(job->paths.socket);
    if (fd < 0 && errno != ENOENT && errno != ECONNREFUSED) {
        fprintf(stderr, "snowmux: warning: cannot tell the daemon at %s: %s\n",
            job->paths.socket, strerror(errno));
    }
    if (fd < 0) {
        return;
    }
    line_put_pair(&line, "snowmux", STR("credential"));
    line_put_pair(&line, "profile", str_of(job->profile));
    line_put_pair(&line, "principal", str_of(job->principal));
    buf_puts(&line, "}\n");
    if (!ask(fd, buf_str(&line), &answer)) {
        buf_clear(&answer);
    }
    warn(job, buf_str(&answer));
    close(fd);
    buf_free(&answer);
    buf_free(&line);
}

/* ---- the commands ---- */

static void put_one(
    const struct job *job, struct buf *line, const char *profile, struct str principal)
{
    if (job->options->json) {
        line_put_pair(line, "profile", str_of(profile));
        line_put_pair(line, "principal", principal);
    } else {
        buf_printf(line, "%s  ", profile);
        line_put_text(line, principal);
    }
}

static void say_done(const struct job *job, const char *state)
{
    struct buf line = BUF_INIT(ERR_MAX);
    put_one(job, &line, job->profile, str_of(job->principal));
    if (job->options->json) {
        line_put_pair(&line, "state", str_of(state));
        buf_putc(&line, '}');
    } else {
        buf_printf(&line, "  %s", state);
    }
    line_flush(&line);
    buf_free(&line);
}

static bool add(struct job *job)
{
    static char text[CREDENTIAL_BYTES_MAX + 1];
    struct str input = STR("");
    const struct config_profile *profile = find_profile(job);
    bool ok = profile && find_path(job) && read_input(job, text, &input) &&
              check_input(job, profile, input) && make_directories(job) && remove_left(job);
    bool is_new = access(job->path, F_OK) < 0;
    ok = ok && write_file(job, input);
    explicit_bzero(text, sizeof(text));
    if (ok) {
        say_done(job, is_new ? "added" : "replaced");
        tell_daemon(job);
    }
    return ok;
}

static bool rm(struct job *job)
{
    if (!find_path(job) || !remove_left(job)) {
        return false;
    }
    if (unlink(job->path) < 0) {
        if (errno != ENOENT) {
            return fail(job, "remove", job->path, errno);
        }
        if (!remove_home(job)) { /* may be all that is left */
            return false;
        }
        buf_puts(&job->err, "there is no credential of ");
        buf_put_json(&job->err, str_of(job->principal));
        buf_printf(&job->err, " at the profile %s; snowmux credential ls shows which are",
            job->profile);
        return false;
    }
    bool ok = sync_directory(job);
    say_done(job, "removed");
    tell_daemon(job); /* which ends the workers that write there */
    return remove_home(job) && ok;
}

static void print_one(
    void *ctx, const char *profile, struct str principal, const char *path)
{
    const struct job *job = ctx;
    struct buf line = BUF_INIT(ERR_MAX);
    (void)path;
    put_one(job, &line, profile, principal);
    buf_puts(&line, job->options->json ? "}" : "");
    line_flush(&line);
    buf_free(&line);
}

static bool run(struct job *job)
{
    const char *const *words = job->options->credential;
    if (strcmp(words[0], "ls") == 0) {
        return credential_list(job->paths.state, NULL, print_one, job, &job->err);
    }
    job->profile = words[1];
    job->principal = words[2];
    return strcmp(words[0], "add") == 0 ? add(job) : rm(job);
}

int command_credential(const struct options *options)
{
    static struct job job;
    if (!options_load(options, &job.config, &job.paths)) {
        return 1;
    }
    job.options = options;
    job.err = BUF_INIT(ERR_MAX);
    bool ok = run(&job);
    if (!ok) {
        fprintf(stderr, "snowmux: " STR_FMT "\n", STR_ARG(buf_str(&job.err)));
    }
    buf_free(&job.err);
    config_free(&job.config);
    return ok ? 0 : 1;
}
