/* SPDX-License-Identifier: Apache-2.0 */
#include "snapshot/cpumap.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/file.h"
#include "cpu/field.h"
#include "support/check.h"

static struct mig_cpumap *read_folder(const char *folder)
{
    struct mig_cpumap *map = NULL;
    struct mig_error err;

    check_done(folder, mig_cpumap_read(folder, &map, &err), &err);
    return map;
}

static struct mig_cpumap *read_ours(void)
{
    MIG_AUTO(mig_free) char *folder = check_source_path("tests/data/import/cpu_map");

    return read_folder(folder);
}

static uint64_t value_of(const struct mig_words *w, struct mig_reg reg)
{
    const struct mig_named_word *word = mig_words_get(w, reg);

    return word == NULL ? 0 : word->value;
}

CHECK_TEST(a_model_has_its_features_and_those_of_its_parent)
{
    /* clang-format off */
    static const struct {
        const char *model;
        uint32_t ecx1, edx1, edx_80000001, edx7;
    } cases[] = {
        {"Base",  0,                   1u << 0 | 1u << 25 | 1u << 26, 1u << 11 | 1u << 20 | 1u << 29, 0},
        {"Grown", 1u << 25 | 1u << 28, 1u << 0 | 1u << 25 | 1u << 26, 1u << 11 | 1u << 20 | 1u << 29, 1u << 29},
    };
    /* clang-format on */
    MIG_AUTO(mig_cpumap_free) struct mig_cpumap *map = read_ours();

    CHECK_EACH (c, cases) {
        MIG_AUTO(mig_words_clear) struct mig_words w = {0};
        struct mig_error err;
        bool known;

        mig_cpumap_know_all(map, &w);
        check_done(c->model, mig_cpumap_put_model(map, c->model, &w, &known, &err), &err);
        check_true(c->model, known);
        check_number(c->model, c->ecx1, value_of(&w, mig_reg_cpuid(1, 0, MIG_ECX)));
        check_number(c->model, c->edx1, value_of(&w, mig_reg_cpuid(1, 0, MIG_EDX)));
        check_number(c->model, c->edx_80000001,
                     value_of(&w, mig_reg_cpuid(0x80000001, 0, MIG_EDX)));
        check_number(c->model, c->edx7, value_of(&w, mig_reg_cpuid(7, 0, MIG_EDX)));
        check_number("all bits of 1.ECX", 0xfffef7ff,
                     mig_words_get(&w, mig_reg_cpuid(1, 0, MIG_ECX))->known | 1u << 27);
    }
}

CHECK_TEST(names_and_aliases_switch_the_same_bit)
{
    static const struct {
        const char *name;
        bool known;
        uint32_t ecx1;
    } cases[] = {
        {"sse4.1",   true,  1u << 19},
        {"sse4-1",   true,  1u << 19},
        {"sse4_1",   true,  1u << 19},
        {"aes",      true,  1u << 25},
        {"rdctl-no", true,  0       },
        {"no-such",  false, 0       },
        {"",         false, 0       },
    };
    MIG_AUTO(mig_cpumap_free) struct mig_cpumap *map = read_ours();

    CHECK_EACH (c, cases) {
        MIG_AUTO(mig_words_clear) struct mig_words w = {0};

        check_number(c->name, c->known, mig_cpumap_put(map, c->name, true, &w));
        check_number(c->name, c->ecx1, value_of(&w, mig_reg_cpuid(1, 0, MIG_ECX)));
    }
}

CHECK_TEST(an_unknown_model_is_no_error)
{
    MIG_AUTO(mig_cpumap_free) struct mig_cpumap *map = read_ours();
    MIG_AUTO(mig_words_clear) struct mig_words w = {0};
    struct mig_error err;
    bool known = true;

    check_done("unknown", mig_cpumap_put_model(map, "Nameless", &w, &known, &err), &err);
    check_true("unknown", !known && w.len == 0);
}

CHECK_TEST(a_broken_map_is_refused_by_name)
{
    /* clang-format off */
    static const struct {
        const char *text, *message;
    } cases[] = {
        {"<cpus",                                                    "line 1: "},
        {"<cpu/>",                                                   "outermost element is not cpus"},
        {"<cpus><feature/></cpus>",                                  "line 1, cpus/feature: without attribute name"},
        {"<cpus><feature name='a'><cpuid/></feature></cpus>",        "cpus/feature/cpuid: without attribute eax_in"},
        {"<cpus><feature name='a'><cpuid eax_in='1' ecx='x'/></feature></cpus>",
                                                                     "ecx 'x' is no number from 0 to 0xffffffff"},
        {"<cpus><feature name='a'><msr eax='1'/></feature></cpus>",  "without attribute index"},
        {"<cpus><feature name='a'><alias/></feature></cpus>",        "cpus/feature/alias: without attribute name"},
        {"<cpus><model/></cpus>",                                    "cpus/model: without attribute name"},
        {"<cpus><model name='M'><feature name='a'/></model></cpus>", "cpus/model/feature: feature 'a' is defined nowhere"},
        {"<cpus><model name='M'><feature/></model></cpus>",          "cpus/model/feature: without attribute name"},
        {"<cpus><model name='M'><model name='N'/></model></cpus>",   "model 'N' is defined nowhere"},
        {"<cpus><model name='M'><model name='M'/></model></cpus>",   "model 'M' has more than 16 ancestors"},
    };
    /* clang-format on */

    CHECK_EACH (c, cases) {
        MIG_AUTO(mig_cpumap_free) struct mig_cpumap *map = mig_cpumap_new();
        MIG_AUTO(mig_words_clear) struct mig_words w = {0};
        struct mig_error err = {0};
        bool known;

        check_true(c->text, !mig_cpumap_add(map, c->text, strlen(c->text), &err) ||
                                !mig_cpumap_put_model(map, "M", &w, &known, &err));
        check_contains(c->text, c->message, err.msg);
    }
}

CHECK_TEST(an_index_includes_only_plain_file_names)
{
    /* clang-format off */
    static const struct {
        const char *index, *message;
        enum mig_code code;
    } cases[] = {
        {"<cpus><arch name='x86'><include filename='../x.xml'/></arch></cpus>",
                                                            "'../x.xml' is no plain file name", MIG_FORMAT},
        {"<cpus><arch name='x86'><include filename='/etc/x'/></arch></cpus>",
                                                            "'/etc/x' is no plain file name",   MIG_FORMAT},
        {"<cpus><arch name='x86'><include/></arch></cpus>", "without attribute filename",       MIG_FORMAT},
        {"<cpus><arch name='x86'><group><include filename='gone.xml'/></group></arch></cpus>",
                                                            "gone.xml: No such file",           MIG_IO},
        {"<cpus",                                           "index.xml: line 1",                MIG_FORMAT},
    };
    /* clang-format on */

    CHECK_EACH (c, cases) {
        char folder[] = "/tmp/cpumap-XXXXXX";
        MIG_AUTO(mig_free) char *path = NULL;
        struct mig_cpumap *map = NULL;
        struct mig_error err = {0};

        check_true("folder", mkdtemp(folder) != NULL);
        path = mig_strf("%s/index.xml", folder);
        check_done("write", mig_file_write(path, c->index, strlen(c->index), 0600, &err), &err);
        check_true(c->index, !mig_cpumap_read(folder, &map, &err));
        check_contains(c->index, c->message, err.msg);
        check_number(c->index, c->code, err.code);
        check_number("unlink", 0, (uint64_t)unlink(path));
        check_number("rmdir", 0, (uint64_t)rmdir(folder));
    }
}

CHECK_TEST(the_folder_is_libvirts_unless_the_environment_names_one)
{
    check_number("unset", 0, (uint64_t)unsetenv("MIG_LIBVIRT_CPU_MAP"));
    check_text("libvirt's", MIG_CPUMAP_FOLDER, mig_cpumap_folder());
    check_number("empty", 0, (uint64_t)setenv("MIG_LIBVIRT_CPU_MAP", "", 1));
    check_text("libvirt's", MIG_CPUMAP_FOLDER, mig_cpumap_folder());
    check_number("set", 0, (uint64_t)setenv("MIG_LIBVIRT_CPU_MAP", "/elsewhere", 1));
    check_text("ours", "/elsewhere", mig_cpumap_folder());
}

/* The real thing, where it is installed: its names mean what our rows say. */
CHECK_TEST(libvirts_own_names_agree_with_our_table)
{
    MIG_AUTO(mig_cpumap_free) struct mig_cpumap *map = NULL;
    struct mig_fields all = mig_field_all();
    size_t compared = 0;

    if (access(MIG_CPUMAP_FOLDER "/index.xml", R_OK) != 0) {
        skip();
    }
    map = read_folder(MIG_CPUMAP_FOLDER);
    for (size_t i = 0; i < all.len; i++) {
        const struct mig_field *f = &all.items[i];
        MIG_AUTO(mig_words_clear) struct mig_words w = {0};

        /* "xsave" and the like have one bit in libvirt's table. */
        if (f->hi == f->lo && mig_words_take(f->reg) && mig_cpumap_put(map, f->name, true, &w)) {
            check_number(f->name, UINT64_C(1) << f->lo, value_of(&w, f->reg));
            compared++;
        }
    }
    check_true("most features", compared > 100);
}

CHECK_MAIN(cmocka_unit_test(a_model_has_its_features_and_those_of_its_parent),
           cmocka_unit_test(names_and_aliases_switch_the_same_bit),
           cmocka_unit_test(an_unknown_model_is_no_error),
           cmocka_unit_test(a_broken_map_is_refused_by_name),
           cmocka_unit_test(an_index_includes_only_plain_file_names),
           cmocka_unit_test(the_folder_is_libvirts_unless_the_environment_names_one),
           cmocka_unit_test(libvirts_own_names_agree_with_our_table))
