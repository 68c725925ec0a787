/* SPDX-License-Identifier: Apache-2.0 */
#include "vmm/incoming.h"

#include <inttypes.h>
#include <string.h>
#include <strings.h>

#include "base/alloc.h"
#include "base/array.h"
#include "base/log.h"
#include "base/text.h"
#include "pact/contract.h"
#include "snapshot/builder.h"
#include "snapshot/import.h"
#include "vmm/look.h"
#include "vmm/process.h"
#include "vmm/readback.h"

/* A guest's clock takes as much (tsc constraint), and what is read is rounded. */
#define TSC_PPM 250

static struct mig_finding *add(struct mig_findings *list, const char *id, char *why,
                               const char *remedy)
{
    struct mig_finding *f = mig_findings_add(list, id, MIG_BLOCKER);

    f->rule = "read-back";
    f->reason = MIG_REASON_VMM;
    f->why = why;
    f->remedy = mig_strdup(remedy);
    return f;
}

static bool is_rate(const struct mig_mismatch *m)
{
    uint64_t apart = m->wanted > m->got ? m->wanted - m->got : m->got - m->wanted;

    return m->key == mig_reg_key(mig_reg_plain(MIG_SPACE_HOST, MIG_HOST_TSC_KHZ)) && m->has_got &&
           apart <= m->wanted / 1000000 * TSC_PPM + m->wanted % 1000000 * TSC_PPM / 1000000;
}

static void tell_register(struct mig_findings *list, const struct mig_mismatch *m)
{
    char id[MIG_REG_TEXT_MAX];
    struct mig_reg reg = mig_reg_from_key(m->key);
    char *why = m->has_got ? mig_strf("the guest was shown 0x%" PRIx64
                                      ", the QEMU that waits for it shows 0x%" PRIx64,
                                      m->wanted, m->got)
                           : mig_strf("the guest was shown 0x%" PRIx64
                                      ", nothing tells what the QEMU that waits for it shows",
                                      m->wanted);
    struct mig_finding *f;

    mig_reg_print(reg, id);
    f = add(list, id, why,
            "start it with the CPU of the contract: migctl contract export --qemu prints it");
    f->guest = (struct mig_seen){MIG_KNOWN, m->wanted};
    f->destination = (struct mig_seen){m->has_got ? MIG_KNOWN : MIG_UNCOVERED, m->got};
    mig_finding_add_names(f, reg, m->has_got ? m->wanted ^ m->got : m->wanted);
}

static void compare_registers(const struct mig_snapshot *shown, const struct mig_snapshot *seen,
                              struct mig_findings *list)
{
    MIG_AUTO(mig_proven_clear) struct mig_proven all = {0};

    mig_readback_compare(shown, seen, &all);
    for (size_t i = 0; i < all.len; i++) {
        if (!is_rate(&all.items[i])) {
            tell_register(list, &all.items[i]);
        }
    }
}

/* A level that a machine does not have counts as one. */
static uint64_t level(const struct mig_snapshot *s, enum mig_guest_item item)
{
    uint64_t count = 0;

    (void)mig_snapshot_get(s, mig_reg_plain(MIG_SPACE_GUEST, item), &count);
    return count != 0 ? count : 1;
}

static void compare_vcpus(const struct mig_snapshot *shown, const struct mig_snapshot *seen,
                          struct mig_findings *list)
{
    static const enum mig_guest_item items[] = {MIG_GUEST_VCPUS, MIG_GUEST_SOCKETS, MIG_GUEST_DIES,
                                                MIG_GUEST_CORES, MIG_GUEST_THREADS};

    for (size_t i = 0; i < MIG_COUNT(items); i++) {
        struct mig_reg reg = mig_reg_plain(MIG_SPACE_GUEST, items[i]);
        uint64_t wanted = level(shown, items[i]), got = level(seen, items[i]), told;
        char id[MIG_REG_TEXT_MAX];
        struct mig_finding *f;

        if (mig_snapshot_get(shown, reg, &told) != MIG_KNOWN || wanted == got) {
            continue;
        }
        mig_reg_print(reg, id);
        f = add(
            list, id,
            mig_strf("the guest has %" PRIu64 ", the QEMU that waits for it %" PRIu64, wanted, got),
            "start it with the same -smp, maxcpus included");
        f->guest = (struct mig_seen){MIG_KNOWN, wanted};
        f->destination = (struct mig_seen){MIG_KNOWN, got};
    }
}

/* @told: by the contract, or NULL when it says nothing. */
static void compare_text(const char *id, const char *told, const char *got, const char *remedy,
                         struct mig_findings *list)
{
    if (told != NULL && strcasecmp(told, got) != 0) {
        (void)add(
            list, id,
            mig_strf("that of the guest is %s, that of the QEMU that waits for it %s", told, got),
            remedy);
    }
}

static void compare_machine(const struct mig_contract *c, const struct mig_inquiry *i,
                            struct mig_findings *list)
{
    compare_text("vmm/machine-type", mig_snapshot_fact(c->shown, "vmm.machine-type"), i->machine,
                 "start it with the guest's machine type and its version", list);
    compare_text("vmm/accelerator", mig_snapshot_fact(c->shown, "vmm.accelerator"),
                 i->kvm ? "kvm" : "tcg", "start it with the guest's accelerator", list);
    compare_text("guest/uuid", mig_text_is_uuid(c->vm) ? c->vm : NULL,
                 i->uuid != NULL ? i->uuid : "none",
                 "start it with the guest's -uuid, or take the QEMU that is for this guest", list);
}

static bool look(const struct mig_recorder *recorder, struct mig_qmp *q, struct mig_inquiry *i,
                 struct mig_snapshot **ret, struct mig_error *err)
{
    MIG_AUTO(mig_builder_free) struct mig_builder *b = mig_builder_new(MIG_ARCH_X86);
    MIG_AUTO(mig_process_clear) struct mig_process p = {.program = -1};
    pid_t pid;

    return mig_qmp_peer(q, &pid, err) && mig_process_open(pid, &p, err) &&
           mig_inquiry_ask_incoming(q, i, err) && mig_look_alike(recorder, &p, i, b, err) &&
           mig_inquiry_pour(i, b, err) && mig_process_check(&p, err) &&
           mig_import_finish(b, "qemu-probe", ret, err);
}

bool mig_libvirt_check_incoming(const struct mig_recorder *recorder, const char *xml, size_t len,
                                const struct mig_contract *c, struct mig_findings *ret,
                                struct mig_error *err)
{
    static const struct {
        const char *id, *fact, *remedy;
    } texts[] = {
        {"vmm/machine-type", "vmm.machine-type", "keep the guest's machine type and its version"},
        {"vmm/accelerator",  "vmm.accelerator",  "keep the guest's accelerator"                 },
    };
    MIG_AUTO(mig_contract_free) struct mig_contract *seen = NULL;

    if (c->shown->arch != MIG_ARCH_X86) {
        return mig_fail(err, MIG_MISSING, "the contract is of %s: the probe is for x86",
                        mig_arch_name(c->shown->arch));
    }
    if (!mig_libvirt_record(recorder, xml, len, 0, &seen, err)) {
        return false;
    }
    for (size_t i = 0; i < MIG_COUNT(texts); i++) {
        const char *got = mig_snapshot_fact(seen->shown, texts[i].fact);

        compare_text(texts[i].id, mig_snapshot_fact(c->shown, texts[i].fact),
                     got != NULL ? got : "unknown", texts[i].remedy, ret);
    }
    compare_vcpus(c->shown, seen->shown, ret);
    compare_registers(c->shown, seen->shown, ret);
    mig_findings_sort(ret);
    return true;
}

bool mig_incoming_refuse(const struct mig_findings *list, struct mig_error *err)
{
    MIG_AUTO(mig_text_clear) struct mig_text why = {0};
    bool more = mig_findings_sum_up(list, MIG_NOTE, &why);

    for (size_t i = 0; i < list->len; i++) {
        const struct mig_finding *f = &list->items[i];

        mig_log_error("%s: %s", f->id, f->why != NULL ? f->why : "differs");
    }
    return mig_fail(err, MIG_REFUSED,
                    "the waiting QEMU would not show the guest its CPU: %s%s (migctl contract "
                    "export --qemu tells how it is to be started)",
                    why.items, more ? "; and more" : "");
}

bool mig_qemu_check_incoming(const struct mig_recorder *recorder, const char *socket,
                             const struct mig_contract *c, struct mig_findings *ret,
                             struct mig_error *err)
{
    MIG_AUTO(mig_qmp_free) struct mig_qmp *q = NULL;
    MIG_AUTO(mig_inquiry_clear) struct mig_inquiry i = {.kvm = false};
    MIG_AUTO(mig_snapshot_free) struct mig_snapshot *seen = NULL;

    if (c->shown->arch != MIG_ARCH_X86) {
        return mig_fail(err, MIG_MISSING, "the contract is of %s: the probe is for x86",
                        mig_arch_name(c->shown->arch));
    }
    if (!mig_qmp_connect(socket, mig_look_timeout(recorder), &q, err) ||
        !look(recorder, q, &i, &seen, err)) {
        return false;
    }
    compare_machine(c, &i, ret);
    compare_vcpus(c->shown, seen, ret);
    compare_registers(c->shown, seen, ret);
    mig_findings_sort(ret);
    return true;
}
