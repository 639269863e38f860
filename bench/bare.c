// SPDX-License-Identifier: Apache-2.0
/*
 * bare ANSWER: the least an HTTP server can do with epoll. It finds the end of each
 * request by its Content-Length and sends the bytes of the file ANSWER, whatever was
 * asked. Prints its port; ends with its standard input.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buf.h"

enum {
    REQUEST_MAX = 64 * 1024,
    ANSWER_MAX = 1024 * 1024,
    EVENTS_MAX = 128,
    BACKLOG = 511
};

struct conn {
    int fd;
    struct buf in;     /* the beginning of a request */
    struct str unsent; /* of the answer */
};

struct bare {
    int epoll;
    int listener;
    struct buf answer;
    char chunk[REQUEST_MAX];
};

static _Noreturn void die(const char *what)
{
    fprintf(stderr, "bare: %s: %s\n", what, strerror(errno));
    exit(1);
}

/* The length of the first request in @s; 0: more must come. */
static size_t request_len(struct str s)
{
    static const char name[] = "\r\nContent-Length: ";
    const char *end = memmem(s.ptr, s.len, "\r\n\r\n", 4);
    if (!end) {
        return 0;
    }
    size_t len = (size_t)(end - s.ptr) + 4;
    const char *field = memmem(s.ptr, len, name, sizeof(name) - 1);
    if (field) {
        len += strtoul(field + sizeof(name) - 1, NULL, 10);
    }
    return len <= s.len ? len : 0;
}

static void watch(struct bare *bare, struct conn *c, int how, uint32_t events)
{
    struct epoll_event event = {.events = events, .data.ptr = c};
    if (epoll_ctl(bare->epoll, how, c->fd, &event) < 0) {
        die("epoll_ctl");
    }
}

static void drop(struct conn *c)
{
    close(c->fd);
    buf_free(&c->in);
    free(c);
}

/* False: the peer is gone. */
static bool send_answer(struct bare *bare, struct conn *c)
{
    bool was_waiting = c->unsent.len < bare->answer.len;
    ssize_t sent = send(c->fd, c->unsent.ptr, c->unsent.len, MSG_NOSIGNAL);
    if (sent < 0 && errno != EAGAIN) {
        return false;
    }
    c->unsent = str_from(c->unsent, sent > 0 ? (size_t)sent : 0);
    if (was_waiting || c->unsent.len > 0) {
        watch(bare, c, EPOLL_CTL_MOD, c->unsent.len > 0 ? EPOLLOUT : EPOLLIN);
    }
    return true;
}

/* False: the peer is gone, or pipelines. */
static bool on_readable(struct bare *bare, struct conn *c)
{
    ssize_t got = recv(c->fd, bare->chunk, sizeof(bare->chunk), 0);
    if (got <= 0) {
        return got < 0 && errno == EAGAIN;
    }
    struct str bytes = {bare->chunk, (size_t)got};
    if (c->in.len > 0) {
        buf_put_str(&c->in, bytes);
        bytes = buf_str(&c->in);
    }
    size_t used = request_len(bytes);
    if (used == 0 && c->in.len == 0) {
        buf_put_str(&c->in, bytes);
    }
    if (used == 0) {
        return buf_ok(&c->in);
    }
    buf_clear(&c->in);
    c->unsent = buf_str(&bare->answer);
    return used == bytes.len && send_answer(bare, c);
}

static void on_connection(struct bare *bare)
{
    int on = 1;
    int fd = accept4(bare->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    struct conn *c = fd < 0 ? NULL : calloc(1, sizeof(*c));
    if (!c) {
        return;
    }
    c->fd = fd;
    c->in = BUF_INIT(REQUEST_MAX);
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    watch(bare, c, EPOLL_CTL_ADD, EPOLLIN);
}

static void listen_anywhere(struct bare *bare)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(address);
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL};
    struct epoll_event end = {.events = EPOLLHUP, .data.ptr = bare};
    bare->listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    bare->epoll = epoll_create1(EPOLL_CLOEXEC);
    if (bare->listener < 0 || bare->epoll < 0 ||
        bind(bare->listener, (struct sockaddr *)&address, len) < 0 ||
        listen(bare->listener, BACKLOG) < 0 ||
        getsockname(bare->listener, (struct sockaddr *)&address, &len) < 0 ||
        epoll_ctl(bare->epoll, EPOLL_CTL_ADD, bare->listener, &event) < 0 ||
        epoll_ctl(bare->epoll, EPOLL_CTL_ADD, STDIN_FILENO, &end) < 0) {
        die("listen");
    }
    printf("%u\n", ntohs(address.sin_port));
    fflush(stdout);
}

static void read_answer(struct bare *bare, const char *path)
{
    FILE *file = fopen(path, "rb");
    size_t len;
    bare->answer = BUF_INIT(ANSWER_MAX);
    if (!file) {
        die(path);
    }
    while ((len = fread(bare->chunk, 1, sizeof(bare->chunk), file)) > 0) {
        buf_put(&bare->answer, bare->chunk, len);
    }
    if (ferror(file) || !buf_ok(&bare->answer)) {
        die(path);
    }
    fclose(file);
}

int main(int argc, char **argv)
{
    static struct bare bare;
    struct epoll_event events[EVENTS_MAX];
    if (argc != 2) {
        fprintf(stderr, "usage: bare ANSWER\n");
        return 2;
    }
    read_answer(&bare, argv[1]);
    listen_anywhere(&bare);
    for (;;) {
        int count = epoll_wait(bare.epoll, events, EVENTS_MAX, -1);
        for (int i = 0; i < count; i++) {
            struct conn *c = events[i].data.ptr;
            if (events[i].data.ptr == &bare) {
                return 0;
            }
            if (!c) {
                on_connection(&bare);
            } else if (!(events[i].events & EPOLLOUT ? send_answer(&bare, c)
                                                     : on_readable(&bare, c))) {
                drop(c);
            }
        }
    }
}
