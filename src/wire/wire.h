// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * Frames between the daemon and its workers, the same on both sockets:
 *
 *   u32 payload length | u16 kind | u16 zero | u64 call | payload
 *
 * All numbers little-endian; a str is a u32 length and its bytes. The control socket
 * (SOCK_SEQPACKET) carries one frame a packet, at most WIRE_PACKET_MAX; a connection
 * socket (SOCK_STREAM) carries frames back to back. What a peer sends is checked here,
 * never asserted. Payloads by kind:
 *
 *   control socket, daemon to worker
 *     SETUP   str driver, str entrypoint, u32 n, n * (str key, str value, u32 source (enum
 *             wire_source)) database options, u32 m, m * str init statements, then what the
 *             worker may reach: u32 n, n * str paths to read, u32 m, m * str paths to write,
 *             u32 flags (enum wire_confine)
 *     ATTACH  u32 conn, with one descriptor (SCM_RIGHTS)
 *     CANCEL  u32 conn; the header's call names the call
 *     PING
 *   control socket, worker to daemon
 *     READY   str how it is confined (empty: it is not); nothing has logged in yet
 *     FAILED  str message
 *     PONG    the PING's call in the header
 *     SIGN_IN u32 conn, str address of a page: somebody has to sign in there before OPENED
 *   connection socket, daemon to worker
 *     EXEC    u32 m, m * (str key, str value) options of the statement and of those before it,
 *             or where the key is empty a text that stands behind each; u32 n, n * (str key, str
 *             value) to set first: options of the connection, or where the key is empty a
 *             statement to run; str sql,
 *             u32 rows_max, u32 page_bytes, u32 cell_chars, str spool_path (empty: none),
 *             u64 spool_rows_max, u64 spool_bytes_max
 *     FETCH   str spool_path, u64 offset, u32 rows_max, u32 page_bytes, u32 cell_chars:
 *             rows of a spooled result, answered by PAGE (its total_rows: of the spool)
 *     CELL    str spool_path, u64 row, u32 column, u64 offset, u32 bytes_max: one cell's
 *             text, answered by TEXT
 *     EXPORT  str spool_path, str out_path, u32 format (enum wire_format): all rows into a
 *             new file, which is there when it is whole, answered by EXPORTED
 *   connection socket, worker to daemon
 *     OPENED  str driver name, str version (empty: not known); or FAILED with the fields of
 *             ERROR: first of all, once. A login may take long
 *     STARTED when the statement goes to the driver, then at most once a second
 *     ROWS    u64 read so far; at the end one of
 *     PAGE    str columns_json, str rows_json, u32 row_count, i64 total_rows (-1: unknown),
 *             u32 truncated, str cut_cells_json, u64 elapsed_ns, u64 spooled_rows (0: no file
 *             was left), u64 spool_bytes, u32 spool_cap (enum wire_cap), u32 errno of
 *             WIRE_CAP_DISK (else 0)
 *     TEXT    str text (whole characters), u64 bytes_total
 *     EXPORTED u64 rows, u64 bytes of the file
 *     ERROR   u32 code (enum wire_error_code), str message, str sqlstate, i64 vendor_code
 *             (0: none), u32 connection_usable (also without STARTED, when the call never
 *             reached the driver)
 *
 * A worker whose SETUP names no driver (an empty str) reads spools: it is READY at once,
 * its connections answer FETCH, CELL and EXPORT, and nothing else; those of a driver
 * answer EXEC only.
 */
#include "base/buf.h"

enum {
    WIRE_HEADER_SIZE = 16,
    WIRE_PACKET_MAX = 64 * 1024,
    WIRE_PAYLOAD_MAX = 2 * 1024 * 1024,
    WIRE_PATHS_MAX = 256, /* to read, and to write */
    WIRE_ROW_MAX = 48 * 1024 * 1024, /* bytes of a spooled row; a worker holds it once, within 64 MB */
};

/*
 * So begins the message of a FAILED, or of an ERROR with WIRE_E_LOST, where the warehouse
 * refused who logs in: to wait does not help.
 */
#define WIRE_LOGIN_REFUSED "the login was refused: "

enum wire_kind {
    WIRE_SETUP = 1,
    WIRE_ATTACH = 2,
    WIRE_CANCEL = 3,
    WIRE_PING = 4,
    WIRE_READY = 5,
    WIRE_FAILED = 6,
    WIRE_PONG = 7,
    WIRE_OPENED = 8,
    WIRE_EXEC = 9,
    WIRE_STARTED = 10,
    WIRE_PAGE = 11,
    WIRE_ERROR = 12,
    WIRE_FETCH = 13,
    WIRE_CELL = 14,
    WIRE_TEXT = 15,
    WIRE_ROWS = 16,
    WIRE_EXPORT = 17,
    WIRE_EXPORTED = 18,
    WIRE_SIGN_IN = 19,
};

enum wire_format {
    WIRE_FORMAT_CSV = 1,
    WIRE_FORMAT_JSON_LINES = 2,
    WIRE_FORMAT_ARROW = 3, /* an IPC stream */
};

/* Why a spool has not all rows. */
enum wire_cap {
    WIRE_CAP_NONE = 0,  /* it has, or none was wanted, or the page holds all */
    WIRE_CAP_ROWS = 1,  /* spool_rows_max */
    WIRE_CAP_BYTES = 2, /* spool_bytes_max */
    WIRE_CAP_ROW = 3,   /* the next row alone takes more than WIRE_ROW_MAX */
    WIRE_CAP_DISK = 4,  /* the file could not be written */
    WIRE_CAP_OTHER = 5, /* a type that no spool holds, or no memory */
};

/* Bits. Without WIRE_CONFINED the others and the paths mean nothing. */
enum wire_confine {
    WIRE_CONFINED = 1,
    WIRE_HAS_NETWORK = 2,
    WIRE_SIGNS_IN = 4, /* may run one program: itself, which tells where to sign in */
    WIRE_HAS_UNIX = 8, /* sockets of other programs here, by their path */
    WIRE_HAS_UNIX_BY_URI = 16, /* the same if the option uri, kept elsewhere, names one */
};

enum wire_error_code {
    WIRE_E_SQL = 1,       /* the engine refused the statement */
    WIRE_E_CANCELLED = 2, /* ended by WIRE_CANCEL */
    WIRE_E_CONTEXT = 3,   /* a connection option failed; the statement was not sent */
    WIRE_E_LOST = 4,      /* the connection to the warehouse is gone */
    WIRE_E_INTERNAL = 5,  /* ours or the driver's fault */
    WIRE_E_ARGUMENT = 6,  /* FETCH, CELL, EXPORT: no such row, column, offset, format */
};

/*
 * Variables of a confined worker's environment begin so that hold the daemon's own HOME, PATH and
 * TMPDIR; empty: it has none.
 */
#define WIRE_DAEMONS "SNOWMUX_DAEMONS_"

/* What drivers look for first in PATH to open a browser; a worker that is run so tells it. */
#define WIRE_OPENER "xdg-open"

/* Where the worker finds an option's value, before it loads the driver. */
enum wire_source {
    WIRE_VALUE = 0,   /* here */
    WIRE_FILE = 1,    /* in the file of this path */
    WIRE_COMMAND = 2, /* on the standard output of this program: its arguments, by NULs */
    WIRE_SECRET = 3,  /* here, but as secret as the two before */
};

struct wire_frame {
    enum wire_kind kind;
    uint64_t call;
    struct str payload; /* borrowed from the parsed bytes */
};

/*
 * Takes one frame off the front of @bytes. Returns the bytes consumed (header and
 * payload), 0 when more are needed, -1 when they are no frame (unknown kind, reserved
 * bits, payload over the maximum): the stream has then to be closed.
 */
int wire_parse(struct str bytes, struct wire_frame *ret) MUST_USE;

struct wire_writer {
    struct buf *buf;
    size_t start;
};

/* Appends a frame to @buf, which nobody else writes until wire_end(). */
struct wire_writer wire_begin(struct buf *buf, enum wire_kind kind, uint64_t call);
void wire_u32(struct wire_writer *writer, uint32_t value);
void wire_u64(struct wire_writer *writer, uint64_t value);
void wire_i64(struct wire_writer *writer, int64_t value);
void wire_str(struct wire_writer *writer, struct str s);

/*
 * Fixes the length. False when the buffer failed or the payload is over the maximum: the
 * frame is then taken off the buffer again (whose failed mark stays).
 */
bool wire_end(struct wire_writer *writer) MUST_USE;

/* Reads fields in order. After the first short field all answers are 0 or empty. */
struct wire_reader {
    struct str rest;
    bool bad;
};

static inline struct wire_reader wire_reader_of(const struct wire_frame *frame)
{
    return (struct wire_reader){.rest = frame->payload};
}

uint32_t wire_get_u32(struct wire_reader *reader);
uint64_t wire_get_u64(struct wire_reader *reader);
int64_t wire_get_i64(struct wire_reader *reader);
struct str wire_get_str(struct wire_reader *reader); /* borrowed from the frame */

/*
 * A u32 count of elements of at least @element_size bytes each; bad when the rest cannot
 * hold so many, so that a count may be used to size memory.
 */
uint32_t wire_get_count(struct wire_reader *reader, size_t element_size);

/* True when every field was there and nothing is left over. */
bool wire_reader_done(const struct wire_reader *reader);
