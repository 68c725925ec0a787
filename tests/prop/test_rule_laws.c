/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Merge is the meet of a lattice and allows is its order: whatever the order
 * in which hosts are added, the result is the same and runs on each of them.
 */
#include <inttypes.h>
#include <stdio.h>

#include "base/bits.h"
#include "cpu/rule.h"
#include "support/check.h"
#include "support/prop.h"

/* A conflict is the bottom: it stays one, whatever joins. */
struct outcome {
    bool conflict;
    struct mig_value value;
};

static const char *const texts[] = {NULL, "", "q35", "pc", "virt"};

static struct mig_shape any_shape(struct prop *p, enum mig_rule rule)
{
    static const uint8_t widths[] = {1, 2, 4, 8, 16, 31, 32, 63, 64};
    struct mig_shape shape = {.rule = rule, .width = widths[prop_below(p, sizeof widths)]};

    if (rule == MIG_RULE_EXACT && prop_once_in(p, 2)) {
        shape.has_safe = true;
        shape.safe = prop_below(p, 4) & mig_bits_mask(shape.width - 1u, 0);
    }
    return shape;
}

/* Small numbers meet often, all ones and lone bits find the edges. */
static struct outcome any_value(struct prop *p, const struct mig_shape *shape)
{
    uint64_t mask = mig_bits_mask(shape->width - 1u, 0);
    struct outcome o = {0};

    if (shape->rule == MIG_RULE_EQUAL_TEXT) {
        o.value.text = texts[prop_below(p, sizeof texts / sizeof *texts)];
        return o;
    }
    switch (prop_below(p, 4)) {
    case 0:
        o.value.num = prop_below(p, 4) & mask;
        break;
    case 1:
        o.value.num = mask - (prop_below(p, 2) & mask);
        break;
    case 2:
        o.value.num = (UINT64_C(1) << prop_below(p, 64)) & mask;
        break;
    default:
        o.value.num = prop_next(p) & mask;
    }
    return o;
}

static struct outcome merge(const struct mig_shape *shape, struct outcome a, struct outcome b)
{
    struct outcome both = {.conflict = true};

    if (!a.conflict && !b.conflict) {
        both.conflict = !mig_rule_merge(shape, a.value, b.value, &both.value);
    }
    return both;
}

static void check_same(const char *law, const struct mig_shape *shape, struct outcome a,
                       struct outcome b)
{
    char label[160];

    (void)snprintf(label, sizeof label, "%s: rule %s, width %u, safe %d 0x%" PRIx64, law,
                   mig_rule_name(shape->rule), (unsigned)shape->width, shape->has_safe,
                   shape->safe);
    check_number(label, a.conflict, b.conflict);
    check_number(label, a.value.num, b.value.num);
    if (a.value.text != NULL || b.value.text != NULL) {
        check_text(label, a.value.text == NULL ? "(absent)" : a.value.text, b.value.text);
    }
}

static void check_yes(const char *law, const struct mig_shape *shape, struct outcome guest,
                      struct outcome host)
{
    char label[200];
    bool asks = shape->rule == MIG_RULE_OR_MITIGATION || shape->rule == MIG_RULE_DERIVED ||
                shape->rule == MIG_RULE_IDENTITY;
    enum mig_allow allow = mig_rule_allows(shape, guest.value, host.value);

    (void)snprintf(
        label, sizeof label, "%s: rule %s, width %u, guest 0x%" PRIx64 ", host 0x%" PRIx64, law,
        mig_rule_name(shape->rule), (unsigned)shape->width, guest.value.num, host.value.num);
    check_true(label, allow == MIG_ALLOW_YES || (asks && allow == MIG_ALLOW_ASK));
}

#define EACH_RULE(p, label)                                                                        \
    prop_init(&(p), label);                                                                        \
    for (unsigned run = 0, runs = prop_runs(1000); run < runs; run++)                              \
        for (unsigned rule = 0; rule < MIG_RULE_COUNT; rule++)

CHECK_TEST(merge_is_commutative)
{
    struct prop p;

    EACH_RULE(p, "merge is commutative")
    {
        struct mig_shape shape = any_shape(&p, (enum mig_rule)rule);
        struct outcome a = any_value(&p, &shape), b = any_value(&p, &shape);

        check_same("a*b = b*a", &shape, merge(&shape, a, b), merge(&shape, b, a));
    }
}

CHECK_TEST(merge_is_associative)
{
    struct prop p;

    EACH_RULE(p, "merge is associative")
    {
        struct mig_shape shape = any_shape(&p, (enum mig_rule)rule);
        struct outcome a = any_value(&p, &shape), b = any_value(&p, &shape),
                       c = any_value(&p, &shape);

        check_same("(a*b)*c = a*(b*c)", &shape, merge(&shape, merge(&shape, a, b), c),
                   merge(&shape, a, merge(&shape, b, c)));
    }
}

CHECK_TEST(merge_is_idempotent)
{
    struct prop p;

    EACH_RULE(p, "merge is idempotent")
    {
        struct mig_shape shape = any_shape(&p, (enum mig_rule)rule);
        struct outcome a = any_value(&p, &shape), b = any_value(&p, &shape), both;

        /* Denied bits go even when all hosts have them. */
        if (shape.rule != MIG_RULE_DENY) {
            check_same("a*a = a", &shape, merge(&shape, a, a), a);
        }
        both = merge(&shape, a, b);
        check_same("(a*b)*b = a*b", &shape, merge(&shape, both, b), both);
    }
}

CHECK_TEST(the_merge_is_allowed_on_every_member)
{
    struct prop p;

    EACH_RULE(p, "the merge is allowed on every member")
    {
        struct mig_shape shape = any_shape(&p, (enum mig_rule)rule);
        struct outcome a = any_value(&p, &shape), b = any_value(&p, &shape),
                       c = any_value(&p, &shape), all;

        all = merge(&shape, merge(&shape, a, b), c);
        if (!all.conflict) {
            check_yes("merge on a", &shape, all, a);
            check_yes("merge on b", &shape, all, b);
            check_yes("merge on c", &shape, all, c);
        }
    }
}

CHECK_TEST(a_host_allows_what_it_shows_itself)
{
    struct prop p;

    EACH_RULE(p, "a host allows what it shows itself")
    {
        struct mig_shape shape = any_shape(&p, (enum mig_rule)rule);
        struct outcome a = any_value(&p, &shape);

        if (shape.rule != MIG_RULE_DENY) {
            check_number(mig_rule_name(shape.rule), MIG_ALLOW_YES,
                         mig_rule_allows(&shape, a.value, a.value));
        }
    }
}

/* The order of the lattice: a guest fits a host exactly if the host has
 * nothing to take from it.  Mitigations turn the order round, and a safe value
 * fits hosts that it is no merge of. */
CHECK_TEST(nothing_above_the_merge_is_allowed)
{
    struct prop p;

    EACH_RULE(p, "nothing above the merge is allowed")
    {
        struct mig_shape shape = any_shape(&p, (enum mig_rule)rule);
        struct outcome guest = any_value(&p, &shape), host = any_value(&p, &shape), both;
        bool fits;

        if (!mig_rule_is_compared(shape.rule) || shape.rule == MIG_RULE_IDENTITY ||
            shape.rule == MIG_RULE_DERIVED || shape.rule == MIG_RULE_OR_MITIGATION) {
            continue;
        }
        both = merge(&shape, guest, host);
        fits = mig_rule_allows(&shape, guest.value, host.value) == MIG_ALLOW_YES;
        if (fits) {
            check_same("fits => merge keeps the guest", &shape, both, guest);
        } else {
            check_true(mig_rule_name(shape.rule),
                       both.conflict || both.value.num != guest.value.num);
        }
    }
}

CHECK_MAIN(cmocka_unit_test(merge_is_commutative), cmocka_unit_test(merge_is_associative),
           cmocka_unit_test(merge_is_idempotent),
           cmocka_unit_test(the_merge_is_allowed_on_every_member),
           cmocka_unit_test(a_host_allows_what_it_shows_itself),
           cmocka_unit_test(nothing_above_the_merge_is_allowed))
