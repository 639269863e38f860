// SPDX-License-Identifier: Apache-2.0
#include "worker/fake_try.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

/* Harmless where they are let through: their arguments are wrong. */
static const struct {
    const char *name;
    long number;
    long arguments[5];
} calls[] = {
    {"ptrace", SYS_ptrace, {-1, -1}},
    {"process_vm_readv", SYS_process_vm_readv, {-1}},
    {"process_vm_writev", SYS_process_vm_writev, {-1}},
    {"pidfd_getfd", SYS_pidfd_getfd, {-1, -1}},
    {"kcmp", SYS_kcmp, {-1, -1, -1}},
    {"mount", SYS_mount, {0}},
    {"umount2", SYS_umount2, {0}},
    {"chroot", SYS_chroot, {0}},
    {"pivot_root", SYS_pivot_root, {0}},
    {"setns", SYS_setns, {-1}},
    {"unshare", SYS_unshare, {-1}},
    {"clone", SYS_clone,
        {0x10000000 | 0x200}}, /* a user's namespace, with half a thread */
    {"clone3", SYS_clone3, {0}},
    {"bpf", SYS_bpf, {-1}},
    {"perf_event_open", SYS_perf_event_open, {0}},
    {"userfaultfd", SYS_userfaultfd, {-1}},
    {"personality", SYS_personality, {0xffffffff}},
    {"io_uring_setup", SYS_io_uring_setup, {0}},
    {"io_uring_enter", SYS_io_uring_enter, {-1}},
    {"io_uring_register", SYS_io_uring_register, {-1}},
    {"keyctl", SYS_keyctl, {-1}},
    {"add_key", SYS_add_key, {0}},
    {"request_key", SYS_request_key, {0}},
    {"kexec_load", SYS_kexec_load, {0, 0, 0, -1}},
    {"init_module", SYS_init_module, {0}},
    {"finit_module", SYS_finit_module, {-1}},
    {"open_by_handle_at", SYS_open_by_handle_at, {-1}},
    {"tiocsti", SYS_ioctl, {-1, 0x5412}},
    {"dumpable", SYS_prctl, {PR_SET_DUMPABLE, 2}},
#ifdef __x86_64__
    {"x32", 0x40000000 | SYS_getpid, {0}},
#endif
    {"packet_socket", SYS_socket, {AF_PACKET, -1}},
    {"vsock_socket", SYS_socket, {AF_VSOCK, -1}},
    {"alg_socket", SYS_socket, {AF_ALG, -1}},
};

static void tell(char ret[FAKE_TRY_SIZE], bool ok)
{
    snprintf(ret, FAKE_TRY_SIZE, "%s", ok ? "ok" : strerrorname_np(errno));
}

static void add_line(char ret[FAKE_TRY_SIZE], const char *line)
{
    size_t len = strlen(ret);
    snprintf(ret + len, FAKE_TRY_SIZE - len, "%s%s", len > 0 ? "\n" : "", line);
}

static void try_open(const char *path, int flags, char ret[FAKE_TRY_SIZE])
{
    int fd = open(path, flags | O_CLOEXEC, 0600);
    tell(ret, fd >= 0);
    if (fd >= 0) {
        close(fd);
    }
}

static void try_socket(const struct sockaddr *address, socklen_t len, bool must_listen,
    char ret[FAKE_TRY_SIZE])
{
    int fd = socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool ok = fd >= 0;
    if (ok && must_listen) {
        ok = bind(fd, address, len) == 0 && listen(fd, 1) == 0;
    } else if (ok) {
        ok = connect(fd, address, len) == 0;
    }
    tell(ret, ok);
    if (fd >= 0) {
        close(fd);
    }
}

static void try_tcp(const char *port, bool must_listen, char ret[FAKE_TRY_SIZE])
{
    union {
        struct sockaddr any;
        struct sockaddr_in in;
    } address = {.in = {.sin_family = AF_INET,
                     .sin_port = htons((uint16_t)atoi(port)),
                     .sin_addr.s_addr = htonl(INADDR_LOOPBACK)}};
    try_socket(&address.any, sizeof(address.in), must_listen, ret);
}

static void try_unix(const char *path, char ret[FAKE_TRY_SIZE])
{
    union {
        struct sockaddr any;
        struct sockaddr_un un;
    } address = {.un = {.sun_family = AF_UNIX}};
    snprintf(address.un.sun_path, sizeof(address.un.sun_path), "%s", path);
    try_socket(&address.any, sizeof(address.un), false, ret);
}

/* The child tells by its exit status what stopped it. */
static void try_exec(char *program, char ret[FAKE_TRY_SIZE])
{
    char address[] = "https://sign-in.invalid/"; /* for one that shows where to sign in */
    char *args[] = {program, address, NULL};
    int status = 0;
    pid_t pid = vfork();
    if (pid == 0) {
        execve(program, args, (char *[]){NULL});
        _exit(errno);
    }
    bool has_child = pid > 0 && waitpid(pid, &status, 0) == pid;
    errno = has_child ? WEXITSTATUS(status) : errno;
    tell(ret, has_child && status == 0);
}

static void try_calls(char ret[FAKE_TRY_SIZE])
{
    for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
        const long *a = calls[i].arguments;
        errno = 0;
        long rc = syscall(calls[i].number, a[0], a[1], a[2], a[3], a[4]);
        bool is_absent = calls[i].number == SYS_clone3 && errno == ENOSYS;
        if (rc >= 0 || (errno != EPERM && !is_absent)) {
            add_line(ret, calls[i].name);
        }
    }
}

static void list_environment(const char *name, char ret[FAKE_TRY_SIZE])
{
    const char *value = getenv(name);
    if (name[0] != '\0') {
        add_line(ret, value ? value : "");
        return;
    }
    for (char **variable = environ; *variable; variable++) {
        add_line(ret, *variable);
    }
}

static void list_descriptors(char ret[FAKE_TRY_SIZE])
{
    for (int fd = 0; fd < 1024; fd++) {
        char path[64];
        char target[256] = "?";
        char line[sizeof(target) + 16];
        snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
        if (fcntl(fd, F_GETFD) >= 0) {
            ssize_t len = readlink(path, target, sizeof(target) - 1);
            target[len > 0 ? len : 1] = '\0';
            snprintf(line, sizeof(line), "%d %s", fd, target);
            add_line(ret, line);
        }
    }
}

static void list_limits(char ret[FAKE_TRY_SIZE])
{
    struct rlimit core = {0};
    getrlimit(RLIMIT_CORE, &core);
    snprintf(ret, FAKE_TRY_SIZE, "dumpable=%d core=%d no_new_privs=%d",
        prctl(PR_GET_DUMPABLE, 0, 0, 0, 0), core.rlim_max > 0,
        prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0));
}

static void *in_thread(void *ptr)
{
    char(*script)[FAKE_TRY_SIZE] = ptr;
    char word[256];
    snprintf(word, sizeof(word), "%s", *script);
    if (!fake_try(word, *script)) {
        snprintf(*script, FAKE_TRY_SIZE, "unknown word");
    }
    return NULL;
}

static void try_thread(const char *script, char ret[FAKE_TRY_SIZE])
{
    pthread_t thread;
    char answer[FAKE_TRY_SIZE];
    snprintf(answer, sizeof(answer), "%s", script);
    int rc = pthread_create(&thread, NULL, in_thread, &answer);
    if (rc != 0) {
        errno = rc;
        tell(ret, false);
        return;
    }
    pthread_join(thread, NULL);
    memcpy(ret, answer, FAKE_TRY_SIZE);
}

static bool try_one(const char *word, char *operand, char ret[FAKE_TRY_SIZE])
{
    if (strcmp(word, "open") == 0) {
        try_open(operand, O_RDONLY, ret);
    } else if (strcmp(word, "write") == 0) {
        try_open(operand, O_WRONLY | O_CREAT, ret);
    } else if (strcmp(word, "connect") == 0) {
        try_tcp(operand, false, ret);
    } else if (strcmp(word, "listen") == 0) {
        try_tcp("0", true, ret);
    } else if (strcmp(word, "unix") == 0) {
        try_unix(operand, ret);
    } else if (strcmp(word, "chmod") == 0) {
        tell(ret, chmod(operand, 0600) == 0);
    } else if (strcmp(word, "exec") == 0) {
        try_exec(operand, ret);
    } else if (strcmp(word, "signal") == 0) {
        tell(ret, kill(atoi(operand), 0) == 0);
    } else if (strcmp(word, "thread") == 0) {
        try_thread(operand, ret);
    } else if (strcmp(word, "calls") == 0) {
        try_calls(ret);
    } else if (strcmp(word, "environ") == 0) {
        list_environment(operand, ret);
    } else if (strcmp(word, "fds") == 0) {
        list_descriptors(ret);
    } else if (strcmp(word, "limits") == 0) {
        list_limits(ret);
    } else {
        return false;
    }
    return true;
}

bool fake_try(const char *script, char ret[FAKE_TRY_SIZE])
{
    char word[16] = "";
    char operand[256] = "";
    ret[0] = '\0';
    sscanf(script, "%15s %255[^\n]", word, operand);
    return try_one(word, operand, ret);
}
