/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

#include "base/alloc.h"
#include "base/array.h"
#include "base/text.h"
#include "snapshot/builder.h"
#include "snapshot/hostcapture.h"
#include "snapshot/hostfile.h"
#include "snapshot/import.h"

#define CAP_TSC_CONTROL 60

/*
 * Answers of one kernel's KVM to a probe, in the probe's own words: objects
 * named after ioctls, a result "r" of "OK" or an errno, text of /proc and /sys
 * files under "files".  Keys that are no evidence of ours are passed over.
 */
bool mig_import_hostcapture_recognises(const char *text, size_t len)
{
    return text[0] == '{' && memmem(text, len, "\"files\"", 7) != NULL &&
           (memmem(text, len, "\"devkvm\"", 8) != NULL || memmem(text, len, "\"caps\"", 6) != NULL);
}

static bool read_leaf(const struct mig_node *n, enum mig_space space, struct mig_builder *b,
                      struct mig_error *err)
{
    struct mig_reg reg = {.space = space};
    uint64_t leaf, sub = 0, word;

    if (!mig_node_get_hex(n, "fn", UINT32_MAX, &leaf, err) ||
        !mig_node_find_number(n, "idx", UINT16_MAX, &sub, err)) {
        return false;
    }
    reg.index = (uint32_t)leaf;
    reg.sub = (uint16_t)sub;
    for (reg.part = MIG_EAX; reg.part <= MIG_EDX; reg.part++) {
        if (!mig_node_get_hex(n, mig_part_name(reg.part), UINT32_MAX, &word, err)) {
            return false;
        }
        mig_builder_set(b, reg, word);
    }
    return true;
}

static bool read_leaves(struct mig_hostcapture *r, const char *kind, enum mig_space space,
                        const char *source, struct mig_error *err)
{
    enum mig_group group = mig_group_of(mig_reg_plain(space, 0));
    struct mig_node cpuid, list, leaf;
    int errnum;

    if (!mig_hostcapture_call(r, "cpuid_call", "k", kind, &errnum, err) ||
        !mig_node_get(&r->root, "cpuid", JSON_OBJECT, &cpuid, err) ||
        !mig_node_find(&cpuid, kind, JSON_ARRAY, &list, err)) {
        return false;
    }
    if (errnum != 0 || list.json == NULL) {
        mig_builder_cover(r->builder, group, MIG_COVER_UNREADABLE, errnum == 0 ? ENOENT : errnum,
                          source);
        return true;
    }
    mig_builder_cover(r->builder, group, MIG_COVER_FULL, 0, source);
    for (size_t i = 0; i < json_array_size(list.json); i++) {
        if (!mig_node_element(&list, i, JSON_OBJECT, &leaf, err) ||
            !read_leaf(&leaf, space, r->builder, err)) {
            return false;
        }
    }
    return true;
}

static bool read_cpuid(struct mig_hostcapture *r, struct mig_error *err)
{
    static const struct {
        const char *kind;
        enum mig_space space;
        const char *source;
    } rows[] = {
        {"supported", MIG_SPACE_CPUID,          "ioctl KVM_GET_SUPPORTED_CPUID"   },
        {"emulated",  MIG_SPACE_CPUID_EMULATED, "ioctl KVM_GET_EMULATED_CPUID"    },
        {"hv_sys",    MIG_SPACE_CPUID_HV,       "ioctl KVM_GET_SUPPORTED_HV_CPUID"},
    };

    for (size_t i = 0; i < MIG_COUNT(rows); i++) {
        if (!read_leaves(r, rows[i].kind, rows[i].space, rows[i].source, err)) {
            return false;
        }
    }
    return true;
}

/* Index of an MSR: the key "0x10a" of the member an iterator stands on. */
static bool read_index(const struct mig_node *object, void *i, struct mig_node *ret_member,
                       uint32_t *ret, struct mig_error *err)
{
    const char *key = json_object_iter_key(i);
    uint64_t index;

    if (!mig_node_member(object, i, JSON_OBJECT, ret_member, err)) {
        return false;
    }
    if (!mig_text_starts(key, "0x") || !mig_text_to_u64(key, UINT32_MAX, &index)) {
        return mig_node_fail(ret_member, err, "the key is no index in hex");
    }
    *ret = (uint32_t)index;
    return true;
}

static bool read_feature_msr(struct mig_builder *b, uint32_t index, const struct mig_node *n,
                             struct mig_error *err)
{
    uint64_t value;
    int errnum;

    if (!mig_hostcapture_result(n, &errnum, err)) {
        return false;
    }
    if (errnum != 0) {
        mig_builder_set_unreadable(b, mig_reg_msr(index), errnum);
        return true;
    }
    if (!mig_node_get_hex(n, "val", UINT64_MAX, &value, err)) {
        return false;
    }
    mig_builder_set(b, mig_reg_msr(index), value);
    return true;
}

static bool read_msrs(struct mig_hostcapture *r, const char *key, const char *kind,
                      enum mig_group group, const char *source, struct mig_error *err)
{
    struct mig_node msrs, n;
    uint32_t index = 0;
    int errnum;

    if (!mig_hostcapture_call(r, "msr_call", "k", kind, &errnum, err) ||
        !mig_node_find(&r->root, key, JSON_OBJECT, &msrs, err)) {
        return false;
    }
    if (errnum != 0 || msrs.json == NULL) {
        mig_builder_cover(r->builder, group, MIG_COVER_UNREADABLE, errnum == 0 ? ENOENT : errnum,
                          source);
        return true;
    }
    mig_builder_cover(r->builder, group, MIG_COVER_FULL, 0, source);
    for (void *i = json_object_iter(msrs.json); i != NULL;
         i = json_object_iter_next(msrs.json, i)) {
        if (!read_index(&msrs, i, &n, &index, err)) {
            return false;
        }
        if (group == MIG_GROUP_MSR_LIST) {
            mig_builder_set(r->builder, mig_reg_plain(MIG_SPACE_MSR_LIST, index), 1);
        } else if (!read_feature_msr(r->builder, index, &n, err)) {
            return false;
        }
    }
    return true;
}

/* The probe leaves out what KVM_CHECK_EXTENSION answers with 0. */
static bool read_caps(struct mig_hostcapture *r, struct mig_error *err)
{
    static const char source[] = "ioctl KVM_CHECK_EXTENSION";
    struct mig_node caps, n;

    if (!mig_node_get(&r->root, "caps", JSON_OBJECT, &caps, err)) {
        return false;
    }
    if (r->devkvm != 0) {
        mig_builder_cover(r->builder, MIG_GROUP_CAP, MIG_COVER_UNREADABLE, r->devkvm, source);
        return true;
    }
    mig_builder_cover(r->builder, MIG_GROUP_CAP, MIG_COVER_FULL, 0, source);
    for (void *i = json_object_iter(caps.json); i != NULL;
         i = json_object_iter_next(caps.json, i)) {
        uint64_t number = 0, value = 0;

        if (!mig_node_member(&caps, i, JSON_OBJECT, &n, err) ||
            !mig_node_find_number(&n, "num", UINT32_MAX, &number, err) ||
            !mig_node_find_number(&n, "sys", UINT32_MAX, &value, err)) {
            return false;
        }
        if (mig_cap_name((uint32_t)number) != NULL) {
            mig_builder_set(r->builder, mig_reg_plain(MIG_SPACE_CAP, (uint32_t)number), value);
        }
        if (number == CAP_TSC_CONTROL) {
            r->tsc_scaling = value != 0;
        }
    }
    return true;
}

/* Text of the first file whose path ends in @suffix, or NULL. */
static const char *file_text(const struct mig_hostcapture *r, const char *suffix)
{
    json_t *files = json_object_get(r->root.json, "files");

    for (void *i = json_object_iter(files); i != NULL; i = json_object_iter_next(files, i)) {
        if (mig_text_ends(json_object_iter_key(i), suffix)) {
            return json_string_value(json_object_iter_value(i));
        }
    }
    return NULL;
}

/* Scaling reaches a limit that the probe did not ask for. */
static bool read_tsc(struct mig_hostcapture *r, struct mig_error *err)
{
    const char *tolerance = file_text(r, "/kvm/parameters/tsc_tolerance_ppm");
    uint64_t khz = 0, ppm;
    struct mig_node n;

    if (!mig_hostcapture_single(r, "tsc", &n, err) ||
        (n.json != NULL && !mig_node_find_number(&n, "vcpu_khz", UINT32_MAX, &khz, err))) {
        return false;
    }
    if (khz == 0) {
        mig_builder_cover(r->builder, MIG_GROUP_TSC, MIG_COVER_UNREADABLE,
                          r->devkvm != 0 ? r->devkvm : ENOENT, "ioctl KVM_GET_TSC_KHZ");
        return true;
    }
    mig_builder_cover(r->builder, MIG_GROUP_TSC,
                      r->tsc_scaling != 0 ? MIG_COVER_PARTIAL : MIG_COVER_FULL, 0,
                      "ioctl KVM_GET_TSC_KHZ");
    mig_builder_set(r->builder, mig_reg_plain(MIG_SPACE_HOST, MIG_HOST_TSC_KHZ), khz);
    mig_builder_set(r->builder, mig_reg_plain(MIG_SPACE_HOST, MIG_HOST_TSC_SCALING),
                    r->tsc_scaling);
    if (tolerance != NULL && mig_text_to_u64(tolerance, UINT32_MAX, &ppm)) {
        mig_builder_set(r->builder, mig_reg_plain(MIG_SPACE_HOST, MIG_HOST_TSC_TOLERANCE_PPM), ppm);
    } else {
        mig_builder_set_unreadable(
            r->builder, mig_reg_plain(MIG_SPACE_HOST, MIG_HOST_TSC_TOLERANCE_PPM), ENOENT);
    }
    return true;
}

static bool read_xcomp(struct mig_hostcapture *r, struct mig_error *err)
{
    struct mig_reg reg = mig_reg_plain(MIG_SPACE_HOST, MIG_HOST_XCOMP_SUPPORTED);
    struct mig_node n;
    uint64_t value;
    int errnum;

    if (!mig_hostcapture_single(r, "xcomp_guest_supp", &n, err)) {
        return false;
    }
    if (n.json == NULL) {
        return true;
    }
    if (!mig_hostcapture_result(&n, &errnum, err)) {
        return false;
    }
    if (errnum != 0) {
        mig_builder_set_unreadable(r->builder, reg, errnum);
        return true;
    }
    if (!mig_node_get_hex(&n, "val", UINT64_MAX, &value, err)) {
        return false;
    }
    mig_builder_set(r->builder, reg, value);
    return true;
}

static bool read_x86(struct mig_hostcapture *r, struct mig_error *err)
{
    return read_cpuid(r, err) &&
           read_msrs(r, "feature_msrs", "feature", MIG_GROUP_MSR, "ioctl KVM_GET_MSRS", err) &&
           read_msrs(r, "save_msrs", "save", MIG_GROUP_MSR_LIST, "ioctl KVM_GET_MSR_INDEX_LIST",
                     err) &&
           read_xcomp(r, err) && read_tsc(r, err);
}

static bool read_facts(struct mig_hostcapture *r, const struct mig_node *start,
                       struct mig_error *err)
{
    struct mig_node files, n;
    const char *release;

    if (!mig_node_get(&r->root, "files", JSON_OBJECT, &files, err) ||
        !mig_node_get_text(start, "release", &release, err)) {
        return false;
    }
    mig_builder_cover(r->builder, MIG_GROUP_SOFTWARE, MIG_COVER_PARTIAL, 0, "/proc and /sys");
    mig_builder_add_fact(r->builder, "kernel.release", release, "uname");
    for (void *i = json_object_iter(files.json); i != NULL;
         i = json_object_iter_next(files.json, i)) {
        if (!mig_node_member(&files, i, JSON_STRING, &n, err)) {
            return false;
        }
        mig_hostfile_add_facts(r->builder, json_object_iter_key(i), json_string_value(n.json));
    }
    return true;
}

static bool read_label(struct mig_hostcapture *r, struct mig_error *err)
{
    struct mig_stamp stamp = {0};
    struct mig_node n;
    size_t len;

    if (!mig_node_find(&r->root, "label", JSON_STRING, &n, err)) {
        return false;
    }
    if (n.json != NULL) {
        len = strlen(json_string_value(n.json));
        memcpy(stamp.host, json_string_value(n.json),
               len < sizeof stamp.host ? len : sizeof stamp.host - 1);
        mig_text_make_printable(stamp.host);
        mig_builder_stamp(r->builder, &stamp);
    }
    return true;
}

static bool read_document(struct mig_hostcapture *r, struct mig_snapshot **ret,
                          struct mig_error *err)
{
    MIG_AUTO(mig_builder_free) struct mig_builder *b = NULL;
    struct mig_node start, devkvm;
    const char *machine;
    bool arm64;

    if (!mig_node_check_object(&r->root, NULL, err) ||
        !mig_node_get(&r->root, "start", JSON_OBJECT, &start, err) ||
        !mig_node_get_text(&start, "machine", &machine, err) ||
        !mig_hostcapture_single(r, "devkvm", &devkvm, err) ||
        (devkvm.json != NULL && !mig_hostcapture_result(&devkvm, &r->devkvm, err))) {
        return false;
    }
    arm64 = strcmp(machine, "aarch64") == 0;
    if (!arm64 && strcmp(machine, "x86_64") != 0) {
        return mig_node_fail(&start, err, "machine '%.40s' is neither x86_64 nor aarch64", machine);
    }
    b = r->builder = mig_builder_new(arm64 ? MIG_ARCH_ARM64 : MIG_ARCH_X86);
    mig_builder_cover(b, MIG_GROUP_KVM_VIEW, r->devkvm == 0 ? MIG_COVER_FULL : MIG_COVER_UNREADABLE,
                      r->devkvm, "ioctls of /dev/kvm");
    return read_label(r, err) && read_caps(r, err) &&
           (arm64 ? mig_hostcapture_read_arm64 : read_x86)(r, err) && read_facts(r, &start, err) &&
           mig_import_finish(b, "host-capture", ret, err);
}

bool mig_import_hostcapture_read(const char *text, size_t len, struct mig_snapshot **ret,
                                 struct mig_error *err)
{
    MIG_AUTO(mig_node_free) json_t *document = NULL;
    struct mig_hostcapture r = {0};

    if (!mig_node_parse(text, len, &document, err)) {
        return false;
    }
    r.root = mig_node_root(document);
    return read_document(&r, ret, err);
}
