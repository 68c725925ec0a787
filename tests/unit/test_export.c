/* SPDX-License-Identifier: Apache-2.0 */
#include "vmm/export.h"

#include <string.h>

#include "base/alloc.h"
#include "base/array.h"
#include "snapshot/snapshot.h"
#include "support/check.h"
#include "support/small_host.h"

#define QEMU "!vmm.name=qemu !vmm.accelerator=tcg !vmm.machine-type=pc-q35-7.2 !vmm.version=7.2.22 "

/* What stands behind the first "-@option", or "". */
static const char *value_of(const struct mig_launch *l, const char *option)
{
    for (size_t i = 0; i + 1 < l->len; i++) {
        if (l->items[i][0] == '-' && strcmp(l->items[i] + 1, option) == 0) {
            return l->items[i + 1];
        }
    }
    return "";
}

static bool has_word(const char *list, const char *word)
{
    size_t len = strlen(word);

    for (const char *at = strstr(list, word); at != NULL; at = strstr(at + 1, word)) {
        if ((at == list || at[-1] == ',') && (at[len] == '\0' || at[len] == ',')) {
            return true;
        }
    }
    return false;
}

CHECK_TEST(a_contract_becomes_arguments)
{
    /* clang-format off */
    static const struct {
        const char *label, *edits, *version, *option, *word;
        bool there;
    } cases[] = {
        {"accelerator", QEMU, NULL, "accel", "tcg", true},
        {"that of guests nobody names", "", NULL, "accel", "kvm", true},
        {"machine", QEMU, NULL, "machine", "pc-q35-7.2", true},
        {"the model", QEMU "!qemu.cpu.type=EPYC-v3-x86_64-cpu", NULL, "cpu", "EPYC-v3", true},
        {"none", QEMU, NULL, "cpu", "base", true},
        {"one that is no x86 CPU", QEMU "!qemu.cpu.type=a,b-arm-cpu", NULL, "cpu", "base", true},
        {"a feature", QEMU, NULL, "cpu", "avx2=on", true},
        {"one that it lacks", QEMU, NULL, "cpu", "erms=off", true},
        {"one of a later release", QEMU, NULL, "cpu", "avx-vnni-int16=off", false},
        {"for a later release", QEMU, "10.0.2", "cpu", "avx-vnni-int16=off", true},
        {"not what a VMM makes of each vCPU", QEMU, NULL, "cpu", "ht=off", false},
        {"vendor", QEMU, NULL, "cpu", "vendor=GenuineIntel", true},
        {"family", QEMU "@x86/cpuid/1.0/eax=0x00a20f12", NULL, "cpu", "family=25", true},
        {"model", QEMU "@x86/cpuid/1.0/eax=0x00a20f12", NULL, "cpu", "model=33", true},
        {"stepping", QEMU "@x86/cpuid/1.0/eax=0x00a20f12", NULL, "cpu", "stepping=2", true},
        {"level", QEMU "@x86/cpuid/0.0/eax=0xd", NULL, "cpu", "level=13", true},
        {"width", QEMU "phys_addr_bits=43", NULL, "cpu", "phys-bits=43", true},
        {"no width without long mode", QEMU "phys_addr_bits=43 -lm", NULL, "cpu", "phys-bits=43", false},
        {"the rate, with KVM", "@host/tsc-khz=2000000", NULL, "cpu", "tsc-frequency=2000000000", true},
        {"not where it is made up", QEMU "@host/tsc-khz=2000000", NULL, "cpu", "tsc-frequency=2000000000", false},
        {"revision of microcode", QEMU "@x86/msr/8b=0x100000000", NULL, "cpu", "ucode-rev=4294967296", true},
        {"topology", QEMU "@guest/vcpus=4 @guest/sockets=1 @guest/dies=1 @guest/cores=2 @guest/threads=2", NULL, "smp",
         "cpus=4,maxcpus=4,sockets=1,cores=2,threads=2", true},
    };
    /* clang-format on */

    CHECK_EACH (c, cases) {
        MIG_AUTO(mig_free) char *edits = mig_strf(LEVEL_3 " %s", c->edits);
        MIG_AUTO(mig_snapshot_free) struct mig_snapshot *shown = small_host(edits);
        const struct mig_export_taker taker = {.version = c->version};
        MIG_AUTO(mig_export_clear) struct mig_export e = {.arguments = {.items = NULL}};

        mig_export_make(shown, &taker, &e);
        check_number(c->label, c->there, has_word(value_of(&e.arguments, c->option), c->word));
    }
}

/* "-cpu" would end the name at its comma. */
CHECK_TEST(a_name_with_a_comma_goes_another_way)
{
    static const struct mig_export_taker taker = {.version = "7.2"};
    MIG_AUTO(mig_snapshot_free)
    struct mig_snapshot *shown =
        small_host(QEMU "!qemu.cpu.type=max-x86_64-cpu @x86/cpuid/80000000.0/eax=0x80000008 "
                        "@x86/cpuid/80000002.0/eax=0x42202c41" /* "A, B" */);
    MIG_AUTO(mig_export_clear) struct mig_export e = {.arguments = {.items = NULL}};

    mig_export_make(shown, &taker, &e);
    check_text("global", "driver=max-x86_64-cpu,property=model-id,value=A,, B",
               value_of(&e.arguments, "global"));
    check_true("cpu", strstr(value_of(&e.arguments, "cpu"), "model-id") == NULL);
}

CHECK_TEST(what_no_argument_sets_is_told)
{
    static const struct {
        const char *label, *edits, *place; /* the last one that is told, or none */
        bool told;
    } cases[] = {
        {"a feature that has one", "avx2",                    "x86/cpuid/7.0/ebx/5 (avx2)",        false},
        {"a bit without a row",    "@x86/cpuid/7.1/ecx=0x80", "x86/cpuid/7.1/ecx/7",               true },
        {"an MSR",                 "@x86/msr/345=0x2000",     "x86/msr/345/13 (full_width_write)", true },
        {"machine type",           "",                        "vmm.machine-type",                  true },
        {"one that is there",      QEMU,                      "vmm.machine-type",                  false},
        {"topology",               "",                        "guest/vcpus",                       true },
    };

    CHECK_EACH (c, cases) {
        static const struct mig_export_taker taker = {.version = "7.2"};
        MIG_AUTO(mig_free) char *edits = mig_strf(LEVEL_3 " %s", c->edits);
        MIG_AUTO(mig_snapshot_free) struct mig_snapshot *shown = small_host(edits);
        MIG_AUTO(mig_export_clear) struct mig_export e = {.arguments = {.items = NULL}};
        bool told = false;

        mig_export_make(shown, &taker, &e);
        for (size_t i = 0; i < e.unexpressed.len; i++) {
            told = told || strcmp(e.unexpressed.items[i], c->place) == 0;
        }
        check_number(c->label, c->told, told);
    }
}

/* Only what the QEMU that is asked has. */
CHECK_TEST(a_list_of_known_properties_decides)
{
    char avx2[] = "avx2", vendor[] = "vendor";
    char *names[] = {avx2, vendor};
    const struct mig_launch known = {names, MIG_COUNT(names), MIG_COUNT(names)};
    const struct mig_export_taker taker = {.known = &known, .one_vcpu = true};
    MIG_AUTO(mig_snapshot_free)
    struct mig_snapshot *shown = small_host(LEVEL_3 " " QEMU "@guest/vcpus=2");
    MIG_AUTO(mig_export_clear) struct mig_export e = {.arguments = {.items = NULL}};

    mig_export_make(shown, &taker, &e);
    check_text("cpu", "base,vendor=GenuineIntel,avx2=on", value_of(&e.arguments, "cpu"));
    check_text("smp", "cpus=1,maxcpus=2", value_of(&e.arguments, "smp"));
}

CHECK_MAIN(cmocka_unit_test(a_contract_becomes_arguments),
           cmocka_unit_test(a_name_with_a_comma_goes_another_way),
           cmocka_unit_test(what_no_argument_sets_is_told),
           cmocka_unit_test(a_list_of_known_properties_decides))
