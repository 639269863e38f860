// SPDX-License-Identifier: Apache-2.0
#include "config/config.h"

#include "config/names.h"
#include "config/numbers.h"

static const char INTRODUCTION[] =
    "# Configuration\n"
    "\n"
    "snowmux reads one TOML file: `--config FILE`, else\n"
    "`$XDG_CONFIG_HOME/snowmux/snowmux.toml`, else `~/.config/snowmux/snowmux.toml`. Every\n"
    "setting has a default; the file replaces it, and a flag on the command line both.\n"
    "\n"
    "A complete file can be as short as this:\n"
    "\n"
    "```toml\n"
    "[profile.main]\n"
    "files = [\"warehouse.duckdb\"]\n"
    "```\n"
    "\n"
    "Unknown sections and keys, wrong types and values out of range are errors that name\n"
    "file and line and say what is allowed; nothing of such a file is applied. Units stand\n"
    "at a key's end: `_s` are seconds, `_mb` are megabytes. Relative paths (`files`, a\n"
    "`driver` with a slash in it, `socket`) start at the directory of the file.\n"
    "\n"
    "A value in braces is a table of numbers. It may be a section as well, and members that\n"
    "are not named keep their default:\n"
    "\n"
    "```toml\n"
    "[rate]\n"
    "client = {burst = 240}\n"
    "\n"
    "[quota.principal]\n"
    "calls = 5000\n"
    "credits = 2.5\n"
    "```\n"
    "\n"
    "A table from names to values takes any case of a name, and `name*` for all that begin\n"
    "so; the first that matches counts. Named again, in a second file, it is replaced whole.\n"
    "\n"
    "```toml\n"
    "[weight]\n"
    "principal = {\"uid:1000\" = 3}\n"
    "\n"
    "[client.types]\n"
    "\"my-agent*\" = \"http_client\"\n"
    "```\n";

static const char PROFILE_INTRODUCTION[] =
    "\n"
    "## [profile.NAME]\n"
    "\n"
    "A warehouse, under a name of letters, digits, `_` and `-`. A file has at most ";

static const char PROFILE_OPTIONS[] =
    "\n"
    "The table `options` holds what the driver itself wants to know, such as account and\n"
    "credentials: strings, integers and booleans. Dots in a key need no quotes.\n"
    "\n"
    "```toml\n"
    "[profile.sales]\n"
    "driver = \"/usr/local/lib/libadbc_driver_snowflake.so\"\n"
    "dialect = \"snowflake\"\n"
    "role = \"ANALYST\"\n"
    "\n"
    "[profile.sales.options]\n"
    "username = \"reader\"\n"
    "adbc.snowflake.sql.account = \"example\"\n"
    "```\n";

static const char EARLIER_DESIGN[] =
    "\n"
    "## From the earlier single-process design\n"
    "\n"
    "| there | here |\n"
    "| --- | --- |\n"
    "| `max_sessions` | `session.max`; `session.max_per_principal` for the share of one |\n"
    "| `session_timeout` | `session.idle_s` until a silent session counts as disconnected, "
    "then `session.resume_s` until it is forgotten |\n"
    "| `cleanup_interval` | none: every session has its own deadline |\n"
    "| rate tokens (100, 10 a minute) | `rate.client`; for the same "
    "`{burst = 100, per_s = 0.167}`. They come back one by one, not ten a minute, and belong to "
    "the client, not to the session, so that a new session has no more of them |\n"
    "| quota (1000 a day, never refilled there) | `quota.client.calls`, anew each day of "
    "`quota.timezone`; rows, bytes, engine seconds and credits beside it |\n"
    "| idle after 5 minutes | no setting: a session is idle when its calls have ended |\n"
    "| expired 24 hours after it began | `session.age_s`, off: a session that is used lives on |\n"
    "| client types | `client.types`, before the built-in names |\n";

/* In a cell `<` would begin a tag and `|` end the cell. */
static void put_cell(struct buf *out, const char *text)
{
    for (; *text; text++) {
        if (*text == '<' || *text == '|') {
            buf_putc(out, '\\');
        }
        buf_putc(out, *text);
    }
}

static void put_default(struct buf *out, const struct setting *setting)
{
    switch (setting->kind) {
    case SETTING_INT:
        buf_putc(out, '`');
        buf_put_i64(out, setting->value);
        buf_putc(out, '`');
        break;
    case SETTING_STRING:
        buf_putc(out, '`');
        buf_put_json(out, str_of(setting->text));
        buf_putc(out, '`');
        break;
    case SETTING_UIDS:
    case SETTING_FILES:
        buf_puts(out, "`[]`");
        break;
    case SETTING_RATE:
    case SETTING_AMOUNTS:
    case SETTING_SHARES:
    case SETTING_BOUNDS:
        buf_putc(out, '`');
        numbers_put(out, setting->kind, setting->initial);
        buf_putc(out, '`');
        break;
    case SETTING_WEIGHTS:
    case SETTING_CREDITS:
    case SETTING_TYPES:
    case SETTING_OPTIONS:
        buf_puts(out, "`{}`");
        break;
    }
}

static void put_string_range(struct buf *out, const struct setting *setting)
{
    const char *const *choices = setting_choices(setting);
    if (!choices) {
        buf_printf(out, "text, at most %zu bytes", setting->size - 1);
        return;
    }
    for (size_t i = 0; choices[i]; i++) {
        buf_puts(out, i == 0 ? "`" : ", `");
        buf_put_json(out, str_of(choices[i]));
        buf_putc(out, '`');
    }
}

static void put_range(struct buf *out, const struct setting *setting)
{
    switch (setting->kind) {
    case SETTING_INT:
        buf_put_i64(out, setting->min);
        buf_puts(out, " to ");
        buf_put_i64(out, setting->max);
        break;
    case SETTING_STRING:
        put_string_range(out, setting);
        break;
    case SETTING_UIDS:
        buf_printf(out, "at most %d integers", CONFIG_UIDS_MAX);
        break;
    case SETTING_RATE:
    case SETTING_AMOUNTS:
    case SETTING_SHARES:
    case SETTING_BOUNDS:
        numbers_put_range(out, setting->kind);
        break;
    case SETTING_WEIGHTS:
    case SETTING_CREDITS:
    case SETTING_TYPES:
        buf_printf(out, "at most %d names, each ", CONFIG_NAMES_MAX);
        names_put_range(out, setting->kind);
        break;
    case SETTING_FILES:
        buf_printf(out, "with DuckDB 1 to %d paths", CONFIG_FILES_MAX);
        break;
    case SETTING_OPTIONS:
        buf_printf(out, "at most %d keys", CONFIG_OPTIONS_MAX);
        break;
    }
}

static void put_table(struct buf *out, struct setting_table table, const char *section)
{
    buf_puts(out, "\n| key | default | range | meaning |\n| --- | --- | --- | --- |\n");
    for (size_t i = 0; i < table.len; i++) {
        const struct setting *setting = &table.rows[i];
        if (strcmp(setting->section, section) != 0) {
            continue;
        }
        buf_printf(out, "| `%s` | ", setting->key);
        put_default(out, setting);
        buf_puts(out, " | ");
        put_range(out, setting);
        buf_puts(out, " | ");
        put_cell(out, setting->help);
        buf_puts(out, " |\n");
    }
}

void config_describe(struct buf *out)
{
    struct setting_table table = setting_table_config();
    const char *sections[SETTING_KEYS_MAX];
    size_t len = setting_sections(table, sections);
    buf_puts(out, INTRODUCTION);
    for (size_t i = 0; i < len; i++) {
        buf_printf(out, "\n## [%s]\n", sections[i]);
        put_table(out, table, sections[i]);
    }
    buf_puts(out, PROFILE_INTRODUCTION);
    buf_printf(out, "%d profiles.\n", CONFIG_PROFILES_MAX);
    put_table(out, setting_table_profile(), "profile");
    buf_puts(out, PROFILE_OPTIONS);
    buf_puts(out, EARLIER_DESIGN);
}
