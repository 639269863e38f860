// SPDX-License-Identifier: Apache-2.0
#pragma once
/* One call of a tool, from its asker to its answer. */
#include <yyjson.h>

#include "daemon/lease.h"
#include "daemon/session.h"
#include "wire/wire.h"

struct query;
struct result;

enum {
    TRACE_SIZE = 128,
};

enum call_state {
    CALL_HELD,    /* its session is asleep */
    CALL_STARTED, /* its tool decides */
    CALL_TICKET,  /* queued or running: the core has it */
    CALL_WAITING, /* for the host: a session, a query, a fetch */
};

/* A page of a kept result, a piece of one cell, or all of it as a file. */
struct reader_ask {
    struct handle result;
    bool is_cell;
    enum wire_format format; /* of the file; 0: none is asked for */
    uint64_t row; /* cells */
    uint32_t column;
    uint64_t offset; /* rows, or bytes of the cell */
    uint32_t max;    /* rows, or bytes */
};

/* Rows that may be shown without a ticket. */
struct grant {
    uint64_t number; /* of the question */
    bool is_given;   /* and not settled yet */
    uint32_t day;    /* as the core counts them */
    uint32_t rows_max;
};

struct call {
    enum user_kind kind;
    struct tool_call tool;
    struct daemon *daemon;
    struct list all;
    struct list of_session;
    struct list ready;   /* in daemon->ready: its tool may go on */
    struct list waiting; /* in a query's waiters */
    struct list told;    /* in daemon->told: its asker wants progress, */
    uint64_t told_since_ns; /* which counts from then */
    struct mcp_request *asker; /* NULL: it has its answer, or went */
    yyjson_doc *document;      /* owned, once it outlives its request */
    enum call_state state;
    bool has_answer; /* the tool is done; the ticket still has to end */
    struct session *session; /* NULL: none, or it ended */
    struct waiter *waiter;   /* what it waits for at a session */
    uint32_t principal;      /* symbols, held */
    uint32_t client;
    uint32_t context[CORE_PARTS];
    uint32_t profile;
    uint32_t ticket; /* CORE_NONE: none */
    struct query *query;
    uint64_t arrived_ns;
    uint64_t submitted_ns; /* to the core, last */
    uint64_t queue_ns;     /* waited there for connections, */
    bool has_queued;       /* whether or not it got one */
    uint64_t leased_ns;    /* got one, last */
    uint64_t rows_so_far;  /* its statement has read */
    struct query *waits_for; /* CALL_WAITING for a query; NULL */
    uint64_t answered_ns;  /* its asker has a handle since then; 0: nothing yet */
    uint64_t bytes_in;
    uint64_t left_ns;       /* the asker went then; 0: it is there */
    bool is_unwanted;       /* the asker cancelled it; it goes on for those who wait for it */
    uint64_t wait_until_ns; /* CALL_WAITING for a query; 0: not timed */
    uint32_t conn;          /* its lease; CORE_NONE */
    uint64_t exec;          /* number of what it has running there; 0: nothing */
    uint32_t rows_max;      /* what a quota leaves of the rows asked for */
    uint64_t rows;          /* shown so far */
    struct handle spool;    /* of that, "" none */
    bool context_unknown;   /* setting it failed half way */
    bool context_moved;
    struct list granting;   /* in daemon->granting: the core is asked, */
    struct grant grant;     /* for this */
    bool is_asked;          /* its fetch was sent */
    bool is_charged;        /* it was granted as a call: to run after all costs no other */
    struct handle attaches_to;
    bool is_known;          /* in `ready`: its statement's answer is kept */
    uint64_t known_drops;   /* of the cache, when its statement began */
    uint64_t bound; /* its answer waits until the store has this one, */
    uint64_t record_first; /* and the rows from this one */
    uint64_t record;       /* to this one; 0: none */
    bool record_failed;    /* one of them could not be written */
    bool is_handing_out;     /* its query handle, once the record is written */
    bool shows_quotas;      /* what it says remains must remain so after a crash */
    struct reader_ask ask;  /* while in daemon->fetches */
    struct str resource;    /* URI, as long as its asker is there; ptr NULL: a tool is called */
    size_t answer_max;      /* bytes of its contents */
    struct resource_load *load; /* of its file, under way */
    struct http_file contents; /* of the resource, when len > 0; then tool.out says nothing */
    struct tool_done done; /* what `ready` tells the tool; strings in done_text */
    char done_text[WHY_SIZE];
    bool is_lost; /* its connection went, and its worker did not */
    char done_session[HANDLE_SIZE];
    char resumed_text[WHY_SIZE]; /* tool.resumed */
    char trace[TRACE_SIZE]; /* the caller's own id of it */
    char client_name[64];
    char client_version[64];
    char instance[64];
};
/* calls.c */
void calls_release(struct daemon *d); /* answers whose rows are written go out */
bool call_new(struct daemon *d, struct mcp_request *r, const struct mcp_call *wanted);
void call_move(struct call *call, enum tool_move move);
void call_ended(struct call *call, const struct core_action *a); /* its ticket ended */
void call_fail_for(struct call *call, const struct core_action *a); /* its answer says why */
void call_done(struct call *call, bool ok, enum tool_code code, struct str message);
void call_begin(struct call *call); /* its tool starts */
void call_run(struct call *call);   /* on its lease, or for one */
void call_hold(struct call *call, struct session *s); /* it begins when @s is awake */
void call_page(struct call *call, const struct tool_page *page);
void call_tell(struct call *call); /* its asker, if there is one, gets what it has */
void call_refused(struct call *call, const struct tool_failure *failure);
void call_free(struct call *call);

/* asker.c */
void call_grace(struct call *call);
void call_hand_out(struct call *call); /* its query handle is the answer */
void call_gone(struct call *call, enum mcp_gone why);
void call_drop_left(struct daemon *d); /* queued calls whose asker went long ago */

/* known.c */
bool known_ask(struct call *call); /* true: the answer comes by itself, or the core is asked */
void known_granted(struct call *call, const struct core_action *a);
void known_tell(struct call *call);
void known_begin(struct call *call); /* its statement goes to an engine, */
void known_keep(struct call *call, const struct tool_page *page); /* and has answered */
void known_changed(struct call *call); /* it may have changed what there is */

/* attach.c */
void attach_wait(struct call *call, struct query *query, uint64_t until_ns);
/* False: in session @s there is nothing to attach to. */
bool attach_ask(struct call *call, const struct session *s, struct str sql, uint32_t wait_s,
    struct handle *ret);
void attach_granted(struct call *call, const struct core_action *a);

/* grant.c */
/* Of a kept result, or with a session: of another call of it, at the cost of a call. */
void grant_ask(struct call *call, uint32_t rows_max, const struct session *s_or_null);
void grant_ask_rate(struct call *call); /* of a catalogue call: no rows are counted */
void grant_given(struct daemon *d, const struct core_action *a);
void grant_settle(struct call *call, uint64_t rows, uint64_t bytes); /* what it showed */

/* progress.c */
void progress_begin(struct call *call, bool again); /* if its asker wants it */
void progress_tick(struct daemon *d);   /* once a second */
