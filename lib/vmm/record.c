/* SPDX-License-Identifier: Apache-2.0 */
#include "vmm/record.h"

#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "cpu/field.h"
#include "snapshot/builder.h"
#include "snapshot/import.h"
#include "vmm/domain.h"
#include "vmm/inquiry.h"
#include "vmm/launch.h"
#include "vmm/look.h"
#include "vmm/probe.h"
#include "vmm/process.h"

#define NO_UUID "00000000-0000-0000-0000-000000000000"

static bool copy_id(const char *what, const char *id, char ret[MIG_VM_ID_MAX],
                    struct mig_error *err)
{
    if (!mig_contract_id_is_valid(id)) {
        return mig_fail(err, MIG_USAGE,
                        "%s '%.70s': expected 1 to %d printable characters without space and "
                        "slash; give the guest another id",
                        what, id, MIG_VM_ID_MAX - 1);
    }
    memcpy(ret, id, strlen(id) + 1);
    return true;
}

/* Who the guest is; @uuid and @name may be NULL. */
static bool name_guest(const struct mig_recorder *recorder, const char *uuid, const char *name,
                       struct mig_contract *c, struct mig_error *err)
{
    if (recorder->vm != NULL) {
        return copy_id("vm", recorder->vm, c->vm, err);
    }
    if (uuid != NULL && strcmp(uuid, NO_UUID) != 0) {
        return copy_id("query-uuid", uuid, c->vm, err);
    }
    return name != NULL
               ? copy_id("query-name", name, c->vm, err)
               : mig_fail(err, MIG_MISSING, "the guest has neither -uuid nor -name; give it an id");
}

static bool finish(const struct mig_recorder *recorder, const struct mig_process *p,
                   struct mig_builder *b, struct mig_contract *c, struct mig_error *err)
{
    if (!mig_process_check(p, err) || !mig_process_instance(p, c->instance, err) ||
        !mig_import_finish(b, "qemu-probe", &c->shown, err)) {
        return false;
    }
    c->shown->stamp.table_version = MIG_TABLE_VERSION;
    if (recorder->host == NULL) {
        return mig_contract_check_shown(c->shown, err);
    }
    (void)snprintf(c->recorder, sizeof c->recorder, "%s", recorder->host);
    c->recorded_at = recorder->now;
    return mig_contract_check(c, err);
}

static bool record_qemu(const struct mig_recorder *recorder, struct mig_qmp *q,
                        struct mig_contract *c, struct mig_error *err)
{
    MIG_AUTO(mig_builder_free) struct mig_builder *b = mig_builder_new(MIG_ARCH_X86);
    MIG_AUTO(mig_process_clear) struct mig_process p = {.program = -1};
    MIG_AUTO(mig_inquiry_clear) struct mig_inquiry i = {.kvm = false};
    pid_t pid;

    return mig_qmp_peer(q, &pid, err) && mig_process_open(pid, &p, err) &&
           mig_inquiry_ask(q, &i, err) && name_guest(recorder, i.uuid, i.name, c, err) &&
           mig_look_alike(recorder, &p, &i, b, err) && mig_inquiry_pour(&i, b, err) &&
           finish(recorder, &p, b, c, err);
}

bool mig_qemu_record(const struct mig_recorder *recorder, const char *socket,
                     struct mig_contract **ret, struct mig_error *err)
{
    MIG_AUTO(mig_contract_free) struct mig_contract *c = MIG_NEW(struct mig_contract);
    MIG_AUTO(mig_qmp_free) struct mig_qmp *q = NULL;

    if (!mig_qmp_connect(socket, mig_look_timeout(recorder), &q, err) ||
        !record_qemu(recorder, q, c, err)) {
        return false;
    }
    *ret = mig_steal(&c);
    return true;
}

/* What the scratch guest's QEMU says of itself is kept: it was started as the
 * domain's was. */
static bool keep_inquiry(struct mig_qmp *q, void *inquiry, struct mig_error *err)
{
    return mig_inquiry_ask(q, inquiry, err);
}

static bool find_process(const struct mig_domain *d, pid_t pid, struct mig_process *ret,
                         struct mig_error *err)
{
    if (pid == 0 && !mig_process_find("uuid", d->uuid, &pid, err)) {
        return false;
    }
    if (!mig_process_open(pid, ret, err)) {
        return false;
    }
    return mig_process_has(ret, "uuid", d->uuid) ||
           mig_fail(err, MIG_MISSING, "process %d was not started with -uuid %s", (int)pid,
                    d->uuid);
}

static bool record_domain(const struct mig_recorder *recorder, const struct mig_domain *d,
                          pid_t pid, struct mig_contract *c, struct mig_error *err)
{
    MIG_AUTO(mig_builder_free) struct mig_builder *b = mig_builder_new(MIG_ARCH_X86);
    MIG_AUTO(mig_process_clear) struct mig_process p = {.program = -1};
    MIG_AUTO(mig_inquiry_clear) struct mig_inquiry i = {.kvm = false};
    MIG_AUTO(mig_launch_clear) struct mig_launch launch = {.items = NULL};
    struct mig_probe probe = {.launch = &launch, .check = keep_inquiry, .data = &i};

    if (!name_guest(recorder, d->uuid, NULL, c, err) || !find_process(d, pid, &p, err)) {
        return false;
    }
    mig_launch_add_machine(&launch, &p, d->kvm ? "kvm" : "tcg", d->machine);
    mig_launch_add_options(&launch, &p, true);
    mig_domain_pour(d, b);
    return mig_look(recorder, &p, &probe, b, err) && mig_inquiry_pour(&i, b, err) &&
           finish(recorder, &p, b, c, err) &&
           mig_domain_check(d, c->shown, "a scratch guest with the same command line", err);
}

bool mig_libvirt_record(const struct mig_recorder *recorder, const char *xml, size_t len, pid_t pid,
                        struct mig_contract **ret, struct mig_error *err)
{
    MIG_AUTO(mig_contract_free) struct mig_contract *c = MIG_NEW(struct mig_contract);
    MIG_AUTO(mig_domain_clear) struct mig_domain d = {.root = NULL};

    if (!mig_domain_read(xml, len, &d, err) || !record_domain(recorder, &d, pid, c, err)) {
        return mig_wrap(err, "domain");
    }
    *ret = mig_steal(&c);
    return true;
}
