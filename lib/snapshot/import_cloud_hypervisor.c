/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/text.h"
#include "snapshot/builder.h"
#include "snapshot/cloud_hypervisor.h"
#include "snapshot/import.h"
#include "snapshot/keyset.h"
#include "snapshot/raw.h"

#define SOURCE "Cloud Hypervisor snapshot state"
#define VCPUS_MAX 8192
#define MSRS_MAX 1024
/* struct kvm_xcrs: two counts, 16 times number, reserved, value, padding. */
#define XCRS_BYTES 392
#define XCRS_MAX 16
#define XCR_HEAD 8
#define XCR_BYTES 16

/*
 * state.json of a snapshot: nodes {snapshots, snapshot_data}, where data is
 * {state: TEXT} and the text is JSON again.  The node "cpu-manager" has one
 * node per vCPU, whose state is what KVM said of it: the table that it was
 * given, MSRs, XCR0 and rate.  What the node of the VM repeats as common_cpuid
 * was made for the host, not for the guest, and is left alone.
 */
bool mig_import_cloud_hypervisor_recognises(const char *text, size_t len)
{
    return text[0] == '{' && memmem(text, len, "\"snapshots\"", 11) != NULL &&
           memmem(text, len, "\"cpu-manager\"", 13) != NULL;
}

struct reading {
    struct mig_builder *builder; /* of all vCPUs */
    struct mig_raw first, present;
    struct mig_keyset msrs; /* of this vCPU */
    size_t vcpus;
    uint64_t xcr0; /* each vCPU switches components on by itself */
};

static void reading_clear_auto(struct reading *r)
{
    mig_builder_free(r->builder);
    mig_raw_clear(&r->first);
    mig_raw_clear(&r->present);
    mig_keyset_clear(&r->msrs);
}

/* Two vCPUs that differ in one are two values for one register. */
static bool read_msr(void *ctx, const struct mig_node *n, struct mig_error *err)
{
    struct reading *r = ctx;
    uint64_t index, value;

    if (!mig_cloud_hypervisor_number(n, "index", UINT32_MAX, &index, err) ||
        !mig_cloud_hypervisor_number(n, "data", UINT64_MAX, &value, err)) {
        return false;
    }
    if (!mig_keyset_add(&r->msrs, mig_reg_msr((uint32_t)index), err)) {
        return mig_wrap(err, "%s", n->path);
    }
    if (mig_import_takes_msr((uint32_t)index)) {
        mig_builder_set(r->builder, mig_reg_msr((uint32_t)index), value);
    }
    return true;
}

static uint64_t little_endian(const unsigned char *bytes, size_t len)
{
    uint64_t value = 0;

    while (len > 0) {
        value = value << 8 | bytes[--len];
    }
    return value;
}

/* The struct as bytes, one number each. */
static bool read_xcr_bytes(struct reading *r, const struct mig_node *list, struct mig_error *err)
{
    unsigned char bytes[XCRS_BYTES];
    uint64_t count;

    if (json_array_size(list->json) != sizeof bytes) {
        return mig_node_fail(list, err, "has %zu bytes, expected %zu", json_array_size(list->json),
                             sizeof bytes);
    }
    for (size_t i = 0; i < sizeof bytes; i++) {
        const json_t *n = json_array_get(list->json, i);

        if (!json_is_integer(n) || json_integer_value(n) < 0 || json_integer_value(n) > 255) {
            return mig_node_fail(list, err, "element %zu is no byte", i);
        }
        bytes[i] = (unsigned char)json_integer_value(n);
    }
    count = little_endian(bytes, 4);
    if (count > XCRS_MAX) {
        return mig_node_fail(list, err, "tells of more than %d registers", XCRS_MAX);
    }
    for (uint64_t i = 0; i < count; i++) {
        const unsigned char *xcr = bytes + XCR_HEAD + i * XCR_BYTES;

        if (little_endian(xcr, 4) == 0) {
            r->xcr0 |= little_endian(xcr + 8, 8);
        }
    }
    return true;
}

/* The struct by its members, as earlier versions write it. */
static bool read_xcr_members(struct reading *r, const struct mig_node *object,
                             struct mig_error *err)
{
    struct mig_node list, item;
    uint64_t count;

    if (!mig_cloud_hypervisor_number(object, "nr_xcrs", XCRS_MAX, &count, err) ||
        !mig_node_get(object, "xcrs", JSON_ARRAY, &list, err)) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        uint64_t number, value;

        if (!mig_node_element(&list, i, JSON_OBJECT, &item, err) ||
            !mig_cloud_hypervisor_number(&item, "xcr", UINT32_MAX, &number, err) ||
            !mig_cloud_hypervisor_number(&item, "value", UINT64_MAX, &value, err)) {
            return false;
        }
        if (number == 0) {
            r->xcr0 |= value;
        }
    }
    return true;
}

static bool read_xcrs(struct reading *r, const struct mig_node *vcpu, struct mig_error *err)
{
    struct mig_node n;

    if (json_is_array(json_object_get(vcpu->json, "xcrs"))) {
        return mig_node_get(vcpu, "xcrs", JSON_ARRAY, &n, err) && read_xcr_bytes(r, &n, err);
    }
    return mig_node_get(vcpu, "xcrs", JSON_OBJECT, &n, err) && read_xcr_members(r, &n, err);
}

/* Null where the host could not say. */
static bool read_rate(struct reading *r, const struct mig_node *vcpu, struct mig_error *err)
{
    uint64_t khz;

    if (!json_is_integer(json_object_get(vcpu->json, "tsc_khz"))) {
        return true;
    }
    if (!mig_node_find_number(vcpu, "tsc_khz", UINT32_MAX, &khz, err)) {
        return false;
    }
    mig_builder_set(r->builder, mig_reg_plain(MIG_SPACE_HOST, MIG_HOST_TSC_KHZ), khz);
    mig_builder_cover(r->builder, MIG_GROUP_TSC, MIG_COVER_PARTIAL, 0, SOURCE);
    return true;
}

static bool read_kvm(struct reading *r, const struct mig_node *vcpu, struct mig_error *err)
{
    return mig_cloud_hypervisor_table(vcpu, "cpuid", &r->present, err) &&
           mig_cloud_hypervisor_list(vcpu, "msrs", MSRS_MAX, read_msr, r, err) &&
           read_xcrs(r, vcpu, err) && read_rate(r, vcpu, err);
}

/* The state of a node is a document of its own. */
static bool parse_state(const struct mig_node *node, json_t **ret, struct mig_error *err)
{
    struct mig_node data;
    const char *text;

    if (!mig_node_get(node, "snapshot_data", JSON_OBJECT, &data, err) ||
        !mig_node_get_text(&data, "state", &text, err)) {
        return false;
    }
    return mig_cloud_hypervisor_parse(text, strlen(text), ret, err) ||
           mig_wrap(err, "%s.state", data.path);
}

static bool read_vcpu(struct reading *r, const struct mig_node *node, struct mig_error *err)
{
    MIG_AUTO(mig_node_free) json_t *document = NULL;
    struct mig_node root, kvm;

    if (!parse_state(node, &document, err)) {
        return false;
    }
    root = mig_node_root(document);
    if (json_object_get(root.json, "Mshv") != NULL) {
        return mig_node_fail(node, err, "is a vCPU of Microsoft's hypervisor, expected KVM's");
    }
    return (mig_node_get(&root, "Kvm", JSON_OBJECT, &kvm, err) && read_kvm(r, &kvm, err)) ||
           mig_wrap(err, "%s", node->path);
}

/* Keep the table of the first; one of another vCPU must say the same of all
 * that is compared. */
static bool finish_vcpu(struct reading *r, const struct mig_node *node, struct mig_error *err)
{
    bool good = true;

    if (r->vcpus++ == 0) {
        r->first = r->present;
        r->present = (struct mig_raw){0};
    } else {
        good = mig_raw_check_same(&r->first, &r->present, node->path, err);
    }
    mig_raw_clear(&r->present);
    mig_keyset_clear(&r->msrs);
    r->msrs = (struct mig_keyset){0};
    return good;
}

static bool read_vcpus(struct reading *r, const struct mig_node *vcpus, struct mig_error *err)
{
    for (void *i = json_object_iter(vcpus->json); i != NULL;
         i = json_object_iter_next(vcpus->json, i)) {
        struct mig_node node;

        if (!mig_node_member(vcpus, i, JSON_OBJECT, &node, err) || !read_vcpu(r, &node, err) ||
            !finish_vcpu(r, &node, err)) {
            return false;
        }
    }
    return r->vcpus > 0 || mig_node_fail(vcpus, err, "holds no vCPU");
}

static bool finish(struct reading *r, struct mig_snapshot **ret, struct mig_error *err)
{
    struct mig_builder *b = r->builder;

    mig_builder_cover(b, MIG_GROUP_MSR, MIG_COVER_PARTIAL, 0, SOURCE);
    mig_builder_cover(b, MIG_GROUP_GUEST, MIG_COVER_PARTIAL, 0, SOURCE);
    mig_builder_set(b, mig_reg_plain(MIG_SPACE_GUEST, MIG_GUEST_XCR0), r->xcr0);
    mig_builder_add_fact(b, "vmm.name", "cloud-hypervisor", SOURCE);
    return mig_cloud_hypervisor_pour(&r->first, b, SOURCE, err) &&
           mig_import_finish(b, "cloud-hypervisor-state", ret, err);
}

/* The node of the VM is the document itself, or stands in it as "vm". */
static bool find_vcpus(const struct mig_node *root, struct mig_node *ret, struct mig_error *err)
{
    struct mig_node nodes, vm, manager;

    if (!mig_node_get(root, "snapshots", JSON_OBJECT, &nodes, err) ||
        !mig_node_find(&nodes, "vm", JSON_OBJECT, &vm, err)) {
        return false;
    }
    if (vm.json != NULL && !mig_node_get(&vm, "snapshots", JSON_OBJECT, &nodes, err)) {
        return false;
    }
    if (!mig_node_get(&nodes, "cpu-manager", JSON_OBJECT, &manager, err) ||
        !mig_node_get(&manager, "snapshots", JSON_OBJECT, ret, err)) {
        return false;
    }
    return json_object_size(ret->json) <= VCPUS_MAX ||
           mig_node_fail(ret, err, "more than %d vCPUs", VCPUS_MAX);
}

bool mig_import_cloud_hypervisor_read_vcpus(const char *text, size_t len, struct mig_snapshot **ret,
                                            size_t *ret_vcpus, struct mig_error *err)
{
    MIG_AUTO(mig_node_free) json_t *document = NULL;
    MIG_AUTO(reading_clear) struct reading r = {.builder = mig_builder_new(MIG_ARCH_X86)};
    MIG_AUTO(mig_text_clear) struct mig_text thin = {0};
    struct mig_node root, vcpus;

    mig_cloud_hypervisor_thin(text, len, &thin);
    if (!mig_node_parse(thin.items != NULL ? thin.items : "", thin.len, &document, err)) {
        return false;
    }
    root = mig_node_root(document);
    if (!find_vcpus(&root, &vcpus, err) || !read_vcpus(&r, &vcpus, err) || !finish(&r, ret, err)) {
        return false;
    }
    *ret_vcpus = r.vcpus;
    return true;
}

bool mig_import_cloud_hypervisor_read(const char *text, size_t len, struct mig_snapshot **ret,
                                      struct mig_error *err)
{
    size_t vcpus;

    return mig_import_cloud_hypervisor_read_vcpus(text, len, ret, &vcpus, err);
}
