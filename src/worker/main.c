// SPDX-License-Identifier: Apache-2.0
/*
 * snowmux-worker: hosts one ADBC driver for the daemon, or reads spools for it.
 * Descriptor 3 is the control socket (see wire/wire.h); the process ends with it, and
 * with its parent. A crash or a hang of the driver stays in here.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/log.h"
#include "base/uri.h"
#include "wire/wire.h"
#include "worker/arrow_json.h"
#include "worker/confine.h"
#include "worker/connection.h"
#include "worker/private_key.h"
#include "worker/run.h"
#include "worker/secret.h"
#include "worker/sign_in.h"

enum {
    CONTROL_FD = 3,
    CONNECTIONS_MAX = 64,
    INSIST_MS = 100,
    NAME_SIZE = 128
};

struct worker {
    bool is_ready;
    bool has_failed; /* takes no further SETUP */
    bool is_reader;  /* of spools: no driver, no database */
    struct AdbcDatabase database;
    struct AdbcConnection first; /* holds what the init statements did, if there are any */
    struct secrets secrets;      /* of the setup: drivers repeat them in what they say */
    int printed;                 /* what the driver prints, where it may ask for a person; -1 */
    struct buf lines;            /* of that */
    char confinement[NAME_SIZE]; /* empty: none */
    bool names_socket;           /* the option uri does, as PostgreSQL reads it */
    struct connection connections[CONNECTIONS_MAX];
};

static bool send_control(struct buf *out, struct wire_writer *writer)
{
    bool ok = wire_end(writer) &&
              send(CONTROL_FD, out->ptr, out->len, MSG_NOSIGNAL) == (ssize_t)out->len;
    buf_free(out);
    return ok;
}

static bool send_failed(uint64_t call, const char *message)
{
    struct buf out = BUF_INIT(WIRE_PACKET_MAX);
    struct wire_writer writer = wire_begin(&out, WIRE_FAILED, call);
    wire_str(&writer, str_of(message));
    return send_control(&out, &writer);
}

static bool check(AdbcStatusCode status, struct AdbcError *error, struct failure *ret)
{
    if (status != ADBC_STATUS_OK) {
        *ret = failure_take(error, status);
    }
    return status == ADBC_STATUS_OK;
}

/* A NUL-terminated copy the caller frees; NULL when @s has a NUL inside. */
static char *c_string(struct str s)
{
    return memchr(s.ptr, 0, s.len) ? NULL : strndup(s.ptr, s.len);
}

static bool set_option(
    struct worker *worker, struct str key, struct str value, struct failure *ret)
{
    struct AdbcError error = ADBC_ERROR_INIT;
    AdbcStatusCode status = ADBC_STATUS_INVALID_ARGUMENT;
    char *key_z = c_string(key);
    char *value_z = c_string(value);
    if (key_z && value_z) {
        status = AdbcDatabaseSetOption(&worker->database, key_z, value_z, &error);
    }
    free(key_z);
    if (value_z) {
        explicit_bzero(value_z, value.len); /* may be a secret */
    }
    free(value_z);
    return check(status, &error, ret);
}

/* Secrets as long as a setup takes; the buffers do not move. */
struct held {
    struct buf key; /* held back until all options are there, like the next */
    struct buf phrase;
};

static void held_free(struct held *held)
{
    secret_free(&held->key);
    secret_free(&held->phrase);
}

/* By its name, where nobody says that it is. A uri without either of these signs holds no login. */
static bool is_secret(struct str key, struct str value, enum wire_source source)
{
    static const char *const ends[] = {"password", "passcode", "auth_token",
        "_secret", "subject_token", "actor_token", "authorization_header", "private_key",
        "pkcs8_value"};
    bool is_one = source != WIRE_VALUE || str_starts(key, STR("adbc.flight.sql.rpc.call_header.")) ||
                  (str_eq(key, STR("uri")) && (str_find(value, '@') >= 0 || str_find(value, '=') >= 0));
    for (size_t i = 0; i < ARRAY_LEN(ends) && !is_one; i++) {
        struct str end = str_of(ends[i]);
        is_one = key.len >= end.len && str_eq(str_from(key, key.len - end.len), end);
    }
    return is_one;
}

/* One option with its value at hand: on to the driver, or held back. */
static bool take_option(struct worker *worker, struct held *held, struct str key,
    struct str value, struct failure *ret)
{
    if (str_eq(key, STR("uri"))) {
        worker->names_socket = uri_names_socket(value);
    }
    struct buf *back = str_eq(key, STR(PRIVATE_KEY_OPTION))          ? &held->key
                       : str_eq(key, STR(PRIVATE_KEY_PHRASE_OPTION)) ? &held->phrase
                                                                     : NULL;
    if (!back) {
        return set_option(worker, key, value, ret);
    }
    if (!back->ptr && !secret_buf(back)) {
        failure_set(ret, "no memory");
        return false;
    }
    buf_clear(back);
    buf_put_str(back, value);
    if (!buf_ok(back)) {
        failure_set(ret, "a private key has more than 64 KiB");
    }
    return buf_ok(back);
}

/* The key that was held back goes to the driver, opened. */
static bool set_key(struct worker *worker, struct held *held, struct failure *ret)
{
    const char *why = NULL;
    if (held->key.len == 0) {
        return true;
    }
    if (!private_key_open(&held->key, buf_str(&held->phrase), &why)) {
        failure_set(ret, "");
        snprintf(ret->message, sizeof(ret->message), "option %s: the key %s",
            PRIVATE_KEY_OPTION, why);
        return false;
    }
    return set_option(worker, STR(PRIVATE_KEY_OPTION), buf_str(&held->key), ret);
}

/* The same for a value that is secret, and perhaps kept elsewhere. */
static bool take_secret(struct worker *worker, struct held *held, struct str key,
    enum wire_source source, struct str from, struct failure *ret)
{
    struct buf err = BUF_INIT(sizeof(ret->message) - 1);
    bool is_here = source == WIRE_VALUE || source == WIRE_SECRET;
    static const char none[] = "there are more than 128 secrets, or there is no memory";
    struct buf *value = secrets_next(&worker->secrets);
    if (!value) {
        failure_set(ret, none);
        return false;
    }
    if (is_here) {
        buf_put_str(value, from);
    } else if (!secret_read(source, key, from, value, &err)) {
        failure_set(ret, "an option's value cannot be read");
        if (buf_ok(&err)) {
            (void)str_copy(buf_str(&err), ret->message, sizeof(ret->message));
        }
        buf_free(&err);
        return false;
    }
    buf_free(&err);
    if (str_eq(key, STR("uri")) && !secrets_put_uri(&worker->secrets, buf_str(value))) {
        failure_set(ret, none);
        return false;
    }
    return take_option(worker, held, key, buf_str(value), ret);
}

static bool read_option(struct worker *worker, struct held *held,
    struct wire_reader *reader, struct failure *ret)
{
    struct str key = wire_get_str(reader);
    struct str value = wire_get_str(reader);
    uint32_t source = wire_get_u32(reader);
    if (reader->bad || source > WIRE_SECRET) {
        failure_set(ret, "malformed setup");
        return false;
    }
    return is_secret(key, value, (enum wire_source)source)
               ? take_secret(worker, held, key, (enum wire_source)source, value, ret)
               : take_option(worker, held, key, value, ret);
}

static bool read_options(struct worker *worker, struct held *held,
    struct wire_reader *reader, struct failure *ret)
{
    uint32_t count = wire_get_count(reader, 12);
    bool ok = true;
    for (uint32_t i = 0; i < count && ok; i++) {
        ok = read_option(worker, held, reader, ret);
    }
    return ok && set_key(worker, held, ret);
}

static bool run_init(
    struct worker *worker, struct wire_reader *reader, struct failure *ret)
{
    struct AdbcError error = ADBC_ERROR_INIT;
    uint32_t count = wire_get_count(reader, 4);
    if (count > 0 &&
        (!check(AdbcConnectionNew(&worker->first, &error), &error, ret) ||
            !check(AdbcConnectionInit(&worker->first, &worker->database, &error), &error, ret))) {
        return false;
    }
    for (uint32_t i = 0; i < count && !reader->bad; i++) {
        char *sql = c_string(wire_get_str(reader));
        bool ok = sql && run_aside(&worker->first, &(struct run_options){0}, sql, NULL, ret);
        free(sql);
        if (!ok) {
            return false;
        }
    }
    return true;
}

/* The paths of a list; bad when there are more than may be. */
static uint32_t read_paths(struct wire_reader *reader, struct str paths[WIRE_PATHS_MAX])
{
    uint32_t count = wire_get_count(reader, 4);
    reader->bad = reader->bad || count > WIRE_PATHS_MAX;
    for (uint32_t i = 0; i < count && !reader->bad; i++) {
        paths[i] = wire_get_str(reader);
    }
    return reader->bad ? 0 : count;
}

/* What comes behind the options is @reader's: the statements are passed over. */
static bool confine_self(
    struct worker *worker, struct wire_reader reader, struct failure *ret)
{
    struct str read[WIRE_PATHS_MAX];
    struct str write[WIRE_PATHS_MAX];
    uint32_t count = wire_get_count(&reader, 4);
    for (uint32_t i = 0; i < count && !reader.bad; i++) {
        (void)wire_get_str(&reader);
    }
    struct confine_rules rules = {.read_paths = read, .write_paths = write};
    rules.read_path_count = read_paths(&reader, read);
    rules.write_path_count = read_paths(&reader, write);
    uint32_t flags = wire_get_u32(&reader);
    if (!wire_reader_done(&reader)) {
        failure_set(ret, "malformed setup");
        return false;
    }
    rules.has_network = flags & WIRE_HAS_NETWORK;
    rules.has_unix =
        flags & WIRE_HAS_UNIX || (flags & WIRE_HAS_UNIX_BY_URI && worker->names_socket);
    rules.runs_itself = flags & WIRE_SIGNS_IN;
    if (!(flags & WIRE_CONFINED)) {
        return true;
    }
    if (rules.runs_itself && !sign_in_prepare(&worker->printed, ret)) {
        return false;
    }
    return confine(&rules, worker->confinement, NAME_SIZE, ret);
}

/* No driver is named: a reader of spools, which takes no options and no statements. */
static bool set_up_reader(
    struct worker *worker, struct wire_reader *reader, struct failure *ret)
{
    bool is_bare = wire_get_str(reader).len == 0 && wire_get_u32(reader) == 0;
    struct wire_reader statements = *reader;
    if (!is_bare || wire_get_u32(&statements) > 0) {
        failure_set(ret, "a reader of spools takes no options");
        return false;
    }
    worker->is_reader = confine_self(worker, *reader, ret);
    return worker->is_reader;
}

static bool set_up(struct worker *worker, struct held *held, struct wire_reader *reader,
    struct failure *ret)
{
    struct AdbcError error = ADBC_ERROR_INIT;
    struct str driver = wire_get_str(reader);
    if (driver.len == 0 && !reader->bad) {
        return set_up_reader(worker, reader, ret);
    }
    struct str entrypoint = wire_get_str(reader);
    *ret = (struct failure){.message = "malformed setup"};
    if (!check(AdbcDatabaseNew(&worker->database, &error), &error, ret) ||
        !set_option(worker, STR("driver"), driver, ret) ||
        (entrypoint.len > 0 && !set_option(worker, STR("entrypoint"), entrypoint, ret))) {
        return false;
    }
    if (!read_options(worker, held, reader, ret)) {
        return false;
    }
    /* The driver is loaded by AdbcDatabaseInit: none of its code, no thread of its runs yet. */
    if (reader->bad || !confine_self(worker, *reader, ret) ||
        !check(AdbcDatabaseInit(&worker->database, &error), &error, ret)) {
        return false;
    }
    return run_init(worker, reader, ret);
}

static bool handle_setup(struct worker *worker, const struct wire_frame *frame)
{
    struct wire_reader reader = wire_reader_of(frame);
    struct failure failure = {0};
    if (worker->is_ready || worker->has_failed) {
        return send_failed(frame->call, "a worker is set up once");
    }
    static struct held held;
    bool ok = set_up(worker, &held, &reader, &failure);
    secrets_hide(&worker->secrets, failure.message);
    secret_hide(failure.message, buf_str(&held.phrase));
    held_free(&held);
    if (!ok) {
        if (failure_is_refused(&failure)) {
            failure_say_refused(&failure);
        }
        worker->has_failed = true;
        return send_failed(frame->call, failure.message);
    }
    worker->is_ready = true;
    struct buf out = BUF_INIT(WIRE_PACKET_MAX);
    struct wire_writer writer = wire_begin(&out, WIRE_READY, frame->call);
    wire_str(&writer, str_of(worker->confinement));
    return send_control(&out, &writer);
}

static struct connection *find(struct worker *worker, uint32_t id)
{
    for (size_t i = 0; i < CONNECTIONS_MAX; i++) {
        struct connection *conn = &worker->connections[i];
        if (!connection_is_free(conn) && conn->id == id) {
            return conn;
        }
    }
    return NULL;
}

/* Takes over @fd. A refusal shows as the end of that socket, without OPENED. */
static void attach(struct worker *worker, uint32_t id, int fd)
{
    fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) & ~O_NONBLOCK);
    for (size_t i = 0; worker->is_ready && i < CONNECTIONS_MAX; i++) {
        if (connection_is_free(&worker->connections[i])) {
            connection_start(&worker->connections[i], id, fd,
                worker->is_reader ? NULL : &worker->database, &worker->secrets);
            return;
        }
    }
    log_event(LOG_WARN, "attach_refused", "conn=%u", id);
    close(fd);
}

static bool handle_frame(struct worker *worker, const struct wire_frame *frame, int fd)
{
    struct wire_reader reader = wire_reader_of(frame);
    struct buf out = BUF_INIT(WIRE_PACKET_MAX);
    struct wire_writer writer;
    if (frame->kind == WIRE_SETUP) {
        return handle_setup(worker, frame);
    }
    if (frame->kind == WIRE_PING) {
        writer = wire_begin(&out, WIRE_PONG, frame->call);
        return send_control(&out, &writer);
    }
    uint32_t id = wire_get_u32(&reader);
    if (frame->kind == WIRE_ATTACH && wire_reader_done(&reader) && fd >= 0) {
        attach(worker, id, fd);
        return true;
    }
    if (frame->kind == WIRE_CANCEL && wire_reader_done(&reader)) {
        struct connection *conn = find(worker, id);
        if (conn) {
            connection_cancel(conn, frame->call);
        }
        return true;
    }
    return false;
}

/* One packet and the descriptor that may come with it; false: the daemon is gone. */
static bool handle_control(struct worker *worker, char *packet)
{
    union {
        struct cmsghdr header;
        char bytes[CMSG_SPACE(sizeof(int))];
    } control;
    struct iovec iov = {packet, WIRE_PACKET_MAX};
    struct msghdr message = {.msg_iov = &iov,
        .msg_iovlen = 1,
        .msg_control = &control,
        .msg_controllen = sizeof(control)};
    ssize_t len = recvmsg(CONTROL_FD, &message, MSG_CMSG_CLOEXEC);
    if (len < 0 && errno == EINTR) {
        return true;
    }
    if (len <= 0 || message.msg_flags & MSG_TRUNC) {
        return false;
    }
    int fd = -1;
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    if (header && header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_RIGHTS) {
        memcpy(&fd, CMSG_DATA(header), sizeof(fd));
    }
    struct wire_frame frame;
    struct str bytes = {packet, (size_t)len};
    if (wire_parse(bytes, &frame) != len) {
        return false;
    }
    bool ok = handle_frame(worker, &frame, fd);
    if (frame.kind == WIRE_SETUP) {
        explicit_bzero(packet, (size_t)len); /* its options may be secrets */
    }
    return ok;
}

/* Somebody has to sign in for the connection that is being opened; there is one at a time. */
static void tell_sign_in(struct worker *worker, const char *url)
{
    for (size_t i = 0; i < CONNECTIONS_MAX; i++) {
        struct connection *conn = &worker->connections[i];
        if (connection_is_opening(conn)) {
            struct buf out = BUF_INIT(WIRE_PACKET_MAX);
            struct wire_writer writer = wire_begin(&out, WIRE_SIGN_IN, 0);
            wire_u32(&writer, conn->id);
            wire_str(&writer, str_of(url));
            (void)send_control(&out, &writer); /* a daemon that is gone shows elsewhere */
            return;
        }
    }
}

static void handle_printed(struct worker *worker)
{
    char url[SIGN_IN_URL_MAX];
    while (sign_in_read(worker->printed, &worker->lines, url)) {
        tell_sign_in(worker, url);
    }
}

/* Waits for the control socket and for daemon ends of connections that close. */
static bool step(struct worker *worker, char *packet)
{
    enum { PRINTED = 1 + CONNECTIONS_MAX, FDS };
    struct pollfd fds[FDS] = {{.fd = CONTROL_FD, .events = POLLIN}};
    fds[PRINTED] = (struct pollfd){.fd = worker->printed, .events = POLLIN};
    bool must_insist = false;
    for (size_t i = 0; i < CONNECTIONS_MAX; i++) {
        struct connection *conn = &worker->connections[i];
        must_insist = connection_insist(conn) || must_insist;
        pthread_mutex_lock(&conn->mutex);
        fds[1 + i] =
            (struct pollfd){.fd = conn->is_hung_up ? -1 : conn->fd, .events = POLLRDHUP};
        pthread_mutex_unlock(&conn->mutex);
    }
    int count = poll(fds, ARRAY_LEN(fds), must_insist ? INSIST_MS : -1);
    if (count < 0) {
        return errno == EINTR;
    }
    for (size_t i = 0; i < CONNECTIONS_MAX; i++) {
        if (fds[1 + i].revents & (POLLRDHUP | POLLHUP | POLLERR)) {
            connection_hang_up(&worker->connections[i]);
        }
    }
    if (fds[PRINTED].revents != 0) {
        handle_printed(worker);
    }
    return fds[0].revents == 0 || handle_control(worker, packet);
}

int main(int argc, char **argv)
{
    static struct worker worker;
    (void)argc;
    if (sign_in_is_asked(argv)) {
        _exit(sign_in_tell(argv)); /* a search for leaks would need calls that are refused */
    }
    worker.printed = -1;
    worker.lines = BUF_INIT(SIGN_IN_LINES_MAX);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    signal(SIGPIPE, SIG_IGN);
    fcntl(CONTROL_FD, F_SETFD, FD_CLOEXEC);
    close_range(CONTROL_FD + 1, ~0U, 0); /* what the daemon may have been started with */
    /* libpq would wait for a silent server for ever, and nobody would hear why. */
    setenv("PGCONNECT_TIMEOUT", "20", 0);
    for (size_t i = 0; i < CONNECTIONS_MAX; i++) {
        connection_init(&worker.connections[i]);
    }
    char *packet = malloc(WIRE_PACKET_MAX);
    while (packet && step(&worker, packet)) {
    }
    /* Connections may be stuck in the driver: no clean-up could wait for them. */
    _exit(0);
}
