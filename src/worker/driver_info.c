// SPDX-License-Identifier: Apache-2.0
#include "worker/driver_info.h"

#include "base/buf.h"
#include "worker/arrow_json.h"
#include "worker/failure.h"

void driver_info(struct AdbcConnection *adbc, char ret_name[DRIVER_INFO_SIZE],
    char ret_version[DRIVER_INFO_SIZE])
{
    static const uint32_t codes[] = {ADBC_INFO_DRIVER_NAME, ADBC_INFO_DRIVER_VERSION};
    ret_name[0] = ret_version[0] = '\0';
    struct AdbcError error = ADBC_ERROR_INIT;
    struct ArrowArrayStream stream = {0};
    AdbcStatusCode status =
        AdbcConnectionGetInfo(adbc, codes, ARRAY_LEN(codes), &stream, &error);
    (void)failure_take(&error, status);
    if (status != ADBC_STATUS_OK || !stream.release) {
        return;
    }
    struct ArrowSchema schema = {0};
    struct ArrowArray batch = {0};
    bool ok = stream.get_schema(&stream, &schema) == 0 && schema.n_children == 2;
    while (ok && stream.get_next(&stream, &batch) == 0 && batch.release) {
        for (int64_t row = 0; row < batch.length; row++) {
            struct buf code = BUF_INIT(32);
            struct str text = STR("");
            arrow_put_value(&code, schema.children[0], batch.children[0], row);
            (void)arrow_text(schema.children[1], batch.children[1], row, &text);
            if (str_eq(buf_str(&code), STR("100"))) {
                (void)str_copy(text, ret_name, DRIVER_INFO_SIZE);
            } else if (str_eq(buf_str(&code), STR("101"))) {
                (void)str_copy(text, ret_version, DRIVER_INFO_SIZE);
            }
            buf_free(&code);
        }
        batch.release(&batch);
        batch = (struct ArrowArray){0};
    }
    if (schema.release) {
        schema.release(&schema);
    }
    stream.release(&stream);
}
