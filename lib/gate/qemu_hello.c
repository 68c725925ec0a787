/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/qemu_hello.h"

#include <string.h>

#include "gate/qemu_check.h"

/* migration/multifd.c: magic, version, UUID, id, 39 bytes that mean nothing. */
#define MULTIFD_MAGIC 0x11223344u
#define MULTIFD_VERSION 1u
#define UUID_AT 8
#define ID_AT 24

#define STREAM_MAGIC 0x5145564du

static unsigned number(const unsigned char bytes[4])
{
    return (unsigned)bytes[0] << 24 | (unsigned)bytes[1] << 16 | (unsigned)bytes[2] << 8 | bytes[3];
}

enum mig_qemu_channel mig_qemu_channel_of(const unsigned char first[MIG_QEMU_FIRST_BYTES])
{
    switch (number(first)) {
    case STREAM_MAGIC:
        return MIG_QEMU_CHANNEL_MAIN;
    case MULTIFD_MAGIC:
        return MIG_QEMU_CHANNEL_MULTIFD;
    default:
        return MIG_QEMU_CHANNEL_OTHER;
    }
}

bool mig_qemu_hello_decode(const unsigned char bytes[MIG_QEMU_HELLO_BYTES],
                           struct mig_qemu_hello *ret, struct mig_error *err)
{
    if (number(bytes) != MULTIFD_MAGIC) {
        return mig_fail(err, MIG_FORMAT,
                        "multifd channel: byte 0: magic is 0x%08x, expected 0x%08x", number(bytes),
                        MULTIFD_MAGIC);
    }
    if (number(bytes + 4) != MULTIFD_VERSION) {
        return mig_fail(err, MIG_FORMAT, "multifd channel: byte 4: version is %u, expected %u",
                        number(bytes + 4), MULTIFD_VERSION);
    }
    memcpy(ret->uuid, bytes + UUID_AT, MIG_QEMU_UUID);
    ret->channel = bytes[ID_AT];
    return true;
}

bool mig_qemu_hello_check(const struct mig_qemu_hello *hello,
                          const unsigned char uuid[MIG_QEMU_UUID], unsigned channels,
                          struct mig_error *err)
{
    char want[MIG_QEMU_UUID_TEXT], got[MIG_QEMU_UUID_TEXT];

    if (memcmp(hello->uuid, uuid, MIG_QEMU_UUID) != 0) {
        mig_qemu_uuid_format(uuid, want);
        mig_qemu_uuid_format(hello->uuid, got);
        return mig_fail(err, MIG_TRUST, "multifd channel: wrong VM: UUID %s, expected %s", got,
                        want);
    }
    if (hello->channel >= channels) {
        return mig_fail(err, MIG_TRUST, "multifd channel: id is %u, expected less than %u",
                        hello->channel, channels);
    }
    return true;
}
