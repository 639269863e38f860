// SPDX-License-Identifier: Apache-2.0
#include "tools/args.h"

#include <stdio.h>

#include "tools/calls.h"

enum {
    ARG_NAME_MAX = 32
};

/* Is "name":{ among the members of @properties? Nested objects hold no such members. */
static bool declares(const char *properties, struct str name)
{
    char member[ARG_NAME_MAX + 8];
    if (name.len == 0 || name.len > ARG_NAME_MAX || str_find(name, '"') >= 0 ||
        str_find(name, '\0') >= 0) {
        return false;
    }
    snprintf(member, sizeof(member), "\"" STR_FMT "\":{", STR_ARG(name));
    return strstr(properties, member) != NULL;
}

/* The next member's name of @properties from *@at on; false at the end. */
static bool next_name(const char **at, struct str *ret_name)
{
    const char *end = strstr(*at, "\":{");
    if (!end) {
        return false;
    }
    const char *start = end;
    while (start > *at && start[-1] != '"') {
        start--;
    }
    *ret_name = (struct str){start, (size_t)(end - start)};
    *at = end + 3;
    return true;
}

static void put_names(
    const char *properties, struct str wrong, struct buf *list, struct str *ret_nearest)
{
    struct str name;
    unsigned best = 3;
    if (ret_nearest->ptr) {
        best = str_distance(*ret_nearest, wrong, best);
    }
    while (next_name(&properties, &name)) {
        buf_puts(list, list->len > 0 ? ", " : "");
        buf_put_str(list, name);
        unsigned distance = str_distance(name, wrong, best);
        if (distance < best) {
            best = distance;
            *ret_nearest = name;
        }
    }
}

static bool fail_unknown(struct tool_call *call, struct str name)
{
    struct buf list = BUF_INIT(4096);
    struct str nearest = {NULL, 0};
    put_names(call->tool->properties, name, &list, &nearest);
    put_names(tool_shared_properties(call->tool), name, &list, &nearest);
    struct str all = buf_str(&list);
    tool_fail(call, TOOL_E_INVALID_ARGUMENT, 0,
        "%s has no argument \"" STR_FMT "\"%s" STR_FMT ". It takes: " STR_FMT ".",
        call->tool->name, STR_ARG(tool_shown(name)), nearest.ptr ? "; nearest: " : "",
        STR_ARG(nearest), STR_ARG(all.len > 0 ? all : STR("none")));
    buf_free(&list);
    return false;
}

bool tool_args_known(struct tool_call *call)
{
    yyjson_obj_iter it;
    yyjson_val *key;
    tool_call_init(call);
    if (!call->args || yyjson_is_null(call->args)) {
        call->args = NULL;
        return true;
    }
    if (!yyjson_is_obj(call->args)) {
        tool_fail(call, TOOL_E_INVALID_ARGUMENT, 0,
            "The arguments of %s must be an object, not %s.", call->tool->name,
            yyjson_get_type_desc(call->args));
        return false;
    }
    yyjson_obj_iter_init(call->args, &it);
    while ((key = yyjson_obj_iter_next(&it))) {
        struct str name = {yyjson_get_str(key), yyjson_get_len(key)};
        if (!declares(call->tool->properties, name) &&
            !declares(tool_shared_properties(call->tool), name)) {
            return fail_unknown(call, name);
        }
    }
    return true;
}

/* NULL when absent or null. */
static yyjson_val *find(struct tool_call *call, const char *name)
{
    yyjson_val *value = yyjson_obj_get(call->args, name);
    return yyjson_is_null(value) ? NULL : value;
}

static bool fail_type(
    struct tool_call *call, const char *name, const char *wanted, yyjson_val *value)
{
    tool_fail(call, TOOL_E_INVALID_ARGUMENT, 0,
        "Argument \"%s\" of %s must be %s, not %s.", name, call->tool->name, wanted,
        yyjson_get_type_desc(value));
    return false;
}

bool tool_arg_missing(struct tool_call *call, const char *name)
{
    tool_fail(call, TOOL_E_INVALID_ARGUMENT, 0, "%s needs the argument \"%s\".",
        call->tool->name, name);
    return false;
}

/* A text that may travel on: no NUL, which engines and C would take for its end. */
static bool take_str(struct tool_call *call, const char *name, yyjson_val *value,
    bool may_be_empty, struct str *ret)
{
    if (!yyjson_is_str(value)) {
        return fail_type(call, name, "a string", value);
    }
    struct str text = {yyjson_get_str(value), yyjson_get_len(value)};
    if (text.len == 0 && !may_be_empty) {
        tool_fail(call, TOOL_E_INVALID_ARGUMENT, 0,
            "Argument \"%s\" of %s is empty; leave it out or give it a value.", name,
            call->tool->name);
        return false;
    }
    if (str_find(text, '\0') >= 0) {
        tool_fail(call, TOOL_E_INVALID_ARGUMENT, 0,
            "Argument \"%s\" of %s holds a NUL character, which no name or statement may.",
            name, call->tool->name);
        return false;
    }
    if (text.len > TOOL_SQL_MAX) {
        tool_fail(call, TOOL_E_INVALID_ARGUMENT, 0,
            "Argument \"%s\" of %s is %zu bytes long; at most %d are allowed.", name,
            call->tool->name, text.len, TOOL_SQL_MAX);
        return false;
    }
    *ret = text;
    return true;
}

bool tool_arg_str(
    struct tool_call *call, const char *name, bool may_be_empty, struct str *ret)
{
    yyjson_val *value = find(call, name);
    *ret = (struct str){NULL, 0};
    return !value || take_str(call, name, value, may_be_empty, ret);
}

bool tool_arg_required(struct tool_call *call, const char *name, struct str *ret)
{
    if (!tool_arg_str(call, name, false, ret)) {
        return false;
    }
    return ret->ptr || tool_arg_missing(call, name);
}

/* Numbers beyond 64 bits and text that is no number are no integers. */
static bool take_int(yyjson_val *value, int64_t *ret)
{
    if (yyjson_is_uint(value)) {
        *ret = (int64_t)(yyjson_get_uint(value) > INT64_MAX ? INT64_MAX
                                                            : yyjson_get_uint(value));
        return true;
    }
    if (yyjson_is_int(value)) {
        *ret = yyjson_get_sint(value);
        return true;
    }
    if (yyjson_is_real(value)) {
        double real = yyjson_get_real(value);
        if (!(real > -9e15 && real < 9e15) || (double)(int64_t)real < real ||
            (double)(int64_t)real > real) {
            return false;
        }
        *ret = (int64_t)real;
        return true;
    }
    if (yyjson_is_str(value)) {
        struct str text =
            str_trim((struct str){yyjson_get_str(value), yyjson_get_len(value)});
        uint64_t digits;
        bool minus = str_starts(text, STR("-"));
        if (!str_to_u64(str_from(text, minus), INT64_MAX, &digits)) {
            return false;
        }
        *ret = minus ? -(int64_t)digits : (int64_t)digits;
        return true;
    }
    return false;
}

bool tool_arg_int(struct tool_call *call, const char *name, int64_t min, int64_t max,
    int64_t absent, int64_t *ret)
{
    yyjson_val *value = find(call, name);
    int64_t number;
    *ret = absent;
    if (!value) {
        return true;
    }
    if (!take_int(value, &number)) {
        return fail_type(call, name, "a whole number", value);
    }
    if (number < min || number > max) {
        tool_fail(call, TOOL_E_INVALID_ARGUMENT, 0,
            "Argument \"%s\" of %s is %lld; allowed is %lld to %lld.", name,
            call->tool->name, (long long)number, (long long)min, (long long)max);
        return false;
    }
    *ret = number;
    return true;
}

bool tool_arg_bool(struct tool_call *call, const char *name, bool absent, bool *ret)
{
    yyjson_val *value = find(call, name);
    *ret = absent;
    if (!value) {
        return true;
    }
    if (yyjson_is_bool(value) || yyjson_equals_str(value, "true") ||
        yyjson_equals_str(value, "false")) {
        *ret = yyjson_is_true(value) || yyjson_equals_str(value, "true");
        return true;
    }
    return fail_type(call, name, "true or false", value);
}

bool tool_arg_choice(struct tool_call *call, const char *name, const char *const *names,
    int count, int *at)
{
    struct str value;
    if (!tool_arg_str(call, name, true, &value)) {
        return false;
    }
    if (value.len == 0) {
        return true;
    }
    struct buf list = BUF_INIT(256);
    for (int i = 0; i < count; i++) {
        if (str_eq(value, str_of(names[i]))) {
            *at = i;
            buf_free(&list);
            return true;
        }
        buf_printf(&list, "%s%s", i > 0 ? ", " : "", names[i]);
    }
    struct str all = buf_str(&list);
    tool_fail(call, TOOL_E_INVALID_ARGUMENT, 0,
        "Argument \"%s\" of %s is \"" STR_FMT "\"; allowed are: " STR_FMT ".", name,
        call->tool->name, STR_ARG(tool_shown(value)), STR_ARG(all));
    buf_free(&list);
    return false;
}

static bool take_name(struct tool_call *call, const char *name, yyjson_val *value)
{
    struct str text;
    if (!take_str(call, name, value, false, &text)) {
        return false;
    }
    if (!str_copy(text, call->name[call->name_count], TOOL_NAME_SIZE)) {
        tool_fail(call, TOOL_E_INVALID_ARGUMENT, 0,
            "A name in \"%s\" of %s is %zu bytes long; at most %d are allowed.", name,
            call->tool->name, text.len, TOOL_NAME_SIZE - 1);
        return false;
    }
    call->name_count++;
    return true;
}

static bool take_names(struct tool_call *call, const char *name, yyjson_val *array)
{
    yyjson_arr_iter it;
    yyjson_val *value;
    if (yyjson_arr_size(array) == 0 || yyjson_arr_size(array) > TOOL_NAMES_MAX) {
        tool_fail(call, TOOL_E_INVALID_ARGUMENT, 0,
            "Argument \"%s\" of %s holds %zu names; allowed is 1 to %d.", name,
            call->tool->name, yyjson_arr_size(array), TOOL_NAMES_MAX);
        return false;
    }
    yyjson_arr_iter_init(array, &it);
    while ((value = yyjson_arr_iter_next(&it))) {
        if (!take_name(call, name, value)) {
            return false;
        }
    }
    return true;
}

bool tool_arg_names(struct tool_call *call, const char *name)
{
    yyjson_val *value = find(call, name);
    call->name_count = 0;
    if (!value) {
        return tool_arg_missing(call, name);
    }
    if (yyjson_is_arr(value)) {
        return take_names(call, name, value);
    }
    if (!yyjson_is_str(value)) {
        return fail_type(call, name, "a name or an array of names", value);
    }
    /* Some models send the array as text. */
    if (yyjson_get_str(value)[0] == '[') {
        yyjson_doc *doc = yyjson_read(yyjson_get_str(value), yyjson_get_len(value), 0);
        bool is_array = doc && yyjson_is_arr(yyjson_doc_get_root(doc));
        bool ok = is_array && take_names(call, name, yyjson_doc_get_root(doc));
        yyjson_doc_free(doc);
        if (is_array) {
            return ok;
        }
    }
    return take_name(call, name, value);
}

/* Where a handle of each kind belongs. */
static const struct {
    char kind;
    const char *noun;
    const char *use;
} handle_uses[] = {
    {HANDLE_SESSION, "session", "the argument \"session\" of use_context and others"},
    {HANDLE_QUERY, "query", "the argument \"query\" of query_status and cancel_query"},
    {HANDLE_RESULT, "result", "the argument \"result\" of fetch_result"},
};

bool tool_arg_handle(
    struct tool_call *call, const char *name, enum handle_kind kind, struct str *ret)
{
    if (!tool_arg_str(call, name, true, ret)) {
        return false;
    }
    if (ret->len == 0) {
        *ret = (struct str){NULL, 0};
        return true;
    }
    char found = handle_kind_of(*ret);
    if (found == (char)kind) {
        return true;
    }
    for (size_t i = 0; i < ARRAY_LEN(handle_uses); i++) {
        if (found == handle_uses[i].kind) {
            tool_fail(call, TOOL_E_WRONG_HANDLE, 0,
                STR_FMT " is the handle of a %s: it goes into %s. \"%s\" of %s takes one "
                        "that begins with %c_.",
                STR_ARG(*ret), handle_uses[i].noun, handle_uses[i].use, name,
                call->tool->name, kind);
            return false;
        }
    }
    tool_fail(call, TOOL_E_WRONG_HANDLE, 0,
        "\"" STR_FMT
        "\" is no handle; \"%s\" of %s takes one that begins with %c_ and has "
        "%d characters.",
        STR_ARG(tool_shown(*ret)), name, call->tool->name, kind, HANDLE_LEN);
    return false;
}
