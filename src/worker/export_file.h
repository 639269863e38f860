// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * A new file that appears under its name when it is whole. Until then it has another name
 * beside that one, mode 0600; whatever fails, nothing is left behind.
 */
#include "base/buf.h"

struct export_file {
    int fd; /* -1: none */
    struct str path;
    char *temp; /* the other name; NULL: none */
    struct buf out;
    uint64_t bytes;  /* written */
    char error[512]; /* a sentence, of the first failure */
};

/* False, from here on: error says why. @path is borrowed. */
bool export_file_open(struct export_file *file, struct str path) MUST_USE;

/* Writers fill file->out and call this now and then; it writes when there is enough. */
void export_file_flow(struct export_file *file);

/* Writes bytes as they are, behind what file->out holds. */
void export_file_put(struct export_file *file, struct str bytes);
bool export_file_ok(const struct export_file *file);

/* Writes the rest and gives the file its name. */
bool export_file_finish(struct export_file *file) MUST_USE;

/* Removes what is not finished. */
void export_file_free(struct export_file *file);
