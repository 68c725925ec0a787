/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>

#include "base/alloc.h"
#include "base/text.h"
#include "cpu/arm64_reg.h"
#include "snapshot/builder.h"
#include "snapshot/import.h"
#include "snapshot/onereg.h"
#include "support/check.h"
#include "support/snapshots.h"

#define FC(registers)                                                                              \
    "{\"firecracker_version\":\"1.16\",\"kernel_version\":\"6.1\","                                \
    "\"microcode_version\":\"0x00000000000000ff\",\"bios_version\":\"1\",\"bios_revision\":"       \
    "\"2\",\"guest_cpu_config\":{\"kvm_capabilities\":[],\"vcpu_features\":[],"                    \
    "\"reg_modifiers\":[" registers "]}}"
#define FC_REG(addr, bits) "{\"addr\":\"" addr "\",\"bitmap\":\"" bits "\"}"
#define ZERO64 "0b0000000000000000000000000000000000000000000000000000000000000000"

#define CAPTURE_HEAD                                                                               \
    "{\"label\":\"probe\",\"start\":{\"release\":\"6.1\",\"machine\":\"aarch64\"},\"files\":{},"   \
    "\"devkvm\":[{\"r\":\"OK\"}]"
#define CAPTURE(max, rest)                                                                         \
    CAPTURE_HEAD ",\"caps\":{},\"vcpu_configs\":{\"max\":{\"r\":\"OK\",\"regs\":{" max "}}}" rest  \
                 "}"
#define CAPTURE_REG(name, id, val) "\"" name "\":{\"id\":\"" id "\",\"val\":\"" val "\"}"
#define CAPTURE_MIDR CAPTURE_REG("MIDR_EL1", "0x603000000013c000", "0x00000000413fd0c1")

#define MIDR_IN_BITS                                                                               \
    "MIDR_EL1: 0000 0000 0000 0000 0000 0000 0000 0000 - 0100 0001 0011 1111 1101 0000 1100 "      \
    "0001\n"
#define ZERO16 "0000000000000000"
#define LENGTHS(first, last) "0x" first ZERO16 ZERO16 ZERO16 ZERO16 ZERO16 ZERO16 last

static bool import_text(const char *text, size_t len, struct mig_snapshot **ret,
                        const char **ret_format, struct mig_error *err)
{
    return mig_import("given", text, len, ret, ret_format, err);
}

static struct mig_snapshot *import(const char *label, const char *text, const char *format)
{
    struct mig_snapshot *s = NULL;
    const char *found = NULL;
    struct mig_error err;

    check_done(label, import_text(text, strlen(text), &s, &found, &err), &err);
    check_text(label, format, found);
    check_number(label, MIG_ARCH_ARM64, s->arch);
    return s;
}

static char *read_shared(const char *relative)
{
    MIG_AUTO(mig_free) char *path = check_shared_path(relative);
    MIG_AUTO(mig_bytes_clear) struct mig_bytes bytes = {0};
    struct mig_error err;

    if (path == NULL) {
        return NULL;
    }
    check_done(path, mig_file_read(path, MIG_IMPORT_BYTES_MAX, &bytes, &err), &err);
    return mig_strndup((const char *)bytes.items, bytes.len);
}

static void check_reg(const char *label, const struct mig_snapshot *s, struct mig_reg reg,
                      enum mig_known known, uint64_t expected)
{
    uint64_t value;

    check_number(label, known, mig_snapshot_get(s, reg, &value));
    check_number(label, expected, value);
}

static void check_idreg(const char *label, const struct mig_snapshot *s, enum mig_arm64 index,
                        uint64_t expected)
{
    check_reg(label, s, mig_reg_arm64(index), MIG_KNOWN, expected);
}

static void check_item(const char *label, const struct mig_snapshot *s, enum mig_host_item item,
                       enum mig_known known, uint64_t expected)
{
    check_reg(label, s, mig_reg_plain(MIG_SPACE_HOST, item), known, expected);
}

static void check_fact(const char *name, const char *expected, const struct mig_snapshot *s)
{
    const char *got = mig_snapshot_fact(s, name);

    check_text(name, expected, got != NULL ? got : "none");
}

static size_t count(const struct mig_snapshot *s, enum mig_space space)
{
    size_t len;

    (void)mig_snapshot_space(s, space, &len);
    return len;
}

static struct mig_reg listed(uint32_t index, uint16_t sub)
{
    struct mig_reg reg = mig_reg_plain(MIG_SPACE_REG_LIST, index);

    reg.sub = sub;
    return reg;
}

/* ---- what each format says ---- */

CHECK_TEST(a_fingerprint_gives_registers_and_a_list)
{
    static const char text[] =
        FC(FC_REG("0x6030000000100000", "0b1") "," /* x0 */
           FC_REG("0x6040000000100054", "0b1"
                                        "0") ","   /* v0 */
           FC_REG("0x6020000000110000", "0b1") "," /* cache */
           FC_REG("0x603000000013c000", "0b01000001001111111101000011000001") "," FC_REG(
               "0x603000000013c005", "0b10000000000000000000000000000000") "," /* MPIDR_EL1 */
           FC_REG("0x603000000013c033", "0b11") ","                            /* not allocated */
           FC_REG("0x603000000013c030", "0b0010_0000") "," FC_REG("0x603000000013c082",
                                                                  "0b1") "," /* CPACR_EL1 */
           FC_REG("0x6030000000140000", "0b10000000000000001") "," FC_REG("0x6030000000160002",
                                                                          "0b11"));
    MIG_AUTO(mig_snapshot_free)
    struct mig_snapshot *s = import("fingerprint", text, "firecracker-fingerprint");

    check_idreg("midr", s, MIG_ARM64_MIDR_EL1, 0x413fd0c1);
    check_idreg("isar0", s, MIG_ARM64_ID_AA64ISAR0_EL1, 0x20);
    check_idreg("firmware", s, MIG_ARM64_PSCI_VERSION, 0x10001);
    check_idreg("bitmap", s, MIG_ARM64_VENDOR_HYP_BMAP, 3);
    check_reg("without a name", s, (struct mig_reg){MIG_SPACE_IDREG, 0x13c033, 3, MIG_EAX},
              MIG_KNOWN, 3);
    check_idreg("cache", s, MIG_ARM64_CCSIDR_L1D, 1);
    check_number("nothing else", 6, count(s, MIG_SPACE_IDREG));
    check_reg("state in the list", s, listed(0x13c082, 3), MIG_KNOWN, 1);
    check_reg("cache in the list", s, listed(0x110000, 2), MIG_KNOWN, 1);
    check_reg("no core register in the list", s, listed(0x100000, 3), MIG_UNCOVERED, 0);
    check_number("all but core registers", 8, count(s, MIG_SPACE_REG_LIST));
    check_number("view", MIG_COVER_FULL, s->groups[MIG_GROUP_KVM_VIEW].coverage);
    check_number("list", MIG_COVER_PARTIAL, s->groups[MIG_GROUP_REG_LIST].coverage);
    check_number("masks", MIG_COVER_NONE, s->groups[MIG_GROUP_IDREG_MASK].coverage);
    check_number("clock and lengths", MIG_COVER_NONE, s->groups[MIG_GROUP_ARM64].coverage);
    check_number("capabilities", MIG_COVER_NONE, s->groups[MIG_GROUP_CAP].coverage);
    check_fact("cpu.revidr", "0xff", s);
    check_fact("microcode", "none", s);
    check_fact("kernel.release", "6.1", s);
}

CHECK_TEST(a_register_without_a_name_is_kept_by_its_id)
{
    static const char text[] =
        FC(FC_REG("0x603000000013c000", "0b01000001001111111101000011000001") "," FC_REG(
            "0x603000000013c04f",
            "0b1") "," FC_REG("0x603000000014000f",
                              "0b11") "," FC_REG("0x6030000000160009",
                                                 "0b101") "," FC_REG("0x6030000000170001", "0b1"));
    static const struct {
        uint32_t index;
        bool is_granted; /* else only in KVM's list */
        uint64_t value;
    } cases[] = {
        {0x14000f, true,  3}, /* firmware's */
        {0x160009, true,  5},
        {0x13c04f, false, 0},
        {0x170001, false, 0}, /* of no known kind */
    };
    MIG_AUTO(mig_snapshot_free)
    struct mig_snapshot *s = import("unknown", text, "firecracker-fingerprint");

    CHECK_EACH (c, cases) {
        char name[MIG_REG_TEXT_MAX];
        struct mig_reg reg = {MIG_SPACE_IDREG, c->index, MIG_ARM64_SUB(c->index), MIG_EAX};
        uint64_t value = 0;

        mig_reg_print(reg, name);
        check_reg(name, s, listed(c->index, MIG_ARM64_SUB(c->index)), MIG_KNOWN, 1);
        check_number(name, c->is_granted, mig_snapshot_get(s, reg, &value) == MIG_KNOWN);
        check_number(name, c->value, value);
    }
}

CHECK_TEST(a_vcpu_without_features_is_not_the_most_a_host_can_grant)
{
    /* clang-format off */
    static const struct {
        const char *label, *text, *format, *features, *source;
        enum mig_coverage coverage;
    } cases[] = {
        {"nothing on", FC(FC_REG("0x603000000013c020", "0b1")), "firecracker-fingerprint", "none",
         "Firecracker CPU fingerprint, vCPU without pmu, sve, pauth", MIG_COVER_PARTIAL},
        {"PMU of an own kind", FC(FC_REG("0x603000000013c028", "0b100000000")),
         "firecracker-fingerprint", "pmu", "Firecracker CPU fingerprint, vCPU without sve, pauth",
         MIG_COVER_PARTIAL},
        {"all on", FC(FC_REG("0x603000000013c020", "0b1_00000000_00000000_00000000_00000000") ","
                      FC_REG("0x603000000013c028", "0b1_0000_0000") ","
                      FC_REG("0x603000000013c032", "0b1_0000_0000_0000")),
         "firecracker-fingerprint", "pmu sve pauth", "Firecracker CPU fingerprint", MIG_COVER_FULL},
        {"a host that has none", CAPTURE(CAPTURE_MIDR, ""), "host-capture", "none",
         "ioctl KVM_GET_ONE_REG", MIG_COVER_FULL},
        {"a host that has more", CAPTURE_HEAD ",\"caps\":{\"KVM_CAP_ARM_SVE\":{\"num\":170,\"sys\":1}},"
         "\"vcpu_configs\":{\"max\":{\"r\":\"OK\",\"regs\":{" CAPTURE_MIDR "}}}}",
         "host-capture", "none", "ioctl KVM_GET_ONE_REG, vCPU without sve", MIG_COVER_PARTIAL},
    };
    /* clang-format on */

    CHECK_EACH (c, cases) {
        MIG_AUTO(mig_snapshot_free) struct mig_snapshot *s = import(c->label, c->text, c->format);
        const struct mig_group_state *group = &s->groups[MIG_GROUP_IDREG];

        check_text(c->label, c->source, group->source);
        check_number(c->label, c->coverage, group->coverage);
        check_fact("vcpu.features", c->features, s);
    }
}

CHECK_TEST(a_list_of_few_registers_does_not_say_what_a_vcpu_lacks)
{
    static const char midr[] = "MIDR_EL1 0x413fd0c1\n";
    static const char all[] = "MIDR_EL1 0x413fd0c1\nID_AA64PFR0_EL1 0x11\n"
                              "ID_AA64DFR0_EL1 0x6\nID_AA64ISAR1_EL1 0x1\n";
    MIG_AUTO(mig_snapshot_free) struct mig_snapshot *few = import("few", midr, "arm64-registers");
    MIG_AUTO(mig_snapshot_free) struct mig_snapshot *enough = import("all", all, "arm64-registers");

    check_true("few", mig_snapshot_fact(few, "vcpu.features") == NULL);
    check_fact("vcpu.features", "none", enough);
}

CHECK_TEST(a_capture_gives_masks_clock_lengths_and_devices)
{
    /* clang-format off */
    static const char text[] = CAPTURE_HEAD
        ",\"caps\":{\"A\":{\"num\":102,\"sys\":1},\"B\":{\"num\":126,\"sys\":1},\"C\":{\"num\":165,\"sys\":48},"
        "\"D\":{\"num\":170,\"sys\":1},\"E\":{\"num\":205,\"sys\":1},\"F\":{\"num\":93,\"sys\":0}}"
        ",\"vcpu_configs\":{\"max\":{\"r\":\"OK\",\"feat_bits\":28,\"reg_list_len\":55,\"regs\":{"
        CAPTURE_MIDR "," CAPTURE_REG("SVE_VLS", "0x606000000015ffff", LENGTHS(ZERO16, "000000000000000b")) ","
        CAPTURE_REG("PMCR_EL0", "0x603000000013dce0", "0x0000000000003000") ","
        CAPTURE_REG("ccsidr.0", "0x6020000000110000", "0x00000002") ","
        "\"MDCCINT_EL1\":{\"id\":\"0x6030000000138010\",\"val\":\"0x0000000000000000\",\"err\":\"EIO\"}}},"
        "\"base\":{\"r\":\"OK\",\"regs\":{" CAPTURE_REG("core.0", "0x6030000000100000", "0x0000000000000000") ","
        CAPTURE_REG("core.v0", "0x6040000000100054", "0x00000000000000000000000000000000") "}}}"
        ",\"wmask_call\":[{\"cap\":1,\"r\":\"OK\"}]"
        ",\"writable_masks\":{\"ID_AA64PFR0_EL1\":{\"id\":\"0x603000000013c020\",\"mask\":\"0xff0f\"}}"
        ",\"el0_mrs\":[{\"CNTFRQ_EL0\":\"0x3b9aca0\",\"DCZID_EL0\":\"0x6\"}]"
        ",\"guest\":[{\"seen\":{\"CNTFRQ_EL0\":\"0x3b9aca0\"}},{\"label\":\"did not start\"}]"
        ",\"device\":[{\"name\":\"VGIC_V2\",\"r\":\"ENODEV\"},{\"name\":\"VGIC_V3\",\"r\":\"OK\"},{\"name\":\"VGIC_ITS\",\"r\":\"OK\"}]}";
    /* clang-format on */
    MIG_AUTO(mig_snapshot_free) struct mig_snapshot *s = import("capture", text, "host-capture");
    struct mig_reg mask = mig_reg_arm64(MIG_ARM64_ID_AA64PFR0_EL1);

    mask.space = MIG_SPACE_IDREG_MASK;
    check_idreg("midr", s, MIG_ARM64_MIDR_EL1, 0x413fd0c1);
    check_idreg("cache", s, MIG_ARM64_CCSIDR_L1D, 2);
    check_reg("another cache is not known to have no size", s, mig_reg_arm64(MIG_ARM64_CCSIDR_L1I),
              MIG_UNCOVERED, 0);
    check_reg("mask", s, mask, MIG_KNOWN, 0xff0f);
    mask.index = MIG_ARM64_MIDR_EL1;
    check_reg("no mask", s, mask, MIG_ABSENT, 0);
    check_item("clock", s, MIG_HOST_CNTFRQ_HZ, MIG_KNOWN, 62500000);
    check_item("block", s, MIG_HOST_DCZID, MIG_KNOWN, 6);
    check_item("lengths", s, MIG_HOST_SVE_VQS, MIG_KNOWN, 0xb);
    check_item("counters", s, MIG_HOST_PMU_COUNTERS, MIG_KNOWN, 6);
    check_item("addresses", s, MIG_HOST_IPA_BITS, MIG_KNOWN, 48);
    check_item("controllers", s, MIG_HOST_GIC_TYPES, MIG_KNOWN, 6);
    check_item("features", s, MIG_HOST_VCPU_FEATURES, MIG_KNOWN, 0x1c);
    check_item("not asked", s, MIG_HOST_GIC_PRI_BITS, MIG_UNCOVERED, 0);
    check_number("list", MIG_COVER_FULL, s->groups[MIG_GROUP_REG_LIST].coverage);
    check_number("5 named, 49 of SVE", 54, count(s, MIG_SPACE_REG_LIST));
    check_reg("vector", s, listed(0x1503e0, 8), MIG_KNOWN, 1);
    check_fact("kvm.mte", "offered; the capture is without it", s);
}

CHECK_TEST(an_older_kernel_has_no_masks_and_gives_forty_address_bits)
{
    static const char text[] =
        CAPTURE(CAPTURE_MIDR, ",\"wmask_call\":[{\"cap\":0,\"r\":\"EINVAL\"}]");
    MIG_AUTO(mig_snapshot_free) struct mig_snapshot *s = import("6.1", text, "host-capture");

    check_number("masks", MIG_COVER_NONE, s->groups[MIG_GROUP_IDREG_MASK].coverage);
    check_text("why", "the kernel has no KVM_ARM_GET_REG_WRITABLE_MASKS",
               s->groups[MIG_GROUP_IDREG_MASK].source);
    check_item("addresses", s, MIG_HOST_IPA_BITS, MIG_KNOWN, 40);
    check_item("no lengths", s, MIG_HOST_SVE_VQS, MIG_KNOWN, 0);
    check_item("clock not asked", s, MIG_HOST_CNTFRQ_HZ, MIG_UNCOVERED, 0);
    check_number("count not told", MIG_COVER_PARTIAL, s->groups[MIG_GROUP_REG_LIST].coverage);
}

CHECK_TEST(what_kvm_refused_is_unreadable)
{
    static const char no_kvm[] =
        "{\"start\":{\"release\":\"6.1\",\"machine\":\"aarch64\"},\"files\":{},\"caps\":{},"
        "\"devkvm\":[{\"r\":\"ENOENT\"}]}";
    static const char no_vcpu[] =
        CAPTURE_HEAD ",\"caps\":{},\"vcpu_configs\":{\"max\":{\"r\":\"EINVAL\",\"regs\":{}}}}";
    static const char no_value[] =
        CAPTURE("\"A\":{\"id\":\"0x603000000013c000\",\"val\":\"0x0000000000000000\",\"err\":"
                "\"EPERM\"}",
                "");
    MIG_AUTO(mig_snapshot_free) struct mig_snapshot *a = import("no kvm", no_kvm, "host-capture");
    MIG_AUTO(mig_snapshot_free) struct mig_snapshot *b = import("no vcpu", no_vcpu, "host-capture");
    MIG_AUTO(mig_snapshot_free)
    struct mig_snapshot *c = import("no value", no_value, "host-capture");

    check_number("idreg", ENOENT, (uint64_t)a->groups[MIG_GROUP_IDREG].errnum);
    check_number("list", ENOENT, (uint64_t)a->groups[MIG_GROUP_REG_LIST].errnum);
    check_number("arm64", MIG_COVER_UNREADABLE, a->groups[MIG_GROUP_ARM64].coverage);
    check_number("view", MIG_COVER_UNREADABLE, a->groups[MIG_GROUP_KVM_VIEW].coverage);
    check_number("vcpu", EINVAL, (uint64_t)b->groups[MIG_GROUP_IDREG].errnum);
    check_reg("value", c, mig_reg_arm64(MIG_ARM64_MIDR_EL1), MIG_UNREADABLE, 0);
}

CHECK_TEST(lists_of_registers_come_in_four_forms)
{
    /* clang-format off */
    static const struct {
        const char *label, *text, *host, *unknown;
        uint64_t midr, clock;
        enum mig_coverage view;
    } cases[] = {
        {"pairs", "MIDR_EL1 0x413fd0c1\nCNTFRQ_EL0\t0x17d7840\n", "given", "none", 0x413fd0c1,
         25000000, MIG_COVER_NONE},
        {"comments and signs", "# from a host\n\nCTR_EL0 = 0x8444c004\nMIDR_EL1: 0x413fd0c1\r\n"
         "TTBR0_EL1=0x1\nRNDR 0x5\n", "given", "TTBR0_EL1 RNDR", 0x413fd0c1, 0, MIG_COVER_NONE},
        {"by encoding", "S3_0_C0_C0_0 0x413fd0c1\nS3_0_0_4_6 0x1\nS3_0_C1_C0_0 0x30d0198\n",
         "given", "none", 0x413fd0c1, 0, MIG_COVER_NONE},
        {"by id", "0x603000000013c000 0x413fd0c1\n603000000013c020 00000000000000ff\n"
         "0x6030000000140000 0x10001\n", "given", "none", 0x413fd0c1, 0, MIG_COVER_NONE},
        {"of debugfs", "        SYS_MIDR_EL1:\t00000000413fd0c1\n          S3_0_0_4_3:\t0000000000000000\n"
         " SYS_ID_AA64PFR0_EL1:\t1100000011111111\n", "given", "none", 0x413fd0c1, 0,
         MIG_COVER_FULL},
        {"a table", "machine\tregister\tvalue\tsource\nalpha\tMIDR_EL1\t0x413fd0c1\tthere\n"
         "alpha\tRNDR\t0x1\tthere\nalpha\tDCZID_EL0.BS\t4\tthere\n", "alpha", "RNDR DCZID_EL0.BS",
         0x413fd0c1, 0, MIG_COVER_NONE},
        {"rows of a table", "alpha\tCNTFRQ_EL0\t0x17d7840\nalpha\tMIDR_EL1\t0x413fd0c1\n", "alpha",
         "none", 0x413fd0c1, 25000000, MIG_COVER_NONE},
        {"in bits", "\nAPDAKEY_EL1: 1011 0110 1111 0010 1110 1011 0101 0101 - 1010 1010 1111 0111 1010 0111 1001 1101\n"
         "             1011 0001 0101 0110 1101 0011 1100 0110 - 1111 1100 0000 0100 1010 1000 1001 1011\n\n"
         "  Value: B6F2EB55-AAF7A79D-B156D3C6-FC04A89B\n\n"
         "MIDR_EL1: 0000 0000 0000 0000 0000 0000 0000 0000 - 0100 0001 0011 1111 1101 0000 1100 0001\n\n"
         "  Implementer:  0x41 (Arm)\n", "given", "APDAKEY_EL1", 0x413fd0c1, 0, MIG_COVER_NONE},
    };
    /* clang-format on */

    CHECK_EACH (c, cases) {
        MIG_AUTO(mig_snapshot_free)
        struct mig_snapshot *s = import(c->label, c->text, "arm64-registers");

        check_text(c->label, c->host, s->stamp.host);
        check_idreg(c->label, s, MIG_ARM64_MIDR_EL1, c->midr);
        check_item(c->label, s, MIG_HOST_CNTFRQ_HZ, c->clock != 0 ? MIG_KNOWN : MIG_UNCOVERED,
                   c->clock);
        check_number(c->label, c->view, s->groups[MIG_GROUP_KVM_VIEW].coverage);
        check_number(c->label, MIG_COVER_PARTIAL, s->groups[MIG_GROUP_IDREG].coverage);
        check_number(c->label, MIG_COVER_NONE, s->groups[MIG_GROUP_REG_LIST].coverage);
        check_fact("registers.unknown", c->unknown, s);
    }
}

CHECK_TEST(state_of_a_vcpu_is_left_out_of_lists)
{
    static const char text[] = "MPIDR_EL1 0x80000001\nCCSIDR_EL1 0x701fe00a\nMIDR_EL1 0x413fd0c1\n"
                               "PMCR_EL0 0x3040\nS3_0_C1_C0_0 0x1\n";
    MIG_AUTO(mig_snapshot_free)
    struct mig_snapshot *s = import("state", text, "arm64-registers");

    check_number("one", 1, count(s, MIG_SPACE_IDREG));
    check_item("counters", s, MIG_HOST_PMU_COUNTERS, MIG_KNOWN, 6);
}

/* ---- what is refused ---- */

CHECK_TEST(bad_input_is_refused_with_the_place_and_what_was_expected)
{
    /* clang-format off */
    static const struct {
        const char *label, *text, *message;
    } cases[] = {
        {"fingerprint, other architecture", FC(FC_REG("0x703000000013c000", "0b1")), "reg_modifiers[0]: 0x703000000013c000 is no KVM register id of arm64"},
        {"fingerprint, reserved bits",  FC(FC_REG("0x603000010013c000", "0b1")), "0x603000010013c000 is no KVM register id"},
        {"fingerprint, kind too large", FC(FC_REG("0x603000001013c000", "0b1")), "0x603000001013c000 is no KVM register id"},
        {"fingerprint, size 2^9",       FC(FC_REG("0x609000000013c000", "0b1")), "0x609000000013c000 is no KVM register id"},
        {"fingerprint, 32 bits",        FC(FC_REG("0x602000000013c000", "0b1")), "id 0x602000000013c000: no system register has 32 bits"},
        {"fingerprint, wide firmware",  FC(FC_REG("0x6040000000140000", "0b1")), "no firmware register has 128 bits"},
        {"fingerprint, wide cache",     FC(FC_REG("0x6030000000110000", "0b1")), "no cache register has 64 bits"},
        {"fingerprint, id in decimal",  FC(FC_REG("12", "0b1")),                 "addr '12' is no number"},
        {"fingerprint, id too long",    FC(FC_REG("0x1603000000013c000", "0b1")), "addr '0x1603000000013c000' is no number"},
        {"fingerprint, twice",          FC(FC_REG("0x603000000013c030", "0b1") "," FC_REG("0x603000000013c030", "0b1")), "reg_modifiers[1]: arm64/reg-list/ID_AA64ISAR0_EL1 is there twice"},
        {"fingerprint, unknown bit",    FC(FC_REG("0x603000000013c030", "0bx")), "holds 'x', an unknown bit"},
        {"fingerprint, 129 symbols",    FC(FC_REG("0x603000000013c030", ZERO64 "0000000000000000000000000000000000000000000000000000000000000000" "0")), "has 129 symbols, expected 1 to 128"},
        {"fingerprint, above 64 bits",  FC(FC_REG("0x603000000013c030", "0b1" "0000000000000000000000000000000000000000000000000000000000000001")), "sets bits above its 64"},
        {"fingerprint, above 32 bits",  FC(FC_REG("0x6020000000110000", "0b100000000000000000000000000000001")), "sets bits above its 32"},
        {"fingerprint, upper half",     FC(FC_REG("0x603000000013c030", "0b1" "0000000000000000000000000000000000000000000000000000000000000000")), "above its 64, it looks byte-swapped"},
        {"fingerprint, byte order",     FC(FC_REG("0x603000000013c000", "0b11000001110100000011111101000001")), "MIDR_EL1 is 0xc1d03f41, which no CPU has: the dump looks byte-swapped"},
        {"capture, byte order",         CAPTURE(CAPTURE_REG("M", "0x603000000013c000", "0xc1d03f4100000000"), ""), "the dump looks byte-swapped"},
        {"list, byte order",            "MIDR_EL1 0xc1d03f41\n",                 "the dump looks byte-swapped"},
        {"fingerprint, ids swapped",    FC(FC_REG("0x20c0130000003060", "0b1")), "reg_modifiers[0]: 0x20c0130000003060 is no KVM register id of arm64, such as 0x603000000013c020: the dump looks byte-swapped"},
        {"fingerprint, empty",          FC(""),                                  "no ID register is in it"},
        {"fingerprint, only core",      FC(FC_REG("0x6030000000100000", "0b1")), "no ID register is in it"},
        {"capture, empty",              CAPTURE("", ""),                         "no ID register is in it"},
        {"capture, ids swapped",        CAPTURE(CAPTURE_REG("A", "0x20c0130000003060", "0x0000000000000001"), ""), "regs.A: 0x20c0130000003060 is no KVM register id of arm64, such as 0x603000000013c020: the dump looks byte-swapped"},
        {"capture, lengths swapped",    CAPTURE(CAPTURE_REG("V", "0x606000000015ffff", LENGTHS("0b00000000000000", ZERO16)), ""), "vector lengths above 64 * 128 bits: the dump looks byte-swapped"},
        {"capture, failure by number",  CAPTURE("\"A\":{\"id\":\"0x603000000013c000\",\"val\":\"0x0000000000000000\",\"err\":5}", ""), "vcpu_configs.max.regs.A.err: expected text, found a number"},
        {"capture, cut off",            "{\"label\":\"probe\",\"files\":{},\"caps\":{", "KVM host capture JSON: line 1 column 36"},
        {"list, ids swapped",           "0x00c0130000003060 0x413fd0c1\n",       "line 1: 0xc0130000003060 is no KVM register id of arm64, such as 0x603000000013c020: the dump looks byte-swapped"},
        {"list, no MIDR_EL1",           "ID_AA64PFR0_EL1 0x2222111100000000\n",  "ID_AA64PFR0_EL1 is 0x2222111100000000, which no CPU has: the dump looks byte-swapped"},
        {"list, caches",                "CTR_EL0 0x04c0448400000000\n",          "CTR_EL0 is 0x4c0448400000000, which no CPU has: the dump looks byte-swapped"},
        {"capture, no id",              CAPTURE("\"A\":{\"val\":\"0x0000000000000000\"}", ""), "vcpu_configs.max.regs.A: key 'id' is missing"},
        {"capture, bad id",             CAPTURE(CAPTURE_REG("A", "0x13c000", "0x0000000000000000"), ""), "vcpu_configs.max.regs.A: 0x13c000 is no KVM register id"},
        {"capture, short value",        CAPTURE(CAPTURE_REG("A", "0x603000000013c000", "0x413fd0c1"), ""), "val '0x413fd0c1' is not 0x and 16 hex digits"},
        {"capture, no value",           CAPTURE("\"A\":{\"id\":\"0x603000000013c000\"}", ""), "key 'val' is missing"},
        {"capture, sign",               CAPTURE(CAPTURE_REG("A", "0x603000000013c000", "0x-000000000000001"), ""), "is not 0x and 16 hex digits"},
        {"capture, register twice",     CAPTURE(CAPTURE_MIDR "," CAPTURE_REG("B", "0x603000000013c000", "0x00000000413fd0c1"), ""), "regs.B: arm64/reg-list/MIDR_EL1 is there twice"},
        {"capture, long vectors",       CAPTURE(CAPTURE_REG("V", "0x606000000015ffff", LENGTHS(ZERO16, "1")), ""), "val '0x0000"},
        {"capture, longer vectors",     CAPTURE(CAPTURE_REG("V", "0x606000000015ffff", LENGTHS("8000000000000000", ZERO16)), ""), "vector lengths above 64 * 128 bits"},
        {"capture, bad mask",           CAPTURE(CAPTURE_MIDR, ",\"wmask_call\":[{\"r\":\"OK\"}],\"writable_masks\":{\"A\":{\"id\":\"0x603000000013c020\",\"mask\":7}}"), "writable_masks.A.mask: expected text"},
        {"capture, two clocks",         CAPTURE(CAPTURE_MIDR, ",\"el0_mrs\":[{\"CNTFRQ_EL0\":\"0x1\"}],\"guest\":[{\"seen\":{\"CNTFRQ_EL0\":\"0x2\"}}]"), "host/cntfrq-hz"},
        {"list, no value",              "MIDR_EL1\n",                            "line 1: expected a register and its value, found 'MIDR_EL1'"},
        {"list, prose",                 "MIDR_EL1 0x413fd0c1\nthe quick, brown fox\nx-y 1", "line 2: expected a register and its value, found 'the'"},
        {"list, decimal",               "CTR_EL0 12\n",                          "line 1: value '12' of CTR_EL0 is neither 0x and up to 16 hex digits nor 16 digits"},
        {"list, too wide",              "CTR_EL0 0x10000000000000000\n",         "value '0x10000000000000000' of CTR_EL0"},
        {"list, no name",               "CTR_EL0 0x1\nx-y 1\n",                 "line 2: expected a register and its value, found 'x-y'"},
        {"list, escape code",           "CTR_EL0 \033[2Jx\n",                    "line 1: value '?[2Jx' of CTR_EL0"},
        {"list, twice",                 "CTR_EL0 0x1\nSYS_CTR_EL0 0x1\n",        "line 2: arm64/CTR_EL0 is there twice"},
        {"list, twice by id",           "CTR_EL0 0x1\n0x603000000013d801 0x1\n", "line 2: arm64/CTR_EL0 is there twice"},
        {"list, clock twice",           "CNTFRQ_EL0 0x1\nCNTFRQ_EL0 0x1\n",      "line 2: host/cntfrq-hz is there twice"},
        {"list, malformed id",          "0x602000000013c000 0x1\n",              "line 1: id 0x602000000013c000: no system register has 32 bits"},
        {"list, only state",            "SCTLR_EL1 0x1\nTTBR0_EL1 0x2\n",        "no ID register is in it"},
        {"bits, cut off",               "MIDR_EL1: 0000 0000 0000\n",            "line 1: value of MIDR_EL1 is not 64 binary digits"},
        {"table, one column short",     "machine\tregister\tvalue\na\tCTR_EL0\n", "line 2: expected machine, register and value with tabs"},
        {"table, no machine",           "machine\tregister\tvalue\n\tCTR_EL0\t0x1\n", "line 2: the column machine is empty"},
        {"table, two machines",         "a\tCTR_EL0\t0x1\nb\tCTR_EL0\t0x1\n",    "rows of 2 machines (a, b); keep those of one: awk -F'\\t' '$1 == \"a\"' FILE"},
        {"table, name with a quote",    "a'$(x)\tCTR_EL0\t0x1\nb\tCTR_EL0\t0x1\n", "$1 == \"NAME\"' FILE"},
    };
    /* clang-format on */

    CHECK_EACH (c, cases) {
        struct mig_snapshot *s = NULL;
        const char *format = NULL;
        struct mig_error err = {0};

        check_true(c->label, !import_text(c->text, strlen(c->text), &s, &format, &err));
        check_contains(c->label, c->message, err.msg);
        check_number(c->label, MIG_FORMAT, err.code);
    }
}

CHECK_TEST(size_and_number_of_registers_are_limits)
{
    MIG_AUTO(mig_text_clear) struct mig_text many = {0};
    MIG_AUTO(mig_free) char *big = NULL;
    const size_t big_len = 10 * 1024 * 1024;
    struct mig_snapshot *s = NULL;
    const char *format = NULL;
    struct mig_error err = {0};

    for (unsigned i = 0; i <= MIG_ENTRIES_MAX; i++) {
        mig_text_addf(&many, "0x%016llx 0x1\n", 0x6030000000140000ULL + i);
    }
    check_true("many", !import_text(many.items, many.len, &s, &format, &err));
    check_contains("many", "line 16385: more than 16384 registers", err.msg);
    check_number("many", MIG_LIMIT, err.code);

    big = mig_alloc(big_len, 1);
    memset(big, '0', big_len);
    memcpy(big, "CTR_EL0 0x", 10);
    check_true("big", !import_text(big, big_len, &s, &format, &err));
    check_number("big", MIG_LIMIT, err.code);
    check_true("long line", !import_text(big, MIG_IMPORT_BYTES_MAX, &s, &format, &err));
    check_number("long line", MIG_FORMAT, err.code);
}

CHECK_TEST(every_truncation_is_refused_or_reads_as_less)
{
    static const char *const texts[] = {
        FC(FC_REG("0x603000000013c030", "0b0010_0000")),
        CAPTURE(CAPTURE_MIDR, ",\"wmask_call\":[{\"cap\":0,\"r\":\"EINVAL\"}]"),
        "MIDR_EL1 0x413fd0c1\nCNTFRQ_EL0\t0x17d7840\n",
        "machine\tregister\tvalue\nalpha\tMIDR_EL1\t0x413fd0c1\n",
        "        SYS_MIDR_EL1:\t00000000413fd0c1\n",
        MIDR_IN_BITS,
    };

    CHECK_EACH (text, texts) {
        for (size_t len = 0; len < strlen(*text); len++) {
            MIG_AUTO(mig_free) char *part = mig_memdup(*text, len);
            MIG_AUTO(mig_snapshot_free) struct mig_snapshot *s = NULL;
            const char *format;
            struct mig_error err;

            if (import_text(part, len, &s, &format, &err)) {
                check_text("only lines", "arm64-registers", format);
            }
        }
    }
}

/* ---- real files ---- */

CHECK_TEST(fingerprints_of_real_hosts_hold_the_known_values)
{
    static const struct {
        const char *core, *kernel;
        uint64_t midr, revidr;
        size_t list_len;
    } cases[] = {
        {"N1", "5.10", 0x413fd0c1, 0xff, 238},
        {"N1", "6.1",  0x413fd0c1, 0xff, 168},
        {"V1", "5.10", 0x411fd401, 0x1,  238},
        {"V1", "6.1",  0x411fd401, 0x1,  168},
        {"V2", "5.10", 0x410fd4f1, 0x17, 238},
        {"V2", "6.1",  0x410fd4f1, 0x17, 168},
    };

    CHECK_EACH (c, cases) {
        MIG_AUTO(mig_free)
        char *name = mig_strf("data/firecracker/fingerprint_ARM_NEOVERSE_%s_%shost.json", c->core,
                              c->kernel);
        MIG_AUTO(mig_free) char *text = read_shared(name);
        MIG_AUTO(mig_snapshot_free) struct mig_snapshot *s = NULL;

        if (text == NULL) {
            skip();
        }
        s = import(name, text, "firecracker-fingerprint");
        check_idreg(name, s, MIG_ARM64_MIDR_EL1, c->midr);
        check_idreg(name, s, MIG_ARM64_REVIDR_EL1, c->revidr);
        check_idreg(name, s, MIG_ARM64_CTR_EL0, 0xb444c004);
        check_number(name, c->list_len, count(s, MIG_SPACE_REG_LIST));
        /* 5.10 shows every vCPU a PMU */
        check_fact("vcpu.features", strcmp(c->kernel, "5.10") == 0 ? "pmu" : "none", s);
    }
}

/* A field of a tab-separated line, NUL-terminated in @ret. */
static bool column(const char *line, unsigned number, char ret[64])
{
    for (; number > 0; number--) {
        line += strcspn(line, "\t\n");
        if (*line++ != '\t') {
            return false;
        }
    }
    (void)snprintf(ret, 64, "%.*s", (int)strcspn(line, "\t\n"), line);
    return true;
}

static const char *next_line(const char *line)
{
    line += strcspn(line, "\n");
    return *line == '\n' ? line + 1 : line;
}

/* Rows of @table that name @core on @kernel as one of a pair. */
static unsigned check_rows(const char *table, const char *core, const char *kernel,
                           const struct mig_snapshot *s)
{
    unsigned checked = 0;

    for (const char *line = next_line(table); *line != '\0'; line = next_line(line)) {
        char pair[64], release[64], id[64], value[64];
        struct mig_reg reg = {0};
        struct mig_error err;
        uint64_t number = 0;
        unsigned side;

        assert_true(column(line, 0, pair) && column(line, 1, release) && column(line, 3, id));
        side = strncmp(pair, core, 2) == 0 ? 0 : 1;
        if (strcmp(release, kernel) != 0 || strncmp(pair + side * 3, core, 2) != 0) {
            continue;
        }
        assert_true(mig_text_to_u64(id, UINT64_MAX, &number) && column(line, 4 + side, value));
        check_done(id, mig_onereg_from_id(number, &reg, &err), &err);
        reg.space = MIG_SPACE_IDREG;
        assert_true(mig_text_digits(value, strlen(value), 16, UINT64_MAX, &number));
        check_reg(id, s, reg, MIG_KNOWN, number);
        checked++;
    }
    return checked;
}

/* The two values of each pair of hosts, computed by other code. */
CHECK_TEST(fingerprints_agree_with_the_golden_values_of_every_register)
{
    static const char *const cores[] = {"N1", "V1", "V2"};
    static const char *const kernels[] = {"5.10", "6.1"};
    MIG_AUTO(mig_free) char *table = read_shared("golden/arm64-meets.tsv");
    unsigned checked = 0;

    if (table == NULL) {
        skip();
    }
    CHECK_EACH (core, cores) {
        CHECK_EACH (kernel, kernels) {
            MIG_AUTO(mig_free)
            char *name = mig_strf("data/firecracker/fingerprint_ARM_NEOVERSE_%s_%shost.json", *core,
                                  *kernel);
            MIG_AUTO(mig_free) char *text = read_shared(name);
            MIG_AUTO(mig_snapshot_free) struct mig_snapshot *s = NULL;

            if (text == NULL) {
                skip();
            }
            s = import(name, text, "firecracker-fingerprint");
            checked += check_rows(table, *core, *kernel, s);
        }
    }
    check_number("both sides of each row", 540, checked);
}

CHECK_TEST(emulated_hosts_are_covered_but_for_the_interrupt_controller)
{
    static const struct {
        const char *name;
        uint64_t clock, block, lengths, features, addresses, counters;
        const char *shown, *switches, *value;
        size_t masks;
    } cases[] = {
        {"a64fx",       62500000,   6, 0xb,    0x1c, 40, 8, "pmu sve",       NULL,                   NULL, 15},
        {"cortex-a72",  62500000,   4, 0,      0x0e, 44, 6, "pmu",           NULL,                   NULL, 35},
        {"max",         1000000000, 4, 0xffff, 0x7e, 52, 6, "pmu sve pauth", NULL,                   NULL, 35},
        {"max-mte",     1000000000, 4, 0xffff, 0x7e, 52, 6, "pmu sve pauth", NULL,                   NULL, 35},
        {"max-nosve",   1000000000, 4, 0,      0x6e, 52, 6, "pmu pauth",     "cmdline.arm64.nosve",  "",   35},
        {"max-nvhe",    1000000000, 4, 0xffff, 0x7e, 52, 6, "pmu sve pauth", "cmdline.kvm_arm.mode",
         "nvhe",                                                                                           35},
        {"max-sve256",  1000000000, 4, 0x3,    0x7e, 52, 6, "pmu sve pauth", NULL,                   NULL, 35},
        {"neoverse-n1", 62500000,   4, 0,      0x0c, 48, 6, "pmu",           NULL,                   NULL, 35},
        {"neoverse-v1", 62500000,   4, 0x3,    0x7c, 48, 6, "pmu sve pauth", NULL,                   NULL, 35},
    };

    CHECK_EACH (c, cases) {
        MIG_AUTO(mig_free) char *name = mig_strf("data/emulated-hosts/arm64-6.12-%s.json", c->name);
        MIG_AUTO(mig_free) char *text = read_shared(name);
        MIG_AUTO(mig_snapshot_free) struct mig_snapshot *s = NULL;

        if (text == NULL) {
            skip();
        }
        s = import(name, text, "host-capture");
        check_text(name, c->name, s->stamp.host);
        check_number(name, MIG_COVER_FULL, s->groups[MIG_GROUP_IDREG].coverage);
        check_number(name, MIG_COVER_FULL, s->groups[MIG_GROUP_IDREG_MASK].coverage);
        check_number(name, MIG_COVER_FULL, s->groups[MIG_GROUP_REG_LIST].coverage);
        check_number(name, MIG_COVER_FULL, s->groups[MIG_GROUP_CAP].coverage);
        check_number(name, MIG_COVER_PARTIAL, s->groups[MIG_GROUP_ARM64].coverage);
        check_item(name, s, MIG_HOST_CNTFRQ_HZ, MIG_KNOWN, c->clock);
        check_item(name, s, MIG_HOST_DCZID, MIG_KNOWN, c->block);
        check_item(name, s, MIG_HOST_SVE_VQS, MIG_KNOWN, c->lengths);
        check_item(name, s, MIG_HOST_VCPU_FEATURES, MIG_KNOWN, c->features);
        check_item(name, s, MIG_HOST_IPA_BITS, MIG_KNOWN, c->addresses);
        check_item(name, s, MIG_HOST_PMU_COUNTERS, MIG_KNOWN, c->counters);
        check_item(name, s, MIG_HOST_GIC_TYPES, MIG_KNOWN, 6);
        check_number(name, c->masks, count(s, MIG_SPACE_IDREG_MASK));
        check_fact("vcpu.features", c->shown, s);
        check_fact("kernel.release", "6.12.117+deb12-cloud-arm64", s);
        if (c->switches != NULL) {
            check_fact(c->switches, c->value, s);
        }
        check_true(name, mig_snapshot_fact(s, "cpu.midr") != NULL);
    }
}

/* Rows of @machine, as awk cuts them out. */
static char *cut_out(const char *table, const char *machine)
{
    struct mig_text rows = {0};
    size_t len = strlen(machine);

    for (const char *line = table; *line != '\0'; line = next_line(line)) {
        if (strncmp(line, machine, len) == 0 && line[len] == '\t') {
            mig_text_add_bytes(&rows, line, (size_t)(next_line(line) - line));
        }
    }
    return rows.items;
}

CHECK_TEST(real_lists_are_read_one_machine_at_a_time)
{
    static const struct {
        const char *machine;
        uint64_t midr, isar0, clock;
    } cases[] = {
        {"ampere-altra-host-ubuntu",     0x413fd0c1, 0x0000100010211120, 0         },
        {"applem1-host-macos",           0x611f0231, 0x0221100110212120, 24000000  },
        {"applem1-vm-debian",            0x610f0000, 0x0221100110212120, 24000000  },
        {"applem1-vm-ubuntu",            0x610f0000, 0x0221100110212120, 24000000  },
        {"applem1-vm-windows",           0x00000000, 0x0221100110212120, 0         },
        {"applem3-host-macos",           0x612f0430, 0x0221100110212120, 24000000  },
        {"cobalt100-vm-ubuntu",          0x410fd490, 0x0221111110212120, 1000000000},
        {"cortexa72-host-ubuntu",        0x410fd083, 0x0000000000010000, 0         },
        {"graviton3-host-amazonlinux",   0x411fd401, 0x1011111110212120, 0         },
        {"graviton3-vm-ubuntu",          0x411fd401, 0x1011111110212120, 0         },
        {"qemu-tcg:aarch64_a35",         0x411fd040, 0x0000000000011120, 0         },
        {"qemu-tcg:aarch64_a55",         0x412fd050, 0x0000100010211120, 0         },
        {"qemu-tcg:aarch64_a72",         0x410fd083, 0x0000000000011120, 0         },
        {"qemu-tcg:aarch64_a76",         0x414fd0b1, 0x0000100010211120, 0         },
        {"qemu-tcg:aarch64_a78ae",       0x410fd423, 0x0010100010211120, 0         },
        {"qemu-tcg:aarch64_a64fx",       0x461f0010, 0x0000000010211120, 0         },
        {"qemu-tcg:aarch64_neoverse_n1", 0x414fd0c1, 0x0000100010211120, 0         },
        {"qemu-tcg:aarch64_neoverse_v1", 0x411fd402, 0x1011111110212120, 0         },
        {"qemu-tcg:aarch64_a710",        0x412fd471, 0x0221111110212120, 0         },
        {"qemu-tcg:aarch64_neoverse_n2", 0x410fd493, 0x1221111110212120, 0         },
    };
    MIG_AUTO(mig_free) char *table = read_shared("data/arm64-other-dumps.tsv");
    struct mig_snapshot *all = NULL;
    const char *format;
    struct mig_error err;

    if (table == NULL) {
        skip();
    }
    check_true("all", !import_text(table, strlen(table), &all, &format, &err));
    check_contains("all", "rows of 20 machines (ampere-altra-host-ubuntu, applem1-host-macos",
                   err.msg);
    check_contains("all", "awk -F'\\t' '$1 == \"ampere-altra-host-ubuntu\"' FILE", err.msg);
    CHECK_EACH (c, cases) {
        MIG_AUTO(mig_free) char *rows = cut_out(table, c->machine);
        MIG_AUTO(mig_snapshot_free)
        struct mig_snapshot *s = import(c->machine, rows, "arm64-registers");

        check_text(c->machine, c->machine, s->stamp.host);
        check_idreg(c->machine, s, MIG_ARM64_MIDR_EL1, c->midr);
        check_idreg(c->machine, s, MIG_ARM64_ID_AA64ISAR0_EL1, c->isar0);
        check_item(c->machine, s, MIG_HOST_CNTFRQ_HZ, c->clock != 0 ? MIG_KNOWN : MIG_UNCOVERED,
                   c->clock);
        check_number(c->machine, MIG_COVER_NONE, s->groups[MIG_GROUP_KVM_VIEW].coverage);
    }
}

CHECK_TEST(real_dumps_give_the_hosts_that_ship_with_the_tests)
{
    static const struct {
        const char *file, *host;
    } cases[] = {
        {"data/firecracker/fingerprint_ARM_NEOVERSE_N1_5.10host.json", "arm-neoverse-n1-5.10"         },
        {"data/firecracker/fingerprint_ARM_NEOVERSE_N1_6.1host.json",  "arm-neoverse-n1-6.1"          },
        {"data/firecracker/fingerprint_ARM_NEOVERSE_V1_5.10host.json", "arm-neoverse-v1-5.10"         },
        {"data/firecracker/fingerprint_ARM_NEOVERSE_V1_6.1host.json",  "arm-neoverse-v1-6.1"          },
        {"data/firecracker/fingerprint_ARM_NEOVERSE_V2_5.10host.json", "arm-neoverse-v2-5.10"         },
        {"data/firecracker/fingerprint_ARM_NEOVERSE_V2_6.1host.json",  "arm-neoverse-v2-6.1"          },
        {"data/emulated-hosts/arm64-6.12-max.json",                    "emulated-arm-max-6.12"        },
        {"data/emulated-hosts/arm64-6.12-max-nosve.json",              "emulated-arm-max-nosve-6.12"  },
        {"data/emulated-hosts/arm64-6.12-neoverse-n1.json",            "emulated-arm-neoverse-n1-6.12"},
        {"data/emulated-hosts/arm64-6.12-neoverse-v1.json",            "emulated-arm-neoverse-v1-6.12"},
        {"data/emulated-hosts/arm64-6.12-a64fx.json",                  "emulated-arm-a64fx-6.12"      },
    };

    CHECK_EACH (c, cases) {
        MIG_AUTO(mig_free) char *text = read_shared(c->file);
        MIG_AUTO(mig_snapshot_free) struct mig_snapshot *shipped = NULL;
        MIG_AUTO(mig_snapshot_free) struct mig_snapshot *s = NULL;
        const char *format;
        struct mig_error err;

        if (text == NULL) {
            skip();
        }
        check_done(c->file, import_text(text, strlen(text), &s, &format, &err), &err);
        shipped = snapshot_host(c->host);
        s->stamp = shipped->stamp;
        snapshot_check_same(c->host, shipped, s);
    }
}

CHECK_MAIN(cmocka_unit_test(a_fingerprint_gives_registers_and_a_list),
           cmocka_unit_test(a_register_without_a_name_is_kept_by_its_id),
           cmocka_unit_test(a_vcpu_without_features_is_not_the_most_a_host_can_grant),
           cmocka_unit_test(a_list_of_few_registers_does_not_say_what_a_vcpu_lacks),
           cmocka_unit_test(a_capture_gives_masks_clock_lengths_and_devices),
           cmocka_unit_test(an_older_kernel_has_no_masks_and_gives_forty_address_bits),
           cmocka_unit_test(what_kvm_refused_is_unreadable),
           cmocka_unit_test(lists_of_registers_come_in_four_forms),
           cmocka_unit_test(state_of_a_vcpu_is_left_out_of_lists),
           cmocka_unit_test(bad_input_is_refused_with_the_place_and_what_was_expected),
           cmocka_unit_test(size_and_number_of_registers_are_limits),
           cmocka_unit_test(every_truncation_is_refused_or_reads_as_less),
           cmocka_unit_test(fingerprints_of_real_hosts_hold_the_known_values),
           cmocka_unit_test(fingerprints_agree_with_the_golden_values_of_every_register),
           cmocka_unit_test(emulated_hosts_are_covered_but_for_the_interrupt_controller),
           cmocka_unit_test(real_lists_are_read_one_machine_at_a_time),
           cmocka_unit_test(real_dumps_give_the_hosts_that_ship_with_the_tests))
