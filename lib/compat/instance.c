/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What one instance of a guest is beside its CPU: number and arrangement of
 * vCPUs, machine type, and whether its memory is encrypted.
 */
#include <string.h>

#include "base/alloc.h"
#include "base/array.h"
#include "compat/constraint.h"
#include "cpu/place.h"

#define CAP_MAX_VCPUS 66 /* cap.def */

static const struct mig_bit sev = MIG_PLACE_BIT(sev), tdx = MIG_PLACE_BIT(tdx_vendorid_0);

static struct mig_seen item(const struct mig_party *guest, enum mig_guest_item which)
{
    return mig_party_seen(guest, mig_reg_plain(MIG_SPACE_GUEST, which));
}

static struct mig_finding *add(struct mig_findings *list, const char *id,
                               enum mig_severity severity, enum mig_reason reason)
{
    struct mig_finding *f;

    if (!mig_findings_want(list, severity)) {
        return NULL;
    }
    f = mig_findings_add(list, id, severity);
    f->rule = "instance";
    f->reason = reason;
    return f;
}

static void judge_vcpus(const struct mig_party *guest, const struct mig_party *host,
                        struct mig_findings *ret)
{
    struct mig_seen vcpus = item(guest, MIG_GUEST_VCPUS);
    struct mig_seen max = mig_party_seen(host, mig_reg_plain(MIG_SPACE_CAP, CAP_MAX_VCPUS));
    struct mig_finding *f;

    if (vcpus.known != MIG_KNOWN || max.known != MIG_KNOWN || max.value == 0 ||
        vcpus.value <= max.value) {
        return;
    }
    f = add(ret, "guest/vcpus", MIG_BLOCKER, MIG_REASON_KERNEL);
    if (f != NULL) {
        f->guest = f->source = vcpus;
        f->destination = max;
        f->why =
            mig_strf("%s has up to %llu vCPUs, KVM on %s takes %llu", guest->name,
                     (unsigned long long)vcpus.value, host->name, (unsigned long long)max.value);
        f->remedy = mig_strf("choose a host whose kernel takes as many, or power cycle the guest "
                             "with at most %llu vCPUs, those to be plugged later included",
                             (unsigned long long)max.value);
    }
}

/* A contract need not have all four; the others count as one. */
static uint64_t product(const struct mig_party *guest)
{
    static const enum mig_guest_item levels[] = {MIG_GUEST_SOCKETS, MIG_GUEST_DIES, MIG_GUEST_CORES,
                                                 MIG_GUEST_THREADS};
    uint64_t all = 1;
    bool any = false;

    for (size_t i = 0; i < MIG_COUNT(levels); i++) {
        uint64_t count = item(guest, levels[i]).value;

        any = any || count != 0;
        all *= count != 0 && all <= UINT32_MAX ? count : 1;
    }
    return any ? all : 0;
}

static void judge_topology(const struct mig_party *guest, struct mig_findings *ret)
{
    struct mig_seen vcpus = item(guest, MIG_GUEST_VCPUS);
    uint64_t all = product(guest);
    struct mig_finding *f;

    if (vcpus.known != MIG_KNOWN || all == 0 || all == vcpus.value) {
        return;
    }
    f = add(ret, "guest/topology", MIG_WARNING, MIG_REASON_VMM);
    if (f != NULL) {
        f->why = mig_strf("sockets, dies, cores and threads of %s make %llu vCPUs, it has up to "
                          "%llu: a VMM that derives one from the other starts a different machine",
                          guest->name, (unsigned long long)all, (unsigned long long)vcpus.value);
        f->remedy = mig_strdup("give the destination's VMM the same -smp values, maxcpus included, "
                               "as the guest booted with");
    }
}

/* Intel's signature is read from leaf 0x21, KVM's own word counts more. */
static void judge_encryption(const struct mig_party *guest, struct mig_findings *ret)
{
    struct mig_seen type = item(guest, MIG_GUEST_VM_TYPE);
    bool is_certain = (type.known == MIG_KNOWN && type.value != 0) || mig_party_has(guest, tdx);
    struct mig_finding *f;

    if (is_certain) {
        f = add(ret, "guest/vm-type", MIG_BLOCKER, MIG_REASON_VMM);
        if (f != NULL) {
            f->guest = f->source = type;
            f->why = mig_strdup("a guest with encrypted memory (SEV, SEV-ES, SEV-SNP, TDX) can not "
                                "be moved this way");
            f->remedy = mig_strdup("shut it down and start it on the destination; its keys stay "
                                   "with one host");
        }
    } else if (type.known != MIG_KNOWN && mig_party_has(guest, sev)) {
        f = add(ret, "guest/vm-type", MIG_WARNING, MIG_REASON_EVIDENCE);
        if (f != NULL) {
            f->likely = true;
            f->why =
                mig_strf("leaf 0x8000001f shows SEV to %s and nothing tells whether its memory "
                         "is encrypted; older kernels leak the leaf to plain guests",
                         guest->name);
            f->remedy = mig_strdup("record guest/vm-type in its contract");
        }
    }
}

/* Is @word one of the words of @list? */
static bool lists(const char *list, const char *word)
{
    size_t len = strlen(word);

    for (const char *at = strstr(list, word); at != NULL; at = strstr(at + 1, word)) {
        bool starts = at == list || at[-1] == ' ';

        if (starts && (at[len] == ' ' || at[len] == '\0')) {
            return true;
        }
    }
    return false;
}

static void judge_machine(const struct mig_party *guest, const struct mig_party *host,
                          struct mig_findings *ret)
{
    const char *machine = mig_snapshot_fact(guest->snapshot, "vmm.machine-type");
    const char *offered = mig_snapshot_fact(host->snapshot, "vmm.qemu.machines");
    struct mig_finding *f;

    if (machine == NULL || *machine == '\0' || offered == NULL || lists(offered, machine)) {
        return;
    }
    f = add(ret, "vmm/machine-type", MIG_BLOCKER, MIG_REASON_VMM);
    if (f != NULL) {
        f->rule = mig_rule_name(MIG_RULE_EQUAL_TEXT);
        f->why = mig_strf("%s was booted as machine type %s, which the VMM on %s does not have",
                          guest->name, machine, host->name);
        f->remedy = mig_strf("install a VMM on %s that still has %s, or power cycle the guest on a "
                             "machine type that both have",
                             host->name, machine);
    }
}

void mig_instance_judge(const struct mig_party *guest, const struct mig_party *host,
                        struct mig_findings *ret)
{
    if (guest->snapshot->groups[MIG_GROUP_GUEST].coverage != MIG_COVER_NONE) {
        judge_vcpus(guest, host, ret);
        judge_topology(guest, ret);
    }
    judge_encryption(guest, ret);
    judge_machine(guest, host, ret);
}
