// SPDX-License-Identifier: Apache-2.0
/*
 * load [-q] [-u UID] [-w FILE | -r FILE] PORT CONNECTIONS LENGTH BODY MARKER HEADERS
 * [INITIALIZE]: a closed loop of HTTP/1.1 requests on connections that stay open. Texts
 * are files; HEADERS are whole lines.
 *
 * First each connection is opened and asks once (not with -q), after INITIALIZE when that
 * is given: then all its requests carry the Mcp-Session-Id it got. "ready" on standard
 * output says that this is done. Each line on standard input then begins a run of LENGTH
 * ("3s", or a number of requests), which ends with a line of JSON. The end of standard
 * input ends it all. With -u the connections are those of another user. -w writes the
 * session that each answer of a run names, a line each; -r reads such a file: each
 * request of a run then belongs to the next of these sessions.
 *
 * Every answer must be a 200 with MARKER in its body: the first other one ends the
 * program.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <grp.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "answer.h"
#include "base/buf.h"
#include "base/clock.h"

enum {
    CHUNK_SIZE = 256 * 1024,
    ANSWER_MAX = 1024 * 1024,
    FILE_MAX = 256 * 1024,
    EVENTS_MAX = 128,
    SAMPLES_MAX = 2 * 1024 * 1024,
    CONNECTIONS_MAX = 16384,
    STALLED_MS = 20000,
};

struct conn {
    int fd;
    struct buf request;
    struct buf in; /* the beginning of an answer */
    uint64_t asked_ns;
};

struct load {
    uint16_t port;
    uint32_t conn_count;
    uint64_t run_ns;
    size_t requests_max;
    struct buf body;
    struct buf marker;
    struct buf headers;
    struct buf initialize;
    bool is_quiet;  /* connections open without a question */
    uint32_t uid;   /* UINT32_MAX: ours */
    FILE *named;    /* -w, or NULL */
    FILE *sleepers; /* -r, or NULL */
    struct conn *conns;
    int epoll;
    char *chunk;
    uint64_t *samples; /* ns */
    size_t sample_count;
    size_t asked_count;
    size_t stream_count;
    uint32_t waiting; /* connections without their answer */
    uint64_t until_ns;
};

static _Noreturn void die(const char *what, const char *why)
{
    fprintf(stderr, "load: %s: %s\n", what, why);
    exit(1);
}

static struct buf read_file(const char *path)
{
    struct buf text = BUF_INIT(FILE_MAX);
    char part[4096];
    size_t len;
    FILE *file = fopen(path, "rb");
    if (!file) {
        die(path, strerror(errno));
    }
    while ((len = fread(part, 1, sizeof(part), file)) > 0) {
        buf_put(&text, part, len);
    }
    if (ferror(file) || !buf_ok(&text)) {
        die(path, "cannot be read, or is too long");
    }
    fclose(file);
    return text;
}

static void put_request(
    struct load *load, struct buf *out, struct str body, struct str session)
{
    buf_clear(out);
    buf_printf(out, "POST /mcp HTTP/1.1\r\nHost: 127.0.0.1:%u\r\nContent-Length: %zu\r\n",
        load->port, body.len);
    buf_put_str(out, buf_str(&load->headers));
    if (session.ptr) {
        buf_printf(out, "Mcp-Session-Id: " STR_FMT "\r\n", STR_ARG(session));
    }
    buf_puts(out, "\r\n");
    buf_put_str(out, body);
    if (!buf_ok(out)) {
        die("request", "too long");
    }
}

/* The request of the next session; false: there was no other. */
static bool take_sleeper(struct load *load, struct conn *c)
{
    char line[128];
    if (!fgets(line, sizeof(line), load->sleepers)) {
        return false;
    }
    put_request(load, &c->request, buf_str(&load->body), str_trim(str_of(line)));
    return true;
}

static void ask(struct conn *c)
{
    c->asked_ns = clock_boot_ns();
    ssize_t sent = send(c->fd, c->request.ptr, c->request.len, MSG_NOSIGNAL);
    if (sent != (ssize_t)c->request.len) {
        die("send", sent < 0 ? strerror(errno) : "the socket took a part only");
    }
}

static void check(const struct answer *answer, struct str marker)
{
    if (answer->status != 200 ||
        !memmem(answer->body.ptr, answer->body.len, marker.ptr, marker.len)) {
        fprintf(stderr, "load: status %d, body " STR_FMT "\n", answer->status,
            STR_ARG(str_utf8_prefix(answer->body, 2000)));
        exit(1);
    }
}

/*
 * Takes what has come. True: that was the whole answer, which lies in @ret until the next
 * call for this connection.
 */
static bool receive(struct load *load, struct conn *c, int flags, struct answer *ret)
{
    ssize_t len = recv(c->fd, load->chunk, CHUNK_SIZE, flags);
    if (len < 0 && (errno == EAGAIN || errno == EINTR)) {
        return false;
    }
    if (len <= 0) {
        die("recv", len < 0 ? strerror(errno) : "the server closed a connection");
    }
    struct str bytes = {load->chunk, (size_t)len};
    if (c->in.len > 0) {
        buf_put_str(&c->in, bytes);
        bytes = buf_str(&c->in);
    }
    ptrdiff_t used = answer_parse(bytes, ret);
    if (used < 0 || !buf_ok(&c->in) || (used > 0 && (size_t)used < bytes.len)) {
        die("answer", "not one HTTP answer");
    }
    if (used == 0 && c->in.len == 0) {
        buf_put_str(&c->in, bytes);
    }
    if (used > 0) {
        c->in.len = 0; /* its bytes stay where they are */
    }
    return used > 0;
}

static void ask_and_wait(struct load *load, struct conn *c, struct answer *ret)
{
    ask(c);
    while (!receive(load, c, 0, ret)) {
    }
}

/* One connection after the other, each with its first answer: the server's backlog stays
 * empty. */
static void open_conn(struct load *load, struct conn *c)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
        .sin_port = htons(load->port),
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = c};
    struct answer answer = {0};
    int on = 1;
    c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    c->in = BUF_INIT(ANSWER_MAX);
    c->request = BUF_INIT(FILE_MAX + 4096);
    if (c->fd < 0 || connect(c->fd, (struct sockaddr *)&address, sizeof(address)) < 0) {
        die("connect", strerror(errno));
    }
    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    if (load->initialize.len > 0) {
        put_request(load, &c->request, buf_str(&load->initialize), (struct str){NULL, 0});
        ask_and_wait(load, c, &answer);
        check(&answer, STR("protocolVersion"));
    }
    put_request(load, &c->request, buf_str(&load->body), answer.session);
    if (!load->is_quiet) {
        ask_and_wait(load, c, &answer);
        check(&answer, buf_str(&load->marker));
    }
    if (epoll_ctl(load->epoll, EPOLL_CTL_ADD, c->fd, &event) < 0) {
        die("epoll_ctl", strerror(errno));
    }
}

static void on_answer(struct load *load, struct conn *c, const struct answer *answer)
{
    uint64_t now_ns = clock_boot_ns();
    check(answer, buf_str(&load->marker));
    load->samples[load->sample_count++] = now_ns - c->asked_ns;
    load->stream_count += answer->is_stream;
    if (load->named) {
        fprintf(load->named, STR_FMT "\n", STR_ARG(answer->session));
    }
    if (now_ns < load->until_ns && load->asked_count < load->requests_max &&
        (!load->sleepers || take_sleeper(load, c))) {
        load->asked_count++;
        ask(c);
    } else {
        load->waiting--;
    }
}

static int compare(const void *a, const void *b)
{
    const uint64_t *x = a;
    const uint64_t *y = b;
    return (*x > *y) - (*x < *y);
}

static double percentile_us(const struct load *load, size_t percent)
{
    size_t at = (load->sample_count - 1) * percent / 100;
    return (double)load->samples[at] / 1e3;
}

static double cpu_s(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

static void run(struct load *load)
{
    struct epoll_event events[EVENTS_MAX];
    uint64_t begin_ns = clock_boot_ns();
    double begin_cpu_s = cpu_s();
    load->sample_count = load->stream_count = 0;
    load->asked_count = load->conn_count;
    load->until_ns = begin_ns + load->run_ns;
    load->waiting = load->conn_count;
    for (uint32_t i = 0; i < load->conn_count; i++) {
        if (load->sleepers && !take_sleeper(load, &load->conns[i])) {
            die("-r", "fewer sessions than connections");
        }
        ask(&load->conns[i]);
    }
    while (load->waiting > 0) {
        int count = epoll_wait(load->epoll, events, EVENTS_MAX, STALLED_MS);
        if (count == 0 || (count < 0 && errno != EINTR)) {
            die("wait", count == 0 ? "no answer came for 20 s" : strerror(errno));
        }
        for (int i = 0; i < count; i++) {
            struct answer answer;
            struct conn *c = events[i].data.ptr;
            if (receive(load, c, MSG_DONTWAIT, &answer)) {
                on_answer(load, c, &answer);
            }
        }
    }
    if (load->named && fflush(load->named) != 0) {
        die("-w", strerror(errno));
    }
    double seconds = (double)(clock_boot_ns() - begin_ns) / 1e9;
    double busy = (cpu_s() - begin_cpu_s) / seconds;
    qsort(load->samples, load->sample_count, sizeof(*load->samples), compare);
    printf("{\"requests\":%zu,\"seconds\":%.6f,\"p50_us\":%.1f,\"p99_us\":%.1f,"
           "\"streams\":%zu,\"busy\":%.3f}\n",
        load->sample_count, seconds, percentile_us(load, 50), percentile_us(load, 99),
        load->stream_count, busy);
    fflush(stdout);
}

static void take_length(struct load *load, const char *text)
{
    char *end;
    double length = strtod(text, &end);
    bool is_time = *end == 's';
    if (length <= 0 || (!is_time && length > SAMPLES_MAX)) {
        die(text, "is no length of a run");
    }
    load->run_ns = is_time ? (uint64_t)(length * 1e9) : UINT64_MAX / 2;
    load->requests_max = is_time ? SAMPLES_MAX : (size_t)length;
}

static _Noreturn void usage(void)
{
    fprintf(stderr,
        "usage: load [-q] [-u UID] [-w FILE | -r FILE] PORT CONNECTIONS LENGTH "
        "BODY MARKER HEADERS [INITIALIZE]\n");
    exit(2);
}

static FILE *open_file(const char *path, const char *mode)
{
    FILE *file = fopen(path, mode);
    if (!file) {
        die(path, strerror(errno));
    }
    return file;
}

/* How many of @argv are options. */
static int take_options(struct load *load, int argc, char **argv)
{
    uint64_t uid = UINT32_MAX;
    int option;
    while ((option = getopt(argc, argv, "+qu:w:r:")) != -1) {
        if (option == 'q') {
            load->is_quiet = true;
        } else if (option == 'w') {
            load->named = open_file(optarg, "wb");
        } else if (option == 'r') {
            load->sleepers = open_file(optarg, "rb");
        } else if (option != 'u' || !str_to_u64(str_of(optarg), UINT32_MAX - 1, &uid)) {
            usage();
        }
    }
    load->uid = (uint32_t)uid;
    return optind - 1;
}

/* Whoever opens a socket is its user, whatever becomes of the program later. */
static void become(uint32_t uid)
{
    if (setgroups(0, NULL) < 0 || setgid(uid) < 0 || setuid(uid) < 0) {
        die("-u", strerror(errno));
    }
}

static void take_arguments(struct load *load, int argc, char **argv)
{
    uint64_t port = 0;
    uint64_t conns = 0;
    int options = take_options(load, argc, argv);
    argc -= options;
    argv += options;
    if (argc < 7 || argc > 8 || !str_to_u64(str_of(argv[1]), 65535, &port) ||
        !str_to_u64(str_of(argv[2]), CONNECTIONS_MAX, &conns) || conns == 0) {
        usage();
    }
    load->port = (uint16_t)port;
    load->conn_count = (uint32_t)conns;
    take_length(load, argv[3]);
    load->body = read_file(argv[4]);
    load->marker = read_file(argv[5]);
    load->headers = read_file(argv[6]);
    load->initialize = argc > 7 ? read_file(argv[7]) : BUF_INIT(FILE_MAX);
}

int main(int argc, char **argv)
{
    struct load load = {0};
    char line[16];
    take_arguments(&load, argc, argv);
    if (load.uid != UINT32_MAX) {
        become(load.uid); /* the texts have been read */
    }
    load.conns = calloc(load.conn_count, sizeof(*load.conns));
    load.chunk = malloc(CHUNK_SIZE);
    load.samples = malloc(SAMPLES_MAX * sizeof(*load.samples));
    load.epoll = epoll_create1(EPOLL_CLOEXEC);
    if (!load.conns || !load.chunk || !load.samples || load.epoll < 0) {
        die("start", strerror(errno));
    }
    for (uint32_t i = 0; i < load.conn_count; i++) {
        open_conn(&load, &load.conns[i]);
    }
    puts("ready");
    fflush(stdout);
    while (fgets(line, sizeof(line), stdin)) {
        run(&load);
    }
    return 0;
}
