/* SPDX-License-Identifier: Apache-2.0 */
#include "cpu/rule.h"

#include "support/check.h"

#define WIDE(rule_)                                                                                \
    {                                                                                              \
        .rule = MIG_RULE_##rule_, .width = 32                                                      \
    }
#define NARROW(rule_)                                                                              \
    {                                                                                              \
        .rule = MIG_RULE_##rule_, .width = 4                                                       \
    }
#define SAFE(value)                                                                                \
    {                                                                                              \
        .rule = MIG_RULE_EXACT, .width = 8, .has_safe = true, .safe = (value)                      \
    }

CHECK_TEST(merge_gives_what_both_hosts_have_in_common)
{
    static const struct {
        const char *label;
        struct mig_shape shape;
        uint64_t a, b;
        bool fits;
        uint64_t both;
    } cases[] = {
        {"and intersects",                        WIDE(AND),              0xc,     0xa,     true,  0x8    },
        {"immunity only if all have it",          WIDE(AND_IMMUNE),       1,       0,       true,  0      },
        {"a listed register only if all list it", WIDE(SET),              1,       0,       true,  0      },
        {"mitigation if any needs it",            WIDE(OR_MITIGATION),    1,       0,       true,  1      },
        {"vulnerability if any has it",           WIDE(OR_VULNERABLE),    0,       1,       true,  1      },
        {"lost behaviour if any lost it",         WIDE(OR_INVERTED),      1,       0,       true,  1      },
        {"must-be-1 bits add up",                 WIDE(OR),               0x5,     0x6,     true,  0x7    },
        {"lower",                                 NARROW(LOWER),          0xf,     2,       true,  2      },
        {"signed: 0xf is below 0",                NARROW(SIGNED_LOWER),   0xf,     0,       true,  0xf    },
        {"signed: 0xf is below 1",                NARROW(SIGNED_LOWER),   1,       0xf,     true,  0xf    },
        {"signed: 0x8 is lowest",                 NARROW(SIGNED_LOWER),   0x8,     0xf,     true,  0x8    },
        {"signed over 64 bits",
         {.rule = MIG_RULE_SIGNED_LOWER, .width = 64},
         ~UINT64_C(0),
         5,                                                                                 true,
         ~UINT64_C(0)                                                                                     },
        {"min",                                   WIDE(MIN),              46,      52,      true,  46     },
        {"higher",                                NARROW(HIGHER),         3,       5,       true,  5      },
        {"max",                                   WIDE(MAX),              1024,    4096,    true,  4096   },
        {"zero beats any number",                 NARROW(HIGHER_OR_ZERO), 0,       5,       true,  0      },
        {"else the larger",                       NARROW(HIGHER_OR_ZERO), 3,       5,       true,  5      },
        {"exact, equal",                          WIDE(EXACT),            64,      64,      true,  64     },
        {"exact, conflict",                       WIDE(EXACT),            64,      32,      false, 0      },
        {"exact, safe value",                     SAFE(48),               57,      48,      true,  48     },
        {"exact, safe value of neither",          SAFE(48),               57,      52,      true,  48     },
        {"exact, equal keeps the value",          SAFE(48),               57,      57,      true,  57     },
        {"identity",                              WIDE(IDENTITY),         9,       4,       true,  4      },
        {"derived",                               WIDE(DERIVED),          832,     576,     true,  576    },
        {"frozen",                                WIDE(FROZEN),           0x50654, 0x606a6, true,  0x50654},
        {"per vcpu",                              WIDE(PER_VCPU),         3,       1,       true,  1      },
        {"runtime",                               WIDE(RUNTIME),          1,       0,       true,  0      },
        {"deny",                                  WIDE(DENY),             1,       1,       true,  0      },
    };

    CHECK_EACH (c, cases) {
        struct mig_value both = {.num = 0xdead};
        struct mig_value a = {.num = c->a}, b = {.num = c->b};

        check_number(c->label, c->fits, mig_rule_merge(&c->shape, a, b, &both));
        check_number(c->label, c->fits ? c->both : 0xdead, both.num);
        both.num = 0xdead;
        check_number(c->label, c->fits, mig_rule_merge(&c->shape, b, a, &both));
        check_number(c->label, c->fits ? c->both : 0xdead, both.num);
    }
}

CHECK_TEST(a_guest_may_move_by_its_rule)
{
    static const struct {
        const char *label;
        struct mig_shape shape;
        uint64_t guest, host;
        enum mig_allow allow;
    } cases[] = {
        {"and, host has it",                    WIDE(AND),              0x1,  0x3,  MIG_ALLOW_YES     },
        {"and, host lacks it",                  WIDE(AND),              0x3,  0x1,  MIG_ALLOW_NO      },
        {"immunity kept",                       WIDE(AND_IMMUNE),       1,    1,    MIG_ALLOW_YES     },
        {"immunity gained",                     WIDE(AND_IMMUNE),       0,    1,    MIG_ALLOW_YES     },
        {"immunity lost",                       WIDE(AND_IMMUNE),       1,    0,    MIG_ALLOW_INSECURE},
        {"listed",                              WIDE(SET),              1,    1,    MIG_ALLOW_YES     },
        {"no longer listed",                    WIDE(SET),              1,    0,    MIG_ALLOW_NO      },
        {"mitigation kept",                     WIDE(OR_MITIGATION),    1,    1,    MIG_ALLOW_YES     },
        {"mitigation lost, host may be immune", WIDE(OR_MITIGATION),    1,    0,    MIG_ALLOW_ASK     },
        {"mitigation not shown",                WIDE(OR_MITIGATION),    0,    1,    MIG_ALLOW_YES     },
        {"vulnerability known",                 WIDE(OR_VULNERABLE),    1,    0,    MIG_ALLOW_YES     },
        {"vulnerability unknown",               WIDE(OR_VULNERABLE),    0,    1,    MIG_ALLOW_ASK     },
        {"old behaviour gone",                  WIDE(OR_INVERTED),      0,    1,    MIG_ALLOW_NO      },
        {"guest never had it",                  WIDE(OR_INVERTED),      1,    0,    MIG_ALLOW_YES     },
        {"host forces a bit",                   WIDE(OR),               0x1,  0x3,  MIG_ALLOW_NO      },
        {"lower",                               NARROW(LOWER),          1,    2,    MIG_ALLOW_YES     },
        {"not lower",                           NARROW(LOWER),          2,    1,    MIG_ALLOW_NO      },
        {"signed: not implemented fits all",    NARROW(SIGNED_LOWER),   0xf,  0,    MIG_ALLOW_YES     },
        {"signed: implemented does not",        NARROW(SIGNED_LOWER),   0,    0xf,  MIG_ALLOW_NO      },
        {"narrower addresses",                  WIDE(MIN),              46,   52,   MIG_ALLOW_YES     },
        {"wider addresses",                     WIDE(MIN),              52,   46,   MIG_ALLOW_NO      },
        {"larger line",                         NARROW(HIGHER),         4,    3,    MIG_ALLOW_YES     },
        {"smaller line",                        NARROW(HIGHER),         3,    4,    MIG_ALLOW_NO      },
        {"room for the host",                   WIDE(MAX),              4096, 1024, MIG_ALLOW_YES     },
        {"too little room",                     WIDE(MAX),              1024, 4096, MIG_ALLOW_NO      },
        {"zero fits all",                       NARROW(HIGHER_OR_ZERO), 0,    5,    MIG_ALLOW_YES     },
        {"larger fits",                         NARROW(HIGHER_OR_ZERO), 5,    3,    MIG_ALLOW_YES     },
        {"smaller does not",                    NARROW(HIGHER_OR_ZERO), 3,    5,    MIG_ALLOW_NO      },
        {"number meets zero",                   NARROW(HIGHER_OR_ZERO), 3,    0,    MIG_ALLOW_NO      },
        {"exact",                               WIDE(EXACT),            64,   64,   MIG_ALLOW_YES     },
        {"not exact",                           WIDE(EXACT),            64,   32,   MIG_ALLOW_NO      },
        {"zero is no safe value by itself",     WIDE(EXACT),            0,    32,   MIG_ALLOW_NO      },
        {"safe value",                          SAFE(48),               48,   57,   MIG_ALLOW_YES     },
        {"unsafe value",                        SAFE(48),               57,   48,   MIG_ALLOW_NO      },
        {"same model",                          WIDE(IDENTITY),         7,    7,    MIG_ALLOW_YES     },
        {"other model",                         WIDE(IDENTITY),         7,    8,    MIG_ALLOW_ASK     },
        {"derived, same",                       WIDE(DERIVED),          832,  832,  MIG_ALLOW_YES     },
        {"derived, to be recomputed",           WIDE(DERIVED),          832,  2696, MIG_ALLOW_ASK     },
        {"frozen",                              WIDE(FROZEN),           1,    2,    MIG_ALLOW_YES     },
        {"per vcpu",                            WIDE(PER_VCPU),         1,    2,    MIG_ALLOW_YES     },
        {"runtime",                             WIDE(RUNTIME),          1,    0,    MIG_ALLOW_YES     },
        {"denied but clear",                    WIDE(DENY),             0,    1,    MIG_ALLOW_YES     },
        {"denied",                              WIDE(DENY),             1,    1,    MIG_ALLOW_NO      },
    };

    CHECK_EACH (c, cases) {
        struct mig_value guest = {.num = c->guest}, host = {.num = c->host};

        check_number(c->label, c->allow, mig_rule_allows(&c->shape, guest, host));
    }
}

CHECK_TEST(texts_are_equal_or_in_conflict)
{
    static const struct {
        const char *label, *a, *b;
        bool same;
    } cases[] = {
        {"equal",               "q35",        "q35",        true },
        {"different",           "pc-q35-7.2", "pc-q35-8.0", false},
        {"prefix",              "q35",        "q35x",       false},
        {"one absent",          NULL,         "q35",        false},
        {"both absent",         NULL,         NULL,         true },
        {"empty is not absent", "",           NULL,         false},
    };
    static const struct mig_shape shape = {.rule = MIG_RULE_EQUAL_TEXT};

    CHECK_EACH (c, cases) {
        char copy[16] = "";
        struct mig_value a = {.text = c->a}, b = {.text = c->b}, both = {.num = 5};

        if (c->b != NULL) {
            strcpy(copy, c->b);
            b.text = copy; /* equal by content, not by address */
        }
        check_number(c->label, c->same, mig_rule_merge(&shape, a, b, &both));
        check_number(c->label, c->same ? 0 : 5, both.num);
        check_true(c->label, both.text == (c->same ? c->a : NULL));
        check_number(c->label, c->same ? MIG_ALLOW_YES : MIG_ALLOW_NO,
                     mig_rule_allows(&shape, a, b));
    }
}

CHECK_TEST(names_parse_back)
{
    for (unsigned i = 0; i < MIG_RULE_COUNT; i++) {
        enum mig_rule rule = MIG_RULE_COUNT;

        check_true("parses", mig_rule_parse(mig_rule_name((enum mig_rule)i), &rule));
        check_number(mig_rule_name((enum mig_rule)i), i, rule);
    }
}

CHECK_TEST(unknown_names_do_not_parse)
{
    static const char *const cases[] = {"", "AND", "and ", "subset"};

    CHECK_EACH (c, cases) {
        enum mig_rule rule = MIG_RULE_MIN;

        check_true(*c, !mig_rule_parse(*c, &rule));
        check_number(*c, MIG_RULE_MIN, rule);
    }
}

CHECK_TEST(three_rules_are_never_compared)
{
    for (unsigned i = 0; i < MIG_RULE_COUNT; i++) {
        enum mig_rule rule = (enum mig_rule)i;
        bool never =
            rule == MIG_RULE_FROZEN || rule == MIG_RULE_PER_VCPU || rule == MIG_RULE_RUNTIME;

        check_number(mig_rule_name(rule), !never, mig_rule_is_compared(rule));
    }
}

CHECK_MAIN(cmocka_unit_test(merge_gives_what_both_hosts_have_in_common),
           cmocka_unit_test(a_guest_may_move_by_its_rule),
           cmocka_unit_test(texts_are_equal_or_in_conflict), cmocka_unit_test(names_parse_back),
           cmocka_unit_test(unknown_names_do_not_parse),
           cmocka_unit_test(three_rules_are_never_compared))
