/* SPDX-License-Identifier: Apache-2.0 */
#include "compat/vmm.h"

#include <stdio.h>
#include <string.h>

#include "base/array.h"
#include "compat/merge.h"
#include "compat/version.h"
#include "snapshot/listing.h"

enum does { NO, REQUEST, LISTED };

struct mig_vmm {
    const char *name, *since, *until;
    enum does leaves_out, lets_miss;
    bool imp_id, tags;
    const char *how, *source;
};

static const struct mig_vmm rows[] = {
#define VMM(name, since, until, leaves_out, lets_miss, imp_id, tags, how, source)                  \
    {name, since, until, leaves_out, lets_miss, imp_id, tags, how, source},
#define LETS_MISS(index, only_zero, source)
#include "compat/vmm_arm64.def"
};

static const struct {
    uint32_t index;
    bool only_zero;
} listed[] = {
#define VMM(...)
#define LETS_MISS(index, only_zero, source) {index, only_zero},
#include "compat/vmm_arm64.def"
};

static const struct mig_vmm *find(const char *name, const char *version)
{
    struct mig_version parsed;

    for (size_t i = 0; mig_version_parse(version, &parsed) && i < MIG_COUNT(rows); i++) {
        if (strcmp(rows[i].name, name) == 0 &&
            (rows[i].since == NULL || mig_version_compare(version, rows[i].since) >= 0) &&
            (rows[i].until == NULL || mig_version_compare(version, rows[i].until) < 0)) {
            return &rows[i];
        }
    }
    return NULL;
}

static const char *version_on(const struct mig_party *host, const char *name)
{
    char fact[64];

    (void)snprintf(fact, sizeof fact, "vmm.%s", name);
    return mig_snapshot_fact(host->snapshot, fact);
}

/* A host with one VMM uses that one. */
static const struct mig_vmm *only_one_on(const struct mig_party *host)
{
    const struct mig_vmm *only = NULL;

    for (size_t i = 0; i < MIG_COUNT(rows); i++) {
        const struct mig_vmm *row = find(rows[i].name, version_on(host, rows[i].name));

        if (row != NULL && only != NULL && row != only) {
            return NULL;
        }
        only = row != NULL ? row : only;
    }
    return only;
}

const struct mig_vmm *mig_vmm_of(const struct mig_party *guest, const struct mig_party *host)
{
    const char *name = mig_snapshot_fact(guest->snapshot, "vmm.name");
    const char *version;

    if (name == NULL) {
        return only_one_on(host);
    }
    version = version_on(host, name);
    return find(name,
                version != NULL ? version : mig_snapshot_fact(guest->snapshot, "vmm.version"));
}

static bool is_left_out(const struct mig_party *p, struct mig_reg reg)
{
    const struct mig_listed wanted = {{mig_reg_arm64_id(reg)}};

    return mig_listing_has(p->snapshot, MIG_LISTING_LEFT_OUT_REGS, &wanted);
}

static bool is_listed(const struct mig_party *guest, struct mig_reg reg)
{
    reg.space = MIG_SPACE_IDREG;
    for (size_t i = 0; i < MIG_COUNT(listed); i++) {
        if (listed[i].index == reg.index) {
            return !listed[i].only_zero || mig_party_get(guest, reg) == 0;
        }
    }
    return false;
}

static bool does(enum does what, const struct mig_party *guest, const struct mig_party *host,
                 struct mig_reg reg)
{
    return (what == REQUEST && (is_left_out(guest, reg) || is_left_out(host, reg))) ||
           (what == LISTED && is_listed(guest, reg));
}

bool mig_vmm_leaves_out(const struct mig_vmm *vmm, const struct mig_party *guest,
                        const struct mig_party *host, struct mig_reg reg)
{
    return vmm != NULL && does(vmm->leaves_out, guest, host, reg);
}

bool mig_vmm_lets_miss(const struct mig_vmm *vmm, const struct mig_party *guest,
                       const struct mig_party *host, struct mig_reg reg)
{
    return vmm != NULL && does(vmm->lets_miss, guest, host, reg);
}

const char *mig_vmm_how(const struct mig_vmm *vmm)
{
    return vmm != NULL ? vmm->how : NULL;
}

bool mig_vmm_shows_other_implementation(const struct mig_vmm *vmm)
{
    return vmm != NULL && vmm->imp_id;
}

bool mig_vmm_moves_tags(const struct mig_vmm *vmm)
{
    return vmm != NULL && vmm->tags;
}

const char *mig_vmm_name(const struct mig_vmm *vmm)
{
    return vmm != NULL ? vmm->name : "the VMM";
}
