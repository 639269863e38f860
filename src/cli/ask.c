// SPDX-License-Identifier: Apache-2.0
#include "cli/ask.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

int ask_try(const char *path)
{
    struct sockaddr_un addr = {.sun_family = AF_UNIX};
    if (!str_copy(str_of(path), addr.sun_path, sizeof(addr.sun_path))) {
        errno = ENAMETOOLONG;
        return -1;
    }
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 && connect(fd, (struct sockaddr *)&addr, sizeof(addr)) < 0) {
        int error = errno;
        close(fd);
        errno = error;
        return -1;
    }
    return fd;
}

int ask_dial(const char *path)
{
    int fd = ask_try(path);
    if (fd < 0) {
        fprintf(stderr, "snowmux: no daemon answers at %s (%s); start one with snowmux serve\n", path,
            strerror(errno));
    }
    return fd;
}

static bool exchange(int fd, struct str line, struct buf *answer)
{
    char chunk[16 * 1024];
    if (send(fd, line.ptr, line.len, MSG_NOSIGNAL) != (ssize_t)line.len) {
        return false;
    }
    while (answer->len == 0 || answer->ptr[answer->len - 1] != '\n') {
        ssize_t got = recv(fd, chunk, sizeof(chunk), 0);
        if (got == 0 || (got < 0 && errno != EINTR)) {
            return false;
        }
        buf_put(answer, chunk, got > 0 ? (size_t)got : 0);
        if (!buf_ok(answer)) {
            return false;
        }
    }
    return true;
}

bool ask(int fd, struct str line, struct buf *answer)
{
    buf_clear(answer);
    if (!exchange(fd, line, answer)) {
        fprintf(stderr, "snowmux: the daemon gave no answer\n");
        return false;
    }
    return true;
}
