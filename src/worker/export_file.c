// SPDX-License-Identifier: Apache-2.0
#include "worker/export_file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum {
    FLOW_SIZE = 256 * 1024,
    OUT_MAX = 2 * 1024 * 1024,
    PATH_SIZE_MAX = 4096,
};

PRINTF_LIKE(2, 3)
static void fail(struct export_file *file, const char *format, ...)
{
    if (file->error[0] == '\0') {
        va_list args;
        va_start(args, format);
        vsnprintf(file->error, sizeof(file->error), format, args);
        va_end(args);
    }
}

static void fail_write(struct export_file *file, int error)
{
    if (error == ENOSPC || error == EDQUOT || error == EFBIG) {
        fail(file,
            "the disk is full: after %" PRIu64
            " bytes there was no room for the rest of " STR_FMT "; the part was removed",
            file->bytes, STR_ARG(file->path));
    } else {
        fail(file, "cannot write " STR_FMT ": %s", STR_ARG(file->path), strerror(error));
    }
}

bool export_file_open(struct export_file *file, struct str path)
{
    *file = (struct export_file){.fd = -1, .path = path, .out = BUF_INIT(OUT_MAX)};
    if (path.len == 0 || path.len >= PATH_SIZE_MAX || memchr(path.ptr, 0, path.len) ||
        path.ptr[0] != '/') {
        fail(file, "the file to write is not named by an absolute path");
        return false;
    }
    struct buf name = BUF_INIT(PATH_SIZE_MAX + 16);
    buf_put_str(&name, path);
    buf_putc(&name, '\0');
    bool is_there =
        buf_ok(&name) && faccessat(AT_FDCWD, name.ptr, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
    name.len -= name.len > 0;
    buf_put(&name, ".XXXXXX", 8); /* with its NUL */
    if (is_there || !buf_ok(&name)) {
        fail(file,
            is_there ? "there is already a file " STR_FMT "; name another"
                     : "no memory to write " STR_FMT,
            STR_ARG(path));
        buf_free(&name);
        return false;
    }
    file->temp = buf_take(&name);
    file->fd = mkostemp(file->temp, O_CLOEXEC); /* O_EXCL, 0600 */
    if (file->fd < 0) {
        int error = errno;
        free(file->temp);
        file->temp = NULL;
        fail(file, "cannot create " STR_FMT ": %s", STR_ARG(path), strerror(error));
    }
    return file->fd >= 0;
}

bool export_file_ok(const struct export_file *file)
{
    return file->error[0] == '\0';
}

static void write_all(struct export_file *file, struct str bytes)
{
    while (bytes.len > 0 && export_file_ok(file)) {
        ssize_t done = write(file->fd, bytes.ptr, bytes.len);
        if (done < 0 && errno == EINTR) {
            continue;
        }
        if (done <= 0) {
            fail_write(file, done < 0 ? errno : ENOSPC);
            return;
        }
        file->bytes += (uint64_t)done;
        bytes = str_from(bytes, (size_t)done);
    }
}

static void flush(struct export_file *file)
{
    if (!buf_ok(&file->out)) {
        fail(file, "no memory to write " STR_FMT, STR_ARG(file->path));
    }
    write_all(file, buf_str(&file->out));
    buf_clear(&file->out);
}

void export_file_flow(struct export_file *file)
{
    if (file->out.len >= FLOW_SIZE || !buf_ok(&file->out)) {
        flush(file);
    }
}

void export_file_put(struct export_file *file, struct str bytes)
{
    flush(file);
    write_all(file, bytes);
}

/* Never over a file that came in the meantime. */
static int give_name(const struct export_file *file, const char *name)
{
    if (renameat2(AT_FDCWD, file->temp, AT_FDCWD, name, RENAME_NOREPLACE) == 0) {
        return 0;
    }
    if (errno != EINVAL) {
        return errno;
    }
    /* A file system without that flag. */
    if (link(file->temp, name) != 0) {
        return errno;
    }
    return unlink(file->temp) == 0 ? 0 : errno;
}

bool export_file_finish(struct export_file *file)
{
    flush(file);
    if (!export_file_ok(file)) {
        return false;
    }
    int fd = file->fd;
    file->fd = -1;
    int error = fdatasync(fd) == 0 ? 0 : errno;
    if (close(fd) != 0 && error == 0) {
        error = errno;
    }
    if (error != 0) {
        fail_write(file, error);
        return false;
    }
    char *name = strndup(file->path.ptr, file->path.len);
    error = name ? give_name(file, name) : ENOMEM;
    free(name);
    if (error != 0) {
        fail(file, "cannot give " STR_FMT " its name: %s", STR_ARG(file->path),
            strerror(error));
        return false;
    }
    free(file->temp);
    file->temp = NULL;
    return true;
}

void export_file_free(struct export_file *file)
{
    if (file->fd >= 0) {
        close(file->fd);
    }
    if (file->temp) {
        unlink(file->temp);
    }
    free(file->temp);
    buf_free(&file->out);
    *file = (struct export_file){.fd = -1};
}
