/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

#include "base/alloc.h"
#include "base/array.h"
#include "base/text.h"
#include "snapshot/builder.h"
#include "snapshot/hostcapture.h"
#include "snapshot/keyset.h"
#include "snapshot/onereg.h"

#define CAP_IPA_SIZE 165
#define CAP_MTE 205
#define IPA_BITS_DEFAULT 40 /* of kernels that can not be asked */

#define INDEX_PMCR 0x13dce0
#define INDEX_SVE_LENGTHS 0x15ffff
#define BIT_PMU 3 /* of KVM_ARM_VCPU_INIT */
#define BIT_SVE 4

/* One configuration of a vCPU: "max" was given everything that KVM has. */
struct config {
    struct mig_node regs; /* by name, of "max" */
    struct mig_keyset seen;
    uint64_t features, lengths, pmcr;
    uint64_t list_len; /* of KVM_GET_REG_LIST, with what is not in regs */
};

static void config_clear_auto(struct config *c)
{
    mig_keyset_clear(&c->seen);
}

static void set_host(struct mig_hostcapture *c, enum mig_host_item item, uint64_t value)
{
    mig_builder_set(c->builder, mig_reg_plain(MIG_SPACE_HOST, item), value);
}

static bool read_id(const struct mig_node *n, struct mig_reg *ret, struct mig_error *err)
{
    uint64_t id;

    if (!mig_node_get_hex(n, "id", UINT64_MAX, &id, err)) {
        return false;
    }
    return mig_onereg_from_id(id, ret, err) || mig_wrap(err, "%s", n->path);
}

/* All digits of the register must be there; the value is its low 64 bits. */
static bool read_value(const struct mig_node *n, struct mig_reg reg, uint64_t *ret,
                       struct mig_error *err)
{
    size_t digits = mig_onereg_width(reg) / 4, len, low;
    const char *text;

    if (!mig_node_get_text(n, "val", &text, err)) {
        return false;
    }
    len = strlen(text);
    if (!mig_text_starts(text, "0x") || len - 2 != digits ||
        strspn(text + 2, "0123456789abcdefABCDEF") != digits) {
        return mig_node_fail(n, err, "val '%.40s' is not 0x and %zu hex digits", text, digits);
    }
    low = digits < 16 ? digits : 16;
    return mig_text_digits(text + len - low, low, 16, UINT64_MAX, ret) ||
           mig_node_fail(n, err, "val '%.40s' is no number", text);
}

/* Vectors of up to 16 * 128 bits exist; KVM has room for more. */
static bool check_lengths(const struct mig_node *n, struct mig_error *err)
{
    const char *text = json_string_value(json_object_get(n->json, "val"));
    size_t len = strlen(text);

    return strspn(text + 2, "0") >= len - 2 - 16 ||
           mig_node_fail(n, err, "vector lengths above 64 * 128 bits%s",
                         strspn(text + len - 16, "0") == 16 ? ": the dump looks byte-swapped" : "");
}

static bool read_register(struct mig_hostcapture *c, struct config *config,
                          const struct mig_node *n, struct mig_error *err)
{
    struct mig_reg reg = {0};
    struct mig_node failed;
    uint64_t value;

    if (!read_id(n, &reg, err) || !read_value(n, reg, &value, err) ||
        !mig_node_find(n, "err", JSON_STRING, &failed, err)) {
        return false;
    }
    if (!mig_keyset_add(&config->seen, reg, err)) {
        return mig_wrap(err, "%s", n->path);
    }
    if (!mig_onereg_is_core(reg)) {
        mig_builder_set(c->builder, reg, 1);
    }
    if (reg.index == INDEX_PMCR) {
        config->pmcr = value;
    } else if (reg.index == INDEX_SVE_LENGTHS) {
        config->lengths = value;
        return check_lengths(n, err);
    }
    if (mig_onereg_is_granted(reg)) {
        reg.space = MIG_SPACE_IDREG;
        if (failed.json != NULL) {
            mig_builder_set_unreadable(c->builder, reg,
                                       mig_hostcapture_errno(json_string_value(failed.json)));
        } else {
            mig_builder_set(c->builder, reg, value);
        }
    }
    return true;
}

/* Number of core registers that "base" has, without the vectors that SVE
 * replaces. */
static bool count_core(const struct mig_node *configs, bool sve, size_t *ret, struct mig_error *err)
{
    struct mig_node base, regs, n;
    size_t count = 0;

    *ret = 0;
    if (!mig_node_find(configs, "base", JSON_OBJECT, &base, err)) {
        return false;
    }
    if (base.json == NULL) {
        return true;
    }
    if (!mig_node_get(&base, "regs", JSON_OBJECT, &regs, err)) {
        return false;
    }
    for (void *i = json_object_iter(regs.json); i != NULL;
         i = json_object_iter_next(regs.json, i)) {
        struct mig_reg reg = {0};

        if (!mig_node_member(&regs, i, JSON_OBJECT, &n, err) || !read_id(&n, &reg, err)) {
            return false;
        }
        count += mig_onereg_is_core(reg) && !(sve && mig_onereg_width(reg) == 128);
    }
    *ret = count;
    return true;
}

/* Vectors Z, predicates P and FFR, in one slice each. */
static const struct {
    uint32_t first, count;
    uint16_t sub;
} sve_registers[] = {
    {0x150000, 32, 8},
    {0x150400, 16, 5},
    {0x150600, 1,  5},
};

static size_t count_sve(void)
{
    size_t count = 0;

    for (size_t i = 0; i < MIG_COUNT(sve_registers); i++) {
        count += sve_registers[i].count;
    }
    return count;
}

static void add_sve(struct mig_builder *b)
{
    for (size_t i = 0; i < MIG_COUNT(sve_registers); i++) {
        for (uint32_t n = 0; n < sve_registers[i].count; n++) {
            struct mig_reg reg = mig_reg_plain(MIG_SPACE_REG_LIST, sve_registers[i].first | n << 5);

            reg.sub = sve_registers[i].sub;
            mig_builder_set(b, reg, 1);
        }
    }
}

/*
 * The probe counts the registers of "max" but does not name those that only
 * hold state.  Which they are follows from "base" and from SVE; the count tells
 * whether these are all.
 */
static bool complete_list(struct mig_hostcapture *c, const struct mig_node *configs,
                          const struct config *config, struct mig_error *err)
{
    bool sve = (config->features >> BIT_SVE & 1) != 0;
    size_t core, state;
    bool full;

    if (!count_core(configs, sve, &core, err)) {
        return false;
    }
    state = core + (sve ? count_sve() : 0);
    full = config->seen.len + state == config->list_len;
    if (full && sve) {
        add_sve(c->builder);
    }
    mig_builder_cover(c->builder, MIG_GROUP_REG_LIST, full ? MIG_COVER_FULL : MIG_COVER_PARTIAL, 0,
                      "ioctl KVM_GET_REG_LIST");
    return true;
}

static void fail_configs(struct mig_hostcapture *c, int errnum)
{
    mig_builder_cover(c->builder, MIG_GROUP_IDREG, MIG_COVER_UNREADABLE, errnum,
                      "ioctl KVM_GET_ONE_REG");
    mig_builder_cover(c->builder, MIG_GROUP_REG_LIST, MIG_COVER_UNREADABLE, errnum,
                      "ioctl KVM_GET_REG_LIST");
}

static void set_vcpu(struct mig_hostcapture *c, const struct config *config)
{
    bool pmu = (config->features >> BIT_PMU & 1) != 0;

    set_host(c, MIG_HOST_SVE_VQS, config->lengths);
    set_host(c, MIG_HOST_PMU_COUNTERS, pmu ? config->pmcr >> 11 & 31 : 0);
}

static bool read_max(struct mig_hostcapture *c, const struct mig_node *configs,
                     const struct mig_node *max, struct mig_error *err)
{
    MIG_AUTO(config_clear) struct config config = {0};
    struct mig_node n;

    if (!mig_node_get(max, "regs", JSON_OBJECT, &config.regs, err) ||
        !mig_node_find_number(max, "feat_bits", UINT32_MAX, &config.features, err) ||
        !mig_node_find_number(max, "reg_list_len", UINT32_MAX, &config.list_len, err)) {
        return false;
    }
    mig_builder_cover(c->builder, MIG_GROUP_IDREG, MIG_COVER_FULL, 0, "ioctl KVM_GET_ONE_REG");
    for (void *i = json_object_iter(config.regs.json); i != NULL;
         i = json_object_iter_next(config.regs.json, i)) {
        if (!mig_node_member(&config.regs, i, JSON_OBJECT, &n, err) ||
            !read_register(c, &config, &n, err)) {
            return false;
        }
    }
    set_vcpu(c, &config);
    return complete_list(c, configs, &config, err);
}

static bool read_configs(struct mig_hostcapture *c, struct mig_error *err)
{
    struct mig_node configs, max;
    int errnum;

    if (!mig_node_find(&c->root, "vcpu_configs", JSON_OBJECT, &configs, err)) {
        return false;
    }
    if (configs.json == NULL) {
        fail_configs(c, c->devkvm != 0 ? c->devkvm : ENOENT);
        return true;
    }
    if (!mig_node_get(&configs, "max", JSON_OBJECT, &max, err) ||
        !mig_hostcapture_result(&max, &errnum, err)) {
        return false;
    }
    if (errnum != 0) {
        fail_configs(c, errnum);
        return true;
    }
    return read_max(c, &configs, &max, err);
}

/* The probe leaves out masks that are 0. */
static bool read_masks(struct mig_hostcapture *c, struct mig_error *err)
{
    static const char call[] = "ioctl KVM_ARM_GET_REG_WRITABLE_MASKS";
    struct mig_node answer, masks, n;
    int errnum = ENOENT;

    if (!mig_hostcapture_single(c, "wmask_call", &answer, err) ||
        (answer.json != NULL && !mig_hostcapture_result(&answer, &errnum, err)) ||
        !mig_node_find(&c->root, "writable_masks", JSON_OBJECT, &masks, err)) {
        return false;
    }
    if (errnum != 0 || masks.json == NULL) {
        mig_builder_cover(c->builder, MIG_GROUP_IDREG_MASK, MIG_COVER_NONE, 0,
                          answer.json != NULL ? "the kernel has no KVM_ARM_GET_REG_WRITABLE_MASKS"
                                              : "");
        return true;
    }
    mig_builder_cover(c->builder, MIG_GROUP_IDREG_MASK, MIG_COVER_FULL, 0, call);
    for (void *i = json_object_iter(masks.json); i != NULL;
         i = json_object_iter_next(masks.json, i)) {
        struct mig_reg reg = {0};
        uint64_t mask;

        if (!mig_node_member(&masks, i, JSON_OBJECT, &n, err) || !read_id(&n, &reg, err) ||
            !mig_node_get_hex(&n, "mask", UINT64_MAX, &mask, err)) {
            return false;
        }
        reg.space = MIG_SPACE_IDREG_MASK;
        mig_builder_set(c->builder, reg, mask);
    }
    return true;
}

/* A register that code without privilege reads, or one that a guest saw. */
static bool read_seen(struct mig_hostcapture *c, const struct mig_node *seen, const char *name,
                      enum mig_host_item item, struct mig_error *err)
{
    uint64_t value;

    if (json_object_get(seen->json, name) == NULL) {
        return true;
    }
    if (!mig_node_get_hex(seen, name, UINT64_MAX, &value, err)) {
        return false;
    }
    set_host(c, item, value);
    return true;
}

/* Host and guests read the same hardware: two values are refused later. */
static bool read_hardware(struct mig_hostcapture *c, struct mig_error *err)
{
    struct mig_node host, guests, n, seen;

    if (!mig_hostcapture_single(c, "el0_mrs", &host, err) ||
        (host.json != NULL && (!read_seen(c, &host, "CNTFRQ_EL0", MIG_HOST_CNTFRQ_HZ, err) ||
                               !read_seen(c, &host, "DCZID_EL0", MIG_HOST_DCZID, err))) ||
        !mig_node_find(&c->root, "guest", JSON_ARRAY, &guests, err)) {
        return false;
    }
    for (size_t i = 0; guests.json != NULL && i < json_array_size(guests.json); i++) {
        if (!mig_node_element(&guests, i, JSON_OBJECT, &n, err) ||
            !mig_node_find(&n, "seen", JSON_OBJECT, &seen, err) ||
            (seen.json != NULL && !read_seen(c, &seen, "CNTFRQ_EL0", MIG_HOST_CNTFRQ_HZ, err))) {
            return false;
        }
    }
    return true;
}

static bool read_gic(struct mig_hostcapture *c, struct mig_error *err)
{
    static const char *const devices[] = {"VGIC_V2", "VGIC_V3", "VGIC_ITS"};
    uint64_t types = 0;

    if (json_object_get(c->root.json, "device") == NULL) {
        return true;
    }
    for (size_t i = 0; i < MIG_COUNT(devices); i++) {
        int errnum;

        if (!mig_hostcapture_call(c, "device", "name", devices[i], &errnum, err)) {
            return false;
        }
        types |= (uint64_t)(errnum == 0) << i;
    }
    set_host(c, MIG_HOST_GIC_TYPES, types);
    return true;
}

/* What KVM_ARM_VCPU_INIT takes follows from capabilities; PSCI is always there. */
static bool read_features(struct mig_hostcapture *c, struct mig_error *err)
{
    static const struct {
        uint32_t cap;
        unsigned bit;
    } rows[] = {
        {93,  1      }, /* 32-bit EL1 */
        {102, 2      }, /* PSCI */
        {126, BIT_PMU},
        {170, BIT_SVE},
        {171, 5      }, /* pointer authentication of addresses */
        {172, 6      }, /* and of other data */
        {240, 7      }, /* EL2 */
        {241, 8      }, /* EL2 with E2H 0 */
    };
    uint64_t features = 0, answer;

    for (size_t i = 0; i < MIG_COUNT(rows); i++) {
        if (!mig_hostcapture_cap(c, rows[i].cap, &answer, err)) {
            return false;
        }
        features |= (uint64_t)(answer != 0) << rows[i].bit;
    }
    set_host(c, MIG_HOST_VCPU_FEATURES, features);
    if (!mig_hostcapture_cap(c, CAP_IPA_SIZE, &answer, err)) {
        return false;
    }
    set_host(c, MIG_HOST_IPA_BITS, answer != 0 ? answer : IPA_BITS_DEFAULT);
    if (!mig_hostcapture_cap(c, CAP_MTE, &answer, err)) {
        return false;
    }
    if (answer != 0) {
        mig_builder_add_fact(c->builder, "kvm.mte", "offered; the capture is without it",
                             "ioctl KVM_CHECK_EXTENSION");
    }
    return true;
}

/* The first CPU's; all of them when they differ. */
static void add_identity(struct mig_hostcapture *c, const char *reg)
{
    MIG_AUTO(mig_free) char *end = mig_strf("/regs/identification/%s_el1", reg);
    MIG_AUTO(mig_free) char *name = mig_strf("cpu.%s", reg);
    MIG_AUTO(mig_free) char *differs = mig_strf("%s-differs", name);
    MIG_AUTO(mig_text_clear) struct mig_text all = {0};
    json_t *files = json_object_get(c->root.json, "files");
    uint64_t first = 0, value;
    bool same = true;

    for (void *i = json_object_iter(files); i != NULL; i = json_object_iter_next(files, i)) {
        const char *path = json_object_iter_key(i);
        const char *text = json_string_value(json_object_iter_value(i));

        if (!mig_text_ends(path, end) || text == NULL ||
            !mig_text_to_u64(text, UINT64_MAX, &value)) {
            continue;
        }
        first = all.len == 0 ? value : first;
        same = same && value == first;
        mig_text_addf(&all, "%s0x%llx", all.len == 0 ? "" : "; ", (unsigned long long)value);
    }
    if (all.len > 0) {
        MIG_AUTO(mig_free) char *one = mig_strf("0x%llx", (unsigned long long)first);

        mig_builder_add_fact(c->builder, name, one, "/sys/devices/system/cpu");
    }
    if (!same) {
        mig_builder_add_fact(c->builder, differs, all.items, "/sys/devices/system/cpu");
    }
}

/* The probe does not ask the interrupt controller for its limits. */
bool mig_hostcapture_read_arm64(struct mig_hostcapture *c, struct mig_error *err)
{
    add_identity(c, "midr");
    add_identity(c, "revidr");
    if (c->devkvm != 0) {
        mig_builder_cover(c->builder, MIG_GROUP_ARM64, MIG_COVER_UNREADABLE, c->devkvm,
                          "ioctls of /dev/kvm");
        fail_configs(c, c->devkvm);
        return true;
    }
    mig_builder_cover(c->builder, MIG_GROUP_ARM64, MIG_COVER_PARTIAL, 0,
                      "KVM, without limits of the interrupt controller");
    return read_configs(c, err) && read_masks(c, err) && read_hardware(c, err) &&
           read_gic(c, err) && read_features(c, err);
}
