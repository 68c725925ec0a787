/* SPDX-License-Identifier: Apache-2.0 */
#include "snapshot/enlightenment.h"

#include <string.h>

#include "base/alloc.h"
#include "base/array.h"
#include "base/text.h"
#include "cpu/deps.h"
#include "cpu/place.h"
#include "snapshot/builder.h"
#include "snapshot/libvirt.h"
#include "snapshot/xml.h"

/* The three registers that enlightenments add bits to. */
enum word { ACCESS, FEATURES, ADVICE, WORD_COUNT };

static const struct mig_reg words[WORD_COUNT] = {
    [ACCESS] = MIG_PLACE_REG(hv_hypercall),
    [FEATURES] = MIG_PLACE_REG(hv_crash_msrs),
    [ADVICE] = MIG_PLACE_REG(hv_rec_relaxed_timing),
};
static const struct mig_reg retries_reg = MIG_PLACE_REG(hv_spinlock_retries);

struct reading {
    struct mig_builder *builder;
    const char *source;
    uint64_t bits[WORD_COUNT];
    struct mig_text names; /* what is on, for people */
    bool any, unknown, vapic;
    uint64_t retries;
};

static void take_bit(struct reading *r, struct mig_bit bit)
{
    for (unsigned i = 0; i < WORD_COUNT; i++) {
        if (mig_reg_key(words[i]) == mig_reg_key(bit.reg)) {
            r->bits[i] |= bit.mask;
        }
    }
}

/* False: no such enlightenment in the table. */
static bool take_name(struct reading *r, const char *name)
{
    static const struct {
        const char *name;
        struct mig_bit bit;
    } rows[] = {
#define HYPERV(name, row) {name, MIG_PLACE_BIT(row)},
#include "snapshot/hyperv.def"
    };
    bool known = false;

    for (size_t i = 0; i < MIG_COUNT(rows); i++) {
        if (strcmp(rows[i].name, name) == 0) {
            take_bit(r, rows[i].bit);
            known = true;
        }
    }
    return known;
}

static void take(struct reading *r, const char *name)
{
    mig_text_addf(&r->names, "%s%s", r->names.len == 0 ? "" : " ", name);
    r->any = true;
    r->vapic = r->vapic || strcmp(name, "vapic") == 0;
    /* These two add to other registers, or to none. */
    if (!take_name(r, name) && strcmp(name, "spinlocks") != 0 && strcmp(name, "vendor_id") != 0) {
        r->unknown = true;
    }
}

/* state='on' is what a missing attribute means. */
static bool is_on(const xmlNode *e, bool *ret, struct mig_error *err)
{
    const char *state = mig_xml_attribute(e, "state");

    *ret = state == NULL || strcmp(state, "on") == 0;
    return *ret || strcmp(state, "off") == 0 ||
           mig_xml_fail(e, err, "state '%.40s' is neither on nor off", state);
}

static bool read_one(struct reading *r, const xmlNode *e, struct mig_error *err)
{
    bool on;

    if (!is_on(e, &on, err)) {
        return false;
    }
    if (!on) {
        return true;
    }
    take(r, mig_xml_name(e));
    for (const xmlNode *part = mig_xml_first(e); part != NULL; part = mig_xml_next(part)) {
        MIG_AUTO(mig_free) char *name = mig_strf("%s/%s", mig_xml_name(e), mig_xml_name(part));

        if (!is_on(part, &on, err)) {
            return false;
        }
        if (on) {
            take(r, name);
        }
    }
    return strcmp(mig_xml_name(e), "spinlocks") != 0 ||
           mig_xml_find_number(e, "retries", UINT32_MAX, &r->retries, err);
}

/* Two enlightenments are spelt elsewhere in the document. */
static void read_elsewhere(struct reading *r, const xmlNode *domain)
{
    for (const xmlNode *t = mig_xml_child(mig_xml_child(domain, "clock"), "timer"); t != NULL;
         t = mig_xml_sibling(t)) {
        const char *name = mig_xml_attribute(t, "name"), *present = mig_xml_attribute(t, "present");

        if (name != NULL && strcmp(name, "hypervclock") == 0 &&
            (present == NULL || strcmp(present, "yes") == 0)) {
            take(r, "time");
        }
    }
    for (const xmlNode *p = mig_xml_child(mig_xml_child(domain, "devices"), "panic"); p != NULL;
         p = mig_xml_sibling(p)) {
        const char *model = mig_xml_attribute(p, "model");

        if (model != NULL && strcmp(model, "hyperv") == 0) {
            take(r, "crash");
        }
    }
}

static void pour(struct reading *r)
{
    static const struct mig_bit always[] = {MIG_PLACE_BIT(hv_hypercall),
                                            MIG_PLACE_BIT(hv_cpu_dyn_part)};

    mig_libvirt_add_fact(r->builder, "guest.hyperv", r->names.items, r->source);
    if (r->unknown) {
        mig_builder_cover(r->builder, MIG_GROUP_CPUID_HV, MIG_COVER_NONE, 0, r->source);
        return;
    }
    if (!r->any) {
        mig_builder_cover(r->builder, MIG_GROUP_CPUID_HV, MIG_COVER_FULL, 0, r->source);
        return;
    }
    for (size_t i = 0; i < MIG_COUNT(always); i++) {
        take_bit(r, always[i]);
    }
    mig_builder_cover(r->builder, MIG_GROUP_CPUID_HV, MIG_COVER_PARTIAL, 0, r->source);
    mig_builder_set(r->builder, words[ACCESS], r->bits[ACCESS]);
    mig_builder_set(r->builder, words[FEATURES], r->bits[FEATURES]);
    mig_builder_set(r->builder, retries_reg, r->retries);
    /* Some releases of QEMU recommend the APIC MSRs with vapic, others not. */
    if (!r->vapic) {
        mig_builder_set(r->builder, words[ADVICE], r->bits[ADVICE]);
    }
}

static bool read_all(struct reading *r, const xmlNode *domain, struct mig_error *err)
{
    const xmlNode *features = NULL, *hyperv = NULL;
    const char *mode;

    if (!mig_xml_only(domain, "features", &features, err) ||
        !mig_xml_only(features, "hyperv", &hyperv, err)) {
        return false;
    }
    mode = mig_xml_attribute(hyperv, "mode");
    if (mode != NULL && strcmp(mode, "custom") != 0) {
        r->unknown = true;
        mig_text_addf(&r->names, "mode=%s", mode);
    }
    for (const xmlNode *e = mig_xml_first(hyperv); e != NULL; e = mig_xml_next(e)) {
        if (!read_one(r, e, err)) {
            return false;
        }
    }
    read_elsewhere(r, domain);
    return true;
}

bool mig_enlightenment_add(struct mig_builder *b, const xmlNode *domain, const char *source,
                           struct mig_error *err)
{
    /* QEMU's value for "never tell the hypervisor". */
    struct reading r = {.builder = b, .source = source, .retries = UINT32_MAX};
    bool done = read_all(&r, domain, err);

    if (done) {
        pour(&r);
    }
    mig_text_clear(&r.names);
    return done;
}
