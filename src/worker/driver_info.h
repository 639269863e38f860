// SPDX-License-Identifier: Apache-2.0
#pragma once
/* What a driver says of itself. */
#include <arrow-adbc/adbc.h>

enum {
    DRIVER_INFO_SIZE = 128
};

/* Its name and its version; empty where it does not say. */
void driver_info(struct AdbcConnection *adbc, char ret_name[DRIVER_INFO_SIZE],
    char ret_version[DRIVER_INFO_SIZE]);
