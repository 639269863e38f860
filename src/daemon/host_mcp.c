// SPDX-License-Identifier: Apache-2.0
/* What mcp asks of the daemon. */
#include "daemon/inside.h"

#include "base/clock.h"

static bool admits(void *ctx, uint32_t uid)
{
    struct daemon *d = ctx;
    const struct config_uids *uids = &d->config->listen_uids;
    for (uint32_t i = 0; i < uids->len; i++) {
        if (uids->at[i] == uid) {
            return true;
        }
    }
    return uid == d->uid;
}

static uint64_t flood(void *ctx, uint32_t uid)
{
    return limits_flood(ctx, uid);
}

static int page(void *ctx, struct str path, struct buf *out, const char **ret_type)
{
    struct daemon *d = ctx;
    if (str_eq(path, STR("/metrics"))) {
        *ret_type = "text/plain; version=0.0.4; charset=utf-8";
        metrics_put(d, out);
        return 200;
    }
    if (str_eq(path, STR("/healthz"))) {
        buf_puts(out, "ok\n");
        return 200;
    }
    if (str_eq(path, STR("/readyz"))) {
        const char *why = d->is_draining             ? "draining: no new calls\n"
                          : metrics_store_trouble(d) ? "the store cannot be written\n"
                                                     : NULL;
        buf_puts(out, why ? why : "ready\n");
        return why ? 503 : 200;
    }
    return 0;
}

/* The principal's own session of that handle, once it is durable; NULL: none. */
static struct session *own(struct daemon *d, struct str principal, struct str handle)
{
    struct session *s = sessions_find(d, handle);
    return s && s->is_durable && str_eq(symbol_str(d->symbols, s->principal), principal) ? s
                                                                                         : NULL;
}

static void open_session(void *ctx, struct mcp_request *r, struct str principal,
    const struct mcp_client *client, bool stays)
{
    struct daemon *d = ctx;
    struct waiter *waiter = waiter_new(r, NULL);
    if (!waiter) {
        mcp_answer_error(r, "no memory for another session");
        return;
    }
    sessions_open(d, principal, client, &(struct tool_session_set){0}, stays, waiter);
    work(d);
}

static bool find(void *ctx, struct str principal, struct str handle, struct str *ret_revision)
{
    struct session *s = own(ctx, principal, handle);
    *ret_revision = s ? str_of(s->revision) : STR("");
    return s != NULL;
}

static void tell(struct daemon *d, struct str handle, enum core_event_kind kind)
{
    struct session *s = sessions_find(d, handle);
    if (s) {
        sessions_event(s, kind);
        work(d);
    }
}

static void touch(void *ctx, struct str handle)
{
    struct daemon *d = ctx;
    struct session *s = sessions_find(d, handle);
    if (s) {
        s->last_seen_wall_ns = clock_wall_ns();
    }
    tell(d, handle, CORE_SESSION_TOUCH);
}

static void attach(void *ctx, struct str handle)
{
    struct session *s = sessions_find(ctx, handle);
    if (s) {
        session_attached(s);
    }
    tell(ctx, handle, CORE_SESSION_ATTACH);
}

static void detach(void *ctx, struct str handle)
{
    tell(ctx, handle, CORE_SESSION_DETACH);
}

static void close_session(void *ctx, struct mcp_request *r, struct str handle)
{
    struct daemon *d = ctx;
    struct session *s = sessions_find(d, handle);
    struct waiter *waiter = s ? waiter_new(r, NULL) : NULL;
    if (!waiter) {
        mcp_answer_error(r, "no memory to close the session");
        return;
    }
    sessions_close(s, waiter);
    work(d);
}

static bool call(void *ctx, struct mcp_request *r, const struct mcp_call *wanted)
{
    return call_new(ctx, r, wanted);
}

static void gone(void *ctx, struct mcp_request *r, enum mcp_gone why)
{
    enum user_kind *kind = mcp_user(r);
    (void)ctx;
    if (kind && *kind == USER_CALL) {
        call_gone(mcp_user(r), why);
    } else if (kind) {
        struct waiter *waiter = mcp_user(r);
        waiter->r = NULL;
    }
}

static void connections(void *ctx, uint32_t count)
{
    struct daemon *d = ctx;
    d->pipe_conns = count;
}

struct mcp_host host_mcp(struct daemon *d)
{
    return (struct mcp_host){
        .ctx = d,
        .admits = admits,
        .flood = flood,
        .page = page,
        .session_open = open_session,
        .session_find = find,
        .session_touch = touch,
        .session_attach = attach,
        .session_detach = detach,
        .session_close = close_session,
        .resources = resources_put,
        .call = call,
        .gone = gone,
        .control = control,
        .connections = connections,
    };
}
