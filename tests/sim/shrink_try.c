// SPDX-License-Identifier: Apache-2.0
/* What barks in a child, and where. */
#include "shrink.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    HEARD_MAX = 1 << 16,
    CPU_S = 2,
    WAIT_S = 30
};

static _Noreturn void child(int to, void (*run)(void *user), void *user)
{
    const struct rlimit cpu = {CPU_S, CPU_S + 1};
    const struct rlimit none = {0, 0};
    int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
    setrlimit(RLIMIT_CPU, &cpu);
    setrlimit(RLIMIT_CORE, &none);
    signal(SIGABRT, SIG_DFL);
    signal(SIGALRM, SIG_DFL);
    alarm(WAIT_S);
    dup2(null, STDOUT_FILENO);
    dup2(to, STDERR_FILENO);
    run(user);
    _exit(0);
}

/* From @mark to the end of its line; false: it is not there. */
static bool take(const char *heard, const char *mark, struct verdict *ret)
{
    const char *at = strstr(heard, mark);
    if (at) {
        snprintf(ret->text, sizeof(ret->text), "%.*s", (int)strcspn(at, "\n"), at);
    }
    return at != NULL;
}

static struct verdict judge(const char *heard, int status)
{
    struct verdict v = {""};
    int number = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0) {
        return v;
    }
    if (number == SIGXCPU || number == SIGKILL || number == SIGALRM) {
        snprintf(v.text, sizeof(v.text), "it hung");
    } else if (!take(heard, "event=oracle expr=", &v) &&
               !take(heard, "event=assert expr=", &v) && !take(heard, "SUMMARY: ", &v) &&
               !take(heard, "runtime error: ", &v)) {
        snprintf(v.text, sizeof(v.text), "signal %d, status %d", number,
            number == 0 ? WEXITSTATUS(status) : 0);
    }
    return v;
}

struct verdict try_run(void (*run)(void *user), void *user)
{
    static char heard[HEARD_MAX];
    char more[4096];
    size_t len = 0;
    int ends[2];
    int status = 0;
    int made = pipe2(ends, O_CLOEXEC);
    ASSERT(made == 0);
    fflush(NULL);
    pid_t pid = fork();
    ASSERT(pid >= 0);
    if (pid == 0) {
        child(ends[1], run, user);
    }
    close(ends[1]);
    for (ssize_t n; (n = read(ends[0], more, sizeof(more))) > 0;) {
        size_t fits = HEARD_MAX - 1 - len < (size_t)n ? HEARD_MAX - 1 - len : (size_t)n;
        memcpy(heard + len, more, fits);
        len += fits;
    }
    heard[len] = '\0';
    close(ends[0]);
    pid_t ended = waitpid(pid, &status, 0);
    ASSERT(ended == pid);
    return judge(heard, status);
}
