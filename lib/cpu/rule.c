/* SPDX-License-Identifier: Apache-2.0 */
#include "cpu/rule.h"

#include <string.h>

#include "base/bits.h"

static const char *const names[MIG_RULE_COUNT] = {
#define RULE(id, name) [MIG_RULE_##id] = (name),
#include "cpu/rule.def"
};

static uint64_t smaller(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static uint64_t larger(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

/* Zero is worth more than any number: "no upper bound". */
static uint64_t larger_or_zero(uint64_t a, uint64_t b)
{
    return a == 0 || b == 0 ? 0 : larger(a, b);
}

static bool subset(uint64_t part, uint64_t whole)
{
    return (part & ~whole) == 0;
}

static bool signed_at_most(const struct mig_shape *shape, uint64_t a, uint64_t b)
{
    return mig_bits_signed(a, shape->width) <= mig_bits_signed(b, shape->width);
}

static bool same_text(struct mig_value a, struct mig_value b)
{
    if (a.text == NULL || b.text == NULL) {
        return a.text == b.text;
    }
    return strcmp(a.text, b.text) == 0;
}

bool mig_rule_merge(const struct mig_shape *shape, struct mig_value a, struct mig_value b,
                    struct mig_value *ret)
{
    struct mig_value both = {0};

    switch (shape->rule) {
    case MIG_RULE_AND:
    case MIG_RULE_AND_IMMUNE:
    case MIG_RULE_SET:
        both.num = a.num & b.num;
        break;
    case MIG_RULE_OR_MITIGATION:
    case MIG_RULE_OR_VULNERABLE:
    case MIG_RULE_OR_INVERTED:
    case MIG_RULE_OR:
        both.num = a.num | b.num;
        break;
    case MIG_RULE_SIGNED_LOWER:
        both.num = signed_at_most(shape, a.num, b.num) ? a.num : b.num;
        break;
    case MIG_RULE_LOWER:
    case MIG_RULE_MIN:
    case MIG_RULE_IDENTITY:
    case MIG_RULE_DERIVED:
    case MIG_RULE_FROZEN:
    case MIG_RULE_PER_VCPU:
    case MIG_RULE_RUNTIME:
        both.num = smaller(a.num, b.num);
        break;
    case MIG_RULE_HIGHER:
    case MIG_RULE_MAX:
        both.num = larger(a.num, b.num);
        break;
    case MIG_RULE_HIGHER_OR_ZERO:
        both.num = larger_or_zero(a.num, b.num);
        break;
    case MIG_RULE_EXACT:
        if (a.num != b.num && !shape->has_safe) {
            return false;
        }
        both.num = a.num == b.num ? a.num : shape->safe;
        break;
    case MIG_RULE_EQUAL_TEXT:
        if (!same_text(a, b)) {
            return false;
        }
        both.text = a.text;
        break;
    case MIG_RULE_DENY:
    case MIG_RULE_COUNT:
        break;
    }
    *ret = both;
    return true;
}

static enum mig_allow yes_or(bool yes, enum mig_allow otherwise)
{
    return yes ? MIG_ALLOW_YES : otherwise;
}

enum mig_allow mig_rule_allows(const struct mig_shape *shape, struct mig_value guest,
                               struct mig_value host)
{
    switch (shape->rule) {
    case MIG_RULE_AND:
    case MIG_RULE_SET:
        return yes_or(subset(guest.num, host.num), MIG_ALLOW_NO);
    case MIG_RULE_AND_IMMUNE:
        return yes_or(subset(guest.num, host.num), MIG_ALLOW_INSECURE);
    case MIG_RULE_OR_MITIGATION:
        return yes_or(subset(guest.num, host.num), MIG_ALLOW_ASK);
    case MIG_RULE_OR_VULNERABLE:
        return yes_or(subset(host.num, guest.num), MIG_ALLOW_ASK);
    case MIG_RULE_OR_INVERTED:
    case MIG_RULE_OR:
        return yes_or(subset(host.num, guest.num), MIG_ALLOW_NO);
    case MIG_RULE_LOWER:
    case MIG_RULE_MIN:
        return yes_or(guest.num <= host.num, MIG_ALLOW_NO);
    case MIG_RULE_SIGNED_LOWER:
        return yes_or(signed_at_most(shape, guest.num, host.num), MIG_ALLOW_NO);
    case MIG_RULE_HIGHER:
    case MIG_RULE_MAX:
        return yes_or(guest.num >= host.num, MIG_ALLOW_NO);
    case MIG_RULE_HIGHER_OR_ZERO:
        return yes_or(larger_or_zero(guest.num, host.num) == guest.num, MIG_ALLOW_NO);
    case MIG_RULE_EXACT:
        return yes_or(guest.num == host.num || (shape->has_safe && guest.num == shape->safe),
                      MIG_ALLOW_NO);
    case MIG_RULE_EQUAL_TEXT:
        return yes_or(same_text(guest, host), MIG_ALLOW_NO);
    case MIG_RULE_IDENTITY:
    case MIG_RULE_DERIVED:
        return yes_or(guest.num == host.num, MIG_ALLOW_ASK);
    case MIG_RULE_DENY:
        return yes_or(guest.num == 0, MIG_ALLOW_NO);
    case MIG_RULE_FROZEN:
    case MIG_RULE_PER_VCPU:
    case MIG_RULE_RUNTIME:
    case MIG_RULE_COUNT:
        break;
    }
    return MIG_ALLOW_YES;
}

bool mig_rule_is_compared(enum mig_rule rule)
{
    return rule != MIG_RULE_FROZEN && rule != MIG_RULE_PER_VCPU && rule != MIG_RULE_RUNTIME;
}

const char *mig_rule_name(enum mig_rule rule)
{
    return names[rule];
}

bool mig_rule_parse(const char *name, enum mig_rule *ret)
{
    for (unsigned rule = 0; rule < MIG_RULE_COUNT; rule++) {
        if (strcmp(names[rule], name) == 0) {
            *ret = (enum mig_rule)rule;
            return true;
        }
    }
    return false;
}
