/* SPDX-License-Identifier: Apache-2.0 */
#include "pact/policy.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/array.h"
#include "base/options.h"
#include "base/text.h"
#include "cpu/level.h"
#include "cpu/wordlist.h"
#include "seal/seal.h"
#include "snapshot/builder.h"

#define FACT_PREFIX "policy."

static bool says_minimum(const struct mig_policy *p)
{
    return p->minimum != 0;
}

static bool read_minimum(struct mig_policy *p, const char *value, struct mig_error *err)
{
    return mig_wordlist_levels(value, &p->minimum, err);
}

static void print_minimum(const struct mig_policy *p, struct mig_text *t)
{
    mig_level_print_set(p->minimum, t);
}

static bool says_max_age(const struct mig_policy *p)
{
    return p->max_age_ms != 0;
}

static bool read_max_age(struct mig_policy *p, const char *value, struct mig_error *err)
{
    uint64_t ms = 0;

    if (!mig_options_parse_ms(value, &ms) || ms == 0) {
        return mig_fail(err, MIG_USAGE, "expected a time such as 12h or 30d, got '%.40s'", value);
    }
    p->max_age_ms = ms;
    return true;
}

static void print_max_age(const struct mig_policy *p, struct mig_text *t)
{
    static const struct {
        const char *unit;
        uint64_t ms;
    } units[] = {
        {"d",  86400000},
        {"h",  3600000 },
        {"m",  60000   },
        {"s",  1000    },
        {"ms", 1       },
    };
    size_t i = 0;

    while (p->max_age_ms % units[i].ms != 0) {
        i++;
    }
    mig_text_addf(t, "%llu%s", (unsigned long long)(p->max_age_ms / units[i].ms), units[i].unit);
}

static bool says_tolerate(const struct mig_policy *p)
{
    return p->says_tolerate;
}

static bool read_tolerate(struct mig_policy *p, const char *value, struct mig_error *err)
{
    p->says_tolerate = true;
    return mig_wordlist_groups(value, p->tolerate, err);
}

static void print_tolerate(const struct mig_policy *p, struct mig_text *t)
{
    const char *comma = "";

    for (int g = 0; g < MIG_GROUP_COUNT; g++) {
        if (p->tolerate[g]) {
            mig_text_addf(t, "%s%s", comma, mig_group_name((enum mig_group)g));
            comma = ",";
        }
    }
}

static bool says_security(const struct mig_policy *p)
{
    return p->says_security;
}

static bool read_security(struct mig_policy *p, const char *value, struct mig_error *err)
{
    p->says_security = true;
    p->security_warns = strcmp(value, "warn") == 0;
    return p->security_warns || strcmp(value, "block") == 0 ||
           mig_fail(err, MIG_USAGE, "expected block or warn, got '%.40s'", value);
}

static void print_security(const struct mig_policy *p, struct mig_text *t)
{
    mig_text_add(t, p->security_warns ? "warn" : "block");
}

static bool says_allow(const struct mig_policy *p)
{
    return p->says_allow;
}

static bool read_allow(struct mig_policy *p, const char *value, struct mig_error *err)
{
    const char *names[MIG_OPT_INS_MAX];
    size_t len = 0;

    if (!mig_wordlist_opt_ins(value, names, &len, err)) {
        return false;
    }
    p->says_allow = true;
    p->allow = mig_alloc(len, sizeof *p->allow);
    for (; p->allow_len < len; p->allow_len++) {
        p->allow[p->allow_len] = mig_strdup(names[p->allow_len]);
    }
    return true;
}

static void print_allow(const struct mig_policy *p, struct mig_text *t)
{
    for (size_t i = 0; i < p->allow_len; i++) {
        mig_text_addf(t, "%s%s", i > 0 ? "," : "", p->allow[i]);
    }
}

static const char *const prove_words[] = {
    [MIG_PROVE_OFF] = "off", [MIG_PROVE_LIVE] = "live", [MIG_PROVE_REQUIRED] = "required"};

static bool says_prove(const struct mig_policy *p)
{
    return p->prove != MIG_PROVE_UNSAID;
}

static bool read_prove(struct mig_policy *p, const char *value, struct mig_error *err)
{
    for (size_t i = MIG_PROVE_OFF; i < MIG_COUNT(prove_words); i++) {
        if (strcmp(value, prove_words[i]) == 0) {
            p->prove = (enum mig_prove)i;
            return true;
        }
    }
    return mig_fail(err, MIG_USAGE, "expected off, live or required, got '%.40s'", value);
}

static void print_prove(const struct mig_policy *p, struct mig_text *t)
{
    mig_text_add(t, prove_words[p->prove]);
}

static const struct {
    const char *name;
    bool (*says)(const struct mig_policy *p);
    bool (*read)(struct mig_policy *p, const char *value, struct mig_error *err);
    void (*print)(const struct mig_policy *p, struct mig_text *t);
} keys[] = {
    {"minimum",  says_minimum,  read_minimum,  print_minimum },
    {"max-age",  says_max_age,  read_max_age,  print_max_age },
    {"tolerate", says_tolerate, read_tolerate, print_tolerate},
    {"security", says_security, read_security, print_security},
    {"allow",    says_allow,    read_allow,    print_allow   },
    {"prove",    says_prove,    read_prove,    print_prove   },
};

/* A mig_options_also_fn. */
static bool take(void *target, const char *key, const char *value, struct mig_error *err)
{
    struct mig_policy *p = target;
    char shown[64];

    for (size_t i = 0; i < MIG_COUNT(keys); i++) {
        if (strcmp(keys[i].name, key) != 0) {
            continue;
        }
        if (keys[i].says(p)) {
            return mig_fail(err, MIG_USAGE, "%s: given twice", key);
        }
        if (!keys[i].read(p, value, err)) {
            mig_text_make_printable(err->msg);
            return mig_wrap(err, "%s", key);
        }
        return true;
    }
    (void)snprintf(shown, sizeof shown, "%s", key);
    mig_text_make_printable(shown);
    return mig_fail(err, MIG_USAGE,
                    "unknown key '%s'; keys are minimum, max-age, tolerate, security, allow, prove",
                    shown);
}

bool mig_policy_load(const char *path, struct mig_policy *ret, struct mig_error *err)
{
    static const struct mig_options none = {0};
    MIG_AUTO(mig_policy_clear) struct mig_policy p = {0};

    /* Of one that can not be looked at nobody knows what it says. */
    if (strcmp(path, MIG_POLICY_PATH) == 0 && access(path, F_OK) != 0 && errno == ENOENT) {
        *ret = p;
        return true;
    }
    if (!mig_options_load(&none, path, take, &p, err)) {
        return false;
    }
    *ret = p;
    p = (struct mig_policy){0};
    return true;
}

bool mig_policy_is_fact(const char *name)
{
    return mig_text_starts(name, FACT_PREFIX);
}

static bool read_fact(const struct mig_fact *f, struct mig_policy *p, struct mig_error *err)
{
    if (f->value == NULL) {
        return mig_fail(err, MIG_FORMAT, "%s: is unreadable", f->name);
    }
    return take(p, f->name + strlen(FACT_PREFIX), f->value, err) || mig_wrap(err, "policy");
}

bool mig_policy_of_snapshot(const struct mig_snapshot *s, struct mig_policy *ret,
                            struct mig_error *err)
{
    MIG_AUTO(mig_policy_clear) struct mig_policy p = {0};

    for (size_t i = 0; i < s->facts_len; i++) {
        if (mig_policy_is_fact(s->facts[i].name) && !read_fact(&s->facts[i], &p, err)) {
            err->code = MIG_FORMAT;
            return false;
        }
    }
    *ret = p;
    p = (struct mig_policy){0};
    return true;
}

void mig_policy_add_facts(const struct mig_policy *p, const char *source, struct mig_builder *b)
{
    for (size_t i = 0; i < MIG_COUNT(keys); i++) {
        MIG_AUTO(mig_text_clear) struct mig_text value = {0};
        char name[MIG_NAME_MAX];

        if (!keys[i].says(p)) {
            continue;
        }
        mig_text_add(&value, "");
        keys[i].print(p, &value);
        (void)snprintf(name, sizeof name, FACT_PREFIX "%s", keys[i].name);
        mig_builder_add_fact(b, name, value.items, source);
    }
}

/* Facts are sorted, and no name or value has a line's end. */
void mig_policy_digest(const struct mig_snapshot *s, unsigned char ret[MIG_DIGEST_BYTES])
{
    MIG_AUTO(mig_text_clear) struct mig_text lines = {0};

    mig_text_add(&lines, "");
    for (size_t i = 0; i < s->facts_len; i++) {
        const struct mig_fact *f = &s->facts[i];

        if (mig_policy_is_fact(f->name)) {
            mig_text_addf(&lines, "%s=%s\n", f->name, f->value != NULL ? f->value : "?");
        }
    }
    mig_sha256(lines.items, lines.len, ret);
}

bool mig_policy_allows(const struct mig_policy *p, const char *name)
{
    for (size_t i = 0; i < p->allow_len; i++) {
        if (strcmp(p->allow[i], name) == 0) {
            return true;
        }
    }
    return !p->says_allow;
}

static void tighten_allow(struct mig_policy *into, const struct mig_policy *other)
{
    size_t kept = 0;

    if (!other->says_allow) {
        return;
    }
    if (!into->says_allow) {
        into->says_allow = true;
        into->allow = mig_alloc(other->allow_len, sizeof *into->allow);
        for (; into->allow_len < other->allow_len; into->allow_len++) {
            into->allow[into->allow_len] = mig_strdup(other->allow[into->allow_len]);
        }
        return;
    }
    for (size_t i = 0; i < into->allow_len; i++) {
        if (mig_policy_allows(other, into->allow[i])) {
            into->allow[kept++] = into->allow[i];
        } else {
            mig_free(into->allow[i]);
        }
    }
    into->allow_len = kept;
}

void mig_policy_tighten(struct mig_policy *into, const struct mig_policy *other)
{
    into->minimum |= other->minimum;
    if (other->max_age_ms != 0 && (into->max_age_ms == 0 || other->max_age_ms < into->max_age_ms)) {
        into->max_age_ms = other->max_age_ms;
    }
    for (int g = 0; g < MIG_GROUP_COUNT && other->says_tolerate; g++) {
        into->tolerate[g] = other->tolerate[g] && (into->tolerate[g] || !into->says_tolerate);
    }
    into->says_tolerate |= other->says_tolerate;
    if (other->says_security) {
        into->security_warns =
            other->security_warns && (into->security_warns || !into->says_security);
        into->says_security = true;
    }
    into->prove = other->prove > into->prove ? other->prove : into->prove;
    tighten_allow(into, other);
}

void mig_policy_clear(struct mig_policy *p)
{
    for (size_t i = 0; i < p->allow_len; i++) {
        mig_free(p->allow[i]);
    }
    mig_free((void *)p->allow);
    *p = (struct mig_policy){0};
}
