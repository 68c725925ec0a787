/* SPDX-License-Identifier: Apache-2.0 */
#include "support/guest.h"

#include <stdio.h>

#include "base/alloc.h"
#include "cpu/field.h"
#include "snapshot/builder.h"
#include "support/check.h"
#include "support/prop.h"
#include "support/small_host.h"
#include "support/snapshots.h"

static bool is_shown(struct mig_reg reg)
{
    return reg.space == MIG_SPACE_CPUID || reg.space == MIG_SPACE_CPUID_HV ||
           reg.space == MIG_SPACE_MSR || reg.space == MIG_SPACE_IDREG ||
           reg.space == MIG_SPACE_GUEST || reg.space == MIG_SPACE_VIRTIO ||
           (reg.space == MIG_SPACE_HOST && reg.index == MIG_HOST_TSC_KHZ);
}

static struct mig_snapshot *shown_of(const struct mig_snapshot *host)
{
    MIG_AUTO(mig_builder_free) struct mig_builder *b = mig_builder_new(host->arch);
    struct mig_snapshot *shown = NULL;
    struct mig_error err;

    for (size_t i = 0; i < host->entries_len; i++) {
        const struct mig_entry *e = &host->entries[i];
        struct mig_reg reg = mig_reg_from_key(e->key);

        if (is_shown(reg) && e->errnum != 0) {
            mig_builder_set_unreadable(b, reg, e->errnum);
        } else if (is_shown(reg)) {
            mig_builder_set(b, reg, e->value);
        }
    }
    for (int g = 0; g < MIG_GROUP_COUNT; g++) {
        const struct mig_group_state *state = &host->groups[g];

        if (mig_contract_may_cover((enum mig_group)g)) {
            mig_builder_cover(b, (enum mig_group)g, state->coverage, state->errnum, state->source);
        }
    }
    mig_builder_add_fact(b, "vmm.name", "cloud-hypervisor", "");
    mig_builder_add_fact(b, "vmm.version", "39.0", "");
    check_done("shown", mig_builder_freeze(b, &shown, &err), &err);
    shown->stamp.table_version = MIG_TABLE_VERSION;
    return shown;
}

struct mig_contract *guest_of(const struct mig_snapshot *host)
{
    struct mig_contract *c = MIG_NEW(struct mig_contract);

    *c = (struct mig_contract){
        .vm = "web3",
        .instance = "7f3a",
        .recorder = "alpha",
        .recorded_at = GUEST_RECORDED,
        .shown = shown_of(host),
    };
    return c;
}

struct mig_contract *guest_small(const char *edits)
{
    MIG_AUTO(mig_snapshot_free) struct mig_snapshot *host = small_host(edits);

    return guest_of(host);
}

struct mig_contract *guest_real(const char *name)
{
    MIG_AUTO(mig_snapshot_free) struct mig_snapshot *host = snapshot_host(name);

    return guest_of(host);
}

static void random_id(struct prop *p, char ret[MIG_VM_ID_MAX])
{
    size_t len = 1 + (size_t)prop_below(p, MIG_VM_ID_MAX - 1);

    for (size_t i = 0; i < len; i++) {
        ret[i] = (char)(0x21 + prop_below(p, 0x7f - 0x21));
        ret[i] = ret[i] == '/' ? '-' : ret[i];
    }
    ret[len] = '\0';
}

struct mig_contract *guest_random(struct prop *p)
{
    MIG_AUTO(mig_snapshot_free) struct mig_snapshot *host = snapshot_random(p);
    struct mig_contract *c = guest_of(host);
    int64_t after_s = 0;

    random_id(p, c->vm);
    random_id(p, c->instance);
    c->recorded_at = 1 + (int64_t)prop_below(p, UINT64_C(1) << 40);
    c->shown->stamp.table_version = (uint32_t)prop_below(p, 2) * MIG_TABLE_VERSION;
    for (uint64_t i = prop_below(p, 5); i > 0; i--) {
        MIG_AUTO(mig_free)
        char *name = mig_strf("host-%llu", (unsigned long long)prop_below(p, 1000));

        after_s += (int64_t)prop_below(p, 100000);
        guest_hops(c, name, after_s);
    }
    return c;
}

void guest_hops(struct mig_contract *c, const char *host, int64_t after_s)
{
    struct mig_hop *hop;

    c->hops = mig_resize(c->hops, c->hops_len + 1, sizeof *c->hops);
    hop = &c->hops[c->hops_len++];
    *hop = (struct mig_hop){.at = c->recorded_at + after_s};
    (void)snprintf(hop->host, sizeof hop->host, "%s", host);
}

void guest_check_same(const char *label, const struct mig_contract *expected,
                      const struct mig_contract *got)
{
    check_text(label, expected->vm, got->vm);
    check_text(label, expected->instance, got->instance);
    check_text(label, expected->recorder, got->recorder);
    check_number(label, (uint64_t)expected->recorded_at, (uint64_t)got->recorded_at);
    check_number(label, expected->hops_len, got->hops_len);
    for (size_t i = 0; i < expected->hops_len; i++) {
        check_text(label, expected->hops[i].host, got->hops[i].host);
        check_number(label, (uint64_t)expected->hops[i].at, (uint64_t)got->hops[i].at);
    }
    snapshot_check_same(label, expected->shown, got->shown);
}
