// SPDX-License-Identifier: Apache-2.0
#include "worker/sign_in.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "wire/wire.h"

#define MARK "snowmux-sign-in "

bool sign_in_is_asked(char *const *argv)
{
    const char *slash = argv[0] ? strrchr(argv[0], '/') : NULL;
    return argv[0] && strcmp(slash ? slash + 1 : argv[0], WIRE_OPENER) == 0;
}

int sign_in_tell(char *const *argv)
{
    bool ok = argv[1] && printf(MARK "%s\n", argv[1]) > 0 && fflush(stdout) == 0;
    return ok ? 0 : 1;
}

bool sign_in_prepare(int *ret_fd, struct failure *ret)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) < 0 || dup2(ends[1], STDOUT_FILENO) < 0) {
        failure_set(ret, "there is no pipe for the program that shows where to sign in");
        return false;
    }
    close(ends[1]);
    *ret_fd = ends[0];
    return true;
}

static void print_other(struct str line)
{
    fprintf(stderr, STR_FMT "\n", STR_ARG(line));
}

/* One line off the front; false: there is none yet. */
static bool take_line(struct buf *lines, char ret[SIGN_IN_URL_MAX])
{
    struct str all = buf_str(lines);
    ptrdiff_t end = str_find(all, '\n');
    if (end < 0) {
        return false;
    }
    struct str line = {all.ptr, (size_t)end};
    ret[0] = '\0';
    if (!str_starts(line, STR(MARK))) {
        print_other(line);
    } else if (!str_copy(str_from(line, strlen(MARK)), ret, SIGN_IN_URL_MAX)) {
        print_other(STR("an address to sign in at is too long"));
        ret[0] = '\0';
    }
    buf_consume(lines, (size_t)end + 1);
    return true;
}

bool sign_in_read(int fd, struct buf *lines, char ret_url[SIGN_IN_URL_MAX])
{
    char chunk[4096];
    ssize_t len;
    while ((len = read(fd, chunk, sizeof(chunk))) > 0) {
        buf_put(lines, chunk, (size_t)len);
    }
    if (!buf_ok(lines)) {
        buf_clear(lines); /* a driver that prints without end prints for nobody */
    }
    while (take_line(lines, ret_url)) {
        if (ret_url[0] != '\0') {
            return true;
        }
    }
    return false;
}
