// SPDX-License-Identifier: Apache-2.0
/* Who a client is: its key, its type, and how its session looks to others. */
#include "daemon/inside.h"

/* Who inherits from whom, and who is limited as one client. */
uint32_t client_key(struct daemon *d, struct str principal, const struct mcp_client *client)
{
    struct buf key = BUF_INIT(4096);
    struct str parts[] = {principal, client->name, client->instance};
    for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
        buf_put_str(&key, parts[i]);
        buf_putc(&key, '\0');
    }
    uint32_t symbol = symbol_acquire(d->symbols, buf_str(&key));
    buf_free(&key);
    return symbol;
}

/* The @index-th part of a client key: 1 name, 2 instance. */
static struct str key_part(const struct daemon *d, const struct session *session, int index)
{
    struct str key = symbol_str(d->symbols, session->client);
    for (; index > 0; index--) {
        key = str_from(key, (size_t)str_find(key, '\0') + 1);
    }
    return (struct str){key.ptr, (size_t)str_find(key, '\0')};
}

struct str client_name(const struct daemon *d, const struct session *session)
{
    return key_part(d, session, 1);
}

struct str client_instance(const struct daemon *d, const struct session *session)
{
    return key_part(d, session, 2);
}

/* The names that clients are known to send; a star stands for what may follow. */
static const struct {
    const char *pattern;
    const char *type;
} known_clients[] = {
    {"claude-code*", "claude_code"},
    {"claude-ai*", "claude_desktop"},
    {"claude-desktop*", "claude_desktop"},
    {"anthropic*", "claude_desktop"},
    {"roo code*", "roo_code"},
    {"roo-code*", "roo_code"},
    {"cursor*", "cursor"},
    {"visual studio code*", "vscode"},
    {"vscode*", "vscode"},
    {"codex*", "codex"},
};

/* NULL: nobody knows the name. */
static const char *type_of_name(const struct daemon *d, struct str client_name)
{
    int64_t type;
    if (config_names_find(&d->config->client_types, client_name, &type)) {
        return config_client_types[type];
    }
    for (size_t i = 0; i < ARRAY_LEN(known_clients); i++) {
        struct str pattern = str_of(known_clients[i].pattern);
        pattern.len--; /* the star */
        if (str_starts_nocase(client_name, pattern)) {
            return known_clients[i].type;
        }
    }
    return NULL;
}

const char *client_type(
    const struct daemon *d, struct str client_name, const struct session *session)
{
    const char *type = type_of_name(d, client_name);
    bool is_http = session && !session->stays;
    return type ? type : is_http ? "http_client" : "unknown";
}

void sessions_view(struct daemon *d, const struct session *session, struct tool_session *ret)
{
    struct core_session_view view = {.state = CORE_EXPIRED};
    bool is_live = core_session_view(d->core, session->number, &view);
    *ret = (struct tool_session){
        .handle = handle_str(&session->handle),
        .label = str_of(session->label),
        .client = client_name(d, session),
        .client_type = str_of(client_type(d, client_name(d, session), session)),
        .state = str_of(core_session_state_name(is_live ? view.state : CORE_EXPIRED)),
        .created_wall_ns = session->created_wall_ns,
        .last_seen_wall_ns = view.last_seen_wall_ns > session->last_seen_wall_ns
                                 ? view.last_seen_wall_ns
                                 : session->last_seen_wall_ns,
        .calls_active = view.calls,
        .counts = session->counts,
        .response_times = session->body ? &session->body->response_times : NULL,
        .preferences = session->preferences,
    };
    for (int i = 0; i < TOOL_PARTS; i++) {
        ret->context[i] = symbol_str(d->symbols, session->context[i]);
    }
}
