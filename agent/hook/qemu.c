/* SPDX-License-Identifier: Apache-2.0 */
#include "qemu.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "pact/contract.h"

bool qemu_begin(void *gate, struct mig_error *err)
{
    struct qemu_gate *g = gate;

    if (g->qmp == NULL) {
        return mig_fail(err, MIG_USAGE, "--qmp is needed: the QMP socket of the QEMU on this side");
    }
    return mig_qmp_connect(g->qmp, QEMU_PATIENCE_MS, &g->monitor, err);
}

void qemu_end(void *gate)
{
    mig_qmp_free(((struct qemu_gate *)gate)->monitor);
}

bool qemu_has_uuid(const struct qemu_gate *g, unsigned char ret[MIG_QEMU_UUID])
{
    const char *vm = g->base.contract->vm;
    uint64_t byte;
    size_t len = 0;

    memset(ret, 0, MIG_QEMU_UUID);
    for (const char *c = vm; *c != '\0' && len < MIG_QEMU_UUID; c++) {
        if (*c == '-') {
            continue;
        }
        if (!mig_text_digits(c, 2, 16, 255, &byte)) {
            len = 0;
            break;
        }
        ret[len++] = (unsigned char)byte;
        c++;
    }
    if (len != MIG_QEMU_UUID || strlen(vm) != MIG_QEMU_UUID_TEXT - 1) {
        memset(ret, 0, MIG_QEMU_UUID);
        return false;
    }
    return true;
}

bool qemu_check_head(const struct qemu_gate *g, const struct mig_qemu_head *h,
                     struct mig_error *err)
{
    static const char *const capabilities[] = {"return-path", NULL};
    const char *machine = mig_snapshot_fact(g->base.contract->shown, "vmm.machine-type");
    unsigned char uuid[MIG_QEMU_UUID];
    const struct mig_qemu_expected expected = {
        .uuid = uuid, .machine = machine, .capabilities = capabilities};

    if (machine == NULL) {
        return mig_fail(err, MIG_FORMAT, "the contract names no machine type (vmm.machine-type)");
    }
    (void)qemu_has_uuid(g, uuid);
    return mig_qemu_check(mig_qemu_head_stream(h), &expected, err);
}
