// SPDX-License-Identifier: Apache-2.0
#include "bridge/bridge.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <malloc.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "bridge/attach.h"
#include "bridge/relay.h"

/* To find a daemon, before the client gets errors; for its hello. */
#define PATIENCE_NS (20 * NS_PER_S)
#define GREETING_NS (20 * NS_PER_S)
/* For a request that a failure can be told to; for the last lines. */
#define FIRST_REQUEST_NS (2 * NS_PER_S)
#define FLUSH_NS (1 * NS_PER_S)

enum {
    READ_SIZE = 64 * 1024,
    WRITES_MAX = 64, /* a turn */
    /* Larger blocks go back to the system at once: an idle bridge is small. */
    MMAP_THRESHOLD = 32 * 1024,
    INSTANCE_SIZE = 17,
};

enum {
    INPUT,
    OUTPUT,
    DAEMON,
    FDS
};

struct bridge {
    struct attach attach;
    struct relay relay;
    struct line_reader from_client;
    struct line_reader from_daemon;
    int fd;       /* the daemon's, or -1 */
    bool is_deaf; /* the daemon reads no more; what it said is still read */
    bool was_up;
    bool is_failing;        /* ends with status 1 once a request was answered so */
    bool is_ending;         /* nothing is read any more, the last lines are written */
    uint64_t give_up_at_ns; /* 0: a daemon is there, or was given up */
    uint64_t greeted_by_ns;
    uint64_t end_at_ns; /* of failing and ending */
    int status;
};

static volatile sig_atomic_t has_signal;

static void on_signal(int number)
{
    (void)number;
    has_signal = 1;
}

/* ---- ends ---- */

static void end(struct bridge *bridge, uint64_t now_ns)
{
    if (!bridge->is_ending) {
        bridge->is_ending = true;
        bridge->end_at_ns = now_ns + FLUSH_NS;
        relay_bye(&bridge->relay);
    }
}

static void close_daemon(struct bridge *bridge)
{
    if (bridge->fd >= 0) {
        close(bridge->fd);
        bridge->fd = -1;
        bridge->is_deaf = false;
        lines_reset(&bridge->from_daemon);
        relay_broken(&bridge->relay);
    }
}

/* One line, whatever is in @problem: some clients judge each by its first word. */
static void complain(const char *prefix, const char *problem)
{
    char line[RELAY_PROBLEM_SIZE];
    snprintf(line, sizeof(line), "%s", problem);
    for (char *c = line; *c; c++) {
        *c = (unsigned char)*c < ' ' ? ' ' : *c;
    }
    fprintf(stderr, "%s%s\n", prefix, line);
}

/* For good: @problem goes to the client's requests and to standard error. */
static void fail(struct bridge *bridge, const char *problem, uint64_t now_ns)
{
    close_daemon(bridge);
    bridge->is_failing = true;
    bridge->status = 1;
    bridge->give_up_at_ns = 0;
    bridge->end_at_ns = now_ns + FIRST_REQUEST_NS;
    relay_give_up(&bridge->relay, problem);
    complain("snowmux: ", bridge->relay.problem);
}

static void give_up(struct bridge *bridge, uint64_t now_ns)
{
    char problem[RELAY_PROBLEM_SIZE];
    attach_explain(&bridge->attach, problem, sizeof(problem));
    bridge->give_up_at_ns = 0;
    if (!bridge->was_up) {
        fail(bridge, problem, now_ns);
        return;
    }
    relay_give_up(&bridge->relay, problem);
    complain("INFO snowmux: ", problem);
}

/* ---- the daemon's socket ---- */

static void disconnect(struct bridge *bridge, const char *problem, uint64_t now_ns)
{
    close_daemon(bridge);
    if (bridge->relay.link == RELAY_REFUSED) {
        fail(bridge, bridge->relay.problem, now_ns);
        return;
    }
    attach_lost(&bridge->attach, now_ns, problem);
    if (bridge->give_up_at_ns == 0 && !bridge->relay.has_given_up) {
        bridge->give_up_at_ns = now_ns + PATIENCE_NS;
    }
}

static void connect_daemon(struct bridge *bridge, uint64_t now_ns)
{
    bridge->fd = attach_try(&bridge->attach, now_ns);
    if (bridge->fd >= 0) {
        bridge->greeted_by_ns = now_ns + GREETING_NS;
        relay_connected(&bridge->relay);
    }
}

static void read_daemon(struct bridge *bridge, uint64_t now_ns)
{
    char chunk[READ_SIZE];
    struct line_handler handler = {
        &bridge->relay, relay_daemon_line, relay_daemon_too_long};
    enum relay_link link = bridge->relay.link;
    ssize_t len = recv(bridge->fd, chunk, sizeof(chunk), 0);
    if (len < 0 && (errno == EAGAIN || errno == EINTR)) {
        return;
    }
    if (len <= 0) {
        disconnect(bridge, "the daemon closed the connection", now_ns);
    } else if (!lines_read(
                   &bridge->from_daemon, (struct str){chunk, (size_t)len}, &handler)) {
        disconnect(bridge, "what answers at the socket is no daemon of ours", now_ns);
    } else if (link == RELAY_GREETING && bridge->relay.link == RELAY_UP) {
        attach_up(&bridge->attach, now_ns);
        bridge->was_up = true;
        bridge->give_up_at_ns = 0;
    }
}

static void write_daemon(struct bridge *bridge, uint64_t now_ns)
{
    struct line_queue *queue;
    for (int i = 0; i < WRITES_MAX && (queue = relay_daemon_queue(&bridge->relay)); i++) {
        struct str bytes = queue_unwritten(queue);
        ssize_t len = send(bridge->fd, bytes.ptr, bytes.len, MSG_NOSIGNAL);
        if (len < 0 && (errno == EPIPE || errno == ECONNRESET)) {
            bridge->is_deaf = true;
            return;
        }
        if (len < 0 && errno != EAGAIN && errno != EINTR) {
            disconnect(bridge, strerror(errno), now_ns);
        }
        if (len < 0) {
            return;
        }
        queue_wrote(queue, (size_t)len);
    }
}

/* ---- the client ---- */

static void read_client(struct bridge *bridge, uint64_t now_ns)
{
    char chunk[READ_SIZE];
    struct line_handler handler = {
        &bridge->relay, relay_client_line, relay_client_too_long};
    ssize_t len = read(STDIN_FILENO, chunk, sizeof(chunk));
    if (len < 0 && (errno == EAGAIN || errno == EINTR)) {
        return;
    }
    if (len <= 0 ||
        !lines_read(&bridge->from_client, (struct str){chunk, (size_t)len}, &handler)) {
        end(bridge, now_ns);
    }
}

/*
 * Standard output may be shared with others, so it is not made non-blocking: whoever
 * polls as writable takes PIPE_BUF bytes at once.
 */
static void write_client(struct bridge *bridge, uint64_t now_ns)
{
    struct line_queue *queue = &bridge->relay.to_client;
    struct pollfd out = {.fd = STDOUT_FILENO, .events = POLLOUT};
    for (int i = 0; i < WRITES_MAX && queue->bytes.len > 0; i++) {
        if (poll(&out, 1, 0) != 1 || !(out.revents & POLLOUT)) {
            return;
        }
        struct str bytes = queue_unwritten(queue);
        ssize_t len =
            write(STDOUT_FILENO, bytes.ptr, bytes.len < PIPE_BUF ? bytes.len : PIPE_BUF);
        if (len < 0 && errno != EAGAIN && errno != EINTR) {
            queue_clear(queue);
            end(bridge, now_ns);
        }
        if (len < 0) {
            return;
        }
        queue_wrote(queue, (size_t)len);
    }
}

/* ---- the loop ---- */

/* What time alone brings. */
static void on_time(struct bridge *bridge, uint64_t now_ns)
{
    if (bridge->is_ending) {
        return;
    }
    if (bridge->is_failing) {
        if (now_ns >= bridge->end_at_ns ||
            (bridge->relay.errors > 0 && !pending_next_lost(&bridge->relay.pending))) {
            end(bridge, now_ns);
        }
        return;
    }
    if (bridge->relay.link == RELAY_GREETING && now_ns >= bridge->greeted_by_ns) {
        disconnect(bridge, "the daemon accepts connections but does not answer", now_ns);
    }
    if (bridge->give_up_at_ns > 0 && now_ns >= bridge->give_up_at_ns) {
        give_up(bridge, now_ns);
    } else if (bridge->fd < 0) {
        connect_daemon(bridge, now_ns);
    }
}

static bool has_ended(struct bridge *bridge, uint64_t now_ns)
{
    if (!bridge->is_ending) {
        return false;
    }
    bool is_daemon_told =
        bridge->fd < 0 || bridge->is_deaf || !relay_daemon_queue(&bridge->relay);
    return now_ns >= bridge->end_at_ns ||
           (is_daemon_told && bridge->relay.to_client.bytes.len == 0);
}

static uint64_t earlier(uint64_t at_ns, uint64_t other_at_ns)
{
    return other_at_ns > 0 && other_at_ns < at_ns ? other_at_ns : at_ns;
}

static int wait_ms(const struct bridge *bridge, uint64_t now_ns)
{
    uint64_t at_ns = UINT64_MAX;
    if (bridge->is_ending || bridge->is_failing) {
        at_ns = bridge->end_at_ns;
    } else {
        at_ns = earlier(at_ns, bridge->give_up_at_ns);
        at_ns = bridge->fd < 0 ? earlier(at_ns, bridge->attach.retry_at_ns) : at_ns;
        if (bridge->relay.link == RELAY_GREETING) {
            at_ns = earlier(at_ns, bridge->greeted_by_ns);
        }
    }
    if (at_ns == UINT64_MAX) {
        return -1;
    }
    return at_ns <= now_ns ? 0 : (int)((at_ns - now_ns + NS_PER_MS - 1) / NS_PER_MS);
}

static void set_events(struct bridge *bridge, struct pollfd fds[FDS])
{
    struct relay *relay = &bridge->relay;
    bool has_output = relay->to_client.bytes.len > 0;
    short daemon = 0;
    /* Even unread, the end of input is seen. */
    fds[INPUT] = (struct pollfd){.fd = bridge->is_ending ? -1 : STDIN_FILENO,
        .events = relay_wants_client(relay) ? POLLIN : POLLRDHUP};
    fds[OUTPUT] =
        (struct pollfd){.fd = bridge->is_ending && !has_output ? -1 : STDOUT_FILENO,
            .events = has_output ? POLLOUT : 0};
    if (!bridge->is_ending && relay_wants_daemon(relay)) {
        daemon |= POLLIN;
    }
    if (!bridge->is_deaf && relay_daemon_queue(relay)) {
        daemon |= POLLOUT;
    }
    /* Without events a hang-up would be reported again and again. */
    fds[DAEMON] = (struct pollfd){.fd = daemon ? bridge->fd : -1, .events = daemon};
}

static void on_events(struct bridge *bridge, struct pollfd fds[FDS], uint64_t now_ns)
{
    if (fds[OUTPUT].revents & (POLLERR | POLLHUP | POLLNVAL)) {
        queue_clear(&bridge->relay.to_client);
        end(bridge, now_ns);
    } else if (fds[OUTPUT].revents & POLLOUT) {
        write_client(bridge, now_ns);
    }
    if (fds[DAEMON].revents && fds[DAEMON].events & POLLOUT) {
        write_daemon(bridge, now_ns);
    }
    if (bridge->is_ending) {
        return;
    }
    if (bridge->fd >= 0 && fds[DAEMON].revents && fds[DAEMON].events & POLLIN) {
        read_daemon(bridge, now_ns);
    }
    if (fds[INPUT].revents && fds[INPUT].events & POLLIN) {
        read_client(bridge, now_ns);
    } else if (fds[INPUT].revents) {
        end(bridge, now_ns);
    }
}

static void run(struct bridge *bridge)
{
    sigset_t during_poll;
    struct pollfd fds[FDS];
    sigprocmask(SIG_SETMASK, NULL, &during_poll);
    sigdelset(&during_poll, SIGTERM);
    sigdelset(&during_poll, SIGINT);
    for (;;) {
        uint64_t now_ns = clock_boot_ns();
        on_time(bridge, now_ns);
        relay_answer_lost(&bridge->relay);
        if (!relay_ok(&bridge->relay)) {
            fprintf(stderr, "snowmux: no memory left\n");
            bridge->status = 1;
            return;
        }
        if (has_ended(bridge, now_ns)) {
            return;
        }
        set_events(bridge, fds);
        int ms = wait_ms(bridge, now_ns);
        struct timespec wait = {ms / 1000, (long)(ms % 1000) * (long)NS_PER_MS};
        int count = ppoll(fds, FDS, ms < 0 ? NULL : &wait, &during_poll);
        now_ns = clock_boot_ns();
        if (has_signal) {
            end(bridge, now_ns);
        }
        if (count > 0) {
            on_events(bridge, fds, now_ns);
        }
    }
}

/* ---- start ---- */

/* A name for clients of one working directory. */
static void hash_directory(char ret[INSTANCE_SIZE])
{
    uint64_t hash = 0xCBF29CE484222325u; /* FNV-1a */
    char *cwd = getcwd(NULL, 0);
    for (const char *c = cwd; c && *c; c++) {
        hash = (hash ^ (unsigned char)*c) * 0x100000001B3u;
    }
    free(cwd);
    snprintf(ret, INSTANCE_SIZE, "%016llx", (unsigned long long)hash);
}

/* The signals are taken only while waiting: none is missed, no call is cut short. */
static void set_signals(void)
{
    struct sigaction action = {.sa_handler = on_signal};
    sigset_t ours;
    sigemptyset(&ours);
    sigaddset(&ours, SIGTERM);
    sigaddset(&ours, SIGINT);
    sigprocmask(SIG_BLOCK, &ours, NULL);
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGINT, &action, NULL);
    action.sa_handler = SIG_IGN;
    sigaction(SIGPIPE, &action, NULL);
}

/* No socket of ours may become a standard stream. */
static void fill_standard_streams(void)
{
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
        if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", O_RDWR) != fd) {
            return;
        }
    }
}

int bridge_run(const struct bridge_options *options)
{
    char instance[INSTANCE_SIZE];
    struct bridge *bridge = calloc(1, sizeof(*bridge));
    mallopt(M_MMAP_THRESHOLD, MMAP_THRESHOLD);
    mallopt(M_TRIM_THRESHOLD, MMAP_THRESHOLD);
    fill_standard_streams();
    if (!bridge) {
        fprintf(stderr, "snowmux: no memory left\n");
        return 1;
    }
    hash_directory(instance);
    set_signals();
    bridge->fd = -1;
    bridge->from_client = bridge->from_daemon = LINE_READER_INIT;
    relay_init(&bridge->relay, options->name_or_null ? options->name_or_null : instance);
    uint64_t now_ns = clock_boot_ns();
    bridge->give_up_at_ns = now_ns + PATIENCE_NS;
    if (!attach_init(&bridge->attach, options)) {
        fail(bridge, bridge->attach.problem, now_ns);
    }
    run(bridge);
    int status = bridge->status;
    close_daemon(bridge);
    lines_reset(&bridge->from_client);
    relay_free(&bridge->relay);
    attach_free(&bridge->attach);
    free(bridge);
    return status;
}
