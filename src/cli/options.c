// SPDX-License-Identifier: Apache-2.0
#include "cli/options.h"

#include <getopt.h>
#include <stdio.h>
#include <unistd.h>

enum { OPT_STATE = 256, OPT_CONFIG, OPT_SOCKET, OPT_HTTP, OPT_NAME, OPT_LOG, OPT_DUCKDB,
    OPT_BACKGROUND, OPT_JSON, OPT_DIALECT, OPT_POLICY, OPT_CONNECT, OPT_HELP };

static const struct option long_options[] = {
    {"state", required_argument, NULL, OPT_STATE},
    {"config", required_argument, NULL, OPT_CONFIG},
    {"socket", required_argument, NULL, OPT_SOCKET},
    {"http", required_argument, NULL, OPT_HTTP},
    {"name", required_argument, NULL, OPT_NAME},
    {"log-level", required_argument, NULL, OPT_LOG},
    {"duckdb", required_argument, NULL, OPT_DUCKDB},
    {"background", no_argument, NULL, OPT_BACKGROUND},
    {"json", no_argument, NULL, OPT_JSON},
    {"dialect", required_argument, NULL, OPT_DIALECT},
    {"policy", required_argument, NULL, OPT_POLICY},
    {"connect", no_argument, NULL, OPT_CONNECT},
    {"help", no_argument, NULL, OPT_HELP},
    {NULL, 0, NULL, 0},
};

/* Which options a command takes, as bits of their place in the list above. */
static const struct {
    const char *name;
    enum command command;
    unsigned takes;
    const char *usage;
} commands[] = {
    {"serve", COMMAND_SERVE, 0xef,
        "serve [--duckdb FILE...] [--http HOST:PORT] [--config FILE] [--state DIR] [--socket PATH]\n"
        "        [--log-level LEVEL] [--background]\n"
        "    the daemon: many MCP clients, one warehouse"},
    {"stdio", COMMAND_STDIO, 0x17,
        "stdio [--name NAME] [--config FILE] [--state DIR] [--socket PATH]\n"
        "    what a desktop client starts: attaches to the daemon, and starts one if there is none"},
    {"ls", COMMAND_LS, 0x107,
        "ls [--json] [--config FILE] [--state DIR] [--socket PATH]\n"
        "    the sessions of the running daemon"},
    {"kill-session", COMMAND_KILL_SESSION, 0x07,
        "kill-session SESSION... [--config FILE] [--state DIR] [--socket PATH]\n"
        "    ends sessions with their calls; snowmux ls shows their names"},
    {"check", COMMAND_CHECK, 0x96f,
        "check [--connect] [--json] [--duckdb FILE...] [--http HOST:PORT] [--config FILE] [--state DIR]\n"
        "        [--socket PATH]\n"
        "    reads the configuration as serve does, and says what is wrong with it; --connect logs in\n"
        "    to every profile and says where that leads"},
    {"guard", COMMAND_GUARD, 0x600,
        "guard --dialect DIALECT [--policy POLICY]\n"
        "    what the guard says of each line {\"sql\":\"...\"} of standard input"},
    {"credential", COMMAND_CREDENTIAL, 0x107,
        "credential add PROFILE PRINCIPAL | rm PROFILE PRINCIPAL | ls\n"
        "        [--json] [--config FILE] [--state DIR] [--socket PATH]\n"
        "    a principal's own login at a profile whose identity is per_principal: add reads it from\n"
        "    standard input, as TOML"},
    {"help", COMMAND_HELP, 0, "help [config]\n    this text, or all settings"},
    {"version", COMMAND_VERSION, 0, "version"},
};

void options_help(const char *topic_or_null)
{
    if (topic_or_null && strcmp(topic_or_null, "config") == 0) {
        struct buf out = BUF_INIT(1024 * 1024);
        config_describe(&out);
        printf(STR_FMT, STR_ARG(buf_str(&out)));
        buf_free(&out);
        return;
    }
    printf("snowmux: one daemon for many MCP clients and one SQL warehouse\n\n");
    for (size_t i = 0; i < ARRAY_LEN(commands); i++) {
        printf("snowmux %s\n", commands[i].usage);
    }
}

static bool fail(const char *what, const char *why)
{
    fprintf(stderr, "snowmux: %s: %s; see snowmux help\n", what, why);
    return false;
}

static bool find_command(struct options *ret, const char *name, unsigned *ret_takes)
{
    for (size_t i = 0; i < ARRAY_LEN(commands); i++) {
        if (strcmp(commands[i].name, name) == 0) {
            ret->command = commands[i].command;
            *ret_takes = commands[i].takes;
            return true;
        }
    }
    return fail(name, "no such command (serve, stdio, ls, kill-session, check, guard, credential, help, "
                      "version)");
}

static bool add_duckdb(struct options *o, const char *file)
{
    if (o->duckdb_count == CONFIG_FILES_MAX) {
        return fail(file, "too many files");
    }
    o->duckdb[o->duckdb_count++] = file;
    return true;
}

static bool add_session(struct options *o, const char *handle)
{
    if (o->session_count == SESSIONS_MAX) {
        return fail(handle, "too many sessions");
    }
    o->session[o->session_count++] = handle;
    return true;
}

static bool take(struct options *o, int option)
{
    switch (option) {
    case OPT_STATE:
        o->state = optarg;
        break;
    case OPT_CONFIG:
        o->config = optarg;
        break;
    case OPT_SOCKET:
        o->socket = optarg;
        break;
    case OPT_HTTP:
        o->http = optarg;
        break;
    case OPT_NAME:
        o->name = optarg;
        break;
    case OPT_LOG:
        o->log_level = optarg;
        break;
    case OPT_DUCKDB:
        return add_duckdb(o, optarg);
    case OPT_BACKGROUND:
        o->background = true;
        break;
    case OPT_JSON:
        o->json = true;
        break;
    case OPT_DIALECT:
        o->dialect = optarg;
        break;
    case OPT_POLICY:
        o->policy = optarg;
        break;
    case OPT_CONNECT:
        o->connect = true;
        break;
    default:
        return fail("options", "see above");
    }
    return true;
}

/* What is no option. */
static bool take_word(struct options *o, const char *word)
{
    if (o->command == COMMAND_HELP) {
        o->topic = word;
        return true;
    }
    if (o->command == COMMAND_KILL_SESSION) {
        return add_session(o, word);
    }
    if (o->command == COMMAND_CREDENTIAL && o->credential_count < CREDENTIAL_WORDS_MAX) {
        o->credential[o->credential_count++] = word;
        return true;
    }
    /* --duckdb a.duckdb b.duckdb: files may follow without repeating it */
    if (o->duckdb_count == 0) {
        return fail(word, "not expected here");
    }
    return add_duckdb(o, word);
}

static bool check_credential(const struct options *o)
{
    const char *what = o->credential_count > 0 ? o->credential[0] : "";
    bool is_ls = strcmp(what, "ls") == 0;
    bool is_one = strcmp(what, "add") == 0 || strcmp(what, "rm") == 0;
    if ((is_ls && o->credential_count == 1) || (is_one && o->credential_count == 3)) {
        return true;
    }
    return fail("credential", "add PROFILE PRINCIPAL, rm PROFILE PRINCIPAL or ls is expected");
}

bool options_parse(struct options *ret, int argc, char **argv)
{
    unsigned takes = 0;
    int option;
    *ret = (struct options){.command = COMMAND_HELP};
    if (argc < 2 || strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
        return true;
    }
    if (strcmp(argv[1], "--version") == 0) {
        ret->command = COMMAND_VERSION;
        return true;
    }
    if (!find_command(ret, argv[1], &takes)) {
        return false;
    }
    argc--;
    argv++;
    while ((option = getopt_long(argc, argv, "", long_options, NULL)) != -1) {
        if (option == OPT_HELP) {
            ret->command = COMMAND_HELP;
            return true;
        }
        if (option != '?' && !(takes & 1u << (option - OPT_STATE))) {
            return fail(long_options[option - OPT_STATE].name, "not an option of this command");
        }
        if (!take(ret, option)) {
            return false;
        }
    }
    for (int i = optind; i < argc; i++) {
        if (!take_word(ret, argv[i])) {
            return false;
        }
    }
    if (ret->command == COMMAND_KILL_SESSION && ret->session_count == 0) {
        return fail("kill-session", "name a session");
    }
    return ret->command != COMMAND_CREDENTIAL || check_credential(ret);
}

/* A flag is read as a line of the file would be, with the same checks and sentences. */
static bool apply(struct config *config, const char *section, const char *key, const char *flag,
    const char *value, struct buf *err)
{
    struct buf toml = BUF_INIT(64 * 1024);
    bool ok = true;
    if (value) {
        buf_printf(&toml, "[%s]\n%s = ", section, key);
        buf_put_json(&toml, str_of(value));
        buf_putc(&toml, '\n');
        ok = config_parse(config, buf_str(&toml), flag, err);
    }
    buf_free(&toml);
    return ok;
}

static bool load(const struct options *o, struct config *config, struct paths *paths, struct buf *err)
{
    char text[1024] = "";
    if (!paths_find(paths, o->state, o->config, text, sizeof(text))) {
        buf_puts(err, text);
        return false;
    }
    bool has_file = paths->config[0] != '\0' &&
                    (paths->config_given || access(paths->config, F_OK) == 0);
    if ((has_file && !config_read(config, paths->config, err)) ||
        !apply(config, "listen", "http", "--http", o->http, err) ||
        !apply(config, "listen", "socket", "--socket", o->socket, err) ||
        !apply(config, "daemon", "log_level", "--log-level", o->log_level, err)) {
        return false;
    }
    if (o->duckdb_count > 0 && !config_add_duckdb(config, "duckdb", o->duckdb, o->duckdb_count, err)) {
        return false;
    }
    if (!paths_set_socket(paths, config->listen_socket, text, sizeof(text))) {
        buf_puts(err, text);
        return false;
    }
    return true;
}

bool options_load(const struct options *options, struct config *ret_config, struct paths *ret_paths)
{
    struct buf err = BUF_INIT(64 * 1024);
    config_init(ret_config);
    bool ok = load(options, ret_config, ret_paths, &err);
    if (!ok) {
        fprintf(stderr, "snowmux: " STR_FMT "\n", STR_ARG(buf_str(&err)));
    }
    buf_free(&err);
    return ok;
}
