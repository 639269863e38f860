// SPDX-License-Identifier: Apache-2.0
#include "worker/confine_calls.h"

#include <errno.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <seccomp.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

/* Of no use to any driver: other processes, the kernel's insides, ways around filters. */
static const char *const always[] = {"ptrace", "process_vm_readv", "process_vm_writev",
    "process_madvise", "process_mrelease", "pidfd_getfd", "pidfd_send_signal", "kcmp",
    "tkill", "mount", "umount", "umount2", "mount_setattr", "move_mount", "open_tree",
    "fsopen", "fsconfig", "fsmount", "fspick", "pivot_root", "chroot", "setns", "unshare",
    "bpf", "perf_event_open", "userfaultfd", "personality", "io_uring_setup",
    "io_uring_enter", "io_uring_register", "keyctl", "add_key", "request_key",
    "kexec_load", "kexec_file_load", "init_module", "finit_module", "delete_module",
    "open_by_handle_at", "fanotify_init", "swapon", "swapoff", "reboot", "acct",
    "quotactl", "quotactl_fd", "syslog", "vhangup", "iopl", "ioperm", "modify_ldt",
    "settimeofday", "clock_settime", "clock_adjtime", "adjtimex", "sethostname",
    "setdomainname", "nfsservctl", "lookup_dcookie"};

static const char *const programs[] = {"execve", "execveat"};

static const char *const sockets[] = {
    "socket", "socketpair", "connect", "bind", "listen"};

/* Landlock has no say about these, and who stays on the machine needs none of them. */
static const char *const metadata[] = {"chmod", "fchmodat", "fchmodat2", "chown",
    "lchown", "fchownat", "setxattr", "lsetxattr", "removexattr", "lremovexattr", "utime",
    "utimes", "futimesat"};

bool confine_calls_can(void)
{
    /* A kernel that has them looks for the filter first. */
    return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, NULL) < 0 && errno == EFAULT;
}

/* Calls that this library or this machine does not have are passed over. */
static int refuse(scmp_filter_ctx filter, const char *const *names, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        int call = seccomp_syscall_resolve_name(names[i]);
        int rc = call < 0 ? 0 : seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), call, 0);
        if (rc < 0) {
            return rc;
        }
    }
    return 0;
}

static int refuse_where(scmp_filter_ctx filter, int call, struct scmp_arg_cmp where)
{
    return seccomp_rule_add_array(filter, SCMP_ACT_ERRNO(EPERM), call, 1, &where);
}

/*
 * Of sockets that reach beyond this process only what is asked for. Not even a pair of
 * Unix sockets is left to others: from one a datagram may be sent to any path, which
 * stands in memory, where a filter cannot see it.
 */
static int limit_sockets(scmp_filter_ctx filter, const struct confine_rules *rules)
{
    bool is_allowed[AF_NETLINK + 1] = {[AF_UNIX] = rules->has_unix,
        [AF_INET] = rules->has_network,
        [AF_INET6] = rules->has_network,
        [AF_NETLINK] = rules->has_network};
    if (!rules->has_network && !rules->has_unix) {
        return refuse(filter, sockets, ARRAY_LEN(sockets));
    }
    int rc = refuse_where(filter, SCMP_SYS(socket), SCMP_A0(SCMP_CMP_GT, AF_NETLINK));
    for (size_t family = 0; family < ARRAY_LEN(is_allowed) && rc == 0; family++) {
        if (!is_allowed[family]) {
            rc = refuse_where(filter, SCMP_SYS(socket), SCMP_A0(SCMP_CMP_EQ, family));
        }
    }
    return rc < 0 || rules->has_unix ? rc : refuse(filter, &sockets[1], 1);
}

/* Namespaces give rights; clone3 hides its flags in memory, and callers know clone too.
 */
static int limit_namespaces(scmp_filter_ctx filter)
{
    static const unsigned flags[] = {CLONE_NEWUSER, CLONE_NEWNS, CLONE_NEWNET,
        CLONE_NEWPID, CLONE_NEWIPC, CLONE_NEWUTS, CLONE_NEWCGROUP};
    int rc = seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);
    for (size_t i = 0; i < ARRAY_LEN(flags) && rc == 0; i++) {
        rc = refuse_where(
            filter, SCMP_SYS(clone), SCMP_A0(SCMP_CMP_MASKED_EQ, flags[i], flags[i]));
    }
    return rc;
}

/*
 * Memory shown to others again; input typed in the name of whoever sits at the terminal
 * that standard error may be.
 */
static int limit_requests(scmp_filter_ctx filter)
{
    static const unsigned requests[] = {TIOCSTI, TIOCLINUX, TIOCSETD};
    int rc = refuse_where(filter, SCMP_SYS(prctl),
        SCMP_A0(SCMP_CMP_MASKED_EQ, UINT32_MAX, PR_SET_DUMPABLE));
    for (size_t i = 0; i < ARRAY_LEN(requests) && rc == 0; i++) {
        rc = refuse_where(filter, SCMP_SYS(ioctl),
            SCMP_A1(SCMP_CMP_MASKED_EQ, UINT32_MAX, requests[i]));
    }
    return rc;
}

/*
 * Signals to itself only, for the daemon belongs to the same user. A program that it starts has the
 * same filter: it may signal the worker, and not even itself.
 */
static int limit_signals(scmp_filter_ctx filter)
{
    static const char *const names[] = {
        "kill", "tgkill", "rt_sigqueueinfo", "rt_tgsigqueueinfo"};
    struct scmp_arg_cmp is_other = SCMP_A0(SCMP_CMP_NE, (scmp_datum_t)getpid());
    int rc = 0;
    for (size_t i = 0; i < ARRAY_LEN(names) && rc == 0; i++) {
        rc = refuse_where(filter, seccomp_syscall_resolve_name(names[i]), is_other);
    }
    return rc;
}

static int fill(scmp_filter_ctx filter, const struct confine_rules *rules)
{
    int rc = seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, 1);
    /* Calls of another machine's kind, as 32-bit ones: no driver makes them. */
    rc = rc < 0
             ? rc
             : seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_ERRNO(EPERM));
    rc = rc < 0 ? rc : refuse(filter, always, ARRAY_LEN(always));
    rc = rc < 0 ? rc : limit_namespaces(filter);
    rc = rc < 0 ? rc : limit_requests(filter);
    rc = rc < 0 ? rc : limit_sockets(filter, rules);
    if (rc == 0 && !rules->has_network) {
        rc = refuse(filter, metadata, ARRAY_LEN(metadata));
    }
    if (rc == 0 && !rules->runs_itself) {
        rc = refuse(filter, programs, ARRAY_LEN(programs));
    }
    rc = rc < 0 ? rc : limit_signals(filter);
    return rc < 0 ? rc : seccomp_load(filter);
}

int confine_calls(const struct confine_rules *rules)
{
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
    int rc = filter ? fill(filter, rules) : -ENOMEM;
    seccomp_release(filter);
    return rc;
}
