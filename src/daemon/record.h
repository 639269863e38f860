// SPDX-License-Identifier: Apache-2.0
#pragma once
/* What calls leave: records of queries, kept results, and who reads them. */
#include "daemon/call.h"
#include "results/results.h"

enum {
    SQL_HEAD_SIZE = 240,
    ANSWERS_BYTES_MAX = 8 * 1024 * 1024, /* of all kept answers of ended queries */
    QUERIES_LISTED = 20,
};

/* queries.c */
struct query {
    struct daemon *daemon;
    struct handle handle;
    uint32_t principal; /* symbols, held */
    uint32_t profile;   /* 0: none */
    char session[HANDLE_SIZE];
    char tool[32];
    char sql[SQL_HEAD_SIZE];
    struct call *call; /* NULL: it has ended */
    const char *status;
    uint64_t arrived_ns;
    uint64_t ended_ns;
    uint64_t started_wall_ns;
    uint64_t ended_wall_ns;
    struct buf answer;
    bool answer_is_error;
    enum tool_code answer_code;
    char result[HANDLE_SIZE];
    struct list ended;
    struct list waiters; /* calls */
    struct list dirty;   /* in daemon->records.dirty */
    uint32_t writes;     /* of its row, under way */
    uint64_t record;     /* the number of the last one */
    bool has_row;        /* one was asked for */
    bool is_durable;     /* and written */
    bool has_final;      /* its row tells, or will tell, how it ended */
    bool is_promised;    /* its handle was given out before its end */
    bool is_forgotten;   /* only writes hold it */
};

struct query *query_new(struct call *call); /* NULL: no memory */
void query_end(struct query *query, struct call *call); /* takes its answer */
const char *query_status_of(const struct call *call); /* of one that has its answer */
void query_load(struct daemon *d, const struct store_query *row);
void query_free(struct query *query);
void queries_make_room(struct daemon *d);
void queries_revoke(struct daemon *d, struct str session); /* answers of its queries go */
void queries_revoke_login(struct daemon *d, uint32_t principal, uint32_t profile);
struct query *query_find(struct daemon *d, uint32_t principal, struct str handle);
void query_view(struct daemon *d, const struct query *query, struct tool_query *ret);
void queries_free(struct daemon *d);

/* records.c */
void records_mark(struct query *query); /* its row is to be written within a second */
void records_write(struct query *query); /* its row, now; or so, where the queue is full */
void records_tick(struct daemon *d);
void records_flush(struct daemon *d); /* all, for the last time */
void records_end(struct call *call);  /* it has its answer, which may have to wait for rows */
/* @call's answer names @query, which has not ended: it waits for its row. */
void records_promise(struct query *query, struct call *call);
void records_forget(struct query *query); /* its row goes; frees it when no write holds it */
void records_warn(struct buf *answer);    /* it says that what it names may not survive */
MUST_USE bool records_open(struct daemon *d, char *err, size_t err_size);
MUST_USE bool records_load(struct daemon *d, char *err, size_t err_size);
/* Takes a finished spool into the catalogue; false: it is not kept. */
bool records_keep(struct call *call, struct result *result);
void records_revoke(struct daemon *d, const struct session *s); /* what it left */
/* What @principal has from @profile goes, if it has no credential there any more. */
void records_revoke_login(struct daemon *d, struct str profile, struct str principal);

/* kept.c */
/*
 * Takes the spool of @call into the catalogue, and says in @page what is kept, and why not
 * more: it borrows @result and @why.
 */
void kept_take(struct call *call, const struct backend_page *from, struct tool_page *page,
    struct result *result, char why[WHY_SIZE]);

/* reader.c */
void reader_ask(struct call *call, const struct reader_ask *ask);
void reader_granted(struct call *call, const struct core_action *a);
void reader_up(struct daemon *d);
void reader_opened(struct daemon *d);
struct call *reader_take(struct daemon *d, uint64_t exec); /* NULL: not waited for any more */
void reader_failed(struct daemon *d, uint64_t exec, const struct backend_error *error);
void reader_text(void *ctx, uint32_t conn, uint32_t generation, uint64_t exec, struct str text,
    uint64_t bytes_total);
void reader_lost(struct daemon *d, struct str why);
void reader_exported(void *ctx, uint32_t conn, uint32_t generation, uint64_t exec, uint64_t rows,
    uint64_t bytes);

/* resources.c */
extern const struct tool resource_tool;
extern const char resource_templates[];
bool resources_put(void *ctx, struct str principal, struct str cursor, struct buf *out);
/* @file, of @bytes, is what @call asked for; it is taken. */
void resource_exported(struct call *call, const char *file, uint64_t bytes);
uint64_t resource_bytes_max(const struct call *call); /* of a file it may be answered with */
void resource_too_large(struct call *call, uint64_t bytes); /* is its answer */
void resource_answer(struct call *call, struct mcp_request *asker);
void resource_forget(struct call *call); /* it goes */
size_t call_answer_len(const struct call *call); /* bytes of its answer */
