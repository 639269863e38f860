// SPDX-License-Identifier: Apache-2.0
#pragma once
/* The half of confine.h that is seccomp's: which calls of the kernel are refused. */
#include "worker/confine.h"

/* Has this kernel filters? */
bool confine_calls_can(void);

/* For all threads, for good; 0, or a negative errno. */
int confine_calls(const struct confine_rules *rules) MUST_USE;
