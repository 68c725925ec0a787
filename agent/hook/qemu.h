/* SPDX-License-Identifier: Apache-2.0 */
/*
 * qemu.h: the two gates of a guest of QEMU: "qemu send" beside the QEMU that
 * has it, "qemu receive" beside the one that waits for it.
 *
 *   send                         receive
 *     agree (its agent)
 *     connect, OFFER    ------->   is it ours to take, is the waiting QEMU's CPU
 *                                  the contract's, approve (its agent)
 *                       <-------   VERDICT
 *     approve (its agent)
 *     QEMU: migrate, head ----->   the head is the guest's that was agreed on
 *     memory            ------->   QEMU: migrate-incoming
 *     QEMU: pre-switchover
 *     CHECK             ------->   the host is still what was agreed on
 *                       <-------   CHECK
 *     QEMU: migrate-continue
 *                                  QEMU: cont, complete (its agent)
 *     depart (its agent) <------   OFFER: the contract, signed there
 */
#pragma once

#include "gate.h"
#include "gate/qemu_check.h"
#include "gate/qemu_head.h"
#include "vmm/migration.h"

#define QEMU_PATIENCE_MS 20000
#define QEMU_HEAD_MS 30000

struct qemu_gate {
    struct gate base; /* first */
    char *qmp, *stream;
    struct mig_qmp *monitor; /* the gate's own */
};

/* What the stream of that guest has to say. */
MIG_MUST_CHECK bool qemu_check_head(const struct qemu_gate *g, const struct mig_qemu_head *h,
                                    struct mig_error *err);

/* Is the VM's id a UUID that its stream can carry? */
bool qemu_has_uuid(const struct qemu_gate *g, unsigned char ret[MIG_QEMU_UUID]);

/* Of a gate_form: the monitor. */
MIG_MUST_CHECK bool qemu_begin(void *gate, struct mig_error *err);
void qemu_end(void *gate);

#define QEMU_ROWS                                                                                  \
    GATE_ROW(qemu_gate, "qmp", 0, TEXT, qmp, "SOCKET", NULL,                                       \
             "QMP socket of the QEMU on this side, which nobody else uses"),                       \
        GATE_ROWS(qemu_gate)
