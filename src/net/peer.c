// SPDX-License-Identifier: Apache-2.0
#include "net/peer.h"

#include <errno.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

union address {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
};

struct question {
    struct nlmsghdr head;
    struct inet_diag_req_v2 req;
};

/* Address and port of @a in the kernel's form; a mapped IPv4 address counts as IPv4. */
static int family_of(const union address *a, uint32_t words[4], uint16_t *port)
{
    memset(words, 0, 4 * sizeof(words[0]));
    if (a->any.sa_family == AF_INET) {
        words[0] = a->v4.sin_addr.s_addr;
        *port = a->v4.sin_port;
        return AF_INET;
    }
    if (a->any.sa_family != AF_INET6) {
        return AF_UNSPEC;
    }
    *port = a->v6.sin6_port;
    memcpy(words, &a->v6.sin6_addr, 16);
    if (!IN6_IS_ADDR_V4MAPPED(&a->v6.sin6_addr)) {
        return AF_INET6;
    }
    words[0] = words[3];
    words[1] = words[2] = words[3] = 0;
    return AF_INET;
}

/* The socket looked for is the peer's: its source is our peer, its destination is us. */
static int fill_question(int fd, struct question *q)
{
    union address local = {0};
    union address remote = {0};
    socklen_t local_len = sizeof(local);
    socklen_t remote_len = sizeof(remote);
    if (getsockname(fd, &local.any, &local_len) < 0 ||
        getpeername(fd, &remote.any, &remote_len) < 0) {
        return -errno;
    }
    struct inet_diag_sockid *id = &q->req.id;
    int local_family = family_of(&local, id->idiag_dst, &id->idiag_dport);
    int family = family_of(&remote, id->idiag_src, &id->idiag_sport);
    if (family == AF_UNSPEC || family != local_family) {
        return -EAFNOSUPPORT;
    }
    id->idiag_cookie[0] = id->idiag_cookie[1] = INET_DIAG_NOCOOKIE;
    q->head.nlmsg_len = sizeof(*q);
    q->head.nlmsg_type = SOCK_DIAG_BY_FAMILY;
    q->head.nlmsg_flags = NLM_F_REQUEST;
    q->head.nlmsg_seq = 1;
    q->req.sdiag_family = (uint8_t)family;
    q->req.sdiag_protocol = IPPROTO_TCP;
    q->req.idiag_states = UINT32_MAX;
    return 0;
}

static int read_answer(const struct question *q, const char *bytes, size_t len, uint32_t *uid)
{
    struct nlmsghdr head;
    if (len < sizeof(head)) {
        return -EPROTO;
    }
    memcpy(&head, bytes, sizeof(head));
    if (head.nlmsg_len > len || head.nlmsg_seq != q->head.nlmsg_seq) {
        return -EPROTO;
    }
    if (head.nlmsg_type == NLMSG_ERROR) {
        struct nlmsgerr err;
        if (head.nlmsg_len < NLMSG_LENGTH(sizeof(err))) {
            return -EPROTO;
        }
        memcpy(&err, bytes + NLMSG_HDRLEN, sizeof(err));
        return err.error < 0 ? err.error : -EPROTO;
    }
    struct inet_diag_msg msg;
    if (head.nlmsg_type != SOCK_DIAG_BY_FAMILY ||
        head.nlmsg_len < NLMSG_LENGTH(sizeof(msg))) {
        return -EPROTO;
    }
    memcpy(&msg, bytes + NLMSG_HDRLEN, sizeof(msg));
    /*
     * A socket without an owner (closed, TIME_WAIT) says uid 0, which must not pass for
     * root: it has no inode either. The lookup may also fall back to a listener.
     */
    bool alive = msg.idiag_state == TCP_ESTABLISHED || msg.idiag_state == TCP_CLOSE_WAIT;
    if (!alive || msg.idiag_inode == 0 || msg.id.idiag_sport != q->req.id.idiag_sport ||
        msg.id.idiag_dport != q->req.id.idiag_dport) {
        return -ENOENT;
    }
    *uid = msg.idiag_uid;
    return 0;
}

/* The kernel answers an exact lookup before sendto returns, so nothing here waits. */
static int ask(int netlink, const struct question *q, uint32_t *ret_uid)
{
    struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};
    ssize_t n = sendto(netlink, q, sizeof(*q), MSG_DONTWAIT, (struct sockaddr *)&kernel,
        sizeof(kernel));
    if (n < 0) {
        return -errno;
    }
    char answer[4096];
    struct sockaddr_nl from = {0};
    socklen_t from_len = sizeof(from);
    n = recvfrom(netlink, answer, sizeof(answer), MSG_DONTWAIT, (struct sockaddr *)&from,
        &from_len);
    if (n < 0) {
        return -errno;
    }
    if (from.nl_family != AF_NETLINK || from.nl_pid != 0) {
        return -EPROTO;
    }
    return read_answer(q, answer, (size_t)n, ret_uid);
}

int peer_uid_tcp(int connected_fd, uint32_t *ret_uid)
{
    struct question q = {0};
    int rc = fill_question(connected_fd, &q);
    if (rc < 0) {
        return rc;
    }
    int netlink = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
    if (netlink < 0) {
        return -errno;
    }
    rc = ask(netlink, &q, ret_uid);
    close(netlink);
    return rc;
}

int peer_uid_unix(int fd, uint32_t *ret_uid)
{
    struct ucred cred;
    socklen_t len = sizeof(cred);
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) < 0) {
        return -errno;
    }
    /* A socket that is no Unix socket answers with (uid_t)-1. */
    if (cred.uid == (uid_t)-1) {
        return -ENOTCONN;
    }
    *ret_uid = cred.uid;
    return 0;
}
