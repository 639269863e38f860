// SPDX-License-Identifier: Apache-2.0
#include "base/assert.h"

#include <stdio.h>
#include <stdlib.h>

_Noreturn void assert_fail(const char *expr, const char *file, int line)
{
    fprintf(stderr, "level=fatal event=assert expr=\"%s\" at=%s:%d\n", expr, file, line);
    abort();
}
