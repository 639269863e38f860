// SPDX-License-Identifier: Apache-2.0
#pragma once
/* Columns whose values an engine's driver hands over in the engine's own bytes. */
#include "base/buf.h"

/* Names those of @columns_json in a sentence, and what shows them as text; or nothing. */
void opaque_put_notice(struct buf *text, struct str columns_json);
