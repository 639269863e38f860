// SPDX-License-Identifier: Apache-2.0
#include "bridge_rig.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>

#include "base/clock.h"
#include "bridge/bridge.h"

enum {
    CLIENTS_MAX = 8
};

/* ---- what the bridge is built upon, as the test wants it ---- */

static uint64_t clock_speed = 1;

uint64_t clock_boot_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_BOOTTIME, &now);
    return ((uint64_t)now.tv_sec * NS_PER_S + (uint64_t)now.tv_nsec) * clock_speed;
}

uint64_t clock_wall_ns(void)
{
    return 0;
}

bool paths_find(struct paths *ret, const char *state_or_null, const char *config_or_null,
    char *err, size_t err_size)
{
    *ret = (struct paths){.config_given = config_or_null != NULL};
    if (!state_or_null || strcmp(state_or_null, "/none") == 0) {
        snprintf(err, err_size, "--state: /none cannot be created");
        return false;
    }
    return str_copy(str_of(state_or_null), ret->state, sizeof(ret->state)) &&
           str_copy(str_of(config_or_null), ret->config, sizeof(ret->config));
}

bool paths_set_socket(
    struct paths *paths, const char *setting, char *err, size_t err_size)
{
    (void)err;
    (void)err_size;
    assert_string_equal(setting, "auto");
    int len =
        snprintf(paths->socket, sizeof(paths->socket), "%.90s/socket", paths->state);
    return len > 0 && (size_t)len < sizeof(paths->socket);
}

/* ---- the rig ---- */

static char own_path[PATHS_SIZE];

static int make_listener(const char *path)
{
    struct sockaddr_un addr = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || !str_copy(str_of(path), addr.sun_path, sizeof(addr.sun_path))) {
        return -1;
    }
    unlink(path);
    if (bind(fd, (struct sockaddr *)&addr, sizeof(addr)) < 0 || listen(fd, 16) < 0) {
        close(fd);
        return -1;
    }
    return fd;
}

void rig_listen(struct rig *rig)
{
    rig->listener = make_listener(rig->socket);
    assert_true(rig->listener >= 0);
}

void rig_listen_no_more(struct rig *rig)
{
    close(rig->listener);
    rig->listener = -1;
}

void rig_make_dir(struct rig *rig)
{
    *rig = (struct rig){.listener = -1};
    snprintf(rig->dir, sizeof(rig->dir), "/tmp/snowmux-bridge-XXXXXX");
    assert_non_null(mkdtemp(rig->dir));
    snprintf(rig->socket, sizeof(rig->socket), "%s/socket", rig->dir);
    rig->from.in = rig->errors.in = rig->daemon.in = BUF_INIT(TEXT_MAX);
    rig->daemon.fd = -1;
}

void rig_start_bridge(
    struct rig *rig, const char *option, const char *value, const char *speed)
{
    int in[2];
    int out[2];
    int errors[2];
    /* As some clients have it: then the end of input is no hang-up. */
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, in), 0);
    assert_int_equal(pipe2(out, O_CLOEXEC), 0);
    assert_int_equal(pipe2(errors, O_CLOEXEC), 0);
    rig->pid = fork();
    assert_true(rig->pid >= 0);
    if (rig->pid == 0) {
        dup2(in[0], STDIN_FILENO);
        dup2(out[1], STDOUT_FILENO);
        dup2(errors[1], STDERR_FILENO);
        execl(own_path, own_path, "stdio", speed, option, value, (char *)NULL);
        _exit(127);
    }
    close(in[0]);
    close(out[1]);
    close(errors[1]);
    rig->to = in[1];
    rig->from.fd = out[0];
    rig->errors.fd = errors[0];
}

void write_all(int fd, struct str bytes)
{
    while (bytes.len > 0) {
        struct pollfd poll_fd = {.fd = fd, .events = POLLOUT};
        assert_int_equal(poll(&poll_fd, 1, WAIT_MS), 1);
        ssize_t len = write(fd, bytes.ptr, bytes.len);
        assert_true(len > 0);
        bytes = str_from(bytes, (size_t)len);
    }
}

void write_line(int fd, const char *line)
{
    struct buf out = BUF_INIT(TEXT_MAX);
    buf_puts(&out, line);
    buf_putc(&out, '\n');
    write_all(fd, buf_str(&out));
    buf_free(&out);
}

bool read_some(struct end *end)
{
    static char chunk[64 * 1024];
    struct pollfd poll_fd = {.fd = end->fd, .events = POLLIN};
    assert_int_equal(poll(&poll_fd, 1, WAIT_MS), 1);
    ssize_t len = read(end->fd, chunk, sizeof(chunk));
    if (len > 0) {
        buf_put(&end->in, chunk, (size_t)len);
    }
    return len > 0;
}

char *read_line(struct end *end)
{
    ptrdiff_t len;
    size_t seen = 0;
    while ((len = str_find(str_from(buf_str(&end->in), seen), '\n')) < 0) {
        seen = end->in.len;
        assert_true(read_some(end));
    }
    char *line = strndup(end->in.ptr, seen + (size_t)len);
    buf_consume(&end->in, seen + (size_t)len + 1);
    return line;
}

void expect(struct end *end, const char *line)
{
    char *actual = read_line(end);
    assert_string_equal(actual, line);
    free(actual);
}

void expect_in(struct end *end, const char *part)
{
    char *actual = read_line(end);
    if (!strstr(actual, part)) {
        print_error("%s\nhas no\n%s\n", actual, part);
        fail();
    }
    free(actual);
}

void expect_end(struct end *end)
{
    while (read_some(end)) {
    }
    assert_string_equal(end->in.len > 0 ? end->in.ptr : "", "");
}

void rig_accept(struct rig *rig, const char *hello, const char *answer)
{
    struct pollfd poll_fd = {.fd = rig->listener, .events = POLLIN};
    assert_int_equal(poll(&poll_fd, 1, WAIT_MS), 1);
    rig->daemon.fd = accept4(rig->listener, NULL, NULL, SOCK_CLOEXEC);
    assert_true(rig->daemon.fd >= 0);
    expect(&rig->daemon, hello);
    if (answer) {
        write_line(rig->daemon.fd, answer);
    }
}

void rig_break_off(struct rig *rig)
{
    close(rig->daemon.fd);
    rig->daemon.fd = -1;
    buf_free(&rig->daemon.in);
}

void rig_start(struct rig *rig)
{
    rig_make_dir(rig);
    rig_listen(rig);
    rig_start_bridge(rig, "--socket", rig->socket, "1");
    rig_accept(rig, HELLO_FIRST, NEW);
}

int rig_status(struct rig *rig)
{
    int status = -1;
    assert_int_equal(waitpid(rig->pid, &status, 0), rig->pid);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

void rig_free(struct rig *rig)
{
    char path[PATHS_SIZE];
    static const char *const names[] = {"socket", "lock", "snowmux.log"};
    close(rig->to);
    close(rig->from.fd);
    close(rig->errors.fd);
    close(rig->daemon.fd);
    close(rig->listener);
    buf_free(&rig->from.in);
    buf_free(&rig->errors.in);
    buf_free(&rig->daemon.in);
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        snprintf(path, sizeof(path), "%s/%s", rig->dir, names[i]);
        unlink(path);
    }
    assert_int_equal(rmdir(rig->dir), 0);
}

void rig_stop(struct rig *rig)
{
    assert_int_equal(shutdown(rig->to, SHUT_WR), 0);
    if (rig->daemon.fd >= 0) {
        expect(&rig->daemon, BYE);
        expect_end(&rig->daemon);
    }
    expect_end(&rig->from);
    expect_end(&rig->errors);
    assert_int_equal(rig_status(rig), 0);
    rig_free(rig);
}

char *large_call(int id, size_t size)
{
    struct buf out = BUF_INIT(TEXT_MAX);
    buf_printf(
        &out, "{\"jsonrpc\":\"2.0\",\"id\":%d,\"method\":\"tools/call\",\"x\":\"", id);
    for (size_t i = 0; i < size; i++) {
        buf_putc(&out, (char)('a' + i % 26));
    }
    buf_puts(&out, "\"}");
    buf_putc(&out, '\0');
    return buf_take(&out);
}

/* ---- the other two programs ---- */

static int run_bridge(char **argv)
{
    struct bridge_options options = {.program = own_path, .name_or_null = "desk"};
    clock_speed = strtoul(argv[0], NULL, 10);
    if (strcmp(argv[1], "--socket") == 0) {
        options.socket_or_null = argv[2];
    } else if (strcmp(argv[1], "--closed") == 0) {
        options.socket_or_null = argv[2];
        close(STDIN_FILENO);
    } else if (strcmp(argv[1], "--nameless") == 0) {
        options.socket_or_null = argv[2];
        options.name_or_null = NULL;
    } else if (strcmp(argv[1], "--program") == 0) {
        options.program = argv[2];
        options.state_or_null = "/tmp";
    } else {
        options.state_or_null = argv[2];
        options.config_or_null = "/nowhere/snowmux.toml";
    }
    return bridge_run(&options);
}

struct serve_client {
    int fd;
    struct line_reader reader;
};

static bool serve_line(void *ctx, struct str line)
{
    struct serve_client *client = ctx;
    char text[1024];
    struct buf out = BUF_INIT(1024);
    assert_true(str_copy(line, text, sizeof(text)));
    bool again = strstr(text, "again") != NULL;
    const char *id = strstr(text, "\"id\":");
    if (strstr(text, "\"hello\"")) {
        buf_puts(&out, NEW "\n");
    } else if (id && (again || !strstr(text, "hang"))) {
        buf_printf(&out,
            "{\"jsonrpc\":\"2.0\",\"id\":%ld,\"result\":{\"pid\":%d,\"again\":%s}}\n",
            strtol(id + strlen("\"id\":"), NULL, 10), (int)getpid(),
            again ? "true" : "false");
    }
    if (out.len > 0) {
        write_all(client->fd, buf_str(&out));
    }
    buf_free(&out);
    return true;
}

static bool serve_too_long(void *ctx)
{
    (void)ctx;
    return false;
}

static bool serve_client(struct serve_client *client)
{
    char chunk[4096];
    struct line_handler handler = {client, serve_line, serve_too_long};
    ssize_t len = read(client->fd, chunk, sizeof(chunk));
    return len > 0 &&
           lines_read(&client->reader, (struct str){chunk, (size_t)len}, &handler);
}

/* Ends with the last connection, or when none comes. */
static int run_daemon(int argc, char **argv)
{
    char path[PATHS_SIZE];
    struct pollfd fds[1 + CLIENTS_MAX];
    struct serve_client clients[CLIENTS_MAX];
    size_t count = 0;
    if (argc != 7 || strcmp(argv[2], "--background") != 0 ||
        strcmp(argv[3], "--state") != 0 || strcmp(argv[5], "--config") != 0 ||
        strcmp(argv[6], "/nowhere/snowmux.toml") != 0) {
        return 2;
    }
    snprintf(path, sizeof(path), "%s/lock", argv[4]);
    int lock = open(path, O_CREAT | O_RDWR | O_CLOEXEC, 0600);
    if (flock(lock, LOCK_EX | LOCK_NB) < 0) {
        printf("the lock is taken\n");
        return 0;
    }
    snprintf(path, sizeof(path), "%s/socket", argv[4]);
    fds[0] = (struct pollfd){.fd = make_listener(path), .events = POLLIN};
    printf("listening at %s\n", path);
    fflush(stdout);
    fprintf(stderr, "and standard error is here\n");
    do {
        if (poll(fds, 1 + count, WAIT_MS) <= 0) {
            return 1;
        }
        for (size_t i = count; i > 0; i--) {
            if (fds[i].revents && !serve_client(&clients[i - 1])) {
                close(fds[i].fd);
                lines_reset(&clients[i - 1].reader);
                count--;
                fds[i] = fds[count + 1];
                clients[i - 1] = clients[count];
            }
        }
        if (fds[0].revents && count < CLIENTS_MAX) {
            int fd = accept4(fds[0].fd, NULL, NULL, SOCK_CLOEXEC);
            clients[count] = (struct serve_client){fd, LINE_READER_INIT};
            fds[++count] = (struct pollfd){.fd = fd, .events = POLLIN};
        }
    } while (count > 0);
    return 0;
}

bool rig_is_other_program(int argc, char **argv, int *ret_status)
{
    ssize_t len = readlink("/proc/self/exe", own_path, sizeof(own_path) - 1);
    if (len < 0) {
        *ret_status = 2;
        return true;
    }
    if (argc > 4 && strcmp(argv[1], "stdio") == 0) {
        *ret_status = run_bridge(argv + 2);
        return true;
    }
    if (argc > 1 && strcmp(argv[1], "serve") == 0) {
        *ret_status = run_daemon(argc, argv);
        return true;
    }
    return false;
}
