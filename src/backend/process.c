// SPDX-License-Identifier: Apache-2.0
/* A worker's process and its control socket. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "backend/opener.h"
#include "backend/state.h"

_Static_assert(WIRE_PACKET_MAX == 64 * 1024, "a message names it");

enum {
    PACKETS_MAX = 1024, /* queued */
    READS_MAX = 16,     /* in one turn */
};

struct packet {
    struct list of_process;
    int fd;
    size_t len;
    char bytes[];
};

static void on_poll(uv_poll_t *poll, int status, int events);

static void set_events(struct process *p)
{
    int events = UV_READABLE | (list_is_empty(&p->packets) ? 0 : UV_WRITABLE);
    uv_poll_start(&p->poll, events, on_poll);
}

/* ---- the end ---- */

static void on_closed(uv_handle_t *handle)
{
    struct process *p = handle->data;
    struct backend *b = p->backend;
    if (--p->handles == 0) {
        ASSERT(list_is_empty(&p->conns));
        free(p);
    }
    backend_handle_closed(b);
}

static void packet_free(struct process *p, struct packet *packet)
{
    list_remove(&packet->of_process);
    p->packet_count--;
    if (packet->fd >= 0) {
        close(packet->fd);
    }
    explicit_bzero(packet->bytes, packet->len); /* a SETUP may hold secrets */
    free(packet);
}

static void drop_packets(struct process *p)
{
    LIST_FOR(node, &p->packets)
    {
        packet_free(p, CONTAINER_OF(node, struct packet, of_process));
    }
}

/* Lets go of the socket at once, of the child when it has been reaped. */
static void end(struct process *p)
{
    ASSERT(!p->has_ended);
    p->has_ended = true;
    drop_packets(p);
    uv_close((uv_handle_t *)&p->poll, on_closed);
    close(p->fd);
    if (p->has_exited) {
        uv_close((uv_handle_t *)&p->child, on_closed);
    } else {
        uv_process_kill(&p->child, SIGKILL);
    }
}

void process_lose(struct process *p, struct str why)
{
    struct backend *b = p->backend;
    struct worker_slot *slot = &b->workers[p->worker];
    ASSERT(!p->is_lost && slot->process == p);
    p->is_lost = true;
    slot->doom = (struct doom){0};
    end(p);
    /* The worker first: nobody shall ask it for a connection in place of a lost one. */
    b->handler.worker_lost(b->handler.ctx, p->worker, p->generation, why);
    while (!list_is_empty(&p->conns)) {
        conn_lose(
            CONTAINER_OF(list_first(&p->conns), struct conn, of_process), false, why);
    }
    if (slot->process == p) {
        slot->process = NULL;
    }
}

void process_forget(struct process *p)
{
    struct worker_slot *slot = &p->backend->workers[p->worker];
    ASSERT(slot->process == p);
    slot->process = NULL;
    LIST_FOR(node, &p->conns)
    {
        conn_forget(CONTAINER_OF(node, struct conn, of_process));
    }
    if (!p->has_ended) {
        end(p);
    }
}

bool process_is_ending(const struct process *p)
{
    struct pollfd control = {.fd = p->fd};
    return p->is_cut || p->has_exited ||
           (poll(&control, 1, 0) == 1 && control.revents & (POLLHUP | POLLERR));
}

/* ---- sending ---- */

static bool is_peer_gone(int error)
{
    return error == -EPIPE || error == -ECONNRESET;
}

/* 0, or a negative errno. */
static int send_packet(const struct process *p, struct str bytes, int fd)
{
    union {
        struct cmsghdr header;
        char bytes[CMSG_SPACE(sizeof(int))];
    } control = {0};
    /* sendmsg does not write through this pointer. */
    union {
        const char *in;
        char *out;
    } ptr = {.in = bytes.ptr};
    struct iovec iov = {ptr.out, bytes.len};
    struct msghdr message = {.msg_iov = &iov, .msg_iovlen = 1};
    if (fd >= 0) {
        control.header = (struct cmsghdr){.cmsg_len = CMSG_LEN(sizeof(int)),
            .cmsg_level = SOL_SOCKET,
            .cmsg_type = SCM_RIGHTS};
        memcpy(CMSG_DATA(&control.header), &fd, sizeof(fd));
        message.msg_control = &control;
        message.msg_controllen = sizeof(control);
    }
    ssize_t sent;
    do {
        sent = sendmsg(p->fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
    } while (sent < 0 && errno == EINTR);
    return sent < 0 ? -errno : 0;
}

static int queue_packet(struct process *p, struct str bytes, int fd)
{
    struct packet *packet = NULL;
    if (p->packet_count < PACKETS_MAX) {
        packet = malloc(sizeof(*packet) + bytes.len);
    }
    if (!packet) {
        if (fd >= 0) {
            close(fd);
        }
        return -ENOBUFS;
    }
    packet->fd = fd;
    packet->len = bytes.len;
    memcpy(packet->bytes, bytes.ptr, bytes.len);
    list_init(&packet->of_process);
    list_push_back(&p->packets, &packet->of_process);
    p->packet_count++;
    set_events(p);
    return 0;
}

int process_send(struct process *p, struct str bytes, int fd)
{
    int rc = 0;
    if (!p->is_cut && !p->has_ended) {
        rc = list_is_empty(&p->packets) ? send_packet(p, bytes, fd) : -EAGAIN;
    }
    if (rc == -EAGAIN) {
        return queue_packet(p, bytes, fd);
    }
    if (fd >= 0) {
        close(fd);
    }
    return is_peer_gone(rc) ? 0 : rc;
}

static void flush(struct process *p)
{
    LIST_FOR(node, &p->packets)
    {
        struct packet *packet = CONTAINER_OF(node, struct packet, of_process);
        int rc = send_packet(p, (struct str){packet->bytes, packet->len}, packet->fd);
        if (rc == -EAGAIN) {
            return;
        }
        if (is_peer_gone(rc)) {
            drop_packets(p); /* the end shows when reading */
            break;
        }
        if (rc < 0) {
            process_lose(p, STR("the worker's control socket takes no packets"));
            return;
        }
        packet_free(p, packet);
    }
    set_events(p);
}

/* ---- receiving ---- */

static void lose_for(struct process *p, const char *how, enum wire_kind kind)
{
    char text[WHY_SIZE];
    snprintf(text, sizeof(text), "the worker sent %s %s on its control socket", how,
        frame_name(kind));
    process_lose(p, str_of(text));
}

/* One that was forgotten meanwhile is nobody's news. */
static void tell_sign_in(struct process *p, uint32_t id, struct str url)
{
    const struct backend_handler *handler = &p->backend->handler;
    LIST_FOR(node, &p->conns)
    {
        struct conn *c = CONTAINER_OF(node, struct conn, of_process);
        if (c->id == id && !c->is_up) {
            handler->sign_in(handler->ctx, c->index, c->generation, url);
            return;
        }
    }
}

static void on_packet(struct process *p, struct str bytes)
{
    struct wire_frame frame;
    if (bytes.len > READ_SIZE || wire_parse(bytes, &frame) != (int)bytes.len) {
        process_lose(p, STR("the worker sent a packet that is no frame"));
        return;
    }
    struct wire_reader reader = wire_reader_of(&frame);
    bool is_ready = frame.kind == WIRE_READY && !p->is_up;
    bool is_sign_in = frame.kind == WIRE_SIGN_IN && p->is_up;
    if (!is_ready && !is_sign_in && frame.kind != WIRE_FAILED) {
        lose_for(p, "an unexpected", frame.kind);
        return;
    }
    uint32_t id = is_sign_in ? wire_get_u32(&reader) : 0;
    struct str text = wire_get_str(&reader);
    if (!wire_reader_done(&reader)) {
        lose_for(p, "a malformed", frame.kind);
    } else if (frame.kind == WIRE_FAILED) {
        process_lose(p, text);
    } else if (is_sign_in) {
        tell_sign_in(p, id, text);
    } else {
        p->is_up = true;
        str_copy(str_utf8_prefix(text, CONFINEMENT_SIZE - 1), p->confinement, CONFINEMENT_SIZE);
        p->backend->handler.worker_up(p->backend->handler.ctx, p->worker, p->generation);
    }
}

/* The socket is at its end: so is the process, or it will be. */
static void cut(struct process *p)
{
    p->is_cut = true;
    drop_packets(p);
    uv_poll_stop(&p->poll);
    if (!p->has_exited) {
        uv_process_kill(&p->child, SIGKILL); /* does not change how a dying one ended */
    }
}

static void receive(struct process *p, bool to_the_end)
{
    struct backend *b = p->backend;
    for (int i = 0; (to_the_end || i < READS_MAX) && !p->has_ended && !p->is_cut; i++) {
        ssize_t len = recv(p->fd, b->read, READ_SIZE, MSG_DONTWAIT | MSG_TRUNC);
        if (len > 0) {
            on_packet(p, (struct str){b->read, (size_t)len});
        } else if (len < 0 && errno == EAGAIN) {
            return;
        } else if (len == 0 || (errno != EINTR && errno != ECONNRESET)) {
            cut(p); /* a reset comes once, before the packets sent until then */
        }
    }
}

static void on_poll(uv_poll_t *poll, int status, int events)
{
    struct process *p = poll->data;
    /* An error is a worker gone with packets unread; what it said comes before that. */
    if (status < 0 || events & UV_READABLE) {
        receive(p, status < 0);
    }
    if (events & UV_WRITABLE && !p->has_ended && !p->is_cut) {
        flush(p);
    }
}

/* ---- the child ---- */

static void on_exited(uv_process_t *child, int64_t status, int term_signal)
{
    struct process *p = child->data;
    struct backend *b = p->backend;
    p->has_exited = true;
    if (p->has_ended) {
        uv_close((uv_handle_t *)child, on_closed);
        return;
    }
    receive(p, true);
    for (uint32_t i = 0; i < BACKEND_CONNS_MAX && !p->has_ended; i++) {
        if (b->conns[i].conn && b->conns[i].conn->process == p) {
            conn_drain(b->conns[i].conn);
        }
    }
    if (!p->has_ended) {
        char why[WHY_SIZE];
        snprintf(why, sizeof(why),
            term_signal ? "worker ended by signal %d"
                        : "worker ended with exit status %d",
            term_signal ? term_signal : (int)status);
        process_lose(p, str_of(why));
    }
}

static int open_control(struct process *p, int *ret_fd)
{
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0) {
        return -errno;
    }
    int rc = uv_poll_init(p->backend->loop, &p->poll, ends[0]);
    if (rc < 0) {
        close(ends[0]);
        close(ends[1]);
        return rc;
    }
    p->poll.data = p;
    p->fd = ends[0];
    *ret_fd = ends[1];
    return 0;
}

/* @fd becomes the child's descriptor 3. What drivers print goes to standard error. */
static int start_child(struct process *p, int fd, const struct environment *environment)
{
    char *args[] = {p->backend->program, NULL};
    uv_stdio_container_t stdio[] = {
        {.flags = UV_IGNORE},
        {.flags = UV_INHERIT_FD, .data.fd = STDERR_FILENO},
        {.flags = UV_INHERIT_FD, .data.fd = STDERR_FILENO},
        {.flags = UV_INHERIT_FD, .data.fd = fd},
    };
    uv_process_options_t options = {
        .exit_cb = on_exited,
        .file = p->backend->program,
        .args = args,
        .env = environment->variables,
        .flags = UV_PROCESS_DETACHED, /* a terminal's signals are the daemon's alone */
        .stdio_count = ARRAY_LEN(stdio),
        .stdio = stdio,
    };
    p->child.data = p;
    int rc = uv_spawn(p->backend->loop, &p->child, &options);
    p->has_exited = rc < 0;
    return rc;
}

static void put_strings(
    struct wire_writer *writer, const struct str *strings, uint32_t count)
{
    wire_u32(writer, count);
    for (uint32_t i = 0; i < count; i++) {
        wire_str(writer, strings[i]);
    }
}

static struct doom send_setup(struct process *p, const struct backend_setup *setup)
{
    /* All of it at once: a buffer that grows would leave copies of secrets behind. */
    char *bytes = malloc(WIRE_PACKET_MAX);
    if (!bytes) {
        return (struct doom){.why = "cannot set up the worker", .error = UV_ENOMEM};
    }
    struct buf out = {.ptr = bytes, .cap = WIRE_PACKET_MAX, .max = WIRE_PACKET_MAX};
    struct wire_writer writer = wire_begin(&out, WIRE_SETUP, 0);
    wire_str(&writer, setup->driver);
    wire_str(&writer, setup->entrypoint);
    wire_u32(&writer, setup->option_count);
    for (uint32_t i = 0; i < setup->option_count; i++) {
        wire_str(&writer, setup->options[i].key);
        wire_str(&writer, setup->options[i].value);
        wire_u32(&writer, setup->sources ? setup->sources[i] : WIRE_VALUE);
    }
    put_strings(&writer, setup->init, setup->init_count);
    put_strings(&writer, setup->read_paths, setup->read_path_count);
    put_strings(&writer, setup->write_paths, setup->write_path_count);
    wire_u32(&writer, setup->confine);
    struct doom doom = {0};
    if (!wire_end(&writer)) {
        doom.why = "the worker's options, init statements and paths take more than 64 KiB";
    } else {
        doom.error = process_send(p, buf_str(&out), -1);
        doom.why = doom.error < 0 ? "cannot set up the worker" : NULL;
    }
    explicit_bzero(bytes, WIRE_PACKET_MAX);
    free(bytes);
    return doom;
}

void process_spawn(struct backend *b, uint32_t worker, uint32_t generation,
    const struct backend_setup *setup)
{
    struct process *p = calloc(1, sizeof(*p));
    struct environment environment = {0};
    int fd = -1;
    int rc = p && environment_init(&environment, setup) ? 0 : UV_ENOMEM;
    if (rc == 0 && setup->bin.len > 0) {
        rc = -opener_put(setup->bin.ptr, b->program);
    }
    if (rc == 0) {
        *p = (struct process){.backend = b, .worker = worker, .generation = generation};
        list_init(&p->conns);
        list_init(&p->packets);
        rc = open_control(p, &fd);
    }
    struct doom doom = {.why = "cannot start", .what = b->program, .error = rc};
    if (rc < 0) {
        environment_free(&environment);
        free(p);
        backend_doom_worker(b, worker, doom);
        return;
    }
    p->handles = 2;
    b->handles += 2;
    doom.error = start_child(p, fd, &environment);
    environment_free(&environment);
    close(fd);
    if (doom.error < 0) {
        end(p);
        backend_doom_worker(b, worker, doom);
        return;
    }
    b->workers[worker].process = p;
    set_events(p);
    doom = send_setup(p, setup);
    if (doom.why) {
        backend_doom_worker(b, worker, doom);
    }
}
