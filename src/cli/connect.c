// SPDX-License-Identifier: Apache-2.0
#include "cli/connect.h"

#include <stdarg.h>
#include <stdio.h>

#include <yyjson.h>

enum {
    ROLES_MAX = 32, /* whose grants are looked at */
    GRANTS_SHOWN_MAX = 8
};

static const char *const PARTS[PART_COUNT] = {"role", "warehouse", "database", "schema"};

static void warn(struct finding *finding, const char *format, ...) PRINTF_LIKE(2, 3);

static void warn(struct finding *finding, const char *format, ...)
{
    if (finding->warning_count < FINDING_WARNINGS_MAX) {
        va_list args;
        va_start(args, format);
        vsnprintf(
            finding->warning[finding->warning_count++], FINDING_TEXT_SIZE, format, args);
        va_end(args);
    }
}

static void fail(struct finding *finding, const char *wrong, const char *message)
{
    finding->is_ok = false;
    finding->wrong = wrong;
    snprintf(finding->message, sizeof(finding->message), "%s", message);
}

/* ---- what is wrong with a login ---- */

const char *connect_what_is_wrong(enum sql_dialect_id dialect, const char *message)
{
    static const struct {
        const char *words;
        const char *wrong;
    } table[] = {
        {"option ", "credentials"}, /* the beginning: a secret that cannot be read */
        {"390189", "role"},
        {"390201", NULL}, /* says which object it is */
        {"390422", "network"},
        {"390100", "login"},
        {"HTTP: 404", "account"},
        {"HTTP: 403", "account"},
        {"account is empty", "account"},
        {"260000", "account"},
        {"no such host", "network"},
        {"onnection refused", "network"},
        {"onnection reset", "network"},
        {"could not translate host name", "network"},
        {"dial tcp", "network"},
        {"i/o timeout", "network"},
        {"imeout exceeded", "network"},
        {"deadline exceeded", "network"},
        {"imed out", "network"},
        {"within 60 s", "network"},
        {"certificate", "network"},
        {"unreachable", "network"},
        {"authentication failed", "login"},
        {"JWT", "login"},
        {"token", "login"},
        {"password", "login"},
        {"the login was refused", "login"},
    };
    static const char *const objects[] = {"warehouse", "database", "schema", "role"};
    if (strncmp(message, table[0].words, strlen(table[0].words)) == 0) {
        return table[0].wrong;
    }
    for (size_t i = 1; i < ARRAY_LEN(table); i++) {
        if (strstr(message, table[i].words) && table[i].wrong) {
            return table[i].wrong;
        }
    }
    for (size_t i = 0; i < ARRAY_LEN(objects) && dialect != SQL_DUCKDB; i++) {
        if (strstr(message, objects[i])) {
            return objects[i];
        }
    }
    return dialect == SQL_SNOWFLAKE || dialect == SQL_POSTGRESQL ? "login" : "start";
}

/* ---- where a login leads ---- */

static void take_context(struct finding *finding, const struct probe_page *page)
{
    yyjson_doc *doc = yyjson_read(page->rows.ptr, page->rows.len, 0);
    yyjson_val *row = yyjson_arr_get_first(yyjson_doc_get_root(doc));
    for (size_t part = 0; part < PART_COUNT; part++) {
        const char *text = yyjson_get_str(yyjson_arr_get(row, part));
        (void)str_copy(str_utf8_prefix(str_of(text), CONFIG_STRING_SIZE - 1),
            finding->context[part], CONFIG_STRING_SIZE);
    }
    yyjson_doc_free(doc);
}

/* Goes to where the profile says, one part after the other: so it is known which is
 * wrong. */
static bool enter(
    struct probe *p, const struct backend_profile *profile, struct finding *finding)
{
    const struct str wanted[PART_COUNT] = {
        profile->role, profile->warehouse, profile->database, profile->schema};
    for (int part = 0; part < PART_COUNT; part++) {
        struct probe_page page = {0};
        struct probe_failure failure;
        char message[FINDING_TEXT_SIZE + PROBE_MESSAGE_SIZE];
        bool is_last = part + 1 == PART_COUNT;
        if (wanted[part].len == 0 && !is_last) {
            continue;
        }
        bool ok =
            probe_context(p, (enum backend_part)part, wanted[part], &page, &failure);
        if (ok) {
            take_context(finding, &page);
        }
        probe_page_free(&page);
        if (!ok && wanted[part].len > 0) {
            snprintf(message, sizeof(message), "the %s " STR_FMT " cannot be entered: %s",
                PARTS[part], STR_ARG(wanted[part]), failure.message);
            fail(finding, PARTS[part], message);
            return false;
        }
        if (!ok) {
            fail(finding, "context", failure.message);
            return false;
        }
    }
    return true;
}

/* An engine may take a name that is not there, and then be nowhere. */
static bool is_there(const struct backend_profile *profile, struct finding *finding)
{
    const struct str wanted[PART_COUNT] = {
        profile->role, profile->warehouse, profile->database, profile->schema};
    for (int part = 0; part < PART_COUNT && profile->dialect == SQL_SNOWFLAKE; part++) {
        char message[FINDING_TEXT_SIZE];
        if (wanted[part].len > 0 && finding->context[part][0] == '\0') {
            snprintf(message, sizeof(message),
                "the %s " STR_FMT " does not exist, or the role %s may not use it",
                PARTS[part], STR_ARG(wanted[part]), finding->context[PART_ROLE]);
            fail(finding, PARTS[part], message);
            return false;
        }
    }
    if (profile->dialect == SQL_SNOWFLAKE &&
        finding->context[PART_WAREHOUSE][0] == '\0') {
        warn(finding, "no warehouse: queries that read tables will fail");
    }
    return true;
}

/* ---- grants ---- */

struct grants {
    char role[ROLES_MAX][CONFIG_STRING_SIZE]; /* looked at, and to be looked at */
    uint32_t role_count;
    uint32_t broad;
};

static bool is_reading(const char *privilege)
{
    static const char *const reading[] = {
        "USAGE", "SELECT", "REFERENCES", "READ", "IMPORTED PRIVILEGES", "VIEW LINEAGE"};
    for (size_t i = 0; i < ARRAY_LEN(reading); i++) {
        if (strcmp(privilege, reading[i]) == 0) {
            return true;
        }
    }
    return strncmp(privilege, "MONITOR", 7) == 0;
}

static void add_role(struct grants *grants, const char *role)
{
    for (uint32_t i = 0; i < grants->role_count; i++) {
        if (strcmp(grants->role[i], role) == 0) {
            return;
        }
    }
    if (grants->role_count < ROLES_MAX &&
        str_copy(str_of(role), grants->role[grants->role_count], CONFIG_STRING_SIZE)) {
        grants->role_count++;
    }
}

/* The place of a column in a page; SIZE_MAX: there is none. */
static size_t column_of(yyjson_val *columns, const char *name)
{
    size_t i;
    size_t max;
    yyjson_val *column;
    yyjson_arr_foreach(columns, i, max, column)
    {
        if (yyjson_equals_str(yyjson_obj_get(column, "name"), name)) {
            return i;
        }
    }
    return SIZE_MAX;
}

static const char *cell(yyjson_val *row, size_t column)
{
    const char *text = yyjson_get_str(yyjson_arr_get(row, column));
    return text ? text : "";
}

static bool take_grants(struct grants *grants, const char *role,
    const struct probe_page *page, struct finding *finding)
{
    yyjson_doc *columns = yyjson_read(page->columns.ptr, page->columns.len, 0);
    yyjson_doc *rows = yyjson_read(page->rows.ptr, page->rows.len, 0);
    size_t privilege = column_of(yyjson_doc_get_root(columns), "privilege");
    size_t kind = column_of(yyjson_doc_get_root(columns), "granted_on");
    size_t name = column_of(yyjson_doc_get_root(columns), "name");
    bool ok = rows && privilege != SIZE_MAX && kind != SIZE_MAX && name != SIZE_MAX;
    size_t i;
    size_t max;
    yyjson_val *row;
    yyjson_arr_foreach(yyjson_doc_get_root(ok ? rows : NULL), i, max, row)
    {
        if (strcmp(cell(row, kind), "ROLE") == 0 &&
            strcmp(cell(row, privilege), "USAGE") == 0) {
            add_role(grants, cell(row, name));
        } else if (!is_reading(cell(row, privilege)) &&
                   ++grants->broad <= GRANTS_SHOWN_MAX) {
            warn(finding, "the role %s has %s on the %s %s: more than reading needs",
                role, cell(row, privilege), cell(row, kind), cell(row, name));
        }
    }
    yyjson_doc_free(columns);
    yyjson_doc_free(rows);
    return ok;
}

/* The role's grants, and those of the roles it has. */
static void look_at_grants(struct probe *p, struct finding *finding)
{
    static struct grants grants;
    grants = (struct grants){0};
    if (finding->context[PART_ROLE][0] != '\0') {
        add_role(&grants, finding->context[PART_ROLE]);
    }
    for (uint32_t i = 0; i < grants.role_count; i++) {
        struct probe_page page = {0};
        struct probe_failure failure = {.message = "its answer has other columns"};
        bool ok = probe_grants(p, str_of(grants.role[i]), &page, &failure) &&
                  take_grants(&grants, grants.role[i], &page, finding);
        if (!ok) {
            warn(finding, "the grants of the role %s cannot be listed: %.300s",
                grants.role[i], failure.message);
        } else if (page.is_cut) {
            warn(finding, "of the role %s the first %d grants were looked at",
                grants.role[i], PROBE_ROWS_MAX);
        }
        probe_page_free(&page);
    }
    if (grants.broad > GRANTS_SHOWN_MAX) {
        warn(
            finding, "%u more grants go beyond reading", grants.broad - GRANTS_SHOWN_MAX);
    }
}

static void take_rights(const struct probe_page *page, struct finding *finding)
{
    yyjson_doc *rows = yyjson_read(page->rows.ptr, page->rows.len, 0);
    uint32_t broad = 0;
    size_t i;
    size_t max;
    yyjson_val *row;
    yyjson_arr_foreach(yyjson_doc_get_root(rows), i, max, row)
    {
        if (++broad <= GRANTS_SHOWN_MAX) {
            warn(finding, "the role %s %.300s: more than reading needs",
                finding->context[PART_ROLE], cell(row, 0));
        }
    }
    if (broad > GRANTS_SHOWN_MAX) {
        warn(finding, "%u%s more grants go beyond reading", broad - GRANTS_SHOWN_MAX,
            page->is_cut ? " and" : "");
    }
    yyjson_doc_free(rows);
}

static void look_at_rights(struct probe *p, struct finding *finding)
{
    struct probe_page page = {0};
    struct probe_failure failure;
    if (probe_rights(p, &page, &failure)) {
        take_rights(&page, finding);
    } else { /* what only looks like PostgreSQL may not know the question */
        warn(finding, "the rights of the role %s cannot be listed: %.300s",
            finding->context[PART_ROLE], failure.message);
    }
    probe_page_free(&page);
}

void connect_profile(const char *worker, const struct backend_profile *profile,
    const struct backend_login *login_or_null, struct finding *ret)
{
    struct probe_failure failure;
    struct probe *p = probe_new(worker, profile, login_or_null);
    *ret = (struct finding){.is_ok = true};
    if (!p) {
        fail(ret, "start", "no memory");
        return;
    }
    if (!probe_login(p, &failure)) {
        fail(ret, connect_what_is_wrong(profile->dialect, failure.message),
            failure.message);
    } else {
        (void)str_copy(probe_driver_name(p), ret->driver, sizeof(ret->driver));
        (void)str_copy(probe_driver_version(p), ret->version, sizeof(ret->version));
        bool is_in = enter(p, profile, ret) && is_there(profile, ret);
        if (is_in && profile->dialect == SQL_SNOWFLAKE) {
            look_at_grants(p, ret);
        } else if (is_in && profile->dialect == SQL_POSTGRESQL) {
            look_at_rights(p, ret);
        }
    }
    probe_free(p);
}
