// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * The room's own header: tables of workers and connections, and what stands in them.
 *
 * A slot holds the object of its present generation. An object leaves its slot the moment
 * it is lost or forgotten; its memory stays until libuv has closed its handles, so that
 * whoever is on the stack above a handler call may still look at it.
 */
#include "backend/backend.h"
#include "base/list.h"

enum {
    READ_SIZE = WIRE_PACKET_MAX, /* also holds any packet of a control socket */
    FRAME_MAX = WIRE_HEADER_SIZE + WIRE_PAYLOAD_MAX,
    KEEP_SIZE = 4096, /* a buffer that has become larger is freed when it is empty */
    WHY_SIZE = 512,
    CONFINEMENT_SIZE = 128,
    DRIVER_SIZE = 128,
};

/* A loss found outside the loop, told from it. The strings are static, the program, or of the slot. */
struct doom {
    const char *why; /* NULL: none */
    const char *what;
    int error; /* of libuv, 0: none */
};

/* The process of one worker. */
struct process {
    struct backend *backend;
    uv_process_t child;
    uv_poll_t poll; /* of @fd */
    int fd;         /* our end of the control socket */
    uint32_t handles;
    uint32_t worker;
    uint32_t generation;
    struct list conns;
    struct list packets; /* the control socket did not take them yet */
    uint32_t packet_count;
    char confinement[CONFINEMENT_SIZE];
    char driver_name[DRIVER_SIZE]; /* as OPENED told them */
    char driver_version[DRIVER_SIZE];
    bool is_up;
    bool is_cut;     /* the control socket is at its end, the exit is to come */
    bool is_lost;    /* the news of it is out */
    bool has_ended;  /* closes its handles, is heard no more */
    bool has_exited; /* or never started */
};

struct call {
    uint64_t id;
    enum wire_kind kind;
};

/* One backend connection. */
struct conn {
    struct backend *backend;
    struct process *process;
    struct list of_process;
    uv_poll_t poll; /* of @fd */
    int fd;
    uint32_t index;
    uint32_t generation;
    uint32_t
        id; /* on the wire: an index may come back while its old socket still closes */
    struct buf in;                        /* a frame not complete yet */
    struct buf out;                       /* bytes the socket did not take yet */
    struct call calls[BACKEND_CALLS_MAX]; /* a ring, answered in order */
    uint32_t call_first;
    uint32_t call_count;
    bool is_started; /* the first call's STARTED came */
    bool is_up;
    bool is_ended;  /* the socket is at its end, the news of it waits for the worker's */
    bool is_closed; /* lost or forgotten */
};

struct worker_slot {
    uint32_t generation;
    struct process *process;
    struct doom doom;
    char refusal[WHY_SIZE]; /* the doom's text, of backend_refuse() */
};

struct conn_slot {
    uint32_t generation;
    struct conn *conn;
    struct doom doom;
};

struct backend {
    uv_loop_t *loop;
    char *program;
    struct backend_handler handler;
    struct worker_slot workers[BACKEND_WORKERS_MAX];
    struct conn_slot conns[BACKEND_CONNS_MAX];
    uint32_t last_id;
    uv_idle_t later;  /* runs while a slot has a doom */
    uv_timer_t grace; /* runs after a connection has ended */
    uint32_t handles; /* libuv has not closed yet */
    struct buf frame; /* the call being written */
    bool is_closing;
    void (*closed)(void *ctx);
    void *closed_ctx;
    char read[READ_SIZE];
};

/* backend.c */

/* The loss will be the news of the next turn of the loop. */
void backend_doom_worker(struct backend *b, uint32_t worker, struct doom doom);
void backend_doom_conn(struct backend *b, uint32_t conn, struct doom doom);

/* Counts a closed handle; the last one of a closing backend ends it. */
void backend_handle_closed(struct backend *b);

const char *frame_name(enum wire_kind kind);

/* Empties @buf; only a small one keeps its memory. */
void buf_rest(struct buf *buf);

/* process.c */

/* Fills the worker's slot, or dooms it. */
void process_spawn(struct backend *b, uint32_t worker, uint32_t generation,
    const struct backend_setup *setup);

/* Calls worker_lost, then conn_lost for each connection; kills the process. */
void process_lose(struct process *p, struct str why);

/* The same without news. */
void process_forget(struct process *p);

/*
 * Sends or queues a packet; takes @fd (-1: none) in any case. 0, or a negative errno when
 * the packet is lost for another reason than the worker's end, which is its own news.
 */
int process_send(struct process *p, struct str packet, int fd) MUST_USE;

/* Has the process closed its control socket? Its exit, which tells more, is then near. */
bool process_is_ending(const struct process *p);

/* environment.c */

/*
 * The environment of a worker: of the daemon's own, for one that is confined, only what drivers
 * need. False: no memory, and nothing is to be freed.
 */
struct environment {
    char **variables; /* ended by NULL; first our own ones, */
    uint32_t own_count;
    struct buf text; /* which are here */
};

bool environment_init(struct environment *ret, const struct backend_setup *setup) MUST_USE;
void environment_free(struct environment *environment);

/* conn.c */

/* Fills the connection's slot, or dooms it. */
void conn_open(
    struct backend *b, uint32_t index, uint32_t generation, struct process *process);

/* Sends the frame @writer has begun in backend.frame; dooms @c if that cannot be. */
void conn_call(
    struct conn *c, struct wire_writer *writer, enum wire_kind kind, uint64_t call);

void conn_cancel(struct conn *c, uint64_t call);

/* Loses the connections that have ended while their workers have not. */
void conn_on_grace(uv_timer_t *timer);

/* Tells what the socket still holds of a worker that exited. */
void conn_drain(struct conn *c);

/* Closes and calls conn_lost. */
void conn_lose(struct conn *c, bool refused, struct str why);

/* Closes without news. */
void conn_forget(struct conn *c);
