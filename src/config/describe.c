// SPDX-License-Identifier: Apache-2.0
#include "config/config.h"

#include "config/names.h"
#include "config/numbers.h"

static const char INTRODUCTION[] =
    "# Configuration\n"
    "\n"
    "snowmux reads one TOML file: `--config FILE`, else\n"
    "`$XDG_CONFIG_HOME/snowmux/snowmux.toml`, else `~/.config/snowmux/snowmux.toml`. Every\n"
    "setting has a default; the file replaces it, and a flag on the command line both. The file\n"
    "is read at the start: a change takes effect with the next one.\n"
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
    "credentials: strings, integers and booleans. Dots in a key need no quotes. A driver whose\n"
    "options are known takes no others. A value may also be kept elsewhere: `{env = \"VARIABLE\"}`,\n"
    "`{file = \"PATH\"}` or `{command = [\"PROGRAM\", \"ARGUMENT\"]}`. It is then read anew whenever a\n"
    "worker starts, see [profiles](profiles.md).\n"
    "\n"
    "```toml\n"
    "[profile.sales]\n"
    "driver = \"snowflake\"\n"
    "role = \"ANALYST\"\n"
    "\n"
    "[profile.sales.options]\n"
    "username = \"reader\"\n"
    "adbc.snowflake.sql.account = \"example\"\n"
    "adbc.snowflake.sql.auth_type = \"auth_pat\"\n"
    "adbc.snowflake.sql.client_option.auth_token = {file = \"~/.snowflake/token\"}\n"
    "\n"
    "[profile.sales.parameters]\n"
    "TIMEZONE = \"UTC\"\n"
    "```\n";

static const char EARLIER_DESIGN[] =
    "\n"
    "## From the earlier single-process design\n"
    "\n"
    "Whoever knows the first sketch of snowmux, one process with a session manager in it, finds\n"
    "each of its numbers here:\n"
    "\n"
    "| there | here | what differs, and why |\n"
    "| --- | --- | --- |\n"
    "| `max_sessions = 100` | `session.max`, `session.max_per_principal` | "
    "At the bound the disconnected session that was used longest ago goes, and a new one is "
    "refused only where none is; the bound of one principal keeps room for the others. 10000, "
    "since a session that sleeps is no more than a record. |\n"
    "| `session_timeout` = 2 h | `session.idle_s`, then `session.resume_s` | "
    "Silence does not end a session: after 8 h it counts as disconnected, and for a week "
    "whoever comes back goes on in its context. |\n"
    "| `cleanup_interval` = 10 min | none | "
    "There is no sweep: each session has its own deadline, so none outlives it by an interval. |\n"
    "| `rate_limit_tokens` = 100, 10 a minute | `rate.client` `{burst, per_s}`, `rate.principal`, "
    "`rate.session`, `rate.global`, `rate.http` | "
    "The same is `rate.client = {burst = 100, per_s = 0.167}`; tokens come back one by one, not "
    "ten at once, and belong to the client, so that a second session brings no more of them. |\n"
    "| `quota_remaining = 1000` a day | `quota.client` `{calls = 1000}`, `quota.principal` | "
    "Off, since a bound that nobody set surprises; it begins anew each day of "
    "`quota.timezone`, outlives a restart, and can count rows, bytes, engine seconds and "
    "credits, too. |\n"
    "| `is_idle` after 5 min | none | "
    "A session is idle when its calls have ended: a state that is known, not one that is "
    "guessed from the clock. |\n"
    "| `is_expired` 24 h after it began | `session.age_s = 86400` | "
    "Off, since a session that is in use would lose its context for no reason; for who must "
    "end them it ends running calls as well. |\n"
    "| client types | `client.types` | "
    "Looked up before the names that are built in; a type is for statistics, never for "
    "rights, since a client chooses its name. |\n";

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
    case SETTING_POLICIES:
    case SETTING_OPTIONS:
    case SETTING_PARAMETERS:
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
    case SETTING_POLICIES:
        buf_printf(out, "at most %d names, each ", CONFIG_NAMES_MAX);
        names_put_range(out, setting->kind);
        break;
    case SETTING_FILES:
        buf_printf(out, "with DuckDB 1 to %d paths", CONFIG_FILES_MAX);
        break;
    case SETTING_OPTIONS:
    case SETTING_PARAMETERS:
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
