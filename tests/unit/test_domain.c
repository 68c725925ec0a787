/* SPDX-License-Identifier: Apache-2.0 */
#include "support/check.h"

#include "base/alloc.h"
#include "snapshot/builder.h"
#include "vmm/domain.h"

#define UUID "6c1e9f2a-0000-4000-8000-000000000001"
#define DOMAIN(type, arch, machine, inside)                                                        \
    "<domain type='" type "'><name>web3</name><uuid>" UUID "</uuid><vcpu current='1'>4</vcpu>"     \
    "<os><type arch='" arch "'" machine ">hvm</type></os>" inside "</domain>"
#define Q35 " machine='pc-q35-7.2'"
#define CPU(attributes, inside) DOMAIN("kvm", "x86_64", Q35, "<cpu " attributes ">" inside "</cpu>")
#define FULL "mode='custom' match='exact' check='full'"
#define MODEL "<model>Penryn</model>"

static bool read_domain(const char *xml, struct mig_domain *ret, struct mig_error *err)
{
    return mig_domain_read(xml, strlen(xml), ret, err);
}

CHECK_TEST(who_a_running_domain_is)
{
    /* clang-format off */
    static const struct {
        const char *label, *xml;
        bool kvm;
    } cases[] = {
        {"spelt out", CPU(FULL, MODEL), true},
        {"passed through", CPU("mode='host-passthrough' check='none'", ""), true},
        {"maximum", CPU("mode='maximum'", ""), true},
        {"no word on its CPU", DOMAIN("kvm", "x86_64", Q35, ""), true},
        {"emulated", DOMAIN("qemu", "x86_64", Q35, ""), false},
    };
    /* clang-format on */

    CHECK_EACH (c, cases) {
        MIG_AUTO(mig_domain_clear) struct mig_domain d = {.root = NULL};
        struct mig_error err;

        check_done(c->label, read_domain(c->xml, &d, &err), &err);
        check_text(c->label, UUID, d.uuid);
        check_text(c->label, "pc-q35-7.2", d.machine);
        check_true(c->label, d.kvm == c->kvm);
    }
}

CHECK_TEST(what_is_no_running_domain_with_a_guest_to_look_at_is_refused)
{
    /* clang-format off */
    static const struct {
        const char *label, *xml, *says;
    } cases[] = {
        {"nothing", "", "expected the XML of a domain"},
        {"another document", "<network><name>n</name></network>", "expected the XML of a domain"},
        {"cut off", "<domain type='kvm'><name>web3</name>", ""},
        {"not running", CPU("mode='custom' check='partial'", MODEL), "check is not 'full'"},
        {"check unsaid", CPU("mode='host-model'", ""), "check is not 'full'"},
        {"two CPUs", DOMAIN("kvm", "x86_64", Q35, "<cpu " FULL ">" MODEL "</cpu><cpu/>"), "cpu"},
        {"arm64", DOMAIN("kvm", "aarch64", " machine='virt-7.2'", ""), "of an arm64 guest"},
        {"another architecture", DOMAIN("kvm", "s390x", " machine='x'", ""),
         "arch 's390x' is none of"},
        {"no machine", DOMAIN("kvm", "x86_64", "", ""), "expected uuid and os/type/@machine"},
        {"no UUID",
         "<domain type='kvm'><name>web3</name><vcpu>1</vcpu><os><type arch='x86_64'" Q35
         ">hvm</type></os></domain>",
         "expected uuid and os/type/@machine"},
        {"encrypted",
         DOMAIN("kvm", "x86_64", Q35, "<launchSecurity type='sev'><policy>1</policy>"
                                      "</launchSecurity>"),
         "launchSecurity: the guest's memory is encrypted"},
    };
    /* clang-format on */

    CHECK_EACH (c, cases) {
        MIG_AUTO(mig_domain_clear) struct mig_domain d = {.root = NULL};
        struct mig_error err = {.code = MIG_OK};

        check_true(c->label, !read_domain(c->xml, &d, &err));
        check_contains(c->label, c->says, err.msg);
        check_true(c->label, d.root == NULL && d.told == NULL);
    }
}

CHECK_TEST(its_identity_goes_into_the_contract)
{
    MIG_AUTO(mig_domain_clear) struct mig_domain d = {.root = NULL};
    MIG_AUTO(mig_builder_free) struct mig_builder *b = mig_builder_new(MIG_ARCH_X86);
    MIG_AUTO(mig_snapshot_free) struct mig_snapshot *s = NULL;
    struct mig_error err;
    uint64_t vcpus = 0;

    check_done("read", read_domain(CPU(FULL, MODEL), &d, &err), &err);
    mig_domain_pour(&d, b);
    mig_builder_cover(b, MIG_GROUP_GUEST, MIG_COVER_PARTIAL, 0, "test");
    check_done("freeze", mig_builder_freeze(b, &s, &err), &err);
    check_text("name", "web3", mig_snapshot_fact(s, "guest.name"));
    check_text("uuid", UUID, mig_snapshot_fact(s, "guest.uuid"));
    check_true("vCPUs", mig_snapshot_get(s, mig_reg_plain(MIG_SPACE_GUEST, MIG_GUEST_VCPUS),
                                         &vcpus) == MIG_KNOWN);
    check_number("vCPUs", 4, vcpus);
}

/* What a scratch guest was shown: SSE4.1 and the hypervisor bit, without AVX. */
static struct mig_snapshot *scratch(const char *machine)
{
    MIG_AUTO(mig_builder_free) struct mig_builder *b = mig_builder_new(MIG_ARCH_X86);
    struct mig_snapshot *s = NULL;
    struct mig_error err;

    mig_builder_set(b, mig_reg_cpuid(1, 0, MIG_ECX), UINT64_C(1) << 19 | UINT64_C(1) << 31);
    mig_builder_cover(b, MIG_GROUP_CPUID, MIG_COVER_FULL, 0, "test");
    if (machine != NULL) {
        mig_builder_add_fact(b, "vmm.machine-type", machine, "test");
    }
    check_done("freeze", mig_builder_freeze(b, &s, &err), &err);
    return s;
}

CHECK_TEST(the_scratch_guest_is_held_against_every_feature)
{
    /* clang-format off */
    static const struct {
        const char *label, *features, *machine, *says;
    } cases[] = {
        {"as it says",
         "<feature policy='require' name='sse4.1'/><feature policy='disable' name='avx'/>",
         "pc-q35-7.2", NULL},
        {"forced and forbidden",
         "<feature policy='force' name='sse4.1'/><feature policy='forbid' name='avx'/>",
         "pc-q35-7.2", NULL},
        {"optional says nothing", "<feature policy='optional' name='avx'/>", "pc-q35-7.2", NULL},
        {"of no register that we know", "<feature policy='require' name='no-such-thing'/>",
         "pc-q35-7.2", NULL},
        {"a bit that software switches", "<feature policy='require' name='osxsave'/>",
         "pc-q35-7.2", NULL},
        {"missing", "<feature policy='require' name='avx'/>", "pc-q35-7.2",
         "avx is on, a scratch guest with the same command line has it off"},
        {"too much", "<feature policy='disable' name='sse4.1'/>", "pc-q35-7.2",
         "sse4.1 is off, a scratch guest with the same command line has it on"},
        {"another machine", "", "pc-i440fx-7.2",
         "machine is pc-q35-7.2, a scratch guest with the same command line has pc-i440fx-7.2"},
        {"unknown machine", "", NULL, "has none that is known"},
    };
    /* clang-format on */

    CHECK_EACH (c, cases) {
        MIG_AUTO(mig_free)
        char *xml =
            mig_strf(DOMAIN("kvm", "x86_64", Q35, "<cpu " FULL ">" MODEL "%s</cpu>"), c->features);
        MIG_AUTO(mig_domain_clear) struct mig_domain d = {.root = NULL};
        MIG_AUTO(mig_snapshot_free) struct mig_snapshot *shown = scratch(c->machine);
        struct mig_error err = {.code = MIG_OK};
        bool good;

        check_done(c->label, read_domain(xml, &d, &err), &err);
        good = mig_domain_check(&d, shown, "a scratch guest with the same command line", &err);
        check_true(c->label, good == (c->says == NULL));
        if (c->says != NULL) {
            check_contains(c->label, c->says, err.msg);
        }
    }
}

CHECK_MAIN(cmocka_unit_test(who_a_running_domain_is),
           cmocka_unit_test(what_is_no_running_domain_with_a_guest_to_look_at_is_refused),
           cmocka_unit_test(its_identity_goes_into_the_contract),
           cmocka_unit_test(the_scratch_guest_is_held_against_every_feature))
