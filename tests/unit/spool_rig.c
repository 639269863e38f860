// SPDX-License-Identifier: Apache-2.0
#include "spool_rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

struct kept keep(const struct page *page)
{
    struct kept kept = {
        BUF_INIT(FRAME_MAX), BUF_INIT(FRAME_MAX), BUF_INIT(FRAME_MAX), page->row_count};
    buf_put_str(&kept.columns, page->columns);
    buf_put_str(&kept.rows, page->rows);
    buf_put_str(&kept.cuts, page->cuts);
    return kept;
}

void kept_free(struct kept *kept)
{
    buf_free(&kept->columns);
    buf_free(&kept->rows);
    buf_free(&kept->cuts);
}

void assert_same(const struct page *page, const struct kept *kept)
{
    buf_putc((struct buf *)(uintptr_t)&kept->columns, '\0');
    buf_putc((struct buf *)(uintptr_t)&kept->rows, '\0');
    buf_putc((struct buf *)(uintptr_t)&kept->cuts, '\0');
    assert_str(page->columns, kept->columns.ptr);
    assert_str(page->rows, kept->rows.ptr);
    assert_str(page->cuts, kept->cuts.ptr);
    assert_int_equal(page->row_count, kept->row_count);
}

void pair_start(struct pair *pair, void (*start)(struct rig *rig))
{
    *pair = (struct pair){.writer_fd = -1};
    start(&pair->writer);
    strcpy(pair->dir, "/tmp/snowmux-spool-XXXXXX");
    assert_non_null(mkdtemp(pair->dir));
    snprintf(pair->path, sizeof(pair->path), "%s/spool", pair->dir);
    pair->writer.spool_path = pair->path;
    pair->writer.spool_rows_max = ROWS_MAX;
    pair->writer.spool_bytes_max = BYTES_MAX;
    pair->writer_fd = attach(&pair->writer, 1);
    rig_start(&pair->reader);
    assert_int_equal(set_up(&pair->reader, "", "", NULL, NULL), WIRE_READY);
    pair->reader_fd = attach(&pair->reader, 1);
}

bool has_file(const struct pair *pair)
{
    return access(pair->path, F_OK) == 0;
}

void remove_file(const struct pair *pair)
{
    if (has_file(pair)) {
        assert_int_equal(unlink(pair->path), 0);
    }
}

void pair_stop(struct pair *pair)
{
    remove_file(pair);
    assert_int_equal(rmdir(pair->dir), 0); /* and nothing else was left there */
    close(pair->writer_fd);
    close(pair->reader_fd);
    assert_int_equal(rig_stop(&pair->writer), 0);
    assert_int_equal(rig_stop(&pair->reader), 0);
}

struct page run(struct pair *pair, const char *sql, struct limits limits)
{
    return query(&pair->writer, pair->writer_fd, sql, limits);
}

void fetch_send(
    struct pair *pair, const char *path, uint64_t offset, struct limits limits)
{
    struct buf out = BUF_INIT(FRAME_MAX);
    struct wire_writer writer = wire_begin(&out, WIRE_FETCH, ++pair->reader.calls);
    wire_str(&writer, str_of(path));
    wire_u64(&writer, offset);
    wire_u32(&writer, limits.rows);
    wire_u32(&writer, limits.bytes);
    wire_u32(&writer, limits.chars);
    assert_true(wire_end(&writer));
    assert_int_equal(send(pair->reader_fd, out.ptr, out.len, MSG_NOSIGNAL), out.len);
    buf_free(&out);
}

struct page fetch(struct pair *pair, uint64_t offset, struct limits limits)
{
    fetch_send(pair, pair->path, offset, limits);
    struct page page = page_read(&pair->reader, pair->reader_fd);
    assert_int_equal(page.spooled_rows, 0); /* no new file */
    return page;
}

void cell_send(
    struct pair *pair, uint64_t row, uint32_t column, uint64_t offset, uint32_t bytes_max)
{
    struct buf out = BUF_INIT(FRAME_MAX);
    struct wire_writer writer = wire_begin(&out, WIRE_CELL, ++pair->reader.calls);
    wire_str(&writer, str_of(pair->path));
    wire_u64(&writer, row);
    wire_u32(&writer, column);
    wire_u64(&writer, offset);
    wire_u32(&writer, bytes_max);
    assert_true(wire_end(&writer));
    assert_int_equal(send(pair->reader_fd, out.ptr, out.len, MSG_NOSIGNAL), out.len);
    buf_free(&out);
}

struct str cell(struct pair *pair, uint64_t row, uint32_t column, uint64_t offset,
    uint32_t bytes_max, uint64_t *ret_total)
{
    cell_send(pair, row, column, offset, bytes_max);
    assert_int_equal(connection_read(&pair->reader, pair->reader_fd), WIRE_TEXT);
    struct wire_reader fields = wire_reader_of(&pair->reader.frame);
    struct str text = wire_get_str(&fields);
    *ret_total = wire_get_u64(&fields);
    assert_true(wire_reader_done(&fields));
    return text;
}

static void assert_error(struct pair *pair, enum wire_error_code code, const char *words)
{
    struct answer_error error = error_read(&pair->reader, pair->reader_fd);
    assert_int_equal(error.code, code);
    assert_int_equal(error.usable, 1);
    if (!memmem(error.message.ptr, error.message.len, words, strlen(words))) {
        print_error("no '%s' in: " STR_FMT "\n", words, STR_ARG(error.message));
        fail();
    }
}

void assert_refused(struct pair *pair, const char *words)
{
    assert_error(pair, WIRE_E_SQL, words);
}

void assert_wrong(struct pair *pair, const char *words)
{
    assert_error(pair, WIRE_E_ARGUMENT, words);
}
