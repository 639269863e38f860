// SPDX-License-Identifier: Apache-2.0
#pragma once
/* Arrow schemas and arrays of the scripted driver: what they hold is freed with them. */
#include <arrow-adbc/adbc.h>

/* On the heap; never NULL but without memory. */
void *fake_copy(const void *bytes, size_t size);

/* Strings are borrowed. */
void fake_schema_init(
    struct ArrowSchema *schema, const char *format, const char *name, int64_t children);
void fake_array_init(
    struct ArrowArray *array, int64_t length, int64_t buffers, int64_t children);
