// SPDX-License-Identifier: Apache-2.0
#include "results/results.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/list.h"
#include "base/log.h"
#include "base/map.h"

struct entry {
    struct result result;
    struct list all; /* oldest first; all are kept equally long */
};

struct results {
    uv_loop_t *loop;
    struct results_settings settings;
    char dir[4096];
    struct map by_handle;
    struct list all;
    uint64_t bytes;
    void (*dropped)(void *ctx, const struct result *r);
    void *ctx;
};

/* A directory of ours: whatever lies in it was left by a daemon that is no more. */
static void empty(const char *dir)
{
    DIR *stream = opendir(dir);
    struct dirent *entry;
    while (stream && (entry = readdir(stream))) {
        if (handle_kind_of(str_of(entry->d_name)) == HANDLE_RESULT) {
            unlinkat(dirfd(stream), entry->d_name, 0);
        }
    }
    if (stream) {
        closedir(stream);
    }
}

bool results_open(struct results **ret, uv_loop_t *loop,
    const struct results_settings *settings, void (*dropped)(void *ctx, const struct result *r),
    void *ctx, char *err, size_t err_size)
{
    struct results *results = calloc(1, sizeof(*results));
    if (!results || !str_copy(str_of(settings->dir), results->dir, sizeof(results->dir))) {
        snprintf(err, err_size, "no memory for the catalogue of results");
        free(results);
        return false;
    }
    if (mkdir(results->dir, 0700) < 0 && errno != EEXIST) {
        snprintf(err, err_size, "cannot make %s: %s", results->dir, strerror(errno));
        free(results);
        return false;
    }
    empty(results->dir);
    results->loop = loop;
    results->settings = *settings;
    results->dropped = dropped;
    results->ctx = ctx;
    list_init(&results->all);
    *ret = results;
    return true;
}

void results_path(
    const struct results *results, struct str handle, char ret_path[RESULT_PATH_SIZE])
{
    snprintf(ret_path, RESULT_PATH_SIZE, "%s/" STR_FMT, results->dir, STR_ARG(handle));
}

static void on_removed(uv_fs_t *req)
{
    uv_fs_req_cleanup(req);
    free(req);
}

void results_discard(struct results *results, struct str handle)
{
    char path[RESULT_PATH_SIZE];
    results_path(results, handle, path);
    uv_fs_t *req = malloc(sizeof(*req));
    if (!req || uv_fs_unlink(results->loop, req, path, on_removed) < 0) {
        free(req);
        unlink(path);
    }
}

static void forget(struct results *results, struct entry *entry)
{
    results->dropped(results->ctx, &entry->result);
    map_remove(&results->by_handle, handle_str(&entry->result.handle));
    list_remove(&entry->all);
    results->bytes -= entry->result.bytes;
    free(entry);
}

static struct entry *oldest(const struct results *results)
{
    struct list *node = list_first(&results->all);
    return node ? CONTAINER_OF(node, struct entry, all) : NULL;
}

static void drop(struct results *results, struct entry *entry)
{
    results_discard(results, handle_str(&entry->result.handle));
    forget(results, entry);
}

void results_expire(struct results *results, uint64_t now_ns)
{
    struct entry *entry;
    while ((entry = oldest(results)) && entry->result.expires_ns <= now_ns) {
        drop(results, entry);
    }
}

bool results_add(struct results *results, const struct result *result, uint64_t now_ns)
{
    struct entry *entry;
    results_expire(results, now_ns);
    while ((entry = oldest(results)) &&
           (results->bytes + result->bytes > results->settings.bytes_max ||
               results->by_handle.len >= results->settings.count_max)) {
        log_event(LOG_INFO, "result_dropped", "result=%s reason=budget", entry->result.handle.text);
        drop(results, entry);
    }
    entry = malloc(sizeof(*entry));
    if (!entry) {
        results_discard(results, handle_str(&result->handle));
        return false;
    }
    entry->result = *result;
    entry->result.expires_ns = now_ns + results->settings.keep_ns;
    if (!map_put(&results->by_handle, handle_str(&entry->result.handle), entry)) {
        free(entry);
        results_discard(results, handle_str(&result->handle));
        return false;
    }
    list_init(&entry->all);
    list_push_back(&results->all, &entry->all);
    results->bytes += result->bytes;
    return true;
}

const struct result *results_find(struct results *results, struct str handle, uint64_t now_ns)
{
    struct entry *entry = map_get(&results->by_handle, handle);
    return entry && entry->result.expires_ns > now_ns ? &entry->result : NULL;
}

void results_close(struct results *results)
{
    struct entry *entry;
    while ((entry = oldest(results))) {
        forget(results, entry);
    }
    empty(results->dir);
    map_free(&results->by_handle);
    free(results);
}
