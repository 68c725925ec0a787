/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gate/qemu_check.h: is this the stream that was agreed on?
 */
#pragma once

#include "gate/qemu_head.h"

/* What an agreement knows of the stream. */
struct mig_qemu_expected {
    const unsigned char *uuid;       /* MIG_QEMU_UUID bytes; all zero: the guest has none */
    const char *machine;             /* versioned, "pc-q35-7.2" */
    uint64_t ram_bytes;              /* all blocks together; 0 = any */
    const char *const *capabilities; /* that may be in use, QEMU's names; NULL ends */
};

/* Every mismatch by name, in one error: "wrong VM: ...; wrong machine type: ...". */
MIG_MUST_CHECK bool mig_qemu_check(const struct mig_qemu_stream *s,
                                   const struct mig_qemu_expected *e, struct mig_error *err);

#define MIG_QEMU_UUID_TEXT 37

/* "12345678-9abc-..." */
void mig_qemu_uuid_format(const unsigned char uuid[MIG_QEMU_UUID], char ret[MIG_QEMU_UUID_TEXT]);
