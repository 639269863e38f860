// SPDX-License-Identifier: Apache-2.0
#include "base/uri.h"

#include "base/assert.h"

static int hex(char c)
{
    static const char digits[] = "0123456789abcdef0123456789ABCDEF";
    const char *at = c != '\0' ? strchr(digits, c) : NULL;
    return at ? (int)(at - digits) % 16 : -1;
}

size_t uri_decode(struct str s, char *ret)
{
    size_t len = 0;
    for (size_t i = 0; i < s.len; i++) {
        bool is_code = s.ptr[i] == '%' && i + 2 < s.len && hex(s.ptr[i + 1]) >= 0 &&
                       hex(s.ptr[i + 2]) >= 0;
        ret[len++] =
            is_code ? (char)(hex(s.ptr[i + 1]) * 16 + hex(s.ptr[i + 2])) : s.ptr[i];
        i += is_code ? 2 : 0;
    }
    return len;
}

size_t uri_unescape(struct str s, char *ret)
{
    size_t len = 0;
    for (size_t i = 0; i < s.len; i++) {
        i += s.ptr[i] == '\\' && i + 1 < s.len;
        ret[len++] = s.ptr[i];
    }
    return len;
}

/* ---- secrets ---- */

struct secrets {
    struct str *at;
    uint32_t count;
};

static void add(struct secrets *secrets, struct str s)
{
    if (s.len > 0 && secrets->count < URI_SECRETS_MAX) {
        secrets->at[secrets->count++] = s;
    }
}

/* The index of the last @c, -1: none. */
static ptrdiff_t find_last(struct str s, char c)
{
    for (size_t i = s.len; i > 0; i--) {
        if (s.ptr[i - 1] == c) {
            return (ptrdiff_t)i - 1;
        }
    }
    return -1;
}

/* From behind @text's first colon to the last @ of its first @len bytes. */
static void add_between(struct secrets *secrets, struct str text, size_t len)
{
    struct str part = {text.ptr, len < text.len ? len : text.len};
    ptrdiff_t at = find_last(part, '@');
    ptrdiff_t colon = str_find(part, ':');
    if (at >= 0 && colon >= 0 && colon < at) {
        add(secrets, (struct str){text.ptr + colon + 1, (size_t)(at - colon - 1)});
    }
}

/* A password may hold what ends the host, if nobody encoded it: drivers differ in what they do. */
static void add_user(struct secrets *secrets, struct str uri)
{
    size_t end = 0;
    for (size_t i = 0; i + 3 <= uri.len; i++) {
        if (str_starts(str_from(uri, i), STR("://"))) {
            uri = str_from(uri, i + 3);
            break;
        }
    }
    while (end < uri.len && !strchr("/?#", uri.ptr[end])) {
        end++;
    }
    ptrdiff_t query = str_find(uri, '?');
    size_t rest = query >= 0 ? (size_t)query : uri.len;
    add_between(secrets, uri, end);
    if (rest != end && find_last((struct str){uri.ptr, rest}, '@') >= (ptrdiff_t)end) {
        add_between(secrets, uri, rest);
    }
}

static bool is_secret_key(struct str key)
{
    static const char *const ends[] = {
        "password", "passwd", "pwd", "passcode", "token", "secret", "privatekey"};
    for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
        struct str end = str_of(ends[i]);
        if (key.len >= end.len && str_eq_nocase(str_from(key, key.len - end.len), end)) {
            return true;
        }
    }
    return false;
}

static bool is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

/* The value of key=value, or of key = 'value', that begins at @at. */
static struct str value_at(struct str uri, size_t at)
{
    while (at < uri.len && is_space(uri.ptr[at])) {
        at++;
    }
    bool is_quoted = at < uri.len && uri.ptr[at] == '\'';
    size_t start = at + is_quoted;
    size_t end = start;
    while (end < uri.len && (is_quoted ? uri.ptr[end] != '\''
                                       : uri.ptr[end] != '&' && !is_space(uri.ptr[end]))) {
        end += uri.ptr[end] == '\\' && end + 1 < uri.len ? 2 : 1;
    }
    return (struct str){uri.ptr + start, end - start};
}

static void add_named(struct secrets *secrets, struct str uri)
{
    for (size_t i = 0; i < uri.len; i++) {
        size_t end = i;
        if (uri.ptr[i] != '=') {
            continue;
        }
        while (end > 0 && is_space(uri.ptr[end - 1])) {
            end--;
        }
        if (is_secret_key((struct str){uri.ptr, end})) {
            add(secrets, value_at(uri, i + 1));
        }
    }
}

uint32_t uri_secrets(struct str uri, struct str ret[URI_SECRETS_MAX])
{
    struct secrets secrets = {.at = ret};
    add_user(&secrets, uri);
    add_named(&secrets, uri);
    return secrets.count;
}

/* ---- sockets ---- */

static bool contains(struct str text, struct str word)
{
    for (size_t i = 0; i + word.len <= text.len; i++) {
        if (str_starts_nocase(str_from(text, i), word)) {
            return true;
        }
    }
    return false;
}

bool uri_names_socket(struct str uri)
{
    static const char *const paths[] = {
        "host=/", "host='/", "host=%2F", "@%2F", "//%2F", "@/", ":///", "://?"};
    for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
        if (contains(uri, str_of(paths[i]))) {
            return true;
        }
    }
    return !contains(uri, STR("://")) && !contains(uri, STR("host"));
}
