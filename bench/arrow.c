// SPDX-License-Identifier: Apache-2.0
/*
 * arrow DIRECTORY: what results cost, by CPU time of one thread: pages of JSON, a spool
 * written and read, exports; beside them, in the same run, a copy of the same bytes and
 * nanoarrow's encoding alone. Ten columns of mixed types, the way an engine hands them
 * over: in batches of 2,048 rows. One line of JSON for each measure.
 */
#include <nanoarrow/nanoarrow_ipc.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/rng.h"
#include "wire/wire.h"
#include "worker/arrow_copy.h"
#include "worker/arrow_json.h"
#include "worker/export.h"
#include "worker/fetch.h"
#include "worker/spool.h"

enum {
    COLUMNS = 10,
    BATCH_ROWS = 2048,
    BATCHES = 128,
    PAGE_ROWS = 1000,
    REPEATS = 5,
    TEXTS = 4,
    PATH_SIZE = 4096,
};

static struct ArrowSchema schema;
static struct ArrowArray batches[BATCHES];
static int64_t data_bytes; /* of all batches, in plain form */
static char spool_path[PATH_SIZE];
static char out_path[PATH_SIZE];

static void must(bool ok, const char *what)
{
    if (!ok) {
        fprintf(stderr, "arrow: %s\n", what);
        exit(1);
    }
}

static double cpu_s(void)
{
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* ---- the rows ---- */

static void make_schema(void)
{
    static const enum ArrowType types[COLUMNS] = {NANOARROW_TYPE_INT64,
        NANOARROW_TYPE_INT32, NANOARROW_TYPE_DOUBLE, NANOARROW_TYPE_DECIMAL128,
        NANOARROW_TYPE_STRING, NANOARROW_TYPE_STRING, NANOARROW_TYPE_TIMESTAMP,
        NANOARROW_TYPE_DATE32, NANOARROW_TYPE_BOOL, NANOARROW_TYPE_STRING};
    static const char *const names[COLUMNS] = {"id", "quantity", "ratio", "price", "code",
        "comment", "moment", "day", "paid", "city"};
    ArrowSchemaInit(&schema);
    must(ArrowSchemaSetTypeStruct(&schema, COLUMNS) == 0, "no schema");
    for (int i = 0; i < COLUMNS; i++) {
        int rc = types[i] == NANOARROW_TYPE_DECIMAL128
                     ? ArrowSchemaSetTypeDecimal(schema.children[i], types[i], 18, 2)
                 : types[i] == NANOARROW_TYPE_TIMESTAMP
                     ? ArrowSchemaSetTypeDateTime(
                           schema.children[i], types[i], NANOARROW_TIME_UNIT_MICRO, NULL)
                     : ArrowSchemaSetType(schema.children[i], types[i]);
        must(rc == 0 && ArrowSchemaSetName(schema.children[i], names[i]) == 0, "no type");
    }
}

static void add_text(struct ArrowArray *array, const char *text)
{
    must(ArrowArrayAppendString(array, ArrowCharView(text)) == 0, "no text");
}

static void add_row(struct ArrowArray *const columns[], struct rng *rng)
{
    static const char *const cities[TEXTS] = {
        "Berlin", "San Francisco", "S\xc3\xa3o Paulo", "Nairobi"};
    static const char *const comments[TEXTS] = {
        "delivered to a neighbour on the third floor",
        "customer says \"call before delivery\"", "", "none"};
    char code[32];
    uint64_t r = rng_next(rng);
    struct ArrowDecimal price;
    ArrowDecimalInit(&price, 128, 18, 2);
    ArrowDecimalSetInt(&price, (int64_t)(r % 10000000));
    snprintf(code, sizeof(code), "SKU-%08x", (unsigned)r);
    int rc = ArrowArrayAppendInt(columns[0], (int64_t)(r >> 24));
    rc |= ArrowArrayAppendInt(columns[1], (int64_t)(r % 1000));
    rc |= ArrowArrayAppendDouble(columns[2], (double)(r % 1000003) / 7);
    rc |= ArrowArrayAppendDecimal(columns[3], &price);
    add_text(columns[4], code);
    rc |= r % 16 == 0 ? ArrowArrayAppendNull(columns[5], 1) : 0;
    if (r % 16 != 0) {
        add_text(columns[5], comments[r / 16 % TEXTS]);
    }
    rc |= ArrowArrayAppendInt(
        columns[6], (int64_t)(1700000000000000 + r % 100000000000000));
    rc |= ArrowArrayAppendInt(columns[7], (int64_t)(19000 + r % 2000));
    rc |= ArrowArrayAppendInt(columns[8], (int64_t)(r & 1));
    add_text(columns[9], cities[r / 64 % TEXTS]);
    must(rc == 0, "no value");
}

static void make_batches(void)
{
    struct rng rng = {1};
    for (int i = 0; i < BATCHES; i++) {
        must(ArrowArrayInitFromSchema(&batches[i], &schema, NULL) == 0 &&
                 ArrowArrayStartAppending(&batches[i]) == 0,
            "no batch");
        for (int row = 0; row < BATCH_ROWS; row++) {
            add_row(batches[i].children, &rng);
        }
        batches[i].length = BATCH_ROWS;
        must(ArrowArrayFinishBuildingDefault(&batches[i], NULL) == 0, "no batch");
        data_bytes += arrow_plain_bytes(&schema, &batches[i], 0, BATCH_ROWS);
    }
}

static void lent_release(struct ArrowArray *array)
{
    array->release = NULL;
}

static struct ArrowArray lend(const struct ArrowArray *batch)
{
    struct ArrowArray lent = *batch;
    lent.release = lent_release;
    return lent;
}

/* ---- what is measured; each returns the bytes it made or moved ---- */

static double copy_bytes(void)
{
    static char *to;
    static char *from;
    if (!to) {
        to = calloc(1, (size_t)data_bytes);
        from = malloc((size_t)data_bytes);
        must(to && from, "no memory");
        memset(from, 1, (size_t)data_bytes);
    }
    memcpy(to, from, (size_t)data_bytes);
    __asm__ volatile("" : : "r"(to) : "memory");
    return (double)data_bytes;
}

static double encode_only(void)
{
    struct ArrowIpcEncoder encoder;
    struct ArrowArrayView view;
    struct ArrowBuffer body;
    double bytes = 0;
    ArrowBufferInit(&body);
    must(ArrowIpcEncoderInit(&encoder) == 0, "no encoder");
    must(ArrowArrayViewInitFromSchema(&view, &schema, NULL) == 0, "no view");
    for (int i = 0; i < BATCHES; i++) {
        body.size_bytes = 0;
        must(
            ArrowArrayViewSetArray(&view, &batches[i], NULL) == 0 &&
                ArrowIpcEncoderEncodeSimpleRecordBatch(&encoder, &view, &body, NULL) == 0,
            "not encoded");
        bytes += (double)body.size_bytes;
    }
    ArrowArrayViewReset(&view);
    ArrowIpcEncoderReset(&encoder);
    ArrowBufferReset(&body);
    return bytes;
}

static double make_pages(void)
{
    double bytes = 0;
    for (int i = 0; i < BATCHES; i++) {
        for (int64_t start = 0; start < BATCH_ROWS; start += PAGE_ROWS) {
            struct arrow_page page;
            struct ArrowArray part = batches[i];
            part.offset = start;
            part.length = BATCH_ROWS - start < PAGE_ROWS ? BATCH_ROWS - start : PAGE_ROWS;
            arrow_page_init(&page, PAGE_ROWS, ARROW_PAGE_BYTES_MAX, 2000);
            must(arrow_page_add(&page, &schema, &part) && arrow_page_end(&page),
                "no page");
            must(page.row_count == part.length, "not a whole page");
            bytes += (double)page.rows.len;
            arrow_page_free(&page);
        }
    }
    return bytes;
}

static double write_spool(void)
{
    uint64_t bytes = 0;
    unlink(spool_path);
    struct spool *spool = spool_new(str_of(spool_path), UINT64_MAX, UINT64_MAX);
    must(spool != NULL, "no spool");
    for (int i = 0; i < BATCHES; i++) {
        struct ArrowArray lent = lend(&batches[i]);
        must(spool_add(spool, &schema, &lent, true), "not spooled");
    }
    must(spool_end(spool, &bytes), "no end");
    spool_keep(spool);
    spool_free(spool);
    return (double)bytes;
}

static struct str answer(struct buf *request, struct buf *out, enum wire_kind wanted,
    bool (*run)(const struct wire_frame *, struct buf *))
{
    struct wire_frame frame;
    must(wire_parse(buf_str(request), &frame) > 0, "no frame");
    buf_clear(out);
    must(run(&frame, out) && wire_parse(buf_str(out), &frame) > 0, "no answer");
    must(frame.kind == wanted, "a wrong answer");
    buf_free(request);
    return frame.payload;
}

/* Page after page, each of which opens the file. */
static double fetch_pages(void)
{
    struct buf out = BUF_INIT(WIRE_PAYLOAD_MAX + WIRE_HEADER_SIZE);
    double bytes = 0;
    for (uint64_t row = 0; row < (uint64_t)BATCHES * BATCH_ROWS; row += PAGE_ROWS) {
        struct buf request = BUF_INIT(2 * PATH_SIZE);
        struct wire_writer writer = wire_begin(&request, WIRE_FETCH, 1);
        wire_str(&writer, str_of(spool_path));
        wire_u64(&writer, row);
        wire_u32(&writer, PAGE_ROWS);
        wire_u32(&writer, ARROW_PAGE_BYTES_MAX);
        wire_u32(&writer, 2000);
        must(wire_end(&writer), "no frame");
        bytes += (double)answer(&request, &out, WIRE_PAGE, fetch_answer).len;
    }
    buf_free(&out);
    return bytes;
}

static bool never(void *ctx)
{
    (void)ctx;
    return false;
}

static bool run_export(const struct wire_frame *frame, struct buf *out)
{
    return export_answer(frame, never, NULL, out);
}

static double export_as(enum wire_format format)
{
    struct buf request = BUF_INIT(3 * PATH_SIZE);
    struct buf out = BUF_INIT(WIRE_PACKET_MAX);
    unlink(out_path);
    struct wire_writer writer = wire_begin(&request, WIRE_EXPORT, 1);
    wire_str(&writer, str_of(spool_path));
    wire_str(&writer, str_of(out_path));
    wire_u32(&writer, (uint32_t)format);
    must(wire_end(&writer), "no frame");
    struct str payload = answer(&request, &out, WIRE_EXPORTED, run_export);
    struct wire_reader fields = {.rest = payload};
    must(wire_get_u64(&fields) == (uint64_t)BATCHES * BATCH_ROWS, "rows are missing");
    double bytes = (double)wire_get_u64(&fields);
    buf_free(&out);
    return bytes;
}

static double export_csv(void)
{
    return export_as(WIRE_FORMAT_CSV);
}

static double export_json_lines(void)
{
    return export_as(WIRE_FORMAT_JSON_LINES);
}

static double export_arrow(void)
{
    return export_as(WIRE_FORMAT_ARROW);
}

static const struct {
    const char *name;
    double (*run)(void);
} measures[] = {
    {"memcpy", copy_bytes},
    {"encode", encode_only},
    {"page", make_pages},
    {"spool", write_spool},
    {"fetch", fetch_pages},
    {"csv", export_csv},
    {"json_lines", export_json_lines},
    {"arrow", export_arrow},
};

static int compare(const void *a, const void *b)
{
    const double *x = a;
    const double *y = b;
    return (*x > *y) - (*x < *y);
}

int main(int argc, char **argv)
{
    double rates[ARRAY_LEN(measures)][REPEATS];
    if (argc != 2) {
        fprintf(stderr, "usage: arrow DIRECTORY\n");
        return 2;
    }
    snprintf(spool_path, sizeof(spool_path), "%s/arrow.spool", argv[1]);
    snprintf(out_path, sizeof(out_path), "%s/arrow.out", argv[1]);
    make_schema();
    make_batches();
    for (int round = 0; round < REPEATS; round++) { /* in turn */
        for (size_t i = 0; i < ARRAY_LEN(measures); i++) {
            double begin_s = cpu_s();
            double bytes = measures[i].run();
            rates[i][round] = bytes / 1e6 / (cpu_s() - begin_s);
        }
    }
    for (size_t i = 0; i < ARRAY_LEN(measures); i++) {
        qsort(rates[i], REPEATS, sizeof(rates[i][0]), compare);
        printf(
            "{\"name\":\"%s\",\"mb_s\":%.1f}\n", measures[i].name, rates[i][REPEATS / 2]);
    }
    unlink(spool_path);
    unlink(out_path);
    for (int i = 0; i < BATCHES; i++) {
        ArrowArrayRelease(&batches[i]);
    }
    ArrowSchemaRelease(&schema);
    return 0;
}
