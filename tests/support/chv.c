/* SPDX-License-Identifier: Apache-2.0 */
#include "support/chv.h"

#include "base/text.h"

static uint64_t word(const struct mig_snapshot *s, struct mig_reg reg)
{
    uint64_t value;

    (void)mig_snapshot_get(s, reg, &value);
    return value;
}

/* One leaf, as the vCPU of that number reads it. */
static void add_leaf(struct mig_text *t, const struct mig_snapshot *s, struct mig_reg reg,
                     unsigned vcpu)
{
    uint64_t words[4];

    for (unsigned part = MIG_EAX; part <= MIG_EDX; part++) {
        reg.part = (enum mig_part)part;
        words[part] = word(s, reg);
    }
    words[MIG_EBX] |= reg.index == 1 ? (uint64_t)vcpu << 24 : 0;
    mig_text_addf(t,
                  "%s{\"function\":%u,\"index\":%u,\"flags\":0,\"eax\":%u,\"ebx\":%u,\"ecx\":%u,"
                  "\"edx\":%u}",
                  t->len > 0 && t->items[t->len - 1] != '[' ? "," : "", reg.index, reg.sub,
                  (unsigned)words[0], (unsigned)words[1], (unsigned)words[2], (unsigned)words[3]);
}

static void add_table(struct mig_text *t, const struct mig_snapshot *s, unsigned vcpu)
{
    struct mig_reg last = {MIG_SPACE_COUNT, 0, 0, MIG_EAX};
    size_t hyperv;

    (void)mig_snapshot_space(s, MIG_SPACE_CPUID_HV, &hyperv);
    for (size_t i = 0; i < s->entries_len; i++) {
        struct mig_reg reg = mig_reg_from_key(s->entries[i].key);
        bool kvm_leaf = reg.space == MIG_SPACE_CPUID && reg.index >> 28 == 4;

        if ((reg.space != MIG_SPACE_CPUID && reg.space != MIG_SPACE_CPUID_HV) ||
            (kvm_leaf && hyperv > 0) ||
            (reg.space == last.space && reg.index == last.index && reg.sub == last.sub)) {
            continue;
        }
        add_leaf(t, s, reg, vcpu);
        last = reg;
    }
}

char *chv_config(const struct mig_snapshot *table, unsigned vcpus, const char *cpus)
{
    struct mig_text t = {0};

    mig_text_addf(&t,
                  "{\"vm_config\":{\"cpus\":{\"boot_vcpus\":%u,\"max_vcpus\":%u%s},"
                  "\"memory\":{\"size\":98304},\"serial\":{\"mode\":\"Off\"}},\"common_cpuid\":[",
                  vcpus, vcpus, cpus);
    add_table(&t, table, 0);
    mig_text_addf(&t,
                  "],\"memory_manager_data\":{\"memory_ranges\":{\"data\":[]},"
                  "\"guest_ram_mappings\":["
                  "{\"slot\":0,\"gpa\":%llu,\"size\":%llu,\"zone_id\":\"mem0\","
                  "\"virtio_mem\":false,\"file_offset\":0},"
                  "{\"slot\":1,\"gpa\":%llu,\"size\":%llu,\"zone_id\":\"mem0\","
                  "\"virtio_mem\":false,\"file_offset\":32768}],\"boot_ram\":98304}}",
                  (unsigned long long)0x1000, (unsigned long long)0x8000,
                  (unsigned long long)0x20000, (unsigned long long)0x10000);
    return t.items;
}

static void add_msrs(struct mig_text *t, const struct mig_snapshot *s)
{
    size_t len;
    const struct mig_entry *msrs = mig_snapshot_space(s, MIG_SPACE_MSR, &len);

    /* State that every guest has, an address of its kernel among it. */
    mig_text_add(t, "{\"index\":3221225602,\"data\":18446744071587135776}");
    for (size_t i = 0; i < len; i++) {
        mig_text_addf(t, ",{\"index\":%u,\"data\":%llu}", mig_reg_from_key(msrs[i].key).index,
                      (unsigned long long)msrs[i].value);
    }
}

static void add_quoted(struct mig_text *t, const char *text)
{
    for (; *text != '\0'; text++) {
        mig_text_addf(t, "%s%c", *text == '"' || *text == '\\' ? "\\" : "", *text);
    }
}

static void add_vcpu(struct mig_text *t, const struct mig_snapshot *s, unsigned vcpu, uint64_t xcr0,
                     uint64_t khz)
{
    MIG_AUTO(mig_text_clear) struct mig_text kvm = {0};

    mig_text_add(&kvm, "{\"Kvm\":{\"cpuid\":[");
    add_table(&kvm, s, vcpu);
    mig_text_add(&kvm, "],\"msrs\":[");
    add_msrs(&kvm, s);
    mig_text_addf(&kvm,
                  "],\"regs\":[0,1],\"xcrs\":{\"nr_xcrs\":1,\"flags\":0,\"xcrs\":[{\"xcr\":0,"
                  "\"reserved\":0,\"value\":%llu}],\"padding\":[]},\"tsc_khz\":",
                  (unsigned long long)xcr0);
    if (khz != 0) {
        mig_text_addf(&kvm, "%llu", (unsigned long long)khz);
    } else {
        mig_text_add(&kvm, "null");
    }
    mig_text_add(&kvm, ",\"nested_state\":null,\"hyperv_synic\":false}}");
    mig_text_addf(t, "%s\"%u\":{\"snapshots\":{},\"snapshot_data\":{\"state\":\"",
                  vcpu > 0 ? "," : "", vcpu);
    add_quoted(t, kvm.items);
    mig_text_add(t, "\"}}");
}

static char *state_of(const struct mig_snapshot *seen, unsigned vcpus, uint64_t xcr0, uint64_t khz)
{
    struct mig_text t = {0};

    mig_text_add(&t, "{\"snapshots\":{\"cpu-manager\":{\"snapshots\":{");
    for (unsigned i = 0; i < vcpus; i++) {
        add_vcpu(&t, seen, i, xcr0, khz);
    }
    mig_text_add(&t, "},\"snapshot_data\":null},\"device-manager\":{\"snapshots\":{},"
                     "\"snapshot_data\":{\"state\":\"{}\"}}},"
                     "\"snapshot_data\":{\"state\":\"{\\\"common_cpuid\\\":[]}\"}}");
    return t.items;
}

char *chv_state(const struct mig_snapshot *seen, unsigned vcpus, uint64_t xcr0)
{
    return state_of(seen, vcpus, xcr0, word(seen, mig_reg_plain(MIG_SPACE_HOST, MIG_HOST_TSC_KHZ)));
}

char *chv_state_without_rate(const struct mig_snapshot *seen, unsigned vcpus, uint64_t xcr0)
{
    return state_of(seen, vcpus, xcr0, 0);
}
