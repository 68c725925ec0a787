/* SPDX-License-Identifier: Apache-2.0 */
#include "snapshot/cmdline.h"

#include "snapshot/builder.h"
#include "support/check.h"

CHECK_TEST(switches_become_facts)
{
    static const struct {
        const char *label, *line, *name, *value;
    } cases[] = {
        {"with a value",    "quiet mitigations=off ro",              "cmdline.mitigations",      "off"     },
        {"bare",            "nosmt\n",                               "cmdline.nosmt",            ""        },
        {"dash",            "kvm-intel.nested=1",                    "cmdline.kvm_intel.nested", "1"       },
        {"the last holds",  "tsx=on tsx=off",                        "cmdline.tsx",              "off"     },
        {"spelled twice",   "kvm-intel.nested=0 kvm_intel.nested=1", "cmdline.kvm_intel.nested", "1"       },
        {"protection keys", "nopku",                                 "cmdline.nopku",            ""        },
        {"cleared",         "clearcpuid=514,umip",                   "cmdline.clearcpuid",       "514,umip"},
        {"secret",          "password=hunter2",                      "cmdline.password",         NULL      },
        {"longer name",     "mitigationsx=off",                      "cmdline.mitigationsx",     NULL      },
        {"module alone",    "kvm.",                                  "cmdline.kvm.",             NULL      },
        {"nothing",         "",                                      "cmdline.tsx",              NULL      },
    };

    CHECK_EACH (c, cases) {
        MIG_AUTO(mig_builder_free) struct mig_builder *b = mig_builder_new(MIG_ARCH_X86);
        MIG_AUTO(mig_snapshot_free) struct mig_snapshot *s = NULL;
        struct mig_error err;
        const char *got;

        mig_cmdline_add_facts(b, c->line, "/proc/cmdline");
        check_done(c->label, mig_builder_freeze(b, &s, &err), &err);
        got = mig_snapshot_fact(s, c->name);
        check_text(c->label, c->value != NULL ? c->value : "none", got != NULL ? got : "none");
    }
}

CHECK_MAIN(cmocka_unit_test(switches_become_facts))
