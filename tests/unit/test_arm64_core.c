/* SPDX-License-Identifier: Apache-2.0 */
#include "cpu/arm64_core.h"

#include <string.h>

#include "support/check.h"

CHECK_TEST(a_core_is_told_by_name_version_and_number)
{
    static const struct {
        const char *label;
        uint64_t midr;
        const char *text;
    } cases[] = {
        {"Neoverse N1",       0x413fd0c1,         "Neoverse-N1 r3p1 (0x413fd0c1)"},
        {"Neoverse V1",       0x411fd401,         "Neoverse-V1 r1p1 (0x411fd401)"},
        {"Neoverse V2",       0x410fd4f1,         "Neoverse-V2 r0p1 (0x410fd4f1)"},
        {"Graviton 1",        0x410fd083,         "Cortex-A72 r0p3 (0x410fd083)" },
        {"A64FX",             0x461f0010,         "A64FX r1p0 (0x461f0010)"      },
        {"Kunpeng 920",       0x481fd010,         "Kunpeng-920 r1p0 (0x481fd010)"},
        {"Ampere-1A",         0xc00fac40,         "Ampere-1A r0p0 (0xc00fac40)"  },
        {"same part, other",  0x430fd0c1,         "0x430fd0c1"                   },
        {"unknown part",      0x410ffff0,         "0x410ffff0"                   },
        {"nothing",           0,                  "0x0"                          },
        {"more than 32 bits", 0x00000001413fd0c1, "0x1413fd0c1"                  },
    };

    CHECK_EACH (c, cases) {
        char text[MIG_ARM64_CORE_MAX];

        mig_arm64_core_print(c->midr, text);
        check_text(c->label, c->text, text);
    }
}

CHECK_TEST(the_longest_name_fits)
{
    static const uint64_t parts[] = {0x41ffd83f, 0x41ffd89f, 0x61ff023f};

    CHECK_EACH (c, parts) {
        char text[MIG_ARM64_CORE_MAX];

        mig_arm64_core_print(*c, text);
        check_true(text, text[strlen(text) - 1] == ')');
    }
}

CHECK_MAIN(cmocka_unit_test(a_core_is_told_by_name_version_and_number),
           cmocka_unit_test(the_longest_name_fits))
