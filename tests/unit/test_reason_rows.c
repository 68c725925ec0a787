/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every row of the tables that name a cause (lib/compat: kernel_added,
 * microcode, firmware, parameter, switch, cpu_word), written down a second
 * time: a row that goes, or changes, is seen here.
 */
#include "base/alloc.h"
#include "compat/reason.h"
#include "support/check.h"
#include "support/small_host.h"

#define OTHER_MODEL " @x86/cpuid/1.0/eax=0x806f8"

/* What attribution says of @field, which alpha shows and beta does not. */
static void blame(const char *field, const char *alpha, const char *beta, struct mig_finding *ret)
{
    MIG_AUTO(mig_snapshot_free) struct mig_snapshot *shows = small_host(alpha);
    MIG_AUTO(mig_snapshot_free) struct mig_snapshot *misses = small_host(beta);
    struct mig_party has = {"alpha", shows}, lacks = {"beta", misses};

    *ret = (struct mig_finding){.field = mig_field_find(field)};
    check_true(field, ret->field != NULL);
    mig_reason_attribute(ret, &has, &lacks);
}

static void check_blame(const char *field, const char *alpha, const char *beta,
                        enum mig_reason reason, const char *remedy)
{
    struct mig_finding f;

    blame(field, alpha, beta, &f);
    check_text(field, mig_reason_name(reason), mig_reason_name(f.reason));
    check_contains(field, remedy, f.remedy);
    mig_free(f.remedy);
}

/* clang-format off */

/* field, the first Linux that shows it, what tells that another model has it */
static const struct {
    const char *field, *release, *companion;
} added[] = {
    {"serialize", "5.9", ""},
    {"tsxldtrk", "5.10", "serialize"},
    {"avx512_fp16", "5.11", "tsxldtrk"},
    {"avx_vnni", "5.12", "serialize"},
    {"bus_lock_detect", "5.13", "serialize"},
    {"amx_tile", "5.17", "tsxldtrk"},
    {"amx_int8", "5.17", "tsxldtrk"},
    {"amx_bf16", "5.17", "tsxldtrk"},
    {"xfd", "5.17", "tsxldtrk"},
    {"amd_psfd", "5.17", ""},
    {"dtes64", "6.0", ""},
    {"dts", "6.0", ""},
    {"cmpccxadd", "6.2", ""},
    {"amx_fp16", "6.2", ""},
    {"avx_ifma", "6.2", ""},
    {"avx_vnni_int8", "6.2", ""},
    {"avx_ne_convert", "6.2", ""},
    {"prefetchit_0_1", "6.2", ""},
    {"fzrm", "6.3", "serialize"},
    {"fsrs", "6.3", "serialize"},
    {"fsrc", "6.3", "serialize"},
    {"autoibrs", "6.3", "avx512f"},
    {"flush_l1d", "6.4", "spec_ctrl_ssbd"},
    {"perfmon_v2", "6.5", "avx512f"},
    {"gds_no", "6.5", ""},
    {"amx_complex", "6.6", ""},
    {"sbpb", "6.7", ""},
    {"ibpb_brtype", "6.7", ""},
    {"lam", "6.8", "serialize"},
    {"intel_psfd", "6.8", "serialize"},
    {"ipred_ctrl", "6.8", "serialize"},
    {"rrsba_ctrl", "6.8", "serialize"},
    {"ddp_ctrl", "6.8", ""},
    {"bhi_ctrl", "6.8", "serialize"},
    {"mcdt_no", "6.8", ""},
    {"bhi_no", "6.9", ""},
    {"rfds_no", "6.9", ""},
    {"rfds_clear", "6.9", ""},
    {"avx10", "6.12", ""},
    {"avx_vnni_int16", "6.13", ""},
    {"sha512", "6.13", ""},
    {"sm3", "6.13", ""},
    {"sm4", "6.13", ""},
    {"ibpb_ret", "6.13", "avx512f"},
    {"srso_no", "6.5", ""},
    {"srso_user_kernel_no", "6.14", ""},
    {"its_no", "6.15", ""},
    {"ibrs_same_mode", "6.16", ""},
    {"amd_prefetchi", "6.16", ""},
    {"tsa_l1_no", "6.16", ""},
    {"tsa_sq_no", "6.16", ""},
    {"verw_clear", "6.16", ""},
    {"wrmsrns", "6.16", ""},
    {"cet_ss", "6.18", "serialize"},
    {"ibt", "6.18", "serialize"},
    {"lkgs", "6.18", ""},
    {"msr_imm", "6.18", ""},
};

CHECK_TEST(each_field_needs_the_release_that_brought_it)
{
    CHECK_EACH (c, added) {
        MIG_AUTO(mig_free) char *alpha = mig_strf("%s !kernel.release=9.1", c->field);
        MIG_AUTO(mig_free)
        char *remedy = mig_strf("run Linux %s or later on beta", c->release);

        check_blame(c->field, alpha, "!kernel.release=5.0", MIG_REASON_KERNEL, remedy);
    }
}

CHECK_TEST(a_kernel_of_that_release_is_not_to_blame)
{
    CHECK_EACH (c, added) {
        MIG_AUTO(mig_free) char *alpha = mig_strf("%s !kernel.release=9.1", c->field);
        MIG_AUTO(mig_free) char *beta = mig_strf("!kernel.release=%s", c->release);
        struct mig_finding f;

        blame(c->field, alpha, beta, &f);
        check_true(c->field, strncmp(f.remedy, "run Linux ", strlen("run Linux ")) != 0);
        mig_free(f.remedy);
    }
}

CHECK_TEST(a_companion_tells_that_another_model_lacks_the_kernel)
{
    CHECK_EACH (c, added) {
        MIG_AUTO(mig_free)
        char *alpha = mig_strf("%s %s !kernel.release=9.1", c->field, c->companion);
        MIG_AUTO(mig_free)
        char *with = mig_strf("%s !kernel.release=5.0" OTHER_MODEL, c->companion);

        if (c->companion[0] != '\0') {
            check_blame(c->field, alpha, with, MIG_REASON_KERNEL, "run Linux ");
        }
        check_blame(c->field, alpha, "!kernel.release=5.0" OTHER_MODEL, MIG_REASON_HARDWARE,
                    "if the CPU of beta has it");
    }
}

CHECK_TEST(fields_that_microcode_brought_are_known)
{
    static const char *const brought[] = {
        "spec_ctrl", "intel_stibp", "amd_ibpb", "amd_ibrs", "amd_stibp", "spec_ctrl_ssbd",
        "amd_ssbd", "flush_l1d", "arch_capabilities", "md_clear", "tsx_force_abort",
        "rtm_always_abort", "skip_l1dfl_vmentry", "tsx_ctrl", "pschange_mc_no", "sbdr_ssdp_no",
        "fbsdp_no", "psdp_no", "fb_clear", "rsba", "rrsba", "rrsba_ctrl", "ipred_ctrl", "bhi_ctrl",
        "bhi_no", "pbrsb_no", "gds_no", "rfds_no", "rfds_clear", "its_no", "sbpb", "ibpb_brtype",
        "verw_clear", "tsa_l1_no", "tsa_sq_no",
    };

    CHECK_EACH (field, brought) {
        MIG_AUTO(mig_free) char *alpha = mig_strf("%s !microcode=0x2", *field);

        check_blame(*field, alpha, "!microcode=0x1", MIG_REASON_MICROCODE,
                    "install microcode 0x2 or later on beta");
    }
    check_blame("rtm", "rtm !microcode=0x1", "!microcode=0x2", MIG_REASON_MICROCODE,
                "microcode 0x2 of beta takes it away");
    check_blame("hle", "hle !microcode=0x1", "!microcode=0x2", MIG_REASON_MICROCODE,
                "microcode 0x2 of beta takes it away");
    check_blame("rtm", "rtm !microcode=0x1", "!microcode=0x2 !cmdline.dis_ucode_ldr=set",
                MIG_REASON_MICROCODE, "microcode 0x2 of beta takes it away");
}

/* Distributions backport what protects, so its microcode counts first. */
CHECK_TEST(microcode_of_a_protection_comes_before_the_kernel)
{
    static const char *const protections[] = {"rfds_clear", "verw_clear", "rfds_no",
                                              "gds_no", "its_no"};

    CHECK_EACH (field, protections) {
        MIG_AUTO(mig_free)
        char *alpha = mig_strf("%s !kernel.release=9.1 !microcode=0x2", *field);

        check_blame(*field, alpha, "!kernel.release=5.0 !microcode=0x1", MIG_REASON_MICROCODE,
                    "install microcode 0x2 or later on beta");
        check_blame(*field, alpha, "!kernel.release=5.0 !microcode=0x2", MIG_REASON_KERNEL,
                    "run Linux ");
    }
}

CHECK_TEST(a_signature_that_nobody_tells_is_no_common_model)
{
#define NO_SIGNATURE " ~cpuid=partial ^x86/cpuid/1.0/eax"
    check_blame("erms", "erms" NO_SIGNATURE, NO_SIGNATURE, MIG_REASON_HARDWARE, "boot guests of alpha");
    check_blame("erms", "erms", NO_SIGNATURE, MIG_REASON_HARDWARE, "boot guests of alpha");
    check_blame("erms", "erms" NO_SIGNATURE, "", MIG_REASON_HARDWARE, "boot guests of alpha");
}

CHECK_TEST(switches_of_firmware_are_known)
{
    static const struct {
        const char *field, *alpha, *name;
    } rows[] = {
        {"monitor", "monitor", "MONITOR/MWAIT"},
        {"vmx", "vmx", "Intel Virtualization Technology (VT-x)"},
        {"svm", "svm", "SVM Mode"},
        {"pclmulqdq", "pclmulqdq", "AES-NI"},
        {"aes", "aes", "AES-NI"},
        {"x2apic", "x2apic", "x2APIC"},
        {"nx", "nx", "Execute Disable Bit (NX, XD)"},
        {"hle", "hle", "Transactional Synchronization Extensions (TSX)"},
        {"rtm", "rtm", "Transactional Synchronization Extensions (TSX)"},
        {"avx512f", "avx512f", "AVX-512"},
        {"phys_addr_bits", "phys_addr_bits=52",
         "memory encryption (TME, SME), which takes address bits"},
    };

    CHECK_EACH (c, rows) {
        MIG_AUTO(mig_free) char *remedy = mig_strf("of beta, make %s as on alpha", c->name);

        check_blame(c->field, c->alpha, "", MIG_REASON_FIRMWARE, remedy);
    }
}

CHECK_TEST(parameters_of_kvm_are_known)
{
    static const struct {
        const char *field, *module, *name, *takes, *gives;
    } rows[] = {
        {"pmu_version", "kvm", "enable_pmu", "N", "1"},
        {"svm", "kvm_amd", "nested", "0", "1"},
        {"lbrv", "kvm_amd", "lbrv", "0", "1"},
        {"npt", "kvm_amd", "npt", "N", "1"},
        {"pku", "kvm_amd", "npt", "N", "1"},
        {"nrip_save", "kvm_amd", "nrips", "0", "1"},
        {"tsc_scale", "kvm_amd", "tsc_scaling", "0", "1"},
        {"vgif", "kvm_amd", "vgif", "0", "1"},
        {"v_vmsave_vmload", "kvm_amd", "vls", "0", "1"},
        {"vnmi", "kvm_amd", "vnmi", "N", "1"},
        {"vmx", "kvm_intel", "nested", "n", "1"},
        {"pku", "kvm_intel", "ept", "N", "1"},
        {"intel_pt", "kvm_intel", "pt_mode", "0", "1"},
        {"skip_l1dfl_vmentry", "kvm_intel", "vmentry_l1d_flush", "never", "cond"},
    };

    CHECK_EACH (c, rows) {
        MIG_AUTO(mig_free)
        char *beta = mig_strf("!kvm.param.%s.%s=%s", c->module, c->name, c->takes);
        MIG_AUTO(mig_free)
        char *remedy = mig_strf("on beta, load %s with %s=%s ", c->module, c->name, c->gives);
        struct mig_finding f;

        check_blame(c->field, c->field, beta, MIG_REASON_PARAMETER, remedy);
        mig_free(beta);
        beta = mig_strf("!kvm.param.%s.%s=auto", c->module, c->name);
        blame(c->field, c->field, beta, &f);
        check_true(c->name, f.reason != MIG_REASON_PARAMETER);
        mig_free(f.remedy);
    }
}

CHECK_TEST(switches_of_the_kernel_are_known)
{
    static const struct {
        const char *field, *name, *value, *remedy;
    } rows[] = {
        {"rtm", "tsx", "off", "write tsx=on instead of tsx=off on "},
        {"hle", "tsx", "off", "write tsx=on instead of tsx=off on "},
        {"rtm", "tsx", "auto", "write tsx=on instead of tsx=auto on "},
        {"hle", "tsx", "auto", "write tsx=on instead of tsx=auto on "},
        {"pku", "nopku", "set", "remove nopku from "},
        {"pcid", "nopcid", "set", "remove nopcid from "},
        {"invpcid", "noinvpcid", "set", "remove noinvpcid from "},
        {"smap", "nosmap", "set", "remove nosmap from "},
        {"smep", "nosmep", "set", "remove nosmep from "},
        {"fsgsbase", "nofsgsbase", "set", "remove nofsgsbase from "},
        {"xsave", "noxsave", "set", "remove noxsave from "},
        {"xsaveopt", "noxsaveopt", "set", "remove noxsaveopt from "},
        {"xsaves", "noxsaves", "set", "remove noxsaves from "},
        {"gds_no", "gather_data_sampling", "off", "remove gather_data_sampling=off from "},
        {"avx", "gather_data_sampling", "force", "remove gather_data_sampling=force from "},
        {"skip_l1dfl_vmentry", "l1tf", "off", "remove l1tf=off from "},
        {"gds_no", "mitigations", "off", "remove mitigations=off from "},
        {"skip_l1dfl_vmentry", "mitigations", "off", "remove mitigations=off from "},
    };

    CHECK_EACH (c, rows) {
        MIG_AUTO(mig_free) char *beta = mig_strf("!cmdline.%s=%s", c->name, c->value);

        check_blame(c->field, c->field, beta, MIG_REASON_COMMAND_LINE, c->remedy);
    }
}

/* Numbers are those of the kernel: 32 times the word, plus the bit. */
CHECK_TEST(the_kernels_numbers_of_features_are_known)
{
    static const struct {
        const char *field;
        unsigned number;
    } rows[] = {
        {"fxsr", 24}, {"nx", 52}, {"pcid", 145}, {"abm", 197}, {"erms", 297}, {"xsavec", 321},
        {"avx_vnni", 388}, {"clzero", 416}, {"arat", 450}, {"npt", 480}, {"umip", 514},
        {"overflow_recov", 544}, {"fsrm", 580}, {"sme", 608}, {"null_sel_clr_base", 646},
    };

    CHECK_EACH (c, rows) {
        MIG_AUTO(mig_free) char *beta = mig_strf("!cmdline.clearcpuid=%u", c->number);
        MIG_AUTO(mig_free)
        char *remedy = mig_strf("remove clearcpuid=%u (%s) from ", c->number, c->field);

        check_blame(c->field, c->field, beta, MIG_REASON_COMMAND_LINE, remedy);
    }
}

/* clang-format on */

CHECK_MAIN(cmocka_unit_test(each_field_needs_the_release_that_brought_it),
           cmocka_unit_test(a_kernel_of_that_release_is_not_to_blame),
           cmocka_unit_test(a_companion_tells_that_another_model_lacks_the_kernel),
           cmocka_unit_test(fields_that_microcode_brought_are_known),
           cmocka_unit_test(microcode_of_a_protection_comes_before_the_kernel),
           cmocka_unit_test(a_signature_that_nobody_tells_is_no_common_model),
           cmocka_unit_test(switches_of_firmware_are_known),
           cmocka_unit_test(parameters_of_kvm_are_known),
           cmocka_unit_test(switches_of_the_kernel_are_known),
           cmocka_unit_test(the_kernels_numbers_of_features_are_known))
