// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * One backend connection: a thread that owns an ADBC connection and serves one socket of
 * the daemon (see wire/wire.h). The thread alone touches the ADBC connection; other
 * threads only cancel, under the mutex that also guards the statement's life.
 */
#include <arrow-adbc/adbc.h>
#include <pthread.h>

#include "worker/failure.h"
#include "worker/secret.h"

struct connection {
    pthread_mutex_t mutex;
    uint32_t id;
    int fd; /* -1: the slot is free */
    struct AdbcDatabase
        *database;              /* NULL: a reader of spools, without an ADBC connection */
    struct AdbcConnection adbc; /* the thread's own */
    const struct secrets *secrets; /* not to be shown if the driver repeats them */
    bool is_postgresql;            /* these three: see worker/money.h */
    bool has_asked;
    bool has_money;

    /* Guarded by the mutex. */
    bool is_opening; /* it logs in */
    bool is_running;
    bool is_hung_up;                 /* the daemon closed the socket */
    bool has_cancel;                 /* @cancel_call is set */
    uint64_t call;                   /* the running call */
    uint64_t cancel_call;            /* may come before its call is read */
    struct AdbcStatement *statement; /* published while it may be cancelled */
};

void connection_init(struct connection *conn);
bool connection_is_free(struct connection *conn);

/*
 * Takes over @fd and starts the thread, which logs in; false: no thread, @fd is closed. Without
 * @database it answers FETCH, CELL and EXPORT, else EXEC.
 */
bool connection_start(struct connection *conn, uint32_t id, int fd,
    struct AdbcDatabase *database, const struct secrets *secrets);
bool connection_is_opening(struct connection *conn); /* and somebody waits for it */

/* Marks the call as cancelled and cancels its statement if it is running. */
void connection_cancel(struct connection *conn, uint64_t call);

/* Cancels whatever runs: nobody will read the answer. */
void connection_hang_up(struct connection *conn);

/*
 * Cancels once more if a cancelled call still runs: a cancel just before the driver
 * starts the statement is lost in most drivers. True when it should be called again.
 */
bool connection_insist(struct connection *conn);
