/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/chv_config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "compat/finding.h"
#include "cpu/place.h"
#include "gate/chv_compare.h"
#include "snapshot/builder.h"
#include "snapshot/cloud_hypervisor.h"
#include "snapshot/import.h"
#include "snapshot/raw.h"

#define SOURCE "Cloud Hypervisor migration config"
#define MAPPINGS_MAX 32764 /* memory slots of KVM */
#define DEFAULT_PHYS_BITS 46

/* What the VMM leaves out has the default of its schema; null is left out. */
static bool is_given(const struct mig_node *object, const char *key)
{
    const json_t *n = json_object_get(object->json, key);

    return n != NULL && !json_is_null(n);
}

static bool read_flag(const struct mig_node *object, const char *key, bool otherwise, bool *ret,
                      struct mig_error *err)
{
    const json_t *n = json_object_get(object->json, key);

    if (n != NULL && !json_is_boolean(n)) {
        return mig_node_fail(object, err, "%s is neither true nor false", key);
    }
    *ret = n != NULL ? json_is_true(n) : otherwise;
    return true;
}

static bool read_u32(const struct mig_node *object, const char *key, uint32_t max, uint32_t *ret,
                     struct mig_error *err)
{
    uint64_t value;

    if (!mig_cloud_hypervisor_number(object, key, max, &value, err)) {
        return false;
    }
    *ret = (uint32_t)value;
    return true;
}

static bool read_topology(const struct mig_node *cpus, struct mig_chv_config *c,
                          struct mig_error *err)
{
    struct mig_node n;

    if (!is_given(cpus, "topology")) {
        return true;
    }
    return mig_node_get(cpus, "topology", JSON_OBJECT, &n, err) &&
           read_u32(&n, "packages", UINT16_MAX, &c->packages, err) &&
           read_u32(&n, "dies_per_package", UINT16_MAX, &c->dies, err) &&
           read_u32(&n, "cores_per_die", UINT16_MAX, &c->cores, err) &&
           read_u32(&n, "threads_per_core", UINT16_MAX, &c->threads, err);
}

static bool read_profile(const struct mig_node *cpus, struct mig_chv_config *c,
                         struct mig_error *err)
{
    const char *name = "Host";

    if (is_given(cpus, "profile") && !mig_node_get_text(cpus, "profile", &name, err)) {
        return false;
    }
    if (strlen(name) >= sizeof c->profile) {
        return mig_node_fail(cpus, err, "profile has a name of more than %zu bytes",
                             sizeof c->profile - 1);
    }
    memcpy(c->profile, name, strlen(name) + 1);
    return true;
}

static bool read_features(const struct mig_node *cpus, struct mig_chv_config *c,
                          struct mig_error *err)
{
    struct mig_node n;

    if (!mig_node_find(cpus, "features", JSON_OBJECT, &n, err)) {
        return false;
    }
    return n.json == NULL || read_flag(&n, "amx", false, &c->amx, err);
}

static bool check_vcpus(const struct mig_node *cpus, const struct mig_chv_config *c,
                        struct mig_error *err)
{
    return (c->boot_vcpus > 0 && c->boot_vcpus <= c->max_vcpus) ||
           mig_node_fail(cpus, err, "%u vCPUs at boot of %u at most", c->boot_vcpus, c->max_vcpus);
}

static bool read_cpus(const struct mig_node *vm, struct mig_chv_config *c, struct mig_error *err)
{
    struct mig_node cpus;

    c->max_phys_bits = DEFAULT_PHYS_BITS;
    return mig_node_get(vm, "cpus", JSON_OBJECT, &cpus, err) &&
           read_u32(&cpus, "boot_vcpus", MIG_CHV_VCPUS_MAX, &c->boot_vcpus, err) &&
           read_u32(&cpus, "max_vcpus", MIG_CHV_VCPUS_MAX, &c->max_vcpus, err) &&
           check_vcpus(&cpus, c, err) && read_topology(&cpus, c, err) &&
           (!is_given(&cpus, "max_phys_bits") ||
            read_u32(&cpus, "max_phys_bits", UINT8_MAX, &c->max_phys_bits, err)) &&
           read_flag(&cpus, "kvm_hyperv", false, &c->kvm_hyperv, err) &&
           read_flag(&cpus, "nested", true, &c->nested, err) && read_features(&cpus, c, err) &&
           read_profile(&cpus, c, err);
}

static bool read_platform(const struct mig_node *vm, struct mig_chv_config *c,
                          struct mig_error *err)
{
    bool tdx, sev_snp;
    struct mig_node n;

    if (!is_given(vm, "platform")) {
        return true;
    }
    if (!mig_node_get(vm, "platform", JSON_OBJECT, &n, err) ||
        !read_flag(&n, "tdx", false, &tdx, err) ||
        !read_flag(&n, "sev_snp", false, &sev_snp, err)) {
        return false;
    }
    c->encrypted = tdx || sev_snp;
    return true;
}

static bool read_mapping(void *ctx, const struct mig_node *n, struct mig_error *err)
{
    struct mig_chv_config *c = ctx;
    struct mig_chv_range range;
    uint64_t slot;

    if (!mig_cloud_hypervisor_number(n, "slot", UINT32_MAX, &slot, err) ||
        !mig_cloud_hypervisor_number(n, "gpa", INT64_MAX, &range.gpa, err) ||
        !mig_cloud_hypervisor_number(n, "size", INT64_MAX, &range.len, err)) {
        return false;
    }
    mig_chv_ram_add(&c->ram, range);
    c->slots = mig_resize(c->slots, c->slots_len + 1, sizeof *c->slots);
    c->slots[c->slots_len++] = (uint32_t)slot;
    return true;
}

static int by_number(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

    return (x > y) - (x < y);
}

static bool read_memory(const struct mig_node *root, struct mig_chv_config *c,
                        struct mig_error *err)
{
    struct mig_node memory;

    if (!mig_node_get(root, "memory_manager_data", JSON_OBJECT, &memory, err) ||
        !mig_cloud_hypervisor_list(&memory, "guest_ram_mappings", MAPPINGS_MAX, read_mapping, c,
                                   err)) {
        return false;
    }
    if (c->slots_len == 0) {
        return mig_node_fail(&memory, err, "guest_ram_mappings: the guest has no memory");
    }
    qsort(c->slots, c->slots_len, sizeof *c->slots, by_number);
    return mig_chv_ram_finish(&c->ram, err) || mig_wrap(err, "%s.guest_ram_mappings", memory.path);
}

static bool read_table(const struct mig_node *root, struct mig_chv_config *c, struct mig_error *err)
{
    MIG_AUTO(mig_builder_free) struct mig_builder *b = NULL;
    MIG_AUTO(mig_raw_clear) struct mig_raw raw = {0};

    if (!is_given(root, "common_cpuid")) {
        return true;
    }
    if (!mig_cloud_hypervisor_table(root, "common_cpuid", &raw, err)) {
        return false;
    }
    b = mig_builder_new(MIG_ARCH_X86);
    return (mig_cloud_hypervisor_pour(&raw, b, SOURCE, err) &&
            mig_import_finish(b, "cloud-hypervisor-config", &c->table, err)) ||
           mig_wrap(err, "common_cpuid");
}

bool mig_chv_config_read(const char *text, size_t len, struct mig_chv_config *ret,
                         struct mig_error *err)
{
    MIG_AUTO(mig_node_free) json_t *document = NULL;
    struct mig_node root, vm;

    if (!mig_cloud_hypervisor_parse(text, len, &document, err)) {
        return mig_wrap(err, "Config");
    }
    root = mig_node_root(document);
    return (mig_node_check_object(&root, NULL, err) &&
            mig_node_get(&root, "vm_config", JSON_OBJECT, &vm, err) && read_cpus(&vm, ret, err) &&
            read_platform(&vm, ret, err) && read_memory(&root, ret, err) &&
            read_table(&root, ret, err)) ||
           mig_wrap(err, "Config");
}

static bool shows(const struct mig_snapshot *shown, struct mig_bit bit)
{
    uint64_t word;

    (void)mig_snapshot_get(shown, bit.reg, &word);
    return (word & bit.mask) != 0;
}

/* The contract counts only what it tells; sockets and vCPUs of none are 0. */
static void compare_count(const struct mig_snapshot *shown, enum mig_guest_item item,
                          const char *id, uint64_t count, struct mig_findings *ret)
{
    uint64_t told;

    if (mig_snapshot_get(shown, mig_reg_plain(MIG_SPACE_GUEST, item), &told) == MIG_KNOWN &&
        told != count) {
        mig_chv_compare_add(ret, id, told, count, "the VM is defined otherwise than its contract");
    }
}

static void compare_switches(const struct mig_snapshot *shown, const struct mig_chv_config *c,
                             struct mig_findings *ret)
{
    static const struct mig_bit amx = MIG_PLACE_BIT(amx_tile), vmx = MIG_PLACE_BIT(vmx),
                                svm = MIG_PLACE_BIT(svm);
    size_t hyperv;

    (void)mig_snapshot_space(shown, MIG_SPACE_CPUID_HV, &hyperv);
    if (c->kvm_hyperv != (hyperv > 0)) {
        mig_chv_compare_add(ret, "vmm/kvm-hyperv", hyperv > 0, c->kvm_hyperv,
                            "the leaves of Hyper-V come with kvm_hyperv and never without");
    }
    if (shows(shown, amx) && !c->amx) {
        mig_chv_compare_add(ret, "vmm/amx", 1, 0, "a VM without the feature amx shows no tiles");
    }
    if ((shows(shown, vmx) || shows(shown, svm)) && !c->nested) {
        mig_chv_compare_add(ret, "vmm/nested", 1, 0, "a VM with nested=off shows no VMX or SVM");
    }
}

static void compare_width(const struct mig_snapshot *shown, const struct mig_chv_config *c,
                          struct mig_findings *ret)
{
    uint64_t word;

    (void)mig_snapshot_get(shown, mig_reg_cpuid(0x80000008, 0, MIG_EAX), &word);
    if ((word & 0xff) > c->max_phys_bits) {
        mig_chv_compare_add(ret, "vmm/max-phys-bits", word & 0xff, c->max_phys_bits,
                            "a VM shows no wider addresses than max_phys_bits");
    }
}

void mig_chv_config_compare(const struct mig_snapshot *shown, const struct mig_chv_config *c,
                            struct mig_findings *ret)
{
    const char *vmm = mig_snapshot_fact(shown, "vmm.name");

    if (vmm != NULL && strcmp(vmm, "cloud-hypervisor") != 0) {
        mig_chv_compare_add(ret, "vmm/name", 0, 1, "the contract is of a guest of another VMM");
    }
    compare_count(shown, MIG_GUEST_VCPUS, "guest/vcpus", c->max_vcpus, ret);
    if (c->packages > 0) {
        compare_count(shown, MIG_GUEST_SOCKETS, "guest/sockets", c->packages, ret);
        compare_count(shown, MIG_GUEST_DIES, "guest/dies", c->dies, ret);
        compare_count(shown, MIG_GUEST_CORES, "guest/cores", c->cores, ret);
        compare_count(shown, MIG_GUEST_THREADS, "guest/threads", c->threads, ret);
    }
    if (c->encrypted) {
        mig_chv_compare_add(ret, "guest/vm-type", 0, 1,
                            "a guest with encrypted memory can not be moved this way");
    }
    if (c->table == NULL) {
        mig_chv_compare_add(ret, "vmm/common-cpuid", 1, 0, "the VMM sent no CPUID table");
        return;
    }
    compare_switches(shown, c, ret);
    compare_width(shown, c, ret);
    mig_chv_compare_table(shown, c->table, ret);
}

bool mig_chv_config_has_slot(const struct mig_chv_config *c, uint32_t slot)
{
    return c->slots_len > 0 &&
           bsearch(&slot, c->slots, c->slots_len, sizeof *c->slots, by_number) != NULL;
}

void mig_chv_config_clear(struct mig_chv_config *c)
{
    mig_chv_ram_clear(&c->ram);
    mig_free(c->slots);
    mig_snapshot_free(c->table);
    *c = (struct mig_chv_config){0};
}
