// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * Assertions that stay on in release: a wrong answer costs more than a restart.
 * They are for our own mistakes only; what a peer, an engine, a file or the
 * configuration says is checked and answered, never asserted.
 */

_Noreturn void assert_fail(const char *expr, const char *file, int line);

#define ASSERT(expr) ((expr) ? (void)0 : assert_fail(#expr, __FILE__, __LINE__))
#define UNREACHABLE() assert_fail("unreachable", __FILE__, __LINE__)

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))
#define MUST_USE __attribute__((warn_unused_result))
#define PRINTF_LIKE(fmt, args) __attribute__((format(printf, fmt, args)))

/* The struct of which @ptr is the member called @member. */
#define CONTAINER_OF(ptr, type, member) \
    ((type *)(void *)((char *)(ptr)-offsetof(type, member)))
