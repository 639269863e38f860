// SPDX-License-Identifier: Apache-2.0
#include "worker/fake_arrow.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

void *fake_copy(const void *bytes, size_t size)
{
    char *ptr = calloc(1, size > 0 ? size : 1);
    if (ptr && size > 0) {
        memcpy(ptr, bytes, size);
    }
    return ptr;
}

static void schema_release(struct ArrowSchema *schema)
{
    for (int64_t i = 0; i < schema->n_children; i++) {
        schema->children[i]->release(schema->children[i]);
        free(schema->children[i]);
    }
    free(schema->children);
    schema->release = NULL;
}

static void array_release(struct ArrowArray *array)
{
    for (int64_t i = 0; i < array->n_children; i++) {
        array->children[i]->release(array->children[i]);
        free(array->children[i]);
    }
    for (int64_t i = 0; i < array->n_buffers; i++) {
        free((void *)(uintptr_t)array->buffers[i]);
    }
    free(array->children);
    free(array->buffers);
    array->release = NULL;
}

void fake_schema_init(
    struct ArrowSchema *schema, const char *format, const char *name, int64_t children)
{
    *schema = (struct ArrowSchema){.format = format,
        .name = name,
        .n_children = children,
        .flags = ARROW_FLAG_NULLABLE,
        .release = schema_release};
    schema->children = calloc((size_t)children + 1, sizeof(*schema->children));
    for (int64_t i = 0; i < children; i++) {
        schema->children[i] = calloc(1, sizeof(struct ArrowSchema));
    }
}

void fake_array_init(
    struct ArrowArray *array, int64_t length, int64_t buffers, int64_t children)
{
    *array = (struct ArrowArray){.length = length,
        .n_buffers = buffers,
        .n_children = children,
        .release = array_release};
    array->buffers = calloc((size_t)buffers + 1, sizeof(*array->buffers));
    array->children = calloc((size_t)children + 1, sizeof(*array->children));
    for (int64_t i = 0; i < children; i++) {
        array->children[i] = calloc(1, sizeof(struct ArrowArray));
    }
}
