/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/text.h"
#include "cpu/field.h"
#include "snapshot/import.h"
#include "support/check.h"

#define MODEL(name, props) "{\"name\":\"" name "\",\"props\":{" props "}}"
#define ANSWER(name, props) "{\"return\":{\"model\":" MODEL(name, props) "},\"id\":\"libvirt-1\"}"
#define CPU(props) MODEL("max", "\"fpu\":true" props)
#define DEFINITION(name, rest)                                                                     \
    "{\"name\":\"" name "\",\"typename\":\"" name "-x86_64-cpu\"" rest "}"

static const struct mig_reg leaf_1_eax = {MIG_SPACE_CPUID, 1, 0, MIG_EAX};
static const struct mig_reg leaf_1_ecx = {MIG_SPACE_CPUID, 1, 0, MIG_ECX};
static const struct mig_reg leaf_80000008_eax = {MIG_SPACE_CPUID, 0x80000008, 0, MIG_EAX};

static struct mig_snapshot *import_as(const char *text, size_t len, const char *format)
{
    struct mig_snapshot *s = NULL;
    const char *found = "";
    struct mig_error err;

    check_done(format, mig_import("given", text, len, &s, &found, &err), &err);
    check_text(text, format, found);
    return s;
}

static struct mig_bytes read_file(const char *name)
{
    MIG_AUTO(mig_free) char *file = mig_strf("tests/data/import/%s", name);
    MIG_AUTO(mig_free) char *path = check_source_path(file);
    struct mig_bytes bytes = {0};
    struct mig_error err;

    check_done(name, mig_file_read(path, MIG_IMPORT_BYTES_MAX, &bytes, &err), &err);
    return bytes;
}

static struct mig_snapshot *import_file(const char *name, const char *format)
{
    MIG_AUTO(mig_bytes_clear) struct mig_bytes bytes = read_file(name);

    return import_as((const char *)bytes.items, bytes.len, format);
}

static void check_known(const char *label, const struct mig_snapshot *s, struct mig_reg reg,
                        uint64_t expected)
{
    uint64_t value;

    check_number(label, MIG_KNOWN, mig_snapshot_get(s, reg, &value));
    check_number(label, expected, value);
}

static void check_uncovered(const char *label, const struct mig_snapshot *s, struct mig_reg reg)
{
    uint64_t value;

    check_number(label, MIG_UNCOVERED, mig_snapshot_get(s, reg, &value));
}

/* Real answers against CPUID as it was read inside a guest of that model. */
CHECK_TEST(a_guest_reads_what_the_expansion_gives)
{
    static const struct {
        const char *model, *type;
        size_t least; /* registers that must be known */
    } cases[] = {
        {"7.2-max",     "full",   36},
        {"7.2-max",     "static", 33},
        {"7.2-qemu64",  "full",   36},
        {"7.2-qemu64",  "static", 33},
        {"7.2-486",     "full",   21},
        {"7.2-486",     "static", 18},
        {"10.0-max",    "full",   40},
        {"10.0-max",    "static", 37},
        {"10.0-qemu64", "full",   41},
        {"10.0-qemu64", "static", 38},
        {"10.0-486",    "full",   26},
        {"10.0-486",    "static", 23},
    };

    CHECK_EACH (c, cases) {
        MIG_AUTO(mig_free) char *json = mig_strf("expansion-%s-%s.json", c->model, c->type);
        MIG_AUTO(mig_free) char *txt = mig_strf("expansion-%s.guest.txt", c->model);
        MIG_AUTO(mig_snapshot_free)
        struct mig_snapshot *s = import_file(json, "qemu-cpu-model-expansion");
        MIG_AUTO(mig_snapshot_free) struct mig_snapshot *guest = import_file(txt, "cpuid-raw");
        size_t len;
        const struct mig_entry *e = mig_snapshot_space(s, MIG_SPACE_CPUID, &len);

        check_number(json, MIG_COVER_PARTIAL, s->groups[MIG_GROUP_CPUID].coverage);
        check_true(json, len >= c->least);
        for (size_t i = 0; i < len; i++) {
            struct mig_reg reg = mig_reg_from_key(e[i].key);
            char label[MIG_REG_TEXT_MAX];
            uint64_t seen;

            (void)mig_snapshot_get(guest, reg, &seen);
            mig_reg_print(reg, label);
            check_number(label, seen, e[i].value);
        }
    }
}

CHECK_TEST(a_definition_is_not_what_the_host_grants)
{
    static const struct {
        const char *file;
        enum mig_coverage view;
        const char *model, *expansion;
    } cases[] = {
        {"expansion-7.2-max-full.json",         MIG_COVER_FULL, "max",    "full"  },
        {"expansion-7.2-max-static.json",       MIG_COVER_NONE, "base",   "static"},
        {"expansion-7.2-qemu64-full.json",      MIG_COVER_NONE, "qemu64", "full"  },
        {"expansion-7.2-kvm-milan-static.json", MIG_COVER_NONE, "base",   "static"},
    };

    CHECK_EACH (c, cases) {
        MIG_AUTO(mig_snapshot_free)
        struct mig_snapshot *s = import_file(c->file, "qemu-cpu-model-expansion");

        check_number(c->file, c->view, s->groups[MIG_GROUP_KVM_VIEW].coverage);
        check_text(c->file, c->model, mig_snapshot_fact(s, "qemu.cpu.model"));
        check_text(c->file, c->expansion, mig_snapshot_fact(s, "qemu.cpu.expansion"));
        check_number(c->file, MIG_COVER_NONE, s->groups[MIG_GROUP_MSR_LIST].coverage);
        check_number(c->file, MIG_COVER_NONE, s->groups[MIG_GROUP_CAP].coverage);
        check_number(c->file, MIG_COVER_NONE, s->groups[MIG_GROUP_CPUID_HV].coverage);
    }
}

CHECK_TEST(names_and_numbers_of_a_model_are_placed)
{
    MIG_AUTO(mig_snapshot_free)
    struct mig_snapshot *s =
        import_file("expansion-7.2-kvm-milan-static.json", "qemu-cpu-model-expansion");

    check_known("signature", s, leaf_1_eax, 0x00a00f11);
    check_known("vendor", s, mig_reg_cpuid(0, 0, MIG_EBX), 0x68747541);
    check_text("model", "AMD EPYC-Milan Processor", mig_snapshot_fact(s, "cpu.model-name"));
    check_uncovered("no level", s, mig_reg_cpuid(0, 0, MIG_EAX));
    check_uncovered("no width", s, leaf_80000008_eax);
}

/* Every property that is known to switch a bit, in our row of that bit. */
CHECK_TEST(each_property_of_qemu_finds_the_bit_it_switches)
{
    static const char *const files[] = {"facts/qemu_props-7.2.tsv", "facts/qemu_props-10.0.tsv"};
    size_t checked = 0;

    CHECK_EACH (file, files) {
        MIG_AUTO(mig_free) char *path = check_shared_path(*file);
        MIG_AUTO(mig_bytes_clear) struct mig_bytes bytes = {0};
        struct mig_error err;
        char *rest, *line;

        if (path == NULL) {
            skip();
        }
        check_done(path, mig_file_read(path, 1 << 20, &bytes, &err), &err);
        for (line = strtok_r((char *)bytes.items, "\n", &rest); line != NULL;
             line = strtok_r(NULL, "\n", &rest)) {
            char name[80], leaf[20], sub[20], part[8], mask[20];
            const struct mig_field *f;
            unsigned long bits;

            if (sscanf(line, "%79s %19s %19s %7s %19s", name, leaf, sub, part, mask) != 5 ||
                leaf[0] != '0') {
                continue;
            }
            f = mig_field_find(name);
            check_true(name, f != NULL);
            bits = strtoul(mask, NULL, 16);
            /* Bits that AMD repeats, and the area of a component, are second
             * places of one property. */
            if (f->reg.index == strtoul(leaf, NULL, 16)) {
                check_number(name, bits, UINT64_C(1) << f->lo);
                check_number(name, sub[0] == '-' ? 0 : strtoul(sub, NULL, 16), f->reg.sub);
                check_number(name, (unsigned)(part[1] - 'A'), f->reg.part);
                checked++;
            }
        }
    }
    check_true("most", checked > 450);
}

CHECK_TEST(a_cut_list_of_properties_covers_nothing)
{
    /* clang-format off */
    static const struct {
        const char *label, *text;
    } cases[] = {
        {"one",        CPU(",\"avx2\":true,\"aes\":true")},
        {"wrapped",    ANSWER("max", "\"fpu\":true,\"aes\":true")},
        {"no wrapper", "{\"model\":" CPU(",\"aes\":true") "}"},
    };
    /* clang-format on */

    CHECK_EACH (c, cases) {
        MIG_AUTO(mig_snapshot_free)
        struct mig_snapshot *s = import_as(c->text, strlen(c->text), "qemu-cpu-model-expansion");

        check_uncovered(c->label, s, leaf_1_ecx);
        check_uncovered(c->label, s, mig_reg_cpuid(7, 0, MIG_EBX));
    }
}

/* One property less in a real answer: only its register goes. */
CHECK_TEST(one_missing_property_leaves_one_register_open)
{
    MIG_AUTO(mig_bytes_clear) struct mig_bytes bytes = read_file("expansion-7.2-max-full.json");
    MIG_AUTO(mig_snapshot_free) struct mig_snapshot *s = NULL;
    char *place = strstr((char *)bytes.items, "\"avx2\": ");

    check_true("there", place != NULL);
    place[1] = 'x';
    s = import_as((const char *)bytes.items, bytes.len, "qemu-cpu-model-expansion");
    check_uncovered("avx2", s, mig_reg_cpuid(7, 0, MIG_EBX));
    check_contains("no place", "migratable", mig_snapshot_fact(s, "qemu.cpu.others"));
    check_known("others", s, mig_reg_cpuid(7, 1, MIG_EAX), 0);
}

/* migratable=off lets unnamed bits through, so every row must be named. */
CHECK_TEST(without_migratable_unnamed_bits_are_not_zero)
{
    MIG_AUTO(mig_bytes_clear) struct mig_bytes bytes = read_file("expansion-7.2-max-full.json");
    MIG_AUTO(mig_snapshot_free) struct mig_snapshot *s = NULL;
    char *place = strstr((char *)bytes.items, "\"migratable\": true");

    check_true("there", place != NULL);
    memcpy(place, "\"migratable\":false", 18);
    s = import_as((const char *)bytes.items, bytes.len, "qemu-cpu-model-expansion");
    check_uncovered("fdp_excptn_only", s, mig_reg_cpuid(7, 0, MIG_EBX));
    check_uncovered("sdbg", s, leaf_1_ecx);
}

CHECK_TEST(numbers_enter_registers_only_when_they_are_chosen)
{
    /* clang-format off */
    static const struct {
        const char *label, *props;
        struct mig_reg reg;
        bool known;
        uint64_t value;
    } cases[] = {
        {"family 6",      ",\"family\":6,\"model\":85,\"stepping\":4",    {MIG_SPACE_CPUID, 1, 0, MIG_EAX},               true,  0x50654},
        {"family 25",     ",\"family\":25,\"model\":1,\"stepping\":1",    {MIG_SPACE_CPUID, 1, 0, MIG_EAX},               true,  0xa00f11},
        {"no stepping",   ",\"family\":6,\"model\":85",                   {MIG_SPACE_CPUID, 1, 0, MIG_EAX},               false, 0},
        {"not chosen",    ",\"family\":0,\"model\":0,\"stepping\":0",     {MIG_SPACE_CPUID, 1, 0, MIG_EAX},               false, 0},
        {"level",         ",\"level\":13",                                {MIG_SPACE_CPUID, 0, 0, MIG_EAX},               true,  13},
        {"level later",   ",\"level\":4294967295",                        {MIG_SPACE_CPUID, 0, 0, MIG_EAX},               false, 0},
        {"min-level",     ",\"min-level\":13",                            {MIG_SPACE_CPUID, 0, 0, MIG_EAX},               false, 0},
        {"xlevel",        ",\"xlevel\":2147483656",                       {MIG_SPACE_CPUID, 0x80000000, 0, MIG_EAX},      true,  0x80000008},
        {"clock",         ",\"tsc-frequency\":2596096000",                {MIG_SPACE_HOST, MIG_HOST_TSC_KHZ, 0, MIG_EAX}, true,  2596096},
        {"clock later",   ",\"tsc-frequency\":0",                         {MIG_SPACE_HOST, MIG_HOST_TSC_KHZ, 0, MIG_EAX}, false, 0},
        {"width",         ",\"phys-bits\":42,\"lm\":true,\"la57\":false", {MIG_SPACE_CPUID, 0x80000008, 0, MIG_EAX},      true,  0x302a},
        {"widths",        ",\"phys-bits\":52,\"lm\":true,\"la57\":true,\"guest-phys-bits\":48",
                                                                          {MIG_SPACE_CPUID, 0x80000008, 0, MIG_EAX},      true,  0x303934},
        {"host's width",  ",\"phys-bits\":42,\"lm\":true,\"la57\":false,\"host-phys-bits\":true",
                                                                          {MIG_SPACE_CPUID, 0x80000008, 0, MIG_EAX},      false, 0},
        {"guest's later", ",\"phys-bits\":42,\"lm\":true,\"la57\":false,\"guest-phys-bits\":4294967295",
                                                                          {MIG_SPACE_CPUID, 0x80000008, 0, MIG_EAX},      false, 0},
    };
    /* clang-format on */

    CHECK_EACH (c, cases) {
        MIG_AUTO(mig_free)
        char *text = mig_strf("{\"name\":\"m\",\"props\":{\"fpu\":true%s}}", c->props);
        MIG_AUTO(mig_snapshot_free)
        struct mig_snapshot *s = import_as(text, strlen(text), "qemu-cpu-model-expansion");

        if (c->known) {
            check_known(c->label, s, c->reg, c->value);
        } else {
            check_uncovered(c->label, s, c->reg);
        }
    }
}

CHECK_TEST(arm64_properties_are_no_registers)
{
    static const char text[] = ANSWER("host", "\"aarch64\":true,\"pmu\":true,\"sve\":false");
    MIG_AUTO(mig_snapshot_free)
    struct mig_snapshot *s = import_as(text, strlen(text), "qemu-cpu-model-expansion");

    check_number("arch", MIG_ARCH_ARM64, s->arch);
    check_number("idreg", MIG_COVER_NONE, s->groups[MIG_GROUP_IDREG].coverage);
    check_text("switches", "aarch64 pmu", mig_snapshot_fact(s, "qemu.cpu.others"));
}

CHECK_TEST(definitions_say_which_models_run)
{
    /* clang-format off */
    static const struct {
        const char *file, *model, *expected;
    } cases[] = {
        {"definitions-7.2-kvm.json",  "486",       "usable; with this machine type 486-v1"},
        {"definitions-7.2-kvm.json",  "486-v1",    "usable"},
        {"definitions-7.2-kvm.json",  "qemu64-v1", "lacks: pni"},
        {"definitions-7.2-kvm.json",  "max",       "usable; not the same on every host"},
        {"definitions-10.0-tcg.json", "base",      "usable"},
        {"definitions-10.0-tcg.json", "EPYC-v4",   "lacks: pcid,fsrm,invpcid,rdtscp,fxsr-opt,misalignsse,osvw,"},
    };
    /* clang-format on */

    CHECK_EACH (c, cases) {
        MIG_AUTO(mig_free) char *fact = mig_strf("vmm.qemu.model.%s", c->model);
        MIG_AUTO(mig_snapshot_free)
        struct mig_snapshot *s = import_file(c->file, "qemu-cpu-definitions");

        if (strcmp(c->model, "EPYC-v4") == 0) {
            check_contains(c->model, "lacks: ", mig_snapshot_fact(s, fact));
        } else {
            check_text(c->model, c->expected, mig_snapshot_fact(s, fact));
        }
        check_uncovered(c->file, s, leaf_1_ecx);
        check_contains(c->file, "names models only", s->groups[MIG_GROUP_CPUID].source);
        check_number(c->file, MIG_COVER_NONE, s->groups[MIG_GROUP_KVM_VIEW].coverage);
    }
}

CHECK_TEST(definitions_come_with_and_without_the_wrapper)
{
    static const char *const cases[] = {
        "[" DEFINITION("a", ",\"unavailable-features\":[\"x\",\"y\"]") "]",
        "{\"return\":[" DEFINITION("a", ",\"unavailable-features\":[\"x\",\"y\"]") "],\"id\":1}",
    };

    CHECK_EACH (c, cases) {
        MIG_AUTO(mig_snapshot_free)
        struct mig_snapshot *s = import_as(*c, strlen(*c), "qemu-cpu-definitions");

        check_text(*c, "lacks: x,y", mig_snapshot_fact(s, "vmm.qemu.model.a"));
    }
}

CHECK_TEST(bad_answers_are_refused_with_the_place)
{
    /* clang-format off */
    static const struct {
        const char *text, *message;
    } cases[] = {
        {"{\"props\":",                                            "QEMU query-cpu-model-expansion JSON: line 1"},
        {"{\"props\":{}}",                                         "key 'name' is missing"},
        {"{\"name\":\"a\",\"props\":[]}",                          "props: expected an object"},
        {"{\"name\":\"a\",\"props\":{}}",                          "props: neither of an x86 CPU"},
        {"{\"name\":1,\"props\":{}}",                              "name: expected text"},
        {"{\"name\":\"a\",\"props\":{},\"more\":1}",               "unknown key 'more'"},
        {"{\"return\":{\"props\":1},\"error\":{}}",                "unknown key 'error'"},
        {"{\"return\":[],\"x\":\"\\\"props\\\"\"}",                "file of no known format"},
        {"{\"return\":{\"model\":{\"props\":{}}}}",                "return.model: key 'name' is missing"},
        {CPU(",\"sse4.1\":true,\"sse4-1\":false"),                 "props.sse4-1: contradicts another name of the same bit, sse4_1"},
        {CPU(",\"family\":1.5"),                                   "props.family: 1.5 is no whole number"},
        {CPU(",\"family\":\"6\""),                                 "props.family: expected a fraction"},
        {CPU(",\"family\":-1"),                                    "props.family: -1 is no whole number"},
        {CPU(",\"family\":271"),                                   "props.family: 271 is no whole number from 0 to 270"},
        {CPU(",\"vendor\":\"AMD\""),                               "vendor 'AMD' has not 12 characters"},
        {CPU(",\"vendor\":\"GenuineIntel!\""),                     "props.vendor: longer than 12 characters"},
        {CPU(",\"model-id\":\"12345678901234567890123456789012345678901234567890\""),
                                                                   "props.model-id: longer than 48 characters"},
        {CPU(",\"tsc-frequency\":1e300"),                          "props.tsc-frequency: 1.0"},
        {"[{\"typename\":1}]",                                     "typename: expected text"},
        {"[{\"typename\":\"z14-s390x-cpu\"}]",                     "typename 'z14-s390x-cpu' is neither"},
        {"{\"return\":[],\"id\":\"\\\"typename\\\"\"}",            "file of no known format"},
        {"[\"\",{\"typename\":1}]",                                "[0]: expected an object"},
        {"[" DEFINITION("a", ",\"unavailable-features\":1") "]",   "unavailable-features: expected a list"},
        {"[" DEFINITION("a", ",\"unavailable-features\":[1]") "]", "unavailable-features[0]: expected text"},
        {"[" DEFINITION("a", ",\"alias-of\":1") "]",               "alias-of: expected text"},
        {"[" DEFINITION("a", "") "," DEFINITION("a", ",\"unavailable-features\":[]") "]",
                                                                   "given twice and not the same"},
    };
    /* clang-format on */

    CHECK_EACH (c, cases) {
        struct mig_snapshot *s = NULL;
        const char *format;
        struct mig_error err = {0};

        check_true(c->text, !mig_import("given", c->text, strlen(c->text), &s, &format, &err));
        check_contains(c->text, c->message, err.msg);
        check_number(c->text, MIG_FORMAT, err.code);
    }
}

CHECK_MAIN(cmocka_unit_test(a_guest_reads_what_the_expansion_gives),
           cmocka_unit_test(a_definition_is_not_what_the_host_grants),
           cmocka_unit_test(names_and_numbers_of_a_model_are_placed),
           cmocka_unit_test(each_property_of_qemu_finds_the_bit_it_switches),
           cmocka_unit_test(a_cut_list_of_properties_covers_nothing),
           cmocka_unit_test(one_missing_property_leaves_one_register_open),
           cmocka_unit_test(without_migratable_unnamed_bits_are_not_zero),
           cmocka_unit_test(numbers_enter_registers_only_when_they_are_chosen),
           cmocka_unit_test(arm64_properties_are_no_registers),
           cmocka_unit_test(definitions_say_which_models_run),
           cmocka_unit_test(definitions_come_with_and_without_the_wrapper),
           cmocka_unit_test(bad_answers_are_refused_with_the_place))
