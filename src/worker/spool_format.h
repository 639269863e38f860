// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * A spool file: an Arrow IPC stream (schema, record batches here called pieces, end
 * mark), then one entry a piece, then the trailer. Readers of plain Arrow streams stop at
 * the end mark. Numbers are in the machine's own byte order: a spool never leaves it.
 */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "wire/wire.h"

#define SPOOL_MAGIC "snowspl1" /* 8 bytes, no NUL in the file */

enum {
    SPOOL_PIECE_MAX = 1024 * 1024, /* bytes of a piece of more than one row */
    SPOOL_ROW_MAX = WIRE_ROW_MAX, /* bytes of a row; held once when written or read */
    SPOOL_SCHEMA_MAX = 16 * 1024 * 1024,
    SPOOL_INDEX_MAX = 16 * 1024 * 1024,
    SPOOL_END_MARK_SIZE = 8,
};

/* Pieces lie back to back: one ends where the next one or the end mark starts. */
struct spool_entry {
    uint64_t offset;
    uint64_t first_row;
    uint64_t sum;
};

struct spool_trailer {
    char magic[8];
    uint64_t rows;
    uint64_t pieces;
    uint64_t index_offset;
    uint64_t index_sum;
    uint64_t schema_size; /* the schema starts the file */
    uint64_t schema_sum;
    uint64_t sum; /* of the trailer up to here */
};

_Static_assert(sizeof(struct spool_entry) == 24, "no padding in files");
_Static_assert(sizeof(struct spool_trailer) == 64, "no padding in files");

/*
 * Continues a checksum (begin with 0) by @len bytes; all parts but the last must be of
 * a multiple of 8 bytes. Every change within one word changes the sum.
 */
static inline uint64_t spool_sum(uint64_t sum, const void *bytes, size_t len)
{
    const char *at = bytes;
    for (size_t left = len; left > 0;) {
        uint64_t word = 0;
        size_t size = left < sizeof(word) ? left : sizeof(word);
        memcpy(&word, at, size);
        sum = (sum ^ word ^ size) * UINT64_C(0x9e3779b97f4a7c15);
        sum ^= sum >> 29;
        at += size;
        left -= size;
    }
    return sum;
}
