// SPDX-License-Identifier: Apache-2.0
#pragma once
/* A worker that writes spools, a worker that reads them, and a directory between. */
#include "worker_rig.h"

enum {
    ROWS_MAX = 1000000,
    BYTES_MAX = 256 * 1024 * 1024,
    PATH_SIZE = 64,
};

/* A worker with a driver, one that reads, and a place for spools. */
struct pair {
    struct rig writer;
    struct rig reader;
    int writer_fd;
    int reader_fd;
    char dir[PATH_SIZE];
    char path[PATH_SIZE + 8];
};

/* What is kept of a page while the next one is read. */
struct kept {
    struct buf columns;
    struct buf rows;
    struct buf cuts;
    uint32_t row_count;
};

struct kept keep(const struct page *page);
void kept_free(struct kept *kept);
void assert_same(const struct page *page, const struct kept *kept);

/* @start sets up the writer. */
void pair_start(struct pair *pair, void (*start)(struct rig *rig));

/* Whether, and away with, the spool of pair->path. */
bool has_file(const struct pair *pair);
void remove_file(const struct pair *pair);

/* Fails when anything but the spool was left in the directory. */
void pair_stop(struct pair *pair);
struct page run(struct pair *pair, const char *sql, struct limits limits);
void fetch_send(
    struct pair *pair, const char *path, uint64_t offset, struct limits limits);

/* Of the reader; views of its last frame. */
struct page fetch(struct pair *pair, uint64_t offset, struct limits limits);
void cell_send(struct pair *pair, uint64_t row, uint32_t column, uint64_t offset,
    uint32_t bytes_max);
struct str cell(struct pair *pair, uint64_t row, uint32_t column, uint64_t offset,
    uint32_t bytes_max, uint64_t *ret_total);

/* Reads an ERROR that has @words in its message. */
void assert_refused(struct pair *pair, const char *words);
void assert_wrong(struct pair *pair, const char *words); /* an argument */
