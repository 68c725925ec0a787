/* SPDX-License-Identifier: Apache-2.0 */
#include "vmm/export.h"

#include <inttypes.h>
#include <string.h>

#include "base/array.h"
#include "base/bits.h"
#include "base/text.h"
#include "compat/version.h"
#include "cpu/field.h"
#include "snapshot/snapshot.h"

#define EMPTY_MODEL "base"
#define TYPE_END "-x86_64-cpu"
#define EXTENDED UINT32_C(0x80000000)
#define CENTAUR UINT32_C(0xc0000000)
#define HYPERVISOR UINT32_C(0x40000000)
#define BRAND_FIRST UINT32_C(0x80000002)
#define BRAND_LEAVES 3
#define SIGNATURE_TCG UINT32_C(0x54474354) /* "TCGT" */
#define SIGNATURE_KVM UINT32_C(0x4b4d564b) /* "KVMK" */
#define MSR_UCODE_REV 0x8b

static const struct property {
    const char *name, *since;
    uint32_t leaf;
    uint16_t sub;
    enum mig_part part;
    unsigned bit;
} properties[] = {
#define PROPERTY(name, leaf, sub, part, bit, since) {name, since, leaf, sub, MIG_##part, bit},
#include "vmm/property.def"
};

static struct mig_reg reg_of(const struct property *p)
{
    return mig_reg_cpuid(p->leaf, p->sub, p->part);
}

struct exporting {
    const struct mig_snapshot *shown;
    const struct mig_export_taker *taker;
    struct mig_export *ret;
    struct mig_text cpu;
    bool kvm;
};

static uint32_t word(const struct exporting *e, uint32_t leaf, uint16_t sub, enum mig_part part)
{
    uint64_t value = 0;

    (void)mig_snapshot_get(e->shown, mig_reg_cpuid(leaf, sub, part), &value);
    return (uint32_t)value;
}

static uint32_t leaf_word(const struct exporting *e, uint32_t leaf, enum mig_part part)
{
    return word(e, leaf, 0, part);
}

char *mig_export_model(const struct mig_snapshot *shown)
{
    const char *type = mig_snapshot_fact(shown, "qemu.cpu.type");

    return type != NULL && mig_text_ends(type, TYPE_END)
               ? mig_strndup(type, strlen(type) - strlen(TYPE_END))
               : mig_strdup(EMPTY_MODEL);
}

char *mig_export_type(const struct mig_snapshot *shown)
{
    MIG_AUTO(mig_free) char *model = mig_export_model(shown);

    return mig_strf("%s" TYPE_END, model);
}

/* ---- properties ---- */

static bool is_in(const struct mig_launch *list, const char *name)
{
    for (size_t i = 0; i < list->len; i++) {
        if (strcmp(list->items[i], name) == 0) {
            return true;
        }
    }
    return false;
}

static bool knows(const struct exporting *e, const char *name, const char *since)
{
    const char *version = e->taker->version;

    if (e->taker->known != NULL) {
        return is_in(e->taker->known, name);
    }
    if (version == NULL) {
        version = mig_snapshot_fact(e->shown, "vmm.version");
    }
    return since == NULL || (version != NULL && mig_version_compare(version, since) >= 0);
}

static void put(struct exporting *e, const char *name, const char *value)
{
    if (knows(e, name, NULL)) {
        mig_text_addf(&e->cpu, ",%s=%s", name, value);
    }
}

static void put_number(struct exporting *e, const char *name, uint64_t value)
{
    MIG_AUTO(mig_free) char *text = mig_strf("%" PRIu64, value);

    put(e, name, text);
}

static void put_switch(struct exporting *e, const char *name, bool on)
{
    put(e, name, on ? "on" : "off");
}

static const struct mig_field *field_at(struct mig_reg reg, unsigned bit)
{
    struct mig_fields fields = mig_field_of(reg);

    for (size_t i = 0; i < fields.len; i++) {
        if (fields.items[i].lo <= bit && bit <= fields.items[i].hi) {
            return &fields.items[i];
        }
    }
    return NULL;
}

/* Made by the VMM for each vCPU, or by the guest; a contract does not tell. */
static bool is_made(const struct mig_field *f)
{
    return f != NULL && (f->shape.rule == MIG_RULE_PER_VCPU || f->shape.rule == MIG_RULE_RUNTIME);
}

static void put_features(struct exporting *e)
{
    for (size_t i = 0; i < MIG_COUNT(properties); i++) {
        const struct property *p = &properties[i];
        uint64_t value = 0;

        if (!is_made(field_at(reg_of(p), p->bit)) && knows(e, p->name, p->since)) {
            (void)mig_snapshot_get(e->shown, reg_of(p), &value);
            mig_text_addf(&e->cpu, ",%s=%s", p->name, (value >> p->bit & 1) != 0 ? "on" : "off");
        }
    }
}

static void put_vendor(struct exporting *e)
{
    char vendor[13] = "";

    mig_snapshot_vendor(e->shown, vendor);
    if (strlen(vendor) == 12) {
        put(e, "vendor", vendor);
    }
}

/* As people number it; QEMU splits it again. */
static void put_signature(struct exporting *e)
{
    uint32_t eax = leaf_word(e, 1, MIG_EAX);

    put_number(e, "family", mig_bits_get(eax, 11, 8) + mig_bits_get(eax, 27, 20));
    put_number(e, "model", mig_bits_get(eax, 7, 4) | mig_bits_get(eax, 19, 16) << 4);
    put_number(e, "stepping", mig_bits_get(eax, 3, 0));
}

static void put_levels(struct exporting *e)
{
    put_number(e, "level", leaf_word(e, 0, MIG_EAX));
    put_number(e, "xlevel", leaf_word(e, EXTENDED, MIG_EAX));
    if (leaf_word(e, CENTAUR, MIG_EAX) >> 28 == CENTAUR >> 28) {
        put_number(e, "xlevel2", leaf_word(e, CENTAUR, MIG_EAX));
    }
    if (leaf_word(e, 0, MIG_EAX) >= 7) {
        put_number(e, "level-func7", leaf_word(e, 7, MIG_EAX));
    }
}

/* A CPU without long mode has a width of addresses that none may choose. */
static void put_width(struct exporting *e)
{
    uint32_t eax = leaf_word(e, EXTENDED + 8, MIG_EAX);
    bool lm = (leaf_word(e, EXTENDED + 1, MIG_EDX) >> 29 & 1) != 0;

    if (!lm || mig_bits_get(eax, 7, 0) == 0) {
        return;
    }
    if (e->kvm) {
        put(e, "host-phys-bits", "off");
    }
    put_number(e, "phys-bits", mig_bits_get(eax, 7, 0));
    if (mig_bits_get(eax, 23, 16) != 0) {
        put_number(e, "guest-phys-bits", mig_bits_get(eax, 23, 16));
    }
}

/* @ret gets the CPU's name; false: it has none that an argument can hold. */
static bool read_brand(const struct exporting *e, char ret[BRAND_LEAVES * 16 + 1])
{
    size_t len = 0;

    if (leaf_word(e, EXTENDED, MIG_EAX) < BRAND_FIRST + BRAND_LEAVES - 1) {
        return false;
    }
    for (uint32_t leaf = BRAND_FIRST; leaf < BRAND_FIRST + BRAND_LEAVES; leaf++) {
        for (unsigned part = MIG_EAX; part <= MIG_EDX; part++) {
            uint32_t four = leaf_word(e, leaf, (enum mig_part)part);

            for (unsigned i = 0; i < 4; i++) {
                ret[len++] = (char)(four >> 8 * i);
            }
        }
    }
    ret[len] = '\0';
    for (len = 0; ret[len] != '\0'; len++) {
        if (ret[len] < ' ' || ret[len] > '~') {
            return false;
        }
    }
    return true;
}

/* A value of -cpu ends at its first comma. */
static void add_brand(struct exporting *e)
{
    MIG_AUTO(mig_free) char *type = mig_export_type(e->shown);
    char brand[BRAND_LEAVES * 16 + 1];

    if (!read_brand(e, brand)) {
        return;
    }
    if (strchr(brand, ',') != NULL) {
        mig_launch_add_global(&e->ret->arguments, type, "model-id", brand);
    } else {
        put(e, "model-id", brand);
    }
}

static void put_hypervisor(struct exporting *e)
{
    uint32_t signature = leaf_word(e, HYPERVISOR, MIG_EBX);
    uint64_t revision = 0, khz = 0;

    if (!e->kvm) {
        put_switch(e, "tcg-cpuid", signature == SIGNATURE_TCG);
    } else {
        put_switch(e, "kvm",
                   signature == SIGNATURE_KVM ||
                       leaf_word(e, HYPERVISOR + 0x100, MIG_EBX) == SIGNATURE_KVM);
        put_switch(e, "pmu", leaf_word(e, 0xa, MIG_EAX) != 0);
    }
    if (mig_snapshot_get(e->shown, mig_reg_msr(MSR_UCODE_REV), &revision) == MIG_KNOWN &&
        revision != 0) {
        put_number(e, "ucode-rev", revision);
    }
    if (e->kvm && mig_snapshot_get(e->shown, mig_reg_plain(MIG_SPACE_HOST, MIG_HOST_TSC_KHZ),
                                   &khz) == MIG_KNOWN) {
        put_number(e, "tsc-frequency", khz * 1000);
    }
}

static void add_cpu(struct exporting *e)
{
    MIG_AUTO(mig_free) char *model = mig_export_model(e->shown);

    mig_text_add(&e->cpu, model);
    put_vendor(e);
    put_signature(e);
    put_levels(e);
    put_width(e);
    add_brand(e);
    put_hypervisor(e);
    put_features(e);
    mig_launch_add(&e->ret->arguments, "cpu", e->cpu.items);
}

/* ---- machine ---- */

static void add_machine(struct exporting *e)
{
    const char *type = mig_snapshot_fact(e->shown, "vmm.machine-type");

    mig_launch_add(&e->ret->arguments, "accel", e->kvm ? "kvm" : "tcg");
    if (type != NULL) {
        mig_launch_add(&e->ret->arguments, "machine", type);
    } else {
        *MIG_PUSH(&e->ret->unexpressed) = mig_strdup("vmm.machine-type");
    }
}

static void add_topology(struct exporting *e)
{
    static const struct {
        const char *level;
        enum mig_guest_item item;
    } rows[] = {
#define TOPOLOGY(level, item) {level, MIG_GUEST_##item},
#include "vmm/topology.def"
    };
    MIG_AUTO(mig_text_clear) struct mig_text t = {0};
    uint64_t all = 0;

    (void)mig_snapshot_get(e->shown, mig_reg_plain(MIG_SPACE_GUEST, MIG_GUEST_VCPUS), &all);
    if (all == 0) {
        *MIG_PUSH(&e->ret->unexpressed) = mig_strdup("guest/vcpus");
        return;
    }
    mig_text_addf(&t, "cpus=%" PRIu64, e->taker->one_vcpu ? 1 : all);
    for (size_t i = 0; i < MIG_COUNT(rows); i++) {
        uint64_t count = 0;

        (void)mig_snapshot_get(e->shown, mig_reg_plain(MIG_SPACE_GUEST, rows[i].item), &count);
        /* A machine without dies takes no number of them, not even 1. */
        if (count > (rows[i].item == MIG_GUEST_DIES ? 1 : 0)) {
            mig_text_addf(&t, ",%s=%" PRIu64, rows[i].level, count);
        }
    }
    mig_launch_add(&e->ret->arguments, "smp", t.items);
}

/* ---- what no argument sets ---- */

/* Bits of @reg that the arguments spell out, or that are not the contract's. */
static uint64_t expressed_bits(const struct exporting *e, struct mig_reg reg)
{
    static const struct {
        uint32_t leaf;
        enum mig_part part;
        uint64_t bits;
    } whole[] = {
        {0,            MIG_EAX, UINT32_MAX},
        {0,            MIG_EBX, UINT32_MAX},
        {0,            MIG_ECX, UINT32_MAX},
        {0,            MIG_EDX, UINT32_MAX},
        {1,            MIG_EAX, 0x0fff0fff},
        {7,            MIG_EAX, UINT32_MAX},
        {HYPERVISOR,   MIG_EAX, UINT32_MAX},
        {HYPERVISOR,   MIG_EBX, UINT32_MAX},
        {HYPERVISOR,   MIG_ECX, UINT32_MAX},
        {HYPERVISOR,   MIG_EDX, UINT32_MAX},
        {EXTENDED,     MIG_EAX, UINT32_MAX},
        {EXTENDED,     MIG_EBX, UINT32_MAX}, /* the vendor again */
        {EXTENDED,     MIG_ECX, UINT32_MAX},
        {EXTENDED,     MIG_EDX, UINT32_MAX},
        {EXTENDED + 1, MIG_EAX, 0x0fff0fff}, /* the signature again */
        {EXTENDED + 8, MIG_EAX, 0x00ff00ff},
        {CENTAUR,      MIG_EAX, UINT32_MAX},
    };
    uint64_t bits = 0;

    if (reg.space == MIG_SPACE_MSR) {
        return reg.index == MSR_UCODE_REV ? UINT64_MAX : 0;
    }
    if (reg.index >= BRAND_FIRST && reg.index < BRAND_FIRST + BRAND_LEAVES) {
        char brand[BRAND_LEAVES * 16 + 1];

        return read_brand(e, brand) ? UINT64_MAX : 0;
    }
    for (size_t i = 0; i < MIG_COUNT(whole); i++) {
        bits |= reg.sub == 0 && whole[i].leaf == reg.index && whole[i].part == reg.part
                    ? whole[i].bits
                    : 0;
    }
    for (size_t i = 0; i < MIG_COUNT(properties); i++) {
        const struct property *p = &properties[i];

        if (mig_reg_key(reg_of(p)) == mig_reg_key(reg) && knows(e, p->name, p->since)) {
            bits |= UINT64_C(1) << p->bit;
        }
    }
    /* AMD repeats leaf 1 here, and QEMU does so by itself. */
    if (reg.index == EXTENDED + 1 && reg.part == MIG_EDX) {
        bits |= leaf_word(e, 1, MIG_EDX) & UINT32_C(0x0183f3ff);
    }
    return bits;
}

static void tell_rest(struct exporting *e, struct mig_reg reg, uint64_t rest)
{
    char text[MIG_REG_TEXT_MAX];

    mig_reg_print(reg, text);
    while (rest != 0) {
        unsigned bit = (unsigned)__builtin_ctzll(rest);
        const struct mig_field *f = field_at(reg, bit);

        if (f == NULL) {
            *MIG_PUSH(&e->ret->unexpressed) = mig_strf("%s/%u", text, bit);
            rest &= ~(UINT64_C(1) << bit);
            continue;
        }
        if (!is_made(f)) {
            *MIG_PUSH(&e->ret->unexpressed) = mig_strf("%s/%u (%s)", text, f->lo, f->name);
        }
        rest &= ~mig_bits_mask(f->hi, f->lo);
    }
}

static void tell_unexpressed(struct exporting *e)
{
    for (size_t i = 0; i < e->shown->entries_len; i++) {
        const struct mig_entry *entry = &e->shown->entries[i];
        struct mig_reg reg = mig_reg_from_key(entry->key);

        if (reg.space == MIG_SPACE_CPUID || reg.space == MIG_SPACE_MSR) {
            tell_rest(e, reg, entry->value & ~expressed_bits(e, reg));
        } else if (reg.space == MIG_SPACE_CPUID_HV) {
            tell_rest(e, reg, entry->value);
        }
    }
}

void mig_export_make(const struct mig_snapshot *shown, const struct mig_export_taker *taker,
                     struct mig_export *ret)
{
    const char *accelerator = mig_snapshot_fact(shown, "vmm.accelerator");
    struct exporting e = {.shown = shown,
                          .taker = taker,
                          .ret = ret,
                          .kvm = accelerator == NULL || strcmp(accelerator, "tcg") != 0};

    *ret = (struct mig_export){.arguments = {.items = NULL}};
    add_machine(&e);
    add_cpu(&e);
    add_topology(&e);
    tell_unexpressed(&e);
    mig_text_clear(&e.cpu);
}

void mig_export_clear(struct mig_export *e)
{
    mig_launch_clear(&e->arguments);
    mig_launch_clear(&e->unexpressed);
}
