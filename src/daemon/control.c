// SPDX-License-Identifier: Apache-2.0
/* What the command line asks over the socket. The daemon's own user sees all sessions. */
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "daemon/inside.h"

static void put_pair(struct buf *out, const char *key, struct str value)
{
    buf_printf(out, ",\"%s\":", key);
    buf_put_json(out, value);
}

static void put_session(struct daemon *d, struct buf *out, const struct session *s)
{
    static const char *const parts[] = {"profile", "role", "warehouse", "database", "schema"};
    _Static_assert(ARRAY_LEN(parts) == TOOL_PARTS, "one name a part");
    struct tool_session view;
    sessions_view(d, s, &view);
    buf_puts(out, "{\"session\":");
    buf_put_json(out, view.handle);
    put_pair(out, "principal", symbol_str(d->symbols, s->principal));
    put_pair(out, "client", view.client);
    put_pair(out, "client_type", view.client_type);
    put_pair(out, "instance", client_instance(d, s));
    put_pair(out, "label", view.label);
    put_pair(out, "state", view.state);
    for (int i = 0; i < TOOL_PARTS; i++) {
        put_pair(out, parts[i], view.context[i]);
    }
    buf_printf(out, ",\"asleep\":%s", s->body ? "false" : "true");
    buf_printf(out, ",\"created_s\":%llu,\"last_seen_s\":%llu",
        (unsigned long long)(view.created_wall_ns / NS_PER_S),
        (unsigned long long)(view.last_seen_wall_ns / NS_PER_S));
    tool_put_session_counts(out, &view);
    buf_putc(out, ',');
    tool_put_preferences(out, &view.preferences);
    buf_putc(out, '}');
}

/* Over the sessions that whoever asks may see. */
static void put_stats(struct daemon *d, struct str principal, bool all, struct buf *out)
{
    struct tool_stats stats;
    uint32_t whose = symbol_find(d->symbols, principal);
    sessions_stats(d, all ? 0 : whose > 0 ? whose : CORE_NONE, &stats);
    buf_putc(out, '{');
    tool_put_stats(out, &stats);
    buf_putc(out, '}');
}

static void list_sessions(struct daemon *d, struct str principal, bool all, struct buf *out)
{
    struct core_counts counts = core_counts(d->core);
    bool first = true;
    buf_puts(out, "{\"snowmux\":\"ls\",\"sessions\":[");
    for (uint32_t i = 0; i < d->limits.sessions; i++) {
        const struct session *s = d->sessions[i];
        if (s && (all || str_eq(symbol_str(d->symbols, s->principal), principal))) {
            buf_puts(out, first ? "" : ",");
            put_session(d, out, s);
            first = false;
        }
    }
    buf_puts(out, "],\"stats\":");
    put_stats(d, principal, all, out);
    buf_printf(out,
        ",\"queued\":%u,\"running\":%u,\"started\":%u,\"connections_idle\":%u,\"workers\":%u,\"pid\":%d}",
        counts.queued, counts.running, counts.started, counts.conns_idle, counts.workers, (int)getpid());
}

/*
 * Process ids of the workers, and how each is confined ("": not, or it only starts), for
 * whoever measures or tests.
 */
static void list_workers(struct daemon *d, struct buf *out)
{
    struct buf how = BUF_INIT(64 * 1024);
    const char *comma = "";
    buf_puts(out, "{\"snowmux\":\"workers\",\"pids\":[");
    for (uint32_t i = 0; i <= READER_WORKER; i++) {
        int pid = backend_pid(d->backend, i);
        if (pid > 0) {
            buf_printf(out, "%s%d", comma, pid);
            buf_puts(&how, comma);
            buf_put_json(&how, backend_confinement(d->backend, i));
            comma = ",";
        }
    }
    buf_puts(out, "],\"confined\":[");
    buf_put_str(out, buf_str(&how));
    buf_puts(out, "]}");
    buf_free(&how);
}

/*
 * Begins the end of a session. Asked again it says "ending" until the store has forgotten
 * it, then "gone", as of one that never was.
 */
static void kill_session(
    struct daemon *d, struct str principal, bool all, yyjson_val *line, struct buf *out)
{
    yyjson_val *value = yyjson_obj_get(line, "session");
    struct str handle = {yyjson_get_str(value), yyjson_get_len(value)};
    struct session *s = handle.ptr ? sessions_find(d, handle) : NULL;
    bool is_own = s && (all || str_eq(symbol_str(d->symbols, s->principal), principal));
    if (is_own && !s->is_closed) {
        log_event(LOG_INFO, "session_killed", "session=%s by=" STR_FMT, s->handle.text,
            STR_ARG(principal));
        sessions_close(s, NULL);
        work(d);
    }
    buf_printf(out, "{\"snowmux\":\"kill-session\",\"state\":\"%s\"}",
        is_own || d->drops_open > 0 ? "ending" : "gone");
}

/* A credential was added, replaced or removed: what was opened with it goes. */
static void change_credential(struct daemon *d, yyjson_val *line, struct buf *out)
{
    yyjson_val *profile = yyjson_obj_get(line, "profile");
    yyjson_val *principal = yyjson_obj_get(line, "principal");
    if (!yyjson_is_str(profile) || !yyjson_is_str(principal)) {
        buf_puts(out, "{\"snowmux\":\"error\",\"message\":\"credential needs a profile and a principal\"}");
        return;
    }
    struct str where = {yyjson_get_str(profile), yyjson_get_len(profile)};
    struct str whose = {yyjson_get_str(principal), yyjson_get_len(principal)};
    records_revoke_login(d, where, whose);
    logins_changed(d, where, whose);
    buf_puts(out, "{\"snowmux\":\"credential\"}");
}

void control(void *ctx, struct str principal, struct str command, yyjson_val *line, struct buf *out)
{
    struct daemon *d = ctx;
    char own[32];
    snprintf(own, sizeof(own), "uid:%u", d->uid);
    bool all = str_eq(principal, str_of(own));
    if (str_eq(command, STR("ls"))) {
        list_sessions(d, principal, all, out);
    } else if (str_eq(command, STR("kill-session"))) {
        kill_session(d, principal, all, line, out);
    } else if (str_eq(command, STR("stats"))) {
        buf_puts(out, "{\"snowmux\":\"stats\",\"stats\":");
        put_stats(d, principal, all, out);
        buf_putc(out, '}');
    } else if (str_eq(command, STR("credential")) && all) {
        change_credential(d, line, out);
    } else if (str_eq(command, STR("workers")) && all) {
        list_workers(d, out);
    } else {
        buf_puts(out, "{\"snowmux\":\"error\",\"message\":\"no such command: ls, stats, kill-session, "
                      "credential and workers are known\"}");
    }
}
