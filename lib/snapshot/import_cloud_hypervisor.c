/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/alloc.h"
#include "base/array.h"
#include "base/text.h"
#include "snapshot/builder.h"
#include "snapshot/import.h"
#include "snapshot/keyset.h"
#include "snapshot/node.h"
#include "snapshot/raw.h"

#define SOURCE "Cloud Hypervisor snapshot state"
#define VCPUS_MAX 8192
#define BIG_DIGITS 19
#define CPUID_MAX 256 /* KVM_MAX_CPUID_ENTRIES */
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

/* Numbers beyond 63 bits as texts: addresses of a kernel are among the MSRs, and
 * no JSON number of ours holds them.  The caller frees. */
static char *quote_big_numbers(const char *text)
{
    MIG_AUTO(mig_text_clear) struct mig_text t = {0};
    bool quoted = false;

    while (*text != '\0') {
        size_t digits = quoted ? 0 : strspn(text, "0123456789");
        size_t step = digits > 0 ? digits : quoted && text[0] == '\\' && text[1] != '\0' ? 2 : 1;

        quoted = *text == '"' ? !quoted : quoted;
        if (digits >= BIG_DIGITS) {
            mig_text_add(&t, "\"");
        }
        mig_text_add_bytes(&t, text, step);
        if (digits >= BIG_DIGITS) {
            mig_text_add(&t, "\"");
        }
        text += step;
    }
    return t.items != NULL ? mig_steal(&t.items) : mig_strdup("");
}

/* Decimal digits, one of which a number may begin with but 0. */
static bool read_decimal(const char *text, uint64_t max, uint64_t *ret)
{
    size_t len = strlen(text);

    return len <= 20 && text[0] != '0' && mig_text_digits(text, len, 10, max, ret);
}

static bool get_number(const struct mig_node *object, const char *key, uint64_t max, uint64_t *ret,
                       struct mig_error *err)
{
    const json_t *n = json_object_get(object->json, key);

    if (n == NULL) {
        return mig_node_fail(object, err, "key '%s' is missing", key);
    }
    if (json_is_string(n)) {
        return read_decimal(json_string_value(n), max, ret) ||
               mig_node_fail(object, err, "%s is no number from 0 to %llu", key,
                             (unsigned long long)max);
    }
    return mig_node_find_number(object, key, max < INT64_MAX ? max : INT64_MAX, ret, err);
}

static bool check_count(const struct mig_node *list, size_t max, struct mig_error *err)
{
    return json_array_size(list->json) <= max || mig_node_fail(list, err, "more than %zu", max);
}

static bool read_leaf(struct reading *r, const struct mig_node *n, struct mig_error *err)
{
    static const char *const parts[] = {"eax", "ebx", "ecx", "edx"};
    struct mig_raw_leaf raw = {0};
    uint64_t leaf, sub, value;

    if (!get_number(n, "function", UINT32_MAX, &leaf, err) ||
        !get_number(n, "index", UINT16_MAX, &sub, err)) {
        return false;
    }
    raw.index = (uint32_t)leaf;
    raw.sub = (uint16_t)sub;
    for (size_t i = 0; i < MIG_COUNT(parts); i++) {
        if (!get_number(n, parts[i], UINT32_MAX, &value, err)) {
            return false;
        }
        raw.words[i] = (uint32_t)value;
    }
    return mig_raw_add(&r->present, &raw, err) || mig_wrap(err, "%s", n->path);
}

/* Two vCPUs that differ in one are two values for one register. */
static bool read_msr(struct reading *r, const struct mig_node *n, struct mig_error *err)
{
    uint64_t index, value;

    if (!get_number(n, "index", UINT32_MAX, &index, err) ||
        !get_number(n, "data", UINT64_MAX, &value, err)) {
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

typedef bool read_fn(struct reading *r, const struct mig_node *n, struct mig_error *err);

static bool read_list(struct reading *r, const struct mig_node *vcpu, const char *key, size_t max,
                      read_fn *read, struct mig_error *err)
{
    struct mig_node list, item;

    if (!mig_node_get(vcpu, key, JSON_ARRAY, &list, err) || !check_count(&list, max, err)) {
        return false;
    }
    for (size_t i = 0; i < json_array_size(list.json); i++) {
        if (!mig_node_element(&list, i, JSON_OBJECT, &item, err) || !read(r, &item, err)) {
            return false;
        }
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

    if (!get_number(object, "nr_xcrs", XCRS_MAX, &count, err) ||
        !mig_node_get(object, "xcrs", JSON_ARRAY, &list, err)) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        uint64_t number, value;

        if (!mig_node_element(&list, i, JSON_OBJECT, &item, err) ||
            !get_number(&item, "xcr", UINT32_MAX, &number, err) ||
            !get_number(&item, "value", UINT64_MAX, &value, err)) {
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
    return read_list(r, vcpu, "cpuid", CPUID_MAX, read_leaf, err) &&
           read_list(r, vcpu, "msrs", MSRS_MAX, read_msr, err) && read_xcrs(r, vcpu, err) &&
           read_rate(r, vcpu, err);
}

/* The state of a node is a document of its own. */
static bool parse_state(const struct mig_node *node, json_t **ret, struct mig_error *err)
{
    MIG_AUTO(mig_free) char *quoted = NULL;
    struct mig_node data;
    const char *text;

    if (!mig_node_get(node, "snapshot_data", JSON_OBJECT, &data, err) ||
        !mig_node_get_text(&data, "state", &text, err)) {
        return false;
    }
    quoted = quote_big_numbers(text);
    return mig_node_parse(quoted, strlen(quoted), ret, err) || mig_wrap(err, "%s.state", data.path);
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

    mig_builder_cover(b, MIG_GROUP_CPUID, MIG_COVER_FULL, 0, SOURCE);
    mig_builder_cover(b, MIG_GROUP_MSR, MIG_COVER_PARTIAL, 0, SOURCE);
    mig_builder_cover(b, MIG_GROUP_GUEST, MIG_COVER_PARTIAL, 0, SOURCE);
    mig_builder_set(b, mig_reg_plain(MIG_SPACE_GUEST, MIG_GUEST_XCR0), r->xcr0);
    mig_builder_add_fact(b, "vmm.name", "cloud-hypervisor", SOURCE);
    if (!mig_raw_pour(&r->first, b, err)) {
        return false;
    }
    mig_raw_pour_hypervisor(&r->first, b, SOURCE);
    return mig_import_finish(b, "cloud-hypervisor-state", ret, err);
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

bool mig_import_cloud_hypervisor_read(const char *text, size_t len, struct mig_snapshot **ret,
                                      struct mig_error *err)
{
    MIG_AUTO(mig_node_free) json_t *document = NULL;
    MIG_AUTO(reading_clear) struct reading r = {.builder = mig_builder_new(MIG_ARCH_X86)};
    struct mig_node root, vcpus;

    if (!mig_node_parse(text, len, &document, err)) {
        return false;
    }
    root = mig_node_root(document);
    return find_vcpus(&root, &vcpus, err) && read_vcpus(&r, &vcpus, err) && finish(&r, ret, err);
}
