// SPDX-License-Identifier: Apache-2.0
/* Spool files that were damaged, by chance or with right checksums. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/rng.h"
#include "spool_table.h"
#include "worker/spool_format.h"

struct file {
    unsigned char *bytes;
    size_t len;
};

static struct file file_read(void)
{
    struct stat status;
    int fd = open(spool_path, O_RDONLY);
    assert_true(fd >= 0);
    assert_int_equal(fstat(fd, &status), 0);
    struct file file = {malloc((size_t)status.st_size), (size_t)status.st_size};
    assert_int_equal(read(fd, file.bytes, file.len), file.len);
    close(fd);
    return file;
}

/* Without O_TRUNC, after which some file systems write to the disk at every close. */
static void file_write(const struct file *file, size_t len)
{
    int fd = open(spool_path, O_WRONLY);
    assert_int_equal(write(fd, file->bytes, len), len);
    assert_int_equal(ftruncate(fd, (off_t)len), 0);
    close(fd);
}

/* A spool of many types, its bytes, and the page it should give. */
static struct file damaged_make(struct buf *columns, struct arrow_page *page)
{
    struct table table;
    many_make(&table);
    arrow_put_columns(columns, &table.schema);
    live_page(&table, 0, TABLE_ROWS, page);
    spool_write(&table, 2);
    ArrowArrayRelease(&table.batch);
    ArrowSchemaRelease(&table.schema);
    return file_read();
}

static void every_flipped_byte_is_noticed(void **state)
{
    (void)state;
    struct arrow_page page;
    struct buf columns = BUF_INIT(PAGE_BYTES);
    struct buf out = BUF_INIT(FRAME_MAX);
    struct file file = damaged_make(&columns, &page);
    size_t errors = 0;
    for (size_t i = 0; i < file.len; i++) {
        unsigned char flip = (unsigned char)(1 << i % 8);
        file.bytes[i] ^= flip;
        file_write(&file, file.len);
        struct wire_frame frame = spool_fetch(0, TABLE_ROWS, &out);
        errors += frame.kind == WIRE_ERROR;
        if (frame.kind != WIRE_ERROR) {
            assert_page(&frame, buf_str(&columns), buf_str(&page.rows));
        }
        file.bytes[i] ^= flip;
    }
    assert_true(errors + SPOOL_END_MARK_SIZE >= file.len); /* nobody reads the mark */
    for (size_t len = 0; len < file.len; len++) {
        file_write(&file, len);
        assert_int_equal(spool_fetch(0, TABLE_ROWS, &out).kind, WIRE_ERROR);
        assert_int_equal(spool_cell(0, 0, &out).kind, WIRE_ERROR);
    }
    arrow_page_free(&page);
    buf_free(&columns);
    buf_free(&out);
    free(file.bytes);
}

/* Makes all checksums right again, as far as the file still has its shape. */
static void mend_sums(struct file *file)
{
    struct spool_trailer trailer;
    struct spool_entry entry;
    unsigned char *end = file->bytes + file->len - sizeof(trailer);
    memcpy(&trailer, end, sizeof(trailer));
    uint64_t left = file->len - sizeof(trailer);
    if (trailer.schema_size <= left && trailer.index_offset <= left) {
        unsigned char *index = file->bytes + trailer.index_offset;
        uint64_t count = (left - trailer.index_offset) / sizeof(entry);
        for (uint64_t i = 0; i < count; i++) {
            memcpy(&entry, index + i * sizeof(entry), sizeof(entry));
            uint64_t stop = trailer.index_offset - SPOOL_END_MARK_SIZE;
            if (i + 1 < count) {
                memcpy(&stop, index + (i + 1) * sizeof(entry), sizeof(stop));
            }
            if (entry.offset < stop && stop <= left) {
                entry.sum = spool_sum(
                    0, file->bytes + entry.offset, (size_t)(stop - entry.offset));
                memcpy(index + i * sizeof(entry), &entry, sizeof(entry));
            }
        }
        trailer.schema_sum = spool_sum(0, file->bytes, trailer.schema_size);
        trailer.index_sum = spool_sum(0, index, left - trailer.index_offset);
    }
    trailer.sum = spool_sum(0, &trailer, offsetof(struct spool_trailer, sum));
    memcpy(end, &trailer, sizeof(trailer));
}

/* Damage with right checksums, as nobody but an attacker makes it, does not crash. */
static void false_files_with_right_sums_do_no_harm(void **state)
{
    (void)state;
    static const unsigned char values[] = {0, 1, 0x7f, 0x80, 0xff};
    struct arrow_page page;
    struct buf columns = BUF_INIT(PAGE_BYTES);
    struct buf out = BUF_INIT(FRAME_MAX);
    struct file file = damaged_make(&columns, &page);
    struct file bad = {malloc(file.len), file.len};
    struct rng rng = {.state = 11};
    const char *rounds = getenv("SNOWMUX_SPOOL_ROUNDS");
    size_t pages = 0;
    for (long i = 0; i < (rounds ? atol(rounds) : 3000); i++) {
        memcpy(bad.bytes, file.bytes, file.len);
        for (uint64_t n = 1 + rng_below(&rng, 3); n > 0; n--) {
            size_t at = (size_t)rng_below(&rng, bad.len);
            bad.bytes[at] = rng_below(&rng, 2) > 0
                                ? values[rng_below(&rng, ARRAY_LEN(values))]
                                : (unsigned char)rng_next(&rng);
        }
        mend_sums(&bad);
        file_write(&bad, bad.len);
        pages +=
            spool_fetch(rng_below(&rng, 2 * TABLE_ROWS), 2 * TABLE_ROWS, &out).kind ==
            WIRE_PAGE;
        (void)spool_cell(
            rng_below(&rng, 2 * TABLE_ROWS), (uint32_t)rng_below(&rng, 5), &out);
    }
    assert_true(pages > 0); /* it gets past the checksums */
    arrow_page_free(&page);
    buf_free(&columns);
    buf_free(&out);
    free(file.bytes);
    free(bad.bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_flipped_byte_is_noticed),
        cmocka_unit_test(false_files_with_right_sums_do_no_harm),
    };
    return cmocka_run_group_tests(tests, spool_set_up, spool_tear_down);
}
