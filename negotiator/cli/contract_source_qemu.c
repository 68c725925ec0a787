/* SPDX-License-Identifier: Apache-2.0 */
#include "contract_source.h"

#include <string.h>

#include "base/file.h"
#include "base/now.h"
#include "pact/contract.h"
#include "snapshot/import.h"
#include "vmm/record.h"

/* Unsigned: the agent that keeps it signs. */
static struct mig_recorder recorder(const struct mig_contract *c)
{
    return (struct mig_recorder){.now = mig_now_unix(), .vm = c->vm[0] != '\0' ? c->vm : NULL};
}

static void take(struct mig_contract *from, struct mig_contract *c)
{
    c->shown = mig_steal(&from->shown);
    memcpy(c->vm, from->vm, sizeof c->vm);
    memcpy(c->instance, from->instance, sizeof c->instance);
}

bool contract_source_qemu(const char *word, struct mig_contract *c, struct mig_error *err)
{
    const struct mig_recorder r = recorder(c);
    MIG_AUTO(mig_contract_free) struct mig_contract *recorded = NULL;

    if (!mig_qemu_record(&r, word, &recorded, err)) {
        return false;
    }
    take(recorded, c);
    return true;
}

bool contract_source_libvirt(const char *word, struct mig_contract *c, struct mig_error *err)
{
    const struct mig_recorder r = recorder(c);
    MIG_AUTO(mig_contract_free) struct mig_contract *recorded = NULL;
    MIG_AUTO(mig_bytes_clear) struct mig_bytes xml = {0};

    if (!mig_file_read(word, MIG_IMPORT_BYTES_MAX, &xml, err) ||
        !mig_libvirt_record(&r, (const char *)xml.items, xml.len, 0, &recorded, err)) {
        return false;
    }
    take(recorded, c);
    return true;
}
