// SPDX-License-Identifier: Apache-2.0
#include "worker/secret.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/uri.h"

enum {
    COMPLAINT_SIZE = 200, /* of what a program says went wrong */
    FAILED_TO_START = 127,
    TURN_MS = 10
};

/* A program that runs, and what it has said. */
struct child {
    pid_t pid;
    int status; /* once it has ended */
    int out;    /* -1: at its end */
    int err;
    char complaint[COMPLAINT_SIZE];
    size_t complaint_len;
};

bool secret_buf(struct buf *ret)
{
    *ret = BUF_INIT(SECRET_BYTES_MAX + 1);
    ret->ptr = malloc(ret->max);
    ret->cap = ret->ptr ? ret->max : 0;
    return ret->ptr != NULL;
}

struct buf *secrets_next(struct secrets *secrets)
{
    bool ok = secrets->count < SECRETS_MAX && secret_buf(&secrets->at[secrets->count]);
    return ok ? &secrets->at[secrets->count++] : NULL;
}

/* @decode: what a driver may have made of it; NULL: nothing. */
static bool put_part(
    struct secrets *secrets, struct str part, size_t (*decode)(struct str s, char *ret))
{
    if (part.len < SECRET_HIDDEN_MIN || part.len > SECRET_BYTES_MAX) {
        return true; /* would not be hidden, or is no option */
    }
    struct buf *buf = secrets_next(secrets);
    if (buf && decode) {
        buf->len = decode(part, buf->ptr);
    } else if (buf) {
        buf_put_str(buf, part);
    }
    return buf != NULL;
}

bool secrets_put_uri(struct secrets *secrets, struct str uri)
{
    struct str parts[URI_SECRETS_MAX];
    uint32_t count = uri_secrets(uri, parts);
    bool ok = true;
    for (uint32_t i = 0; i < count && ok; i++) {
        ok = put_part(secrets, parts[i], NULL) &&
             (str_find(parts[i], '%') < 0 || put_part(secrets, parts[i], uri_decode)) &&
             (str_find(parts[i], '\\') < 0 || put_part(secrets, parts[i], uri_unescape));
    }
    return ok;
}

void secrets_hide(const struct secrets *secrets, char *message)
{
    bool is_done[SECRETS_MAX] = {false};
    for (uint32_t round = 0; round < secrets->count; round++) {
        uint32_t best = SECRETS_MAX;
        for (uint32_t i = 0; i < secrets->count; i++) {
            bool is_longer =
                best == SECRETS_MAX || secrets->at[i].len > secrets->at[best].len;
            best = !is_done[i] && is_longer ? i : best;
        }
        is_done[best] = true;
        secret_hide(message, buf_str(&secrets->at[best]));
    }
}

void secret_free(struct buf *secret)
{
    if (secret->ptr) {
        explicit_bzero(secret->ptr, secret->cap);
    }
    buf_free(secret);
}

void secret_hide(char *message, struct str secret)
{
    size_t len = strlen(message);
    if (secret.len < SECRET_HIDDEN_MIN) {
        return;
    }
    for (size_t at = 0; at + secret.len <= len; at++) {
        if (memcmp(message + at, secret.ptr, secret.len) == 0) {
            size_t rest = at + secret.len;
            memset(message + at, '*', 3);
            memmove(message + at + 3, message + rest, len - rest + 1);
            explicit_bzero(message + len - secret.len + 4, secret.len - 3);
            len -= secret.len - 3;
            at += 2;
        }
    }
}

static bool fail(struct buf *err, struct str option, const char *what, struct str name,
    const char *why)
{
    buf_puts(err, "option ");
    buf_put_str(err, option);
    buf_printf(err, ": the %s ", what);
    buf_put_json(err, name);
    buf_printf(err, " %s", why);
    return false;
}

/* What is there without waiting, at most what fits; false: an error, or too much. */
static bool read_some(int fd, struct buf *out, bool *ret_is_end)
{
    if (out->len == out->cap) {
        return false;
    }
    ssize_t len = read(fd, out->ptr + out->len, out->cap - out->len);
    *ret_is_end = len == 0;
    if (len > 0) {
        out->len += (size_t)len;
    }
    return len >= 0 || errno == EINTR || errno == EAGAIN;
}

/* The value, once all of it is there. */
static bool finish(struct buf *out, const char **ret_why)
{
    if (out->len > 0 && out->ptr[out->len - 1] == '\n') {
        out->len--;
        out->len -= out->len > 0 && out->ptr[out->len - 1] == '\r';
    }
    *ret_why = out->len > SECRET_BYTES_MAX ? "gives more than 64 KiB"
               : out->len == 0             ? "gives nothing"
               : memchr(out->ptr, 0, out->len)
                   ? "gives a NUL byte, which no option may hold"
                   : NULL;
    return *ret_why == NULL;
}

/* ---- files ---- */

static bool read_open_file(int fd, struct buf *out, const char **ret_why)
{
    bool is_end = false;
    while (!is_end) {
        if (!read_some(fd, out, &is_end)) {
            *ret_why = out->len < out->cap ? "cannot be read" : "gives more than 64 KiB";
            return false;
        }
    }
    return finish(out, ret_why);
}

static bool read_file(
    struct str option, struct str path, struct buf *out, struct buf *err)
{
    char name[4096];
    const char *why = NULL;
    struct stat status;
    if (!str_copy(path, name, sizeof(name))) {
        return fail(err, option, "file", STR(""), "has a path of more than 4095 bytes");
    }
    int fd = open(name, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    int error = fd < 0 || fstat(fd, &status) < 0 ? errno : 0;
    if (error != 0) {
        why = "cannot be read: ";
    } else if (!S_ISREG(status.st_mode)) {
        why = "is not a regular file";
    }
    bool ok = !why && read_open_file(fd, out, &why);
    if (ok && status.st_mode & (S_IRWXG | S_IRWXO)) {
        log_event(LOG_WARN, "secret_file_readable",
            "option=" STR_FMT " file=%s mode=%04o", STR_ARG(option), log_quote(path),
            (unsigned)status.st_mode & 07777u);
    }
    if (fd >= 0) {
        close(fd);
    }
    if (!ok) {
        (void)fail(err, option, "file", path, why);
        buf_puts(err, error != 0 ? strerror(error) : "");
    }
    return ok;
}

/* ---- commands ---- */

/*
 * A confined worker's own variables name places that a driver wrote to: a program found there, or
 * one that reads its files there, would be the driver's, and not confined.
 */
static void take_daemons_places(void)
{
    static const char *const places[][2] = {{WIRE_DAEMONS "HOME", "HOME"},
        {WIRE_DAEMONS "PATH", "PATH"}, {WIRE_DAEMONS "TMPDIR", "TMPDIR"}};
    for (size_t i = 0; i < ARRAY_LEN(places); i++) {
        const char *value = getenv(places[i][0]);
        if (value && value[0] != '\0') {
            setenv(places[i][1], value, 1);
        } else if (value) {
            unsetenv(places[i][1]);
        }
        unsetenv(places[i][0]);
    }
}

/* In the child: becomes the program, in a group of its own. */
static _Noreturn void become(char *const args[], int out, int err)
{
    sigset_t none;
    sigemptyset(&none);
    int in = open("/dev/null", O_RDONLY);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    setpgid(0, 0);
    signal(SIGPIPE, SIG_DFL);
    sigprocmask(SIG_SETMASK, &none, NULL);
    take_daemons_places();
    if (in >= 0 && dup2(in, STDIN_FILENO) >= 0 && dup2(out, STDOUT_FILENO) >= 0 &&
        dup2(err, STDERR_FILENO) >= 0) {
        execvp(args[0], args);
    }
    const char *why = strerror(errno);
    (void)!write(STDERR_FILENO, why, strlen(why));
    _exit(FAILED_TO_START);
}

static bool start(struct child *child, char *const args[])
{
    int out[2];
    int err[2];
    if (pipe2(out, O_CLOEXEC) < 0) {
        return false;
    }
    if (pipe2(err, O_CLOEXEC) < 0) {
        close(out[0]);
        close(out[1]);
        return false;
    }
    child->pid = fork();
    if (child->pid == 0) {
        become(args, out[1], err[1]);
    }
    close(out[1]);
    close(err[1]);
    child->out = out[0];
    child->err = err[0];
    if (child->pid < 0) {
        close(out[0]);
        close(err[0]);
        return false;
    }
    setpgid(child->pid, child->pid); /* whoever comes first: it is there before a kill */
    fcntl(out[0], F_SETFL, O_NONBLOCK);
    fcntl(err[0], F_SETFL, O_NONBLOCK);
    return true;
}

static void hear_complaint(struct child *child)
{
    char bytes[512];
    ssize_t len = read(child->err, bytes, sizeof(bytes));
    if (len == 0 || (len < 0 && errno != EINTR && errno != EAGAIN)) {
        close(child->err);
        child->err = -1;
    }
    for (ssize_t i = 0; i < len && child->complaint_len < COMPLAINT_SIZE; i++) {
        child->complaint[child->complaint_len++] = bytes[i];
    }
}

/* What the program has said until now; false: it is too much. */
static bool hear(struct child *child, int wait_ms, struct buf *out)
{
    struct pollfd fds[] = {
        {.fd = child->out, .events = POLLIN}, {.fd = child->err, .events = POLLIN}};
    bool is_end = false;
    if (poll(fds, ARRAY_LEN(fds), wait_ms) <= 0) {
        return true;
    }
    if (fds[0].revents && !read_some(child->out, out, &is_end)) {
        return false;
    }
    if (is_end) {
        close(child->out);
        child->out = -1;
    }
    if (fds[1].revents) {
        hear_complaint(child);
    }
    return true;
}

/*
 * Until the program has ended, whoever else may hold its ends. False: @ret_why says what
 * was against it, and its group is dead.
 */
static bool await(struct child *child, struct buf *out, const char **ret_why)
{
    uint64_t end_ns = clock_boot_ns() + SECRET_COMMAND_MS_MAX * NS_PER_MS;
    bool is_over = false;
    *ret_why = NULL;
    while (!is_over && !*ret_why) {
        is_over = waitpid(child->pid, &child->status, WNOHANG) == child->pid;
        if (!hear(child, is_over ? 0 : TURN_MS, out)) {
            *ret_why = "gives more than 64 KiB";
        } else if (!is_over && clock_boot_ns() > end_ns) {
            *ret_why = "was not done within 10 s and was killed";
        }
    }
    if (!is_over) {
        kill(-child->pid, SIGKILL);
        (void)waitpid(child->pid, &child->status, 0);
    }
    return *ret_why == NULL;
}

/* The first line of what the program said went wrong, as text. */
static struct str complaint_of(struct child *child)
{
    struct str text = {child->complaint, child->complaint_len};
    ptrdiff_t end = str_find(text, '\n');
    text.len = end >= 0 ? (size_t)end : text.len;
    for (size_t i = 0; i < text.len; i++) {
        if ((unsigned char)child->complaint[i] < ' ') {
            child->complaint[i] = ' ';
        }
    }
    return str_trim(str_utf8_prefix(text, COMPLAINT_SIZE));
}

static bool fail_status(
    struct buf *err, struct str option, struct str program, struct child *child)
{
    int status = child->status;
    struct str complaint = complaint_of(child);
    char how[64];
    if (WIFSIGNALED(status)) {
        snprintf(how, sizeof(how), "was ended by signal %d", WTERMSIG(status));
    } else if (WEXITSTATUS(status) == FAILED_TO_START) {
        snprintf(how, sizeof(how), "cannot be started");
    } else {
        snprintf(how, sizeof(how), "ended with exit status %d", WEXITSTATUS(status));
    }
    (void)fail(err, option, "program", program, how);
    if (complaint.len > 0) {
        buf_puts(err, ": ");
        buf_put_str(err, complaint);
    }
    return false;
}

static bool run(char *const args[], struct str option, struct buf *out, struct buf *err)
{
    struct child child = {.out = -1, .err = -1};
    struct str program = str_of(args[0]);
    const char *why = NULL;
    if (!start(&child, args)) {
        return fail(err, option, "program", program, "cannot be started");
    }
    bool ok = await(&child, out, &why);
    if (child.out >= 0) {
        close(child.out);
    }
    if (child.err >= 0) {
        close(child.err);
    }
    if (!ok) {
        return fail(err, option, "program", program, why);
    }
    if (!WIFEXITED(child.status) || WEXITSTATUS(child.status) != 0) {
        return fail_status(err, option, program, &child);
    }
    return finish(out, &why) || fail(err, option, "program", program, why);
}

static bool run_command(
    struct str option, struct str command, struct buf *out, struct buf *err)
{
    char *text = malloc(command.len + 1);
    char *args[SECRET_ARGS_MAX + 1] = {0};
    bool ok = false;
    size_t count = 0;
    if (text) {
        memcpy(text, command.ptr, command.len);
        text[command.len] = '\0';
        for (size_t at = 0; at <= command.len && count <= SECRET_ARGS_MAX; count++) {
            if (count < SECRET_ARGS_MAX) {
                args[count] = text + at;
            }
            at += strlen(text + at) + 1;
        }
    }
    if (!text || count > SECRET_ARGS_MAX || args[0][0] == '\0') {
        (void)fail(
            err, option, "program", STR(""), "must have a name and at most 16 parts");
    } else {
        ok = run(args, option, out, err);
    }
    free(text);
    return ok;
}

bool secret_read(enum wire_source source, struct str option, struct str from,
    struct buf *out, struct buf *err)
{
    ASSERT(out->cap > SECRET_BYTES_MAX);
    out->len = 0;
    switch (source) {
    case WIRE_FILE:
        return read_file(option, from, out, err);
    case WIRE_COMMAND:
        return run_command(option, from, out, err);
    case WIRE_VALUE:
    case WIRE_SECRET:
        break;
    }
    buf_puts(err, "malformed setup");
    return false;
}
