/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/chv_config.h"

#include "base/alloc.h"
#include "base/text.h"
#include "compat/finding.h"
#include "gate/chv_compare.h"
#include "pact/contract.h"
#include "support/check.h"
#include "support/chv.h"
#include "support/edit.h"
#include "support/guest.h"

static struct mig_chv_config read_config(const char *label, const char *text)
{
    struct mig_chv_config c = {0};
    struct mig_error err;

    check_done(label, mig_chv_config_read(text, strlen(text), &c, &err), &err);
    return c;
}

static char *against(const struct mig_snapshot *shown, const char *config, size_t *ret_notes)
{
    struct mig_chv_config c = read_config("config", config);
    struct mig_findings findings = {0};
    char *told;

    mig_chv_config_compare(shown, &c, &findings);
    told = mig_chv_compare_tell(&findings);
    *ret_notes = 0;
    for (size_t i = 0; i < findings.len; i++) {
        *ret_notes += findings.items[i].severity == MIG_NOTE ? 1 : 0;
    }
    mig_findings_clear(&findings);
    mig_chv_config_clear(&c);
    return told != NULL ? told : mig_strdup("");
}

CHECK_TEST(a_config_tells_the_vm_and_its_memory)
{
    MIG_AUTO(mig_contract_free) struct mig_contract *guest = guest_real("amd-milan-6.1");
    MIG_AUTO(mig_free)
    char *text = chv_config(
        guest->shown, 4,
        ",\"topology\":{\"threads_per_core\":2,\"cores_per_die\":2,"
        "\"dies_per_package\":1,\"packages\":1},\"kvm_hyperv\":true,\"nested\":false,"
        "\"max_phys_bits\":48,\"features\":{\"amx\":true},\"profile\":\"SapphireRapids\"");
    struct mig_chv_config c = read_config("full", text);

    check_number("vcpus", 4, c.max_vcpus);
    check_number("threads", 2, c.threads);
    check_number("width", 48, c.max_phys_bits);
    check_true("switches", c.kvm_hyperv && c.amx && !c.nested);
    check_text("profile", "SapphireRapids", c.profile);
    check_number("ram", 2, c.ram.len);
    check_number("ram", 0x20000, c.ram.items[1].gpa);
    check_true("slot", mig_chv_config_has_slot(&c, 1) && !mig_chv_config_has_slot(&c, 2));
    check_true("table", c.table != NULL);
    mig_chv_config_clear(&c);
}

CHECK_TEST(what_is_left_out_has_its_default)
{
    static const char text[] =
        "{\"vm_config\":{\"cpus\":{\"boot_vcpus\":1,\"max_vcpus\":2,\"topology\":null}},"
        "\"memory_manager_data\":{\"guest_ram_mappings\":[{\"slot\":7,\"gpa\":0,\"size\":4096}]}}";
    struct mig_chv_config c = read_config("little", text);

    check_true("switches", !c.kvm_hyperv && !c.amx && c.nested);
    check_number("width", 46, c.max_phys_bits);
    check_number("sockets", 0, c.packages);
    check_text("profile", "Host", c.profile);
    check_true("no table", c.table == NULL);
    mig_chv_config_clear(&c);
}

#define VM(cpus) "{\"vm_config\":{\"cpus\":{" cpus "}},"
#define ONE VM("\"boot_vcpus\":1,\"max_vcpus\":1")
#define RAM(mappings) "\"memory_manager_data\":{\"guest_ram_mappings\":[" mappings "]}"
#define SLOT(gpa, size) "{\"slot\":0,\"gpa\":" gpa ",\"size\":" size "}"
#define SOME RAM(SLOT("0", "4096")) "}"

CHECK_TEST(a_config_that_is_not_whole_is_refused_by_name)
{
    /* clang-format off */
    static const struct {
        const char *label, *text, *says;
    } cases[] = {
        {"no JSON", "x", "Config: line 1 column 1"},
        {"two documents", ONE SOME "{}", "Config: line 1"},
        {"a list", "[]", "expected an object"},
        {"no VM", "{}", "Config: key 'vm_config' is missing"},
        {"no CPUs", "{\"vm_config\":{}}", "vm_config: key 'cpus' is missing"},
        {"CPUs of text", "{\"vm_config\":{\"cpus\":\"4\"}}", "vm_config.cpus: expected an object, found text"},
        {"no vCPUs", VM("\"boot_vcpus\":1") SOME, "vm_config.cpus: key 'max_vcpus' is missing"},
        {"none", VM("\"boot_vcpus\":0,\"max_vcpus\":1") SOME, "0 vCPUs at boot of 1 at most"},
        {"more than at most", VM("\"boot_vcpus\":2,\"max_vcpus\":1") SOME, "2 vCPUs at boot of 1"},
        {"too many", VM("\"boot_vcpus\":1,\"max_vcpus\":8193") SOME, "max_vcpus"},
        {"negative", VM("\"boot_vcpus\":-1,\"max_vcpus\":1") SOME, "boot_vcpus"},
        {"a key twice", VM("\"boot_vcpus\":1,\"boot_vcpus\":1,\"max_vcpus\":1") SOME, "duplicate"},
        {"a word for a switch", VM("\"boot_vcpus\":1,\"max_vcpus\":1,\"nested\":\"off\"") SOME, "nested is neither true nor false"},
        {"a number for a profile", VM("\"boot_vcpus\":1,\"max_vcpus\":1,\"profile\":1") SOME, "vm_config.cpus.profile: expected text"},
        {"half a topology", VM("\"boot_vcpus\":1,\"max_vcpus\":1,\"topology\":{}") SOME, "vm_config.cpus.topology: key 'packages' is missing"},
        {"no memory", ONE "\"x\":1}", "key 'memory_manager_data' is missing"},
        {"no RAM", ONE RAM("") "}", "guest_ram_mappings: the guest has no memory"},
        {"RAM twice", ONE RAM(SLOT("0", "4096") "," SLOT("4095", "1")) "}", "guest_ram_mappings: memory at 0xfff is there twice"},
        {"empty RAM", ONE RAM(SLOT("0", "0")) "}", "0x0 bytes at 0x0 are no range of memory"},
        {"RAM of text", ONE RAM("\"x\"") "}", "guest_ram_mappings[0]: expected an object"},
        {"beyond 64 bits", ONE RAM(SLOT("0", "18446744073709551616")) "}", "size is no number"},
        {"a leaf twice", ONE "\"common_cpuid\":[" "{\"function\":0,\"index\":0,\"eax\":1,\"ebx\":0,\"ecx\":0,\"edx\":0},"
         "{\"function\":0,\"index\":0,\"eax\":1,\"ebx\":0,\"ecx\":0,\"edx\":0}]," SOME, "leaf 0.0 is there twice"},
        {"an empty table", ONE "\"common_cpuid\":[]," SOME, "common_cpuid: CPUID leaf 0 is missing or empty"},
        {"too deep", "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[", "nested deeper than"},
    };
    /* clang-format on */

    CHECK_EACH (c, cases) {
        struct mig_chv_config config = {0};
        struct mig_error err = {0};

        check_true(c->label, !mig_chv_config_read(c->text, strlen(c->text), &config, &err));
        check_contains(c->label, "Config: ", err.msg);
        check_contains(c->label, c->says, err.msg);
        mig_chv_config_clear(&config);
    }
}

/* A guest keeps the table it booted with; its host may have a stronger one. */
CHECK_TEST(a_table_that_has_more_is_noted_and_one_that_has_less_blocks)
{
    static const struct {
        const char *label, *shown, *table, *cpus, *says;
        bool noted;
    } cases[] = {
        {"equal",                      "",                                                          "",                     "",                             "",                                                    false},
        {"more",                       "-avx2",                                                     "avx2",                 "",                             "",                                                    true },
        {"less",                       "",                                                          "-avx2",                "",                             "x86/cpuid/7.0/ebx/5 (avx2): contract 0x1, guest 0x0", false},
        {"wider",                      "phys_addr_bits=40",                                         "phys_addr_bits=46",    "",                             "",                                                    true },
        {"narrower",                   "phys_addr_bits=46",                                         "phys_addr_bits=40",    "",                             "80000008.0/eax/7:0",                                  false},
        {"another vendor",             "",                                                          "@x86/cpuid/0.0/ebx=1", "",                             "x86/cpuid/0.0/ebx",                                   false},
        {"a leaf that each vCPU gets", "@x86/cpuid/40000010.0/eax=2500000 max_hyp_leaf=0x40000010",
         "@x86/cpuid/40000010.0/eax=0 max_hyp_leaf=0x40000001",                                                             "",                             "",                                                    false},
        {"MSRs are not in it",         "@x86/msr/10a=0xeb",                                         "",                     "",                             "",                                                    false},
        {"narrow by definition",       "phys_addr_bits=46",                                         "",                     ",\"max_phys_bits\":44",
         "vmm/max-phys-bits: contract 0x2e, guest 0x2c",                                                                                                                                                           false},
        {"Hyper-V by definition",      "",                                                          "",                     ",\"kvm_hyperv\":true",
         "vmm/kvm-hyperv: contract 0x0, guest 0x1",                                                                                                                                                                false},
        {"no guests of its own",       "vmx",                                                       "",                     ",\"nested\":false",
         "vmm/nested: contract 0x1, guest 0x0",                                                                                                                                                                    false},
        {"no tiles",                   "amx_tile",                                                  "",                     "",                             "vmm/amx: contract 0x1, guest 0x0",                    false},
        {"tiles",                      "amx_tile",                                                  "",                     ",\"features\":{\"amx\":true}", "",                                                    false},
        {"vCPUs",                      "@guest/vcpus=3",                                            "",                     "",                             "guest/vcpus: contract 0x3, guest 0x2",                false},
        {"as many vCPUs",              "@guest/vcpus=2",                                            "",                     "",                             "",                                                    false},
        {"another VMM",                "!vmm.name=qemu",                                            "",                     "",                             "vmm/name",                                            false},
    };

    CHECK_EACH (c, cases) {
        MIG_AUTO(mig_snapshot_free)
        struct mig_snapshot *base =
            edit_host("intel-cascadelake-6.1", "-vmx phys_addr_bits=46 !vmm.name=cloud-hypervisor");
        MIG_AUTO(mig_snapshot_free) struct mig_snapshot *shown = edit_snapshot(base, c->shown);
        MIG_AUTO(mig_snapshot_free) struct mig_snapshot *table = edit_snapshot(shown, c->table);
        MIG_AUTO(mig_free) char *text = chv_config(table, 2, c->cpus);
        size_t notes;
        MIG_AUTO(mig_free) char *told = against(shown, text, &notes);

        if (*c->says == '\0') {
            check_text(c->label, "", told);
        } else {
            check_contains(c->label, c->says, told);
        }
        check_number(c->label, c->noted, notes);
    }
}

CHECK_TEST(a_config_without_a_table_passes_for_nobody)
{
    MIG_AUTO(mig_contract_free) struct mig_contract *guest = guest_real("amd-milan-6.1");
    size_t notes;
    MIG_AUTO(mig_free) char *told = against(guest->shown, ONE SOME, &notes);

    check_contains("table", "vmm/common-cpuid", told);
}

CHECK_TEST(a_guest_with_encrypted_memory_stays)
{
    static const char *const switches[] = {"tdx", "sev_snp"};

    CHECK_EACH (name, switches) {
        MIG_AUTO(mig_contract_free) struct mig_contract *guest = guest_real("amd-milan-6.1");
        MIG_AUTO(mig_free)
        char *text = mig_strf("{\"vm_config\":{\"cpus\":{\"boot_vcpus\":1,\"max_vcpus\":1},"
                              "\"platform\":{\"%s\":true}}," SOME,
                              *name);
        size_t notes;
        MIG_AUTO(mig_free) char *told = against(guest->shown, text, &notes);

        check_contains(*name, "guest/vm-type", told);
    }
}

CHECK_MAIN(cmocka_unit_test(a_config_tells_the_vm_and_its_memory),
           cmocka_unit_test(what_is_left_out_has_its_default),
           cmocka_unit_test(a_config_that_is_not_whole_is_refused_by_name),
           cmocka_unit_test(a_table_that_has_more_is_noted_and_one_that_has_less_blocks),
           cmocka_unit_test(a_config_without_a_table_passes_for_nobody),
           cmocka_unit_test(a_guest_with_encrypted_memory_stays))
