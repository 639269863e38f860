// SPDX-License-Identifier: Apache-2.0
#include "worker/confine.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "worker/confine_calls.h"

/* Of Landlock's later versions, which the system's headers may not have yet. */
enum {
    FS_TRUNCATE = 1 << 14,  /* 3 */
    FS_IOCTL_DEV = 1 << 15, /* 5 */
    NET_VERSION = 4,
    NET_BIND_TCP = 1 << 0,
    NET_CONNECT_TCP = 1 << 1,
    SCOPE_ABSTRACT_UNIX = 1 << 0, /* 6 */
    SCOPE_SIGNAL = 1 << 1,
    RESTRICT_ALL_THREADS = 1 << 3, /* 8 */
};

enum {
    FS_READ = LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR,
    FS_WRITE = LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_REMOVE_DIR |
               LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_MAKE_DIR |
               LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_REFER | FS_TRUNCATE,
    /* What a rule about a file may hold. */
    FS_OF_FILE = LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_WRITE_FILE |
                 LANDLOCK_ACCESS_FS_READ_FILE | FS_TRUNCATE | FS_IOCTL_DEV,
};

/* As the kernel has it; fields that an old kernel does not know must be 0. */
struct ruleset {
    uint64_t handled_access_fs;
    uint64_t handled_access_net;
    uint64_t scoped;
};

/*
 * The loader and its libraries, what the C library, sanitizers, DuckDB and Go's runtime
 * ask about the machine, and this program itself, from which a fault's trace is read.
 */
static const char *const always[] = {"/lib", "/lib64", "/usr/lib", "/usr/lib64",
    "/usr/local/lib", "/usr/share/zoneinfo", "/etc/ld.so.cache", "/etc/localtime",
    "/proc/self", "/proc/self/exe", "/proc/cpuinfo", "/proc/meminfo", "/proc/stat",
    "/proc/sys/vm", "/sys/devices/system/cpu", "/sys/devices/system/node",
    "/sys/fs/cgroup", "/sys/kernel/mm/transparent_hugepage", "/dev/zero", "/dev/random",
    "/dev/urandom"};

/* What it takes to run this program: it, and its loader. */
static const char *const itself[] = {
    "/proc/self/exe", "/lib64/ld-linux-x86-64.so.2", "/lib/ld-linux-aarch64.so.1"};

static bool fail(struct failure *ret, const char *what, struct str which, int error)
{
    char message[sizeof(ret->message)];
    snprintf(message, sizeof(message), "cannot confine the worker: %s" STR_FMT ": %s",
        what, STR_ARG(which), strerror(error));
    failure_set(ret, message);
    return false;
}

/* Landlock's version, 0 without it. */
static int landlock_version(void)
{
    long version = syscall(
        SYS_landlock_create_ruleset, NULL, (size_t)0, LANDLOCK_CREATE_RULESET_VERSION);
    return version > 0 ? (int)version : 0;
}

/* Everything this version can refuse, of what concerns a worker. */
static struct ruleset ruleset_of(int version, const struct confine_rules *rules)
{
    struct ruleset set = {.handled_access_fs = LANDLOCK_ACCESS_FS_REFER - 1};
    set.handled_access_fs |= version >= 2 ? LANDLOCK_ACCESS_FS_REFER : 0;
    set.handled_access_fs |= version >= 3 ? FS_TRUNCATE : 0;
    set.handled_access_fs |= version >= 5 ? FS_IOCTL_DEV : 0;
    if (version >= NET_VERSION && !rules->has_network) {
        set.handled_access_net = NET_BIND_TCP | NET_CONNECT_TCP;
    }
    set.scoped = version >= 6 ? SCOPE_ABSTRACT_UNIX | SCOPE_SIGNAL : 0;
    return set;
}

struct landlock {
    int fd;
    uint64_t handled;
    struct failure *failure;
};

static bool allow(const struct landlock *landlock, struct str path, uint64_t access)
{
    char path_z[4096];
    struct stat info;
    if (memchr(path.ptr, 0, path.len) || !str_copy(path, path_z, sizeof(path_z))) {
        return fail(landlock->failure, "", path, ENAMETOOLONG);
    }
    int fd = open(path_z, O_PATH | O_CLOEXEC);
    if (fd < 0 && (errno == ENOENT || errno == ENOTDIR || errno == EACCES)) {
        return true; /* nothing there, or nothing that this user may reach anyway */
    }
    int rc = fd < 0 ? -1 : fstat(fd, &info);
    if (rc == 0) {
        access &=
            S_ISDIR(info.st_mode) ? landlock->handled : landlock->handled & FS_OF_FILE;
        const struct landlock_path_beneath_attr rule = {access, fd};
        rc = (int)syscall(
            SYS_landlock_add_rule, landlock->fd, LANDLOCK_RULE_PATH_BENEATH, &rule, 0);
    }
    int error = errno;
    if (fd >= 0) {
        close(fd);
    }
    return rc == 0 || fail(landlock->failure, "", path, error);
}

static bool allow_all(const struct landlock *landlock, const struct confine_rules *rules)
{
    bool ok = allow(landlock, STR("/dev/null"), FS_READ | LANDLOCK_ACCESS_FS_WRITE_FILE);
    for (size_t i = 0; i < ARRAY_LEN(always) && ok; i++) {
        ok = allow(landlock, str_of(always[i]), FS_READ);
    }
    for (size_t i = 0; i < ARRAY_LEN(itself) && ok && rules->runs_itself; i++) {
        ok = allow(landlock, str_of(itself[i]), FS_READ | LANDLOCK_ACCESS_FS_EXECUTE);
    }
    for (uint32_t i = 0; i < rules->read_path_count && ok; i++) {
        ok = allow(landlock, rules->read_paths[i], FS_READ);
    }
    for (uint32_t i = 0; i < rules->write_path_count && ok; i++) {
        ok = allow(landlock, rules->write_paths[i], FS_WRITE);
    }
    return ok;
}

static bool limit_files(
    int version, const struct confine_rules *rules, struct failure *ret)
{
    struct ruleset set = ruleset_of(version, rules);
    struct landlock landlock = {.handled = set.handled_access_fs, .failure = ret};
    landlock.fd = (int)syscall(SYS_landlock_create_ruleset, &set, sizeof(set), 0);
    if (landlock.fd < 0) {
        return fail(ret, "its files", STR(""), errno);
    }
    bool ok = allow_all(&landlock, rules);
    unsigned flags = version >= 8 ? RESTRICT_ALL_THREADS : 0;
    if (ok && syscall(SYS_landlock_restrict_self, landlock.fd, flags) < 0) {
        ok = fail(ret, "its files", STR(""), errno);
    }
    close(landlock.fd);
    return ok;
}

/* Its memory holds secrets: nobody but root reads it, and it is never written to disk. */
static bool hide_memory(struct failure *ret)
{
    const struct rlimit none = {0, 0};
    if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0 || setrlimit(RLIMIT_CORE, &none) < 0) {
        return fail(ret, "its memory", STR(""), errno);
    }
    return true;
}

bool confine(
    const struct confine_rules *rules, char *ret_how, size_t size, struct failure *ret)
{
    int version = landlock_version();
    bool has_filter = confine_calls_can();
    char files[32] = "no Landlock in this kernel";
    if (version > 0) {
        snprintf(files, sizeof(files), "Landlock %d", version);
    }
    /* Which program is started, only Landlock sees. */
    bool has_network = rules->has_network || !(has_filter || version >= NET_VERSION);
    bool runs_any = version == 0 && (rules->runs_itself || !has_filter);
    snprintf(ret_how, size, "%s, %s, %s%s, %s", files,
        has_filter ? "seccomp" : "no seccomp in this kernel",
        has_network ? "network" : "no network",
        rules->has_unix || !has_filter ? ", Unix sockets" : "",
        runs_any             ? "any program"
        : rules->runs_itself ? "no programs but itself"
                             : "no programs");
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0) {
        return fail(ret, "its privileges", STR(""), errno);
    }
    if (!hide_memory(ret) || (version > 0 && !limit_files(version, rules, ret))) {
        return false;
    }
    int rc = has_filter ? confine_calls(rules) : 0;
    return rc == 0 || fail(ret, "its calls", STR(""), -rc);
}
