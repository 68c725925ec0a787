/* SPDX-License-Identifier: Apache-2.0 */
#include "pact/pb_read.h"

#include <string.h>

#include "base/alloc.h"

bool mig_pb_text(const char *what, const char *from, char *ret, size_t size, struct mig_error *err)
{
    size_t len = strlen(from);

    if (len >= size) {
        return mig_fail(err, MIG_LIMIT, "%s is longer than %zu characters", what, size - 1);
    }
    for (size_t i = 0; i < len; i++) {
        if (from[i] < 0x20 || from[i] > 0x7e) {
            return mig_fail(err, MIG_FORMAT, "%s is not printable", what);
        }
    }
    memcpy(ret, from, len + 1);
    return true;
}

bool mig_pb_bytes(const char *what, ProtobufCBinaryData from, unsigned char *ret, size_t size,
                  struct mig_error *err)
{
    if (from.len != size) {
        return mig_fail(err, MIG_FORMAT, "%s has %zu bytes, expected %zu", what, from.len, size);
    }
    memcpy(ret, from.data, size);
    return true;
}

ProtobufCBinaryData mig_pb_copy(const unsigned char *from, size_t len)
{
    return (ProtobufCBinaryData){.len = len, .data = mig_memdup(from, len)};
}
