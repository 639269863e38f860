// SPDX-License-Identifier: Apache-2.0
#include "bridge/attach.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"

#define RETRY_MIN_NS (10 * NS_PER_MS)
#define RETRY_MAX_NS (500 * NS_PER_MS)
#define START_MIN_NS (1 * NS_PER_S)
#define START_MAX_NS (32 * NS_PER_S)
/* A daemon that was there for so long is no failing one. */
#define STEADY_NS (5 * NS_PER_S)

enum {
    STATUS_FD = 3
};

static void describe(
    char dst[ATTACH_PROBLEM_SIZE], const char *what, const char *name, int rc)
{
    int max = ATTACH_PROBLEM_SIZE / 2;
    snprintf(dst, ATTACH_PROBLEM_SIZE, "%s %.*s: %s", what, max, name, strerror(rc));
}

/* The daemon starts elsewhere. NULL: no memory, or no working directory. */
static char *make_absolute(const char *path)
{
    char *absolute = NULL;
    if (path[0] == '/') {
        return strdup(path);
    }
    char *cwd = getcwd(NULL, 0);
    if (cwd && asprintf(&absolute, "%s/%s", cwd, path) < 0) {
        absolute = NULL;
    }
    free(cwd);
    return absolute;
}

static bool use_socket(struct attach *attach, const char *path)
{
    if (path[0] == '\0' ||
        !str_copy(str_of(path), attach->paths.socket, PATHS_SOCKET_SIZE)) {
        snprintf(attach->problem, sizeof(attach->problem),
            "--socket takes a path of 1 to %d bytes", PATHS_SOCKET_SIZE - 1);
        return false;
    }
    return true;
}

static bool use_paths(struct attach *attach, const struct bridge_options *options)
{
    attach->may_start = true;
    attach->state_given = options->state_or_null != NULL;
    if (!paths_find(&attach->paths, options->state_or_null, options->config_or_null,
            attach->problem, sizeof(attach->problem)) ||
        !paths_set_socket(
            &attach->paths, "auto", attach->problem, sizeof(attach->problem))) {
        return false;
    }
    /* A name without a slash is looked for in $PATH, wherever it is started. */
    attach->program = strchr(options->program, '/') ? make_absolute(options->program)
                                                    : strdup(options->program);
    if (!attach->program) {
        describe(attach->problem, "cannot find", options->program, errno);
    }
    return attach->program != NULL;
}

bool attach_init(struct attach *attach, const struct bridge_options *options)
{
    *attach =
        (struct attach){.retry_wait_ns = RETRY_MIN_NS, .start_wait_ns = START_MIN_NS};
    return options->socket_or_null ? use_socket(attach, options->socket_or_null)
                                   : use_paths(attach, options);
}

void attach_free(struct attach *attach)
{
    free(attach->program);
    attach->program = NULL;
}

/* In the child. Only the log, /dev/null and @status, which exec closes, stay open. */
_Noreturn static void run_daemon(struct attach *attach, int log, int status)
{
    char serve[] = "serve";
    char background[] = "--background";
    char state[] = "--state";
    char config[] = "--config";
    char *argv[8] = {attach->program, serve, background};
    size_t argc = 3;
    sigset_t none;
    int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (attach->state_given) {
        argv[argc++] = state;
        argv[argc++] = attach->paths.state;
    }
    if (attach->paths.config_given) {
        argv[argc++] = config;
        argv[argc++] = attach->paths.config;
    }
    ASSERT(argc < ARRAY_LEN(argv));
    sigemptyset(&none);
    /* @status is above STATUS_FD: the log was opened before it. */
    if (null >= 0 && dup2(null, STDIN_FILENO) >= 0 && dup2(log, STDOUT_FILENO) >= 0 &&
        dup2(log, STDERR_FILENO) >= 0 && dup3(status, STATUS_FD, O_CLOEXEC) >= 0) {
        status = STATUS_FD;
        signal(SIGPIPE, SIG_DFL);
        sigprocmask(SIG_SETMASK, &none, NULL);
        if (close_range(STATUS_FD + 1, ~0u, 0) == 0 && chdir("/") == 0) {
            execvp(argv[0], argv);
        }
    }
    int rc = errno;
    ssize_t written = write(status, &rc, sizeof(rc));
    (void)written;
    _exit(127);
}

/* Two forks: the daemon leads no session, and is no child of ours. */
static int spawn(struct attach *attach, int log)
{
    int status[2];
    int rc = 0;
    if (pipe2(status, O_CLOEXEC) < 0) {
        return errno;
    }
    pid_t pid = fork();
    if (pid == 0) {
        setsid();
        pid_t daemon = fork();
        if (daemon == 0) {
            run_daemon(attach, log, status[1]);
        }
        rc = errno;
        if (daemon < 0 && write(status[1], &rc, sizeof(rc)) < 0) {
            _exit(1);
        }
        _exit(0);
    }
    rc = pid < 0 ? errno : 0;
    close(status[1]);
    while (pid > 0 && waitpid(pid, NULL, 0) < 0 && errno == EINTR) {
    }
    if (pid > 0) {
        ssize_t len;
        while ((len = read(status[0], &rc, sizeof(rc))) < 0 && errno == EINTR) {
        }
        rc = len == (ssize_t)sizeof(rc) ? rc : 0;
    }
    close(status[0]);
    return rc;
}

static void start_daemon(struct attach *attach)
{
    char path[PATHS_SIZE + 16];
    snprintf(path, sizeof(path), "%s/snowmux.log", attach->paths.state);
    int log = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (log < 0) {
        describe(attach->start_problem, "cannot write", path, errno);
        return;
    }
    int rc = spawn(attach, log);
    close(log);
    attach->start_problem[0] = '\0';
    if (rc != 0) {
        describe(attach->start_problem, "cannot start", attach->program, rc);
    }
}

static int dial(const char *path)
{
    struct sockaddr_un addr = {.sun_family = AF_UNIX};
    bool fits = str_copy(str_of(path), addr.sun_path, sizeof(addr.sun_path));
    ASSERT(fits);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) {
        return -errno;
    }
    if (connect(fd, (struct sockaddr *)&addr, sizeof(addr)) < 0) {
        int rc = -errno;
        close(fd);
        return rc;
    }
    return fd;
}

static void wait_longer(struct attach *attach, uint64_t now_ns)
{
    attach->retry_at_ns = now_ns + attach->retry_wait_ns;
    attach->retry_wait_ns *= 2;
    if (attach->retry_wait_ns > RETRY_MAX_NS) {
        attach->retry_wait_ns = RETRY_MAX_NS;
    }
}

int attach_try(struct attach *attach, uint64_t now_ns)
{
    if (now_ns < attach->retry_at_ns) {
        return -1;
    }
    int fd = dial(attach->paths.socket);
    if (fd >= 0) {
        return fd;
    }
    describe(attach->problem, "no answer at", attach->paths.socket, -fd);
    bool is_none = fd == -ENOENT || fd == -ECONNREFUSED;
    if (is_none && attach->may_start && now_ns >= attach->start_at_ns) {
        start_daemon(attach);
        attach->start_at_ns = now_ns + attach->start_wait_ns;
        attach->start_wait_ns *= attach->start_wait_ns < START_MAX_NS ? 2 : 1;
        attach->retry_wait_ns = RETRY_MIN_NS;
    }
    wait_longer(attach, now_ns);
    return -1;
}

void attach_up(struct attach *attach, uint64_t now_ns)
{
    attach->up_at_ns = now_ns;
}

void attach_lost(struct attach *attach, uint64_t now_ns, const char *problem)
{
    snprintf(attach->problem, sizeof(attach->problem), "%s", problem);
    if (attach->up_at_ns > 0 && now_ns - attach->up_at_ns >= STEADY_NS) {
        attach->retry_at_ns = now_ns;
        attach->retry_wait_ns = RETRY_MIN_NS;
        attach->start_at_ns = now_ns;
        attach->start_wait_ns = START_MIN_NS;
    } else {
        wait_longer(attach, now_ns);
    }
    attach->up_at_ns = 0;
}

void attach_explain(const struct attach *attach, char *ret, size_t size)
{
    if (!attach->may_start) {
        snprintf(ret, size,
            "There is no snowmux daemon (%s). Start it with `snowmux serve`, or leave out "
            "--socket to have one started.",
            attach->problem);
    } else if (attach->start_problem[0] != '\0') {
        snprintf(ret, size, "There is no snowmux daemon, and none can be started (%s).",
            attach->start_problem);
    } else {
        snprintf(ret, size,
            "The snowmux daemon does not answer (%s). See why in "
            "%.*s/snowmux.log, or run `snowmux serve` in a terminal.",
            attach->problem, ATTACH_PROBLEM_SIZE / 2, attach->paths.state);
    }
}
