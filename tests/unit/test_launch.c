/* SPDX-License-Identifier: Apache-2.0 */
#include "support/check.h"

#include "base/array.h"
#include "base/text.h"
#include "vmm/launch.h"
#include "vmm/process.h"

/* A process that was started with these words. */
struct started {
    struct mig_process p;
    char *words[32];
    char *line;
};

static struct started start(const char *line)
{
    struct started s = {.line = mig_strdup(line)};
    char *rest = s.line, *word;

    while ((word = strsep(&rest, " ")) != NULL) {
        s.words[s.p.args_len++] = word;
    }
    return s;
}

static char *joined(const struct mig_launch *l)
{
    struct mig_text t = {0};

    mig_text_add(&t, "");
    for (size_t i = 0; i < l->len; i++) {
        mig_text_addf(&t, "%s%s", i > 0 ? " " : "", l->items[i]);
    }
    return t.items;
}

CHECK_TEST(the_scratch_guest_gets_what_decides_what_a_cpu_shows)
{
    /* clang-format off */
    static const struct {
        const char *label, *line, *without, *with;
    } cases[] = {
        {"nothing",                            "qemu",                                                          "",         ""                      },
        {"the CPU where QMP does not tell it", "qemu -cpu max,-avx -smp 4 -m 1G",                               "",
         "-cpu max,-avx -smp 4"                                                                                                                     },
        {"two dashes are one",                 "qemu --cpu max --nographic",                                    "",         "-cpu max"              },
        {"firmware always",                    "qemu -L /roms -display none",                                   "-L /roms", "-L /roms"              },
        {"a property of CPUs",                 "qemu -global kvm-pit.x=y -global max-x86_64-cpu.avx=off",       "",
         "-global max-x86_64-cpu.avx=off"                                                                                                           },
        {"spelt out",                          "qemu -global driver=max-x86_64-cpu,property=avx,value=off",     "",
         "-global driver=max-x86_64-cpu,property=avx,value=off"                                                                                     },
        {"in another order",                   "qemu -global property=avx,value=off,driver=max-x86_64-cpu",     "",
         "-global property=avx,value=off,driver=max-x86_64-cpu"                                                                                     },
        {"of another device",                  "qemu -global driver=kvm-pit,property=x-cpu,value=a-cpu",        "",         ""                      },
        {"the last word on power",             "qemu -overcommit cpu-pm=on -overcommit mem-lock=on,cpu_pm=off",
         "-overcommit cpu-pm=off",                                                                                          "-overcommit cpu-pm=off"},
        {"an option without its value",        "qemu -cpu",                                                     "",         ""                      },
        {"no option",                          "qemu cpu max",                                                  "",         ""                      },
        {"another option",                     "qemu -cpus max -smpx 2",                                        "",         ""                      },
    };
    /* clang-format on */

    CHECK_EACH (c, cases) {
        struct started s = start(c->line);

        s.p.args = s.words;
        for (int with = 0; with < 2; with++) {
            MIG_AUTO(mig_launch_clear) struct mig_launch l = {.items = NULL};
            MIG_AUTO(mig_free) char *got = NULL;

            mig_launch_add_options(&l, &s.p, with != 0);
            got = joined(&l);
            check_text(c->label, with != 0 ? c->with : c->without, got);
        }
        mig_free(s.line);
    }
}

CHECK_TEST(the_interrupt_controller_stays_where_it_is)
{
    /* clang-format off */
    static const struct {
        const char *label, *line, *expected;
    } cases[] = {
        {"by default",                           "qemu -machine q35",                                      "-accel kvm -machine pc-q35-7.2"                   },
        {"of the machine",                       "qemu -machine q35,accel=kvm,kernel_irqchip=split -m 1G",
         "-accel kvm,kernel-irqchip=split -machine pc-q35-7.2"                                                                                                },
        {"of the accelerator, which comes last",
         "qemu -M pc,kernel-irqchip=on -accel kvm,kernel-irqchip=off",                                     "-accel kvm,kernel-irqchip=off -machine pc-q35-7.2"},
        {"a longer key",                         "qemu -machine q35,kernel-irqchip-x=off",
         "-accel kvm -machine pc-q35-7.2"                                                                                                                     },
        {"a key without a value",                "qemu -machine q35,kernel-irqchip",
         "-accel kvm -machine pc-q35-7.2"                                                                                                                     },
    };
    /* clang-format on */

    CHECK_EACH (c, cases) {
        struct started s = start(c->line);
        MIG_AUTO(mig_launch_clear) struct mig_launch l = {.items = NULL};
        MIG_AUTO(mig_free) char *got = NULL;

        s.p.args = s.words;
        mig_launch_add_machine(&l, &s.p, "kvm", "pc-q35-7.2");
        got = joined(&l);
        check_text(c->label, c->expected, got);
        mig_free(s.line);
    }
}

CHECK_TEST(what_the_cpus_options_speak_of)
{
    /* clang-format off */
    static const struct {
        const char *label, *line;
        bool speaks;
    } cases[] = {
        {"in -cpu",    "qemu -cpu max,tsc-frequency=2000000000",      true },
        {"in -global", "qemu -global max-x86_64-cpu.tsc-frequency=1", true },
        {"elsewhere",  "qemu -name tsc-frequency -cpu max",           false},
        {"nowhere",    "qemu",                                        false},
    };
    /* clang-format on */

    CHECK_EACH (c, cases) {
        struct started s = start(c->line);

        s.p.args = s.words;
        check_true(c->label, mig_launch_speaks_of(&s.p, "tsc-freq") == c->speaks);
        mig_free(s.line);
    }
}

CHECK_MAIN(cmocka_unit_test(the_scratch_guest_gets_what_decides_what_a_cpu_shows),
           cmocka_unit_test(the_interrupt_controller_stays_where_it_is),
           cmocka_unit_test(what_the_cpus_options_speak_of))
